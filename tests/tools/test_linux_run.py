# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What ./pith run hands to the Linux server, and how it carries its terminal; a script stands for the machine."""
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time

import pytest

import mkimage
from pithlib import cli, command, console, linux, roots
from pithlib.ui import Failure

# A machine: argv has the descriptors of its ports; what it does follows.
MACHINE = """
import os, socket, sys, time
terminal, control = (socket.socket(fileno=int(w.split("fd=")[1])) for w in sys.argv[1:] if "fd=" in w)
"""
# The command's side, on whatever standard files it has.
RUN = """
import sys
sys.path.insert(0, sys.argv[1])
from pithlib import linux
from pithlib.console import Console, is_terminal
ports = Console(is_terminal())
end = linux.run_machine(ports, [sys.executable, "-c", sys.argv[2], *ports.arguments()])
sys.exit(linux.end_of(ports, end))
"""


def run(tree, machine: str, **options):
    return subprocess.run([sys.executable, "-c", RUN, str(tree / "tools"), MACHINE + machine], capture_output=True,
                          check=False, timeout=30, **options)


def test_status_output_errors(tree):
    done = run(tree, 'terminal.send(b"boot noise\\x02out\\xff\\n"); control.send(b"error 4\\nbad\\nexit 2")\n'
                     'time.sleep(0.1); control.send(b"55\\n")', input=b"")
    assert (done.returncode, done.stdout, done.stderr) == (255, b"out\xff\n", b"bad\n")


def test_input_and_its_end(tree):
    """All of it comes, though the machine reads slowly, and then the end tells how much it was."""
    data = os.urandom(3 << 20)
    machine = """
terminal.send(bytes([2]))
got, told = b"", b""
while not told.endswith(b"\\n") or len(got) < int(told.split()[1]):
    import select
    for port in select.select([terminal, control], [], [])[0]:
        if port is terminal:
            got += port.recv(1 << 16)
        else:
            told += port.recv(100)
while got:
    got = got[terminal.send(got):]
control.send(b"exit 0\\n")
"""
    done = run(tree, machine, input=data)
    assert done.returncode == 0 and done.stdout == data, done.stderr


@pytest.mark.parametrize("machine,said", [
    ('terminal.send(b"PITH-PANIC here\\n"); sys.exit(33)', b"the kernel panicked"),
    ('terminal.send(b"no image\\n"); sys.exit(255)', b"no image"),
    ("sys.exit(0)", b"without a status"),
    ('control.send(b"exit 3\\n"); sys.exit(33)', b"the kernel panicked"),
])
def test_other_ends(tree, machine, said):
    done = run(tree, machine, input=b"")
    assert done.returncode != 0 and said in done.stderr


def test_terminal(tree):
    """Raw while it runs, its size and its changes told; Ctrl-A X leaves and puts it back."""
    machine = """
terminal.send(b"\\x02ready\\n")
while True:
    got = terminal.recv(100)
    terminal.send(got.hex().encode() + b"\\n")
    if got == b"s":
        terminal.send(control.recv(100))
"""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", RUN, str(tree / "tools"), MACHINE + machine])
    before = termios.tcgetattr(fd)
    assert read_until(fd, b"ready\n").endswith(b"ready\n")
    os.write(fd, b"\x03\x1a")
    assert b"031a\n" in read_until(fd, b"\n")
    termios.tcsetwinsize(fd, (33, 99)) if hasattr(termios, "tcsetwinsize") else winsize(fd, 33, 99)
    time.sleep(0.2)
    os.write(fd, b"s")
    assert b"size 33 99\n" in read_until(fd, b"99\n")
    os.write(fd, b"a\x01\x01b")
    assert b"610162\n" in read_until(fd, b"62\n")
    os.write(fd, b"\x01x")
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    after = termios.tcgetattr(fd)
    os.close(fd)
    assert status == 0 and after[:4] == before[:4]


def winsize(fd, rows, columns):
    import fcntl
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))


def read_until(fd, end: bytes) -> bytes:
    import select
    data, deadline = b"", time.monotonic() + 20
    while not data.endswith(end):
        assert select.select([fd], [], [], deadline - time.monotonic())[0], data
        data += os.read(fd, 1000)
    return data


@pytest.mark.parametrize("pieces,sent,leaves", [
    ([b"abc"], b"abc", False), ([b"\x01", b"x"], b"", True), ([b"\x01\x01"], b"\x01", False),
    ([b"a\x01b"], b"a\x01b", False), ([b"\x01\x01x"], b"\x01x", False),
])
def test_keys(pieces, sent, leaves):
    keys = console.Keys()
    assert b"".join(keys.take(piece) for piece in pieces) == sent and keys.leaves == leaves


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_control_in_pieces(size):
    said = b"nonsense\nerror 6\nexit 9error 0\nerror 1\nxexit 256000000000\nexit 41\n"
    control, errors = console.Control(), b""
    for at in range(0, len(said), size):
        errors += control.take(said[at:at + size])
    assert errors == b"exit 9x" and control.status == 41


# ---- what is handed over

def strings(packed: bytes) -> list:
    return packed[command.HEADER.size:].split(b"\0")[:-1]


def test_command():
    packed = command.Command(["ls", b"\xff"], {"A": "b=c"}, "/tmp", options=8, rows=24, columns=80, seconds=5).pack()
    assert command.HEADER.unpack_from(packed) == (command.MAGIC, 8, 2, 1, len(packed) - 40, 24, 80, 0, 5)
    assert strings(packed) == [b"/tmp", b"ls", b"\xff", b"A=b=c"]


@pytest.mark.parametrize("arguments", [[], ["a\0b"], ["x" * (3 << 20)]])
def test_command_refused(arguments):
    with pytest.raises(ValueError):
        command.Command(arguments, {}).pack()


def test_numbers_are_those_of_the_server(tree):
    text = (tree / "servers/linux/command.h").read_text()
    numbers = dict(re.findall(r"#define (\w+) +(0x[0-9a-f]+|\d+)(?:u|ull)?\b", text))
    for name in ("INPUT_TERMINAL", "OUTPUT_TERMINAL", "ERROR_TERMINAL", "STRACE"):
        assert int(numbers[f"COMMAND_{name}"], 0) == getattr(command, name)
    assert int(numbers["COMMAND_MAGIC"], 0) == command.MAGIC
    assert bytes([int(numbers["CONTROL_BEGIN"], 0)]) == command.BEGIN
    assert dict(re.findall(r'#define (MODULE_\w+) +"(\w+)"', text)) == {
        "MODULE_ROOT": command.MODULE_ROOT, "MODULE_COMMAND": command.MODULE_COMMAND}
    assert f"sizeof(struct command_header) == {command.HEADER.size}," in text


def test_append(tmp_path):
    """An image with modules behind it is what mkimage would have made of all at once."""
    first = [("kernel", b"k" * 5000), ("root", b"r")]
    more = [("rootfs", b"f" * 9000), ("command", b"c" * 4096), ("empty", b"")]
    (tmp_path / "base").write_bytes(mkimage.build(first))
    modules = []
    for name, data in more:
        (tmp_path / name).write_bytes(data)
        modules.append((name, tmp_path / name, mkimage.crc32c(data)))
    with (tmp_path / "all").open("wb") as out:
        mkimage.append(tmp_path / "base", out, modules)
    assert (tmp_path / "all").read_bytes() == mkimage.build(first + more)


def test_append_refuses(tmp_path):
    (tmp_path / "base").write_bytes(b"x" * 4096)
    with (tmp_path / "out").open("wb") as out:
        with pytest.raises(mkimage.ImageError, match="not a boot image"):
            mkimage.append(tmp_path / "base", out, [])
        (tmp_path / "base").write_bytes(mkimage.build([("kernel", b"")]))
        with pytest.raises(mkimage.ImageError, match="named twice"):
            mkimage.append(tmp_path / "base", out, [("kernel", tmp_path / "base", 0)])


def test_check_sums(pith_build, tmp_path):
    if not (pith_build / "boot/crc32c").exists():
        pytest.skip("not built")
    (tmp_path / "a").write_bytes(b"123456789")
    (tmp_path / "b").write_bytes(b"")
    assert linux.check_sums(pith_build, [tmp_path / "a", tmp_path / "b"]) == [0xE3069283, 0]
    with pytest.raises(Failure, match="no check sum"):
        linux.check_sums(pith_build, [tmp_path / "missing"])


@pytest.mark.parametrize("name", ["", "a b", "-oDir=x", "../x"])
def test_bad_package_names(name):
    with pytest.raises(Failure):
        roots.of_packages([name])


def guest_of(monkeypatch, *words):
    seen = []
    monkeypatch.setattr(linux, "run_command", lambda guest: seen.append(guest) or 0)
    assert cli.dispatch(["run", *words]) == 0
    return seen[0]


def test_words(monkeypatch):
    guest = guest_of(monkeypatch, "--memory", "2G", "--strace", "--env", "A=b", "--env", "C=", "--", "sh", "-c", "--",
                     "--memory")
    assert guest.arguments == ["sh", "-c", "--", "--memory"] and guest.memory == 2048 and guest.strace
    assert guest.environment == {"A": "b", "C": ""}
    assert guest_of(monkeypatch).arguments == []
    assert guest_of(monkeypatch, "--packages", "python3,sqlite3").packages == ["python3", "sqlite3"]


@pytest.mark.parametrize("words", [
    ["--memory", "0"], ["--memory", "1T"], ["--env", "x"], ["--rootfs", "a", "--packages", "b"],
    ["--system", "hello", "--strace"],
])
def test_wrong_words(words):
    with pytest.raises(Failure) as caught:
        cli.dispatch(["run", *words])
    assert caught.value.status == 2
