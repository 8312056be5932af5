# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The loader: machines and protocols that it must start from, and input that it must refuse.

A kernel made for this test (boot/probe.c) checks what abi/bootinfo.h promises and prints boot_info;
what is expected of its values is checked here.
"""
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import mkimage
import mkiso
from boot import gdbstub
from harness import boot_command, build_directory
from pithlib import qemu

MIB = 1 << 20
PAGE = 4096
GOOD = qemu.decode(0x20 << 1 | 1)
REFUSED = qemu.decode(0x7F << 1 | 1)
FREE, KERNEL, ROOT, MODULE, FIRMWARE, IRQCHIP, DEVICE = range(7)
READ, WRITE, EXECUTE = 4, 2, 1  # p_flags
OVMF = Path("/usr/share/OVMF")
MAX_INSTRUCTIONS = 3_000_000


# --- building input -----------------------------------------------------------------------------

def elf(segments, entry=0x400000, **header):
    """A program of (address, flags, content, size in memory) segments; header overrides fields."""
    fields = {"class": 2, "type": 2, "machine": 62, "phentsize": 56, "interp": False, **header}
    phdrs, body = b"", b""
    start = 64 + 56 * (len(segments) + 1)
    for vaddr, flags, data, size in segments:
        phdrs += struct.pack("<IIQQQQQQ", 1, flags, start + len(body), vaddr, 0, len(data), size, PAGE)
        body += data
    kind = 3 if fields["interp"] else 4
    phdrs += struct.pack("<IIQQQQQQ", kind, 4, 0, 0, 0, 0, 0, 1)
    head = b"\x7fELF" + bytes([fields["class"], 1, 1]) + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", fields["type"], fields["machine"], 1, entry, 64, 0, 0, 64,
                        fields["phentsize"], len(segments) + 1, 0, 0, 0)
    return head + phdrs + body


ROOT_SEGMENTS = [(0x400000, READ | EXECUTE, b"code" * 700, 2800),
                 (0x402000, READ, b"constants", 9),
                 (0x500000, READ | WRITE, b"data", 3 * PAGE + 5)]
ROOT_FILE = elf(ROOT_SEGMENTS)
MODULES = [("first", b"one"), ("second.txt", bytes(range(256)) * 33), ("empty", b""),
           ("page", b"p" * PAGE)]


def probe() -> bytes:
    return (build_directory() / "tests/system/boot/probe").read_bytes()


def standard_image() -> bytes:
    return mkimage.build([("kernel", probe()), ("root", ROOT_FILE), *MODULES])


@pytest.fixture
def files(artefacts, pith_build):
    """Gives a function that writes an image and returns its path."""
    def write(image: bytes, name="image") -> Path:
        path = artefacts / name
        path.write_bytes(image)
        return path
    return write


# --- running ------------------------------------------------------------------------------------

def machine(kind="q35", memory=512, cpus=1, cpu="max", extra=()):
    command = qemu.machine(memory=memory, cpus=cpus, cpu=cpu)
    command[command.index("-M") + 1] = kind
    return [*command, *extra]


def pvh(image: Path, append="", **options):
    command = [*machine(**options), "-kernel", str(build_directory() / "boot/loader")]
    command += ["-initrd", str(image)] if image else []
    return [*command, "-append", append] if append else command


def parse(serial: str) -> dict:
    """Lines "key value..." after the probe's first, as lists of lists."""
    found = {}
    for line in serial[serial.index("probe\n"):].splitlines():
        key, _, rest = line.partition(" ")
        values = [int(w, 16) if w.startswith("0x") else w for w in rest.split()]
        found.setdefault(key, []).append(values)
    return found


def fnv(data: bytes) -> int:
    value = 0x811C9DC5
    for byte in data:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def whole_pages(data: bytes, size=0) -> bytes:
    size = max(size, len(data))
    return data.ljust(-(-size // PAGE) * PAGE, b"\0")


def check_programs(info: dict, modules) -> None:
    rights = {READ: 1, READ | WRITE: 3, READ | EXECUTE: 5}
    assert info["root_entry"] == [[0x400000]]
    assert [[v, n, r, h] for v, _, n, r, h in info["root"]] == [
        [vaddr, len(whole_pages(data, size)), rights[flags], fnv(whole_pages(data, size))]
        for vaddr, flags, data, size in ROOT_SEGMENTS]
    assert [[m[0], m[2], m[3]] for m in info.get("module", [])] == [
        [name, len(data), fnv(data)] for name, data in modules]


def check_good(result, memory=512, modules=tuple(MODULES)) -> dict:
    """What holds on every machine; returns the parsed boot_info."""
    assert "FAILED" not in result.serial, result.explain()
    assert result.end == GOOD, result.explain()
    info = parse(result.serial)
    assert info["failures"] == [[0]] and "end" in info
    check_programs(info, modules)
    ram = sum(size for base, size, kind in info["memory"] if kind in (FREE, KERNEL, ROOT, MODULE))
    assert memory * MIB * 0.93 - 2 * MIB < ram < memory * MIB
    free = sum(size for base, size, kind in info["memory"] if kind == FREE)
    assert ram - free < 4 * MIB
    assert info["clock_hz"][0][0] > 10**8 and info["timer_hz"][0][0] > 10**6
    assert [c[1] for c in info["cpu"]].count(3) == 1
    return info


def check_refused(result, *words) -> None:
    errors = [line for line in result.lines if "pith loader: error:" in line]
    assert errors, result.explain()
    for word in words:
        assert any(word in line for line in errors), f"'{word}' not in {errors}"
    assert result.end == REFUSED, result.explain()


# --- good machines ------------------------------------------------------------------------------

SHAPES = {
    "q35": {},
    "small": {"memory": 64},
    "four-cpus": {"cpus": 4},
    "large": {"memory": 6144},
    "large-without-giant-pages": {"memory": 6144, "cpu": "max,-pdpe1gb"},
    "without-crc-instruction": {"cpu": "max,-sse4.2"},
    "i440fx": {"kind": "pc"},
    "without-hpet": {"extra": ["-no-hpet"]},
    "microvm": {"kind": "microvm"},
    "iommu": {"extra": ["-device", "intel-iommu"]},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_pvh(shape, files, artefacts):
    options = SHAPES[shape]
    result = boot_command(pvh(files(standard_image()), append="one two", **options), artefacts)
    info = check_good(result, options.get("memory", 512))
    assert info["cmdline"] == [["one", "two"]]
    assert len(info["cpu"]) == options.get("cpus", 1)
    assert ("iommu" in info) == (shape == "iommu")
    if options.get("kind", "q35") == "q35":
        assert info["pm1_cnt"][0][0] == 0x604 and info["pci"] == [[0xB0000000, 0, 255]]
        assert info["reset"] == [[0xCF9, 0xF]]
        assert info["hpet_base"] == [[0 if shape == "without-hpet" else 0xFED00000]]


def test_iommu(files, artefacts):
    options = {"extra": ["-device", "intel-iommu,intremap=on"], "kind": "q35,kernel-irqchip=split"}
    info = check_good(boot_command(pvh(files(standard_image()), **options), artefacts))
    assert [unit[:3] for unit in info["iommu"]] == [[0, 0, 0xFED90000]]
    assert info["features"][0][0] & 2


@pytest.mark.parametrize("firmware,memory", [("seabios", 64), ("seabios", 6144), ("ovmf", 6144)])
def test_grub(firmware, memory, files, artefacts):
    iso = artefacts / "cd.iso"
    loader = build_directory() / "boot/loader"
    mkiso.make(str(iso), str(loader), str(files(standard_image())), ["quiet", "a=b"])
    command = [*machine(memory=memory), "-cdrom", str(iso)]
    if firmware == "ovmf":
        command += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={OVMF}/OVMF_CODE_4M.fd",
                    "-drive", f"if=pflash,unit=1,format=raw,snapshot=on,file={OVMF}/OVMF_VARS_4M.fd"]
    info = check_good(boot_command(command, artefacts), memory)
    assert info["cmdline"] == [["quiet", "a=b"]]
    assert info["acpi_rsdp"][0][0] != 0


def test_grub_keeps_large_modules_in_place(files, artefacts):
    """And copies nothing that fits where it is."""
    iso = artefacts / "cd.iso"
    large = [("large", b"l" * (3 * MIB + 1))]
    image = mkimage.build([("root", ROOT_FILE), *large, ("kernel", probe())])
    mkiso.make(str(iso), str(build_directory() / "boot/loader"), str(files(image)), [])
    result = boot_command([*machine(), "-cdrom", str(iso)], artefacts)
    assert result.end == GOOD, result.explain()
    info = parse(result.serial)
    kernel = [base for base, size, kind in info["memory"] if kind == KERNEL]
    assert kernel and info["module"][0][2] == 3 * MIB + 1


def test_long_command_line_is_cut(files, artefacts):
    result = boot_command(pvh(files(standard_image()), append="x" * 400), artefacts)
    assert check_good(result)["cmdline"] == [["x" * 255]]


def test_runs_without_serial_port(files, artefacts):
    """Nothing hangs; the device that ends QEMU tells how it went."""
    def end(image):
        command = [*pvh(image, extra=["-nodefaults"]), "-display", "none", "-serial", "none"]
        return qemu.decode(subprocess.run(command, timeout=60, check=False).returncode)
    assert end(files(b"rubbish" * 100)) == REFUSED
    assert end(files(standard_image())) == GOOD


def test_instructions(files, artefacts):
    """From the first instruction to the kernel's, calibration apart; the same in every run."""
    image = mkimage.build([("kernel", probe()), ("root", ROOT_FILE), ("big", bytes(2 * MIB))])
    ticks = []
    for name in ("first", "second"):
        result = boot_command(pvh(files(image), extra=qemu.COUNTED), artefacts, name=name)
        assert result.end == GOOD, result.explain()
        total, calibration = parse(result.serial)["ticks"][0]
        ticks.append(total - calibration)
        hz = parse(result.serial)["clock_hz"][0][0]
        assert abs(hz - 10**9) < 10**4
    print(f"{ticks[0]} instructions, of which the check of {len(image)} bytes")
    assert ticks[0] == ticks[1] < MAX_INSTRUCTIONS


# --- CPUs ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("cpu,lacks", [
    ("max,-nx", ["NX (no-execute pages)"]),
    ("max,-syscall", ["SYSCALL"]),
    ("max,-lm", ["LM (64-bit mode)"]),
    ("max,-fsgsbase", ["FSGSBASE"]),
    ("max,-xsave", ["XSAVE"]),
    ("max,-apic", ["APIC"]),
    ("qemu64", ["FSGSBASE", "XSAVE"]),
    ("qemu64,-nx,-syscall", ["FSGSBASE", "XSAVE", "NX", "SYSCALL"]),
    ("qemu32", ["LM (64-bit mode)"]),
])
def test_refuses_cpu(cpu, lacks, files, artefacts):
    result = boot_command(pvh(files(standard_image()), cpu=cpu), artefacts)
    check_refused(result, *[f"this CPU lacks {name}" for name in lacks])


# --- boot images --------------------------------------------------------------------------------

def changed(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value):]


def table_changed(at: int, value: bytes) -> bytes:
    """The standard image with a change in its table of files, whose check sum is right again."""
    image = changed(standard_image(), at, value)
    size = 56 * struct.unpack_from("<I", image, 12)[0]
    return changed(image, 24, struct.pack("<I", mkimage.crc32c(image[32:32 + size])))


def entry(index: int, field: int) -> int:
    return 32 + 56 * index + field


BAD_IMAGES = {
    "too short": (lambda: b"x" * 20, "too short"),
    "magic": (lambda: changed(standard_image(), 0, b"PK"), "not a boot image"),
    "version": (lambda: changed(standard_image(), 8, b"\x09"), "another version of the loader"),
    "truncated": (lambda: standard_image()[:-PAGE], "truncated"),
    "half": (lambda: standard_image()[:len(standard_image()) // 2], "truncated"),
    "table sum": (lambda: changed(standard_image(), entry(0, 40), b"\x01"), "check sum of its table"),
    "count": (lambda: changed(standard_image(), 12, b"\xff\xff"), "too many files"),
    "kernel sum": (lambda: changed(standard_image(), PAGE + 200, b"\xff\xfe"),
                   '"kernel": its check sum is wrong'),
    "module sum": (lambda: changed(standard_image(), len(standard_image()) - PAGE, b"x"),
                   '"page": its check sum is wrong'),
    "offset": (lambda: table_changed(entry(1, 32), b"\x01"), '"root": does not start at a page'),
    "size": (lambda: table_changed(entry(1, 40), b"\xff" * 8), '"root": reaches over the end'),
    "overlap": (lambda: table_changed(entry(1, 32), struct.pack("<Q", PAGE)),
                '"root": overlaps another file'),
    "name": (lambda: table_changed(entry(2, 0), b"x" * 32), "name is empty or not terminated"),
    "twice": (lambda: table_changed(entry(2, 0), b"root\0\0"), '"root": is there twice'),
    "no root": (lambda: mkimage.build([("kernel", probe())]), '"root": is missing'),
    "no kernel": (lambda: mkimage.build([("root", ROOT_FILE)]), '"kernel": is missing'),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_refuses_image(case, files, artefacts):
    make, words = BAD_IMAGES[case]
    check_refused(boot_command(pvh(files(make())), artefacts), "boot image", words)


def test_refuses_missing_image(artefacts, pith_build):
    check_refused(boot_command(pvh(None), artefacts), "boot image: missing")


CODE = (0x400000, READ | EXECUTE, b"\xf4", 1)
BAD_ROOTS = {
    "not ELF": (b"#!/bin/sh\n" + bytes(100), "not an ELF file"),
    "short": (b"\x7fELF", "too short for an ELF file"),
    "class": (elf([CODE], **{"class": 1}), "not a 64-bit ELF file"),
    "machine": (elf([CODE], machine=183), "made for another machine"),
    "type": (elf([CODE], type=1), "not an executable ELF file"),
    "pie": (elf([CODE], type=3), "position-independent"),
    "dynamic": (elf([CODE], interp=True), "linked dynamically"),
    "truncated": (elf([(0x400000, READ | EXECUTE, b"x" * 500, 500)])[:-9], "beyond its end"),
    "write and execute": (elf([(0x400000, 7, b"", 1)]), "writable and executable"),
    "unaligned": (elf([CODE, (0x401008, READ, b"x", 1)]), "does not start at a page"),
    "overlap": (elf([CODE, (0x400000, READ, b"x", 1)]), "overlap"),
    "shared page": (elf([(0x400000, READ | EXECUTE, b"", 4097), (0x401000, READ, b"x", 1)]), "share"),
    "page 0": (elf([(0, READ | EXECUTE, b"x", 1)], entry=0), "outside of its part"),
    "kernel's half": (elf([CODE, (0xFFFF800000000000, READ, b"x", 1)]), "outside of its part"),
    "hole": (elf([CODE, (0x7FFFFFFFF000, READ, b"x", 1)]), "outside of its part"),
    "entry": (elf([CODE, (0x500000, READ, b"x", 1)], entry=0x500000), "entry point"),
    "too many": (elf([CODE] + [(0x500000 + i * PAGE, READ, b"x", 1) for i in range(8)]),
                 "too many segments"),
    "too large": (elf([CODE, (0x500000, READ | WRITE, b"", 1 << 40)]), "too little memory"),
}


@pytest.mark.parametrize("case", BAD_ROOTS)
def test_refuses_root(case, files, artefacts):
    root, words = BAD_ROOTS[case]
    image = mkimage.build([("kernel", probe()), ("root", root)])
    check_refused(boot_command(pvh(files(image)), artefacts), 'file "root": ', words)


KERNEL_BASE = 0xFFFFFFFF80000000
BAD_KERNELS = {
    "lower half": (elf([CODE]), "outside of its part"),
    "too large": (elf([(KERNEL_BASE, READ | EXECUTE, b"x", 0x40000000)], entry=KERNEL_BASE),
                  "too little memory"),
    "entry": (elf([(KERNEL_BASE, READ | EXECUTE, b"x", 1)], entry=KERNEL_BASE + 1), "entry point"),
}


@pytest.mark.parametrize("case", BAD_KERNELS)
def test_refuses_kernel(case, files, artefacts):
    kernel, words = BAD_KERNELS[case]
    image = mkimage.build([("kernel", kernel), ("root", ROOT_FILE)])
    check_refused(boot_command(pvh(files(image)), artefacts), 'file "kernel": ', words)


def test_refuses_little_memory(files, artefacts):
    """A machine on which the loader just runs, and nothing else has room."""
    result = boot_command(pvh(files(standard_image()), memory=2), artefacts)
    check_refused(result, "too little memory")


def test_grub_refuses_image(files, artefacts):
    iso = artefacts / "cd.iso"
    image = files(changed(standard_image(), 0, b"bad"))
    mkiso.make(str(iso), str(build_directory() / "boot/loader"), str(image), [])
    check_refused(boot_command([*machine(), "-cdrom", str(iso)], artefacts), "not a boot image")


# --- firmware tables ----------------------------------------------------------------------------

class Firmware:
    """The tables of a guest that stands at the loader's first instruction."""

    def __init__(self, stub: gdbstub.Stub):
        self.stub = stub
        self.start_info = stub.register(gdbstub.RBX) & 0xFFFFFFFF
        self.places = {"RSDP": stub.read_number(self.start_info + 32, 8)}
        rsdp = self.places["RSDP"]
        extended = stub.read_number(rsdp + 15, 1) >= 2
        self.root = "XSDT" if extended else "RSDT"
        width = 8 if extended else 4
        root = stub.read_number(rsdp + (24 if extended else 16), width)
        self.places[self.root] = root
        for at in range(root + 36, root + stub.read_number(root + 4, 4), width):
            table = stub.read_number(at, width)
            self.places[stub.read(table, 4).decode()] = table
        if "FACP" in self.places:
            self.places["DSDT"] = stub.read_number(self.places["FACP"] + 40, 4)

    def change(self, table: str, offset: int, value: bytes, fix_sum=False) -> None:
        place = self.places[table]
        self.stub.write(place + offset, value)
        if fix_sum:
            data = self.stub.read(place, self.stub.read_number(place + 4, 4))
            self.stub.write(place + 9, bytes([(data[9] - sum(data)) & 0xFF]))


def entry_address() -> int:
    """pvh_entry, as the loader's note states it."""
    loader = (build_directory() / "boot/loader").read_bytes()
    note = struct.pack("<III4s", 4, 8, 18, b"Xen\0")
    return struct.unpack_from("<Q", loader, loader.index(note) + len(note))[0]


def boot_changed(command, artefacts, change):
    """Runs a machine whose memory `change` alters just before the loader's first instruction."""
    path = artefacts / "gdb"
    failures = []

    def alter():
        try:
            stub = gdbstub.Stub(path)
            stub.run_to(entry_address())
            change(Firmware(stub))
            stub.detach()
        except BaseException as error:  # for the main thread to report
            failures.append(error)
    thread = threading.Thread(target=alter)
    thread.start()
    try:
        result = boot_command([*command, *gdbstub.options(path)], artefacts)
    finally:
        thread.join()
    assert not failures, failures
    return result


FATAL = {
    "RSDP sum": ("q35", "RSDP", 9, b"\xee", False, "RSDP: its check sum is wrong"),
    "RSDP signature": ("q35", "RSDP", 0, b"X", False, "RSDP: its signature is wrong"),
    "RSDT sum": ("q35", "RSDT", 10, b"\xee", False, "RSDT: its check sum is wrong"),
    "RSDT length": ("q35", "RSDT", 4, b"\xff\xff\xff\xff", False, "RSDT: its length makes no sense"),
    "XSDT sum": ("microvm", "XSDT", 10, b"\xee", False, "XSDT: its check sum is wrong"),
    "XSDT length": ("microvm", "XSDT", 4, bytes(4), False, "XSDT: its length makes no sense"),
    "MADT sum": ("q35", "APIC", 10, b"\xee", False, "MADT: its check sum is wrong"),
    "MADT entry": ("q35", "APIC", 45, b"\0", True, "MADT: an entry's length makes no sense"),
    "MADT gone": ("q35", "APIC", 0, b"NONE", True, "MADT: not found"),
    "MADT in RAM": ("q35", "APIC", 36, struct.pack("<I", 0x200000), True, "MADT: it puts registers"),
}


@pytest.mark.parametrize("case", FATAL)
def test_refuses_table(case, files, artefacts):
    kind, table, offset, value, fix_sum, words = FATAL[case]
    result = boot_changed(pvh(files(standard_image()), kind=kind), artefacts,
                          lambda firmware: firmware.change(table, offset, value, fix_sum))
    check_refused(result, f"ACPI table {words}")


IGNORED = {
    "FADT": ("FACP", 10, b"\xee", False, "pm1_cnt"),
    "DSDT": ("DSDT", 10, b"\xee", False, "pm1_cnt"),
    "MCFG": ("MCFG", 10, b"\xee", False, "pci"),
    "HPET": ("HPET", 10, b"\xee", False, "hpet_base"),
    "DMAR": ("DMAR", 50, b"\xff\xff", True, "iommu"),
    "MCFG in RAM": ("MCFG", 44, struct.pack("<Q", 0x1000000), True, "pci"),
    "HPET nowhere": ("HPET", 44, b"\xff" * 8, True, "hpet_base"),
}


@pytest.mark.parametrize("case", IGNORED)
def test_ignores_table(case, files, artefacts):
    table, offset, value, fix_sum, key = IGNORED[case]
    command = pvh(files(standard_image()), extra=["-device", "intel-iommu"])
    result = boot_changed(command, artefacts,
                          lambda firmware: firmware.change(table, offset, value, fix_sum))
    info = check_good(result)
    assert f"pith loader: warning: ACPI table {case.split()[0]}: " in result.serial
    assert info.get(key, [[0]])[0][0] == 0


def test_refuses_machine_without_tables(files, artefacts):
    result = boot_command(pvh(files(standard_image()), kind="microvm,acpi=off"), artefacts)
    check_refused(result, "ACPI table RSDP: not found")


def symbol(name: str) -> int:
    """A symbol's address in the loader."""
    listing = subprocess.run(["nm", str(build_directory() / "boot/loader")], capture_output=True,
                             text=True, check=True).stdout
    return next(int(line.split()[0], 16) for line in listing.splitlines()
                if line.split()[-1] == name)


def test_exception_in_loader(files, artefacts):
    place = symbol("clock_read")
    result = boot_changed(pvh(files(standard_image())), artefacts,
                          lambda firmware: firmware.stub.write(place, b"\x0f\x0b"))
    check_refused(result, f"exception 0x6 in the loader, error code 0x0, at {place:#x}")


def test_page_fault_in_loader(files, artefacts):
    place = symbol("clock_read")
    load = b"\x48\xa1" + struct.pack("<Q", 0x9900000010)  # movabs 0x9900000010, %rax
    result = boot_changed(pvh(files(standard_image())), artefacts,
                          lambda firmware: firmware.stub.write(place, load))
    check_refused(result, "exception 0xe in the loader", "page-fault address 0x9900000010")


def test_image_above_four_gib(files, artefacts):
    """The image, named by the protocol, where entry.S has mapped nothing."""
    place = 0x170000000
    image = files(standard_image())
    command = pvh(None, memory=6144,
                  extra=["-device", f"loader,file={image},addr={place:#x},force-raw=on"])

    def change(firmware):
        firmware.stub.write(0x8000, struct.pack("<QQQQ", place, image.stat().st_size, 0, 0))
        firmware.stub.write(firmware.start_info + 12, struct.pack("<IQ", 1, 0x8000))
    info = check_good(boot_changed(command, artefacts, change), 6144)
    assert all(module[1] > place for module in info["module"])


def test_image_at_odd_address(files, artefacts):
    """Modules are whole pages all the same: they are copied."""
    place = 0x8000000 + 8
    image = files(standard_image())
    command = pvh(None, extra=["-device", f"loader,file={image},addr={place:#x},force-raw=on"])

    def change(firmware):
        firmware.stub.write(0x8000, struct.pack("<QQQQ", place, image.stat().st_size, 0, 0))
        firmware.stub.write(firmware.start_info + 12, struct.pack("<IQ", 1, 0x8000))
    info = check_good(boot_changed(command, artefacts, change))
    assert not any(0x8000000 <= module[1] < 0x8100000 for module in info["module"])


def test_pm_timer_that_stands_still(files, artefacts):
    """The PIT takes its place."""
    result = boot_changed(pvh(files(standard_image()), extra=qemu.COUNTED), artefacts,
                          lambda firmware: firmware.change("FACP", 76, b"\x00\x99", True))
    assert abs(check_good(result)["clock_hz"][0][0] - 10**9) < 10**6


# --- tools --------------------------------------------------------------------------------------

def mkimage_run(tree, *arguments):
    return subprocess.run([sys.executable, str(tree / "tools/mkimage.py"), *arguments],
                          capture_output=True, text=True, check=False)


def test_mkimage_refuses(tree, tmp_path):
    out = str(tmp_path / "image")
    good = tmp_path / "file"
    good.write_bytes(b"content")
    for arguments, words in (
            ([f"{'x' * 32}={good}"], "longer than 31 bytes"),
            ([f"a={good}", f"a={good}"], "a: named twice"),
            ([f"a={tmp_path}/none"], f"a: cannot read {tmp_path}/none: No such file"),
            (["a"], "expected NAME=PATH"),
            ([f"={good}"], "empty")):
        result = mkimage_run(tree, "-o", out, *arguments)
        assert result.returncode == 1 and words in result.stderr
    assert mkimage_run(tree, "-o", out, f"{'x' * 31}={good}").returncode == 0


def test_mkimage_takes_what_is_loaded(tree, tmp_path):
    """Of a program; a file stays as it is."""
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 130, 4096, 4096)
    header = struct.pack("<4s12xHHIQQQIHHHHHH", b"\x7fELF", 2, 62, 1, 0, 64, 200, 0, 64, 56, 1, 64, 3, 2)
    data = header[:4] + b"\2\1" + header[6:] + segment + b"loaded".ljust(10, b"!") + b"symbols" * 100
    program, out = tmp_path / "program", tmp_path / "image"
    program.write_bytes(data)
    result = mkimage_run(tree, "-o", str(out), f"root={program}", "--file", f"whole={program}")
    assert result.returncode == 0, result.stderr
    short = data[:40] + bytes(8) + data[48:58] + bytes(6) + data[64:130]
    assert out.read_bytes() == mkimage.build([("root", short), ("whole", data)])


def test_crc():
    assert mkimage.crc32c(b"123456789") == 0xE3069283
