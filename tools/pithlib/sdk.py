# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""`./pith sdk DIR`: what a component outside this tree needs, in a directory of its own.

    DIR/include             headers
    DIR/include/picolibc    headers of the C library: scalar/, vector/
    DIR/lib/pith            libpith.a for components, their linker script; below it what whole systems are made of:
                            system/ (kernel, loader, the supervisor's libraries), components/ (ready-made ones).
                            libpith-libc.a, libpith-libc-vector.a, libc.o: the same with the C library
    DIR/lib/pkgconfig       compiler and linker flags of a component: pith.pc; with the C library pith-libc.pc,
                            pith-libc-vector.pc
    DIR/share/pith          protocols, system descriptions, tools
    DIR/bin                 pith-idl, pith-system, pith-run

It can be moved as a whole; docs/sdk.md says how it is used.
"""
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from . import build as builds
from . import packages
from .ui import TREE, Failure, Step, say, usage

HEADERS = ("abi", "rt", "wire", "ring", "svc", "client", "libc")
GENERATED = {"gen": "tools/gen/gen", "proto": "proto/proto"}
COMPONENT_LIBRARIES = ("lib/rt/librt_component.a", "lib/wire/libwire_component.a", "lib/ring/libring_component.a",
                       "lib/svc/libsvc.a", "lib/client/libclient_counter.a")
SYSTEM_LIBRARIES = ("servers/supervisor/libsupervisor.a", "lib/rt/librt.a", "lib/wire/libwire.a")
LIBC_LIBRARY = "lib/libc/libpithc_component.a"
LIBC_VARIANTS = {"scalar": "pith-libc", "vector": "pith-libc-vector"}
TOOLS = ("mksys", "pithlib", "idlgen.py", "mkimage.py")
COMMANDS = ("pith-idl", "pith-system", "pith-run")
# Flags that name places of this tree, and what an outside compiler does not need.
COMPONENT = re.compile(r"'(\w+)': \{\s*'sources'")
LEFT_OUT = ("-I", "-ffile-prefix-map", "-M", "-o", "-c", "-fdiagnostics", "-D_FILE", "-W", "-D")

PKG_CONFIG = """\
prefix=${{pcfiledir}}/../..
Name: {name}
Description: {description}
Version: {version}
Cflags: {includes} -I${{prefix}}/include {cflags}
Libs: {ldflags} -Wl,-T,${{prefix}}/lib/pith/component.ld {libraries}
"""
VERSION = "0.1.0"


def header_directories() -> dict:
    places = {"abi": TREE / "abi"}
    return {name: places.get(name, TREE / "lib" / name) for name in HEADERS}


def copy_headers(source: Path, target: Path) -> None:
    for header in sorted(source.rglob("*.h")) + sorted(source.rglob("*.def")):
        place = target / header.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(header, place)


def install_headers(build: Path, prefix: Path) -> None:
    for name, source in header_directories().items():
        copy_headers(source, prefix / "include" / name)
    for name, source in GENERATED.items():
        copy_headers(build / source, prefix / "include" / name)


def members(archive: Path) -> list:
    """The object files of a library; those of the build are thin: they name their members."""
    listed = subprocess.run(["ar", "t", str(archive)], capture_output=True, text=True, check=True, cwd=archive.parent)
    return [archive.parent / line for line in listed.stdout.split()]


def make_library(target: Path, archives: list) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    objects = [str(path) for archive in archives for path in members(archive)]
    subprocess.run(["ar", "qcs", str(target), *objects], check=True)


def whole_script(script: Path) -> str:
    """A linker script with what it includes in it: not everybody passes on where the linker is to look."""
    return re.sub(r"^ *INCLUDE (\S+)$", lambda found: (script.parent / found[1]).read_text(), script.read_text(),
                  flags=re.MULTILINE)


def install_libraries(build: Path, prefix: Path) -> None:
    lib = prefix / "lib" / "pith"
    make_library(lib / "libpith.a", [build / name for name in COMPONENT_LIBRARIES])
    make_library(lib / "system" / "libsystem.a", [build / name for name in SYSTEM_LIBRARIES])
    for script in ("component.ld", "program.ld"):
        (lib / script).write_text(whole_script(TREE / "lib" / "rt" / script))
    copy_headers(TREE / "servers" / "supervisor", prefix / "include" / "supervisor")
    shutil.copy(build / "boot" / "loader", lib / "system" / "loader")
    shutil.copy(build / "kernel" / "pith", lib / "system" / "kernel")


def merge_libraries(place: Path, target: str, libraries: list) -> None:
    """Of a symbol that several define, the first counts."""
    script = [f"CREATE {target}", *(f"ADDLIB {library}" for library in libraries), "SAVE", "END"]
    subprocess.run(["ar", "-M"], input="\n".join(script) + "\n", text=True, check=True, cwd=place)


def install_libc(build: Path, prefix: Path) -> None:
    """What connects it to the runtime is one object file, since a library's would come after what they replace; the
    runtime and the library, which need one another, are one archive."""
    lib = prefix / "lib" / "pith"
    objects = [str(path) for path in members(build / LIBC_LIBRARY)]
    subprocess.run(["ld", "-r", "-z", "noexecstack", "-o", str(lib / "libc.o"), *objects], check=True)
    for variant, name in LIBC_VARIANTS.items():
        source = build / "ports" / "picolibc" / variant
        shutil.copytree(source / "include", prefix / "include" / "picolibc" / variant)
        shutil.copy(source / "lib" / "libc.a", lib / "libc.a")
        merge_libraries(lib, f"lib{name}.a", ["libpith.a", "libc.a"])
        (lib / "libc.a").unlink()


def components() -> list:
    """Names of the components that a system outside may want: those of apps, drivers and servers."""
    descriptions = [path.read_text() for top in ("apps", "drivers", "servers")
                    for path in sorted((TREE / top).rglob("meson.build"))]
    return sorted({name for text in descriptions for name in COMPONENT.findall(text)})


def install_components(build: Path, prefix: Path) -> None:
    target = prefix / "lib" / "pith" / "components"
    target.mkdir(parents=True, exist_ok=True)
    for name in components():
        shutil.copy(build / f"component_{name}", target / name)


def kept_flags(words: list) -> list:
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("-idirafter", "-include", "-MF", "-MQ", "-o"):
            skip = True
        elif word != "-nostdinc" and not word.startswith(LEFT_OUT) and not word.endswith((".c", ".o")):
            kept.append(word)
    return kept


def command_words(build: Path, source: str) -> list:
    """How the build compiles a file of lib, from its own record."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if source in entry["file"]:
            return shlex.split(entry["command"])[1:]
    raise Failure(f"{build}/compile_commands.json: how is lib{source} compiled?")


def compile_flags(build: Path, vector: bool = False) -> list:
    flags = kept_flags(command_words(build, "/svc/serve.c"))
    return [flag for flag in flags if not (vector and flag == "-mgeneral-regs-only")]


LINK_FLAGS = ["-nostdlib", "-static-pie", "-Wl,--build-id=sha1", "-Wl,--gc-sections", "-Wl,-z,noexecstack",
              "-Wl,-z,max-page-size=0x1000", "-Wl,-z,separate-code", "-Wl,-z,norelro", "-Wl,-z,text",
              "-Wl,--no-dynamic-linker"]


def write_pkg_config(prefix: Path, name: str, flags: list, **parts) -> None:
    place = prefix / "lib" / "pkgconfig" / f"{name}.pc"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(PKG_CONFIG.format(name=name, version=VERSION, cflags=" ".join(flags),
                                       ldflags=" ".join(LINK_FLAGS), **parts))


def install_pkg_config(build: Path, prefix: Path) -> None:
    write_pkg_config(prefix, "pith", compile_flags(build),
                     description="components of Pith", includes="", libraries="-L${prefix}/lib/pith -lpith")
    offered = [word for word in command_words(build, "/libc/time.c") if word.startswith("-D_POSIX")]
    for variant, name in LIBC_VARIANTS.items():
        write_pkg_config(prefix, name, [*compile_flags(build, variant == "vector"), *offered],
                         description=f"components of Pith with the C library, {variant}",
                         includes=f"-isystem${{prefix}}/include/picolibc/{variant}",
                         libraries=f"${{prefix}}/lib/pith/libc.o -L${{prefix}}/lib/pith -l{name}")


def install_share(prefix: Path) -> None:
    share = prefix / "share" / "pith"
    ignore = shutil.ignore_patterns("__pycache__", "meson.build", "proto")
    for name in ("proto", "systems"):
        shutil.copytree(TREE / name, share / name, ignore=ignore, dirs_exist_ok=True)
    for name in TOOLS:
        source, target = TREE / "tools" / name, share / "tools" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=ignore, dirs_exist_ok=True)
        else:
            shutil.copy(source, target)


def install_commands(prefix: Path) -> None:
    for name in COMMANDS:
        place = prefix / "bin" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TREE / "tools" / "sdk" / name, place)
        place.chmod(0o755)


def install(build: Path, prefix: Path) -> None:
    install_headers(build, prefix)
    install_libraries(build, prefix)
    install_libc(build, prefix)
    install_components(build, prefix)
    install_pkg_config(build, prefix)
    install_share(prefix)
    install_commands(prefix)


def sdk(directory: str) -> int:
    prefix = Path(directory).resolve()
    if prefix.exists() and (not prefix.is_dir() or any(prefix.iterdir())):
        raise usage(f"{prefix} is there already and not empty")
    packages.setup("run")
    build = builds.build_shown(builds.CONFIGURATIONS["release"])
    with Step(f"SDK into {prefix}"):
        install(build, prefix)
    say(f"pith: PKG_CONFIG_PATH={prefix}/lib/pkgconfig finds it as `pith`; docs/sdk.md says how it is used")
    return 0
