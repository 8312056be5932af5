# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""mksys: the compiler of system descriptions (docs/systems.md).

usage: mksys -o OUT.c SYSTEM.toml PROGRAM=ELF...   write the tables that the supervisor is linked with
       mksys --programs SYSTEM.toml [PROGRAM...]   print the programs that the system is made of;
                                                   all of them are among those that are given
"""
import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mksys import check, description, emit, plan, program  # noqa: E402  (needs the path above)


class Stop(Exception):
    """What ends the run: text for who called."""


def read(file: str) -> tuple:
    try:
        return description.read(Path(file).read_bytes(), file)
    except OSError as error:
        raise Stop(f"mksys: error: cannot read {file}: {error.strerror}") from None


def program_files(arguments: list) -> dict:
    found = {}
    for argument in arguments:
        name, separator, path = argument.partition("=")
        if not separator or not name or not path:
            raise Stop(f"mksys: error: {argument}: expected PROGRAM=ELF")
        found[name] = path
    return found


def is_built(component, built: list, problems) -> bool:
    if component.program in built:
        return True
    problems.add(component.path + ("program",), f"there is no program '{component.program}' in this build",
                 "there are: " + (", ".join(sorted(built)) or "none"))
    return False


def load(system, files: dict, problems) -> dict:
    """The programs of a system: name -> Program; None where it cannot be used, which is told."""
    found = {}
    for component in system.components.values():
        place = component.path + ("program",)
        name = component.program
        if is_built(component, files, problems) and name not in found:
            try:
                found[name] = program.read(files[name])
            except program.BadProgram as bad:
                problems.add(place, f"{files[name]}: {bad}",
                             "a component's program is an ELF file that this tree's build made")
                found[name] = None
    return found


def compile_system(file: str, files: dict) -> str:
    system, problems = read(file)
    if system is not None:
        programs = load(system, files, problems)
        check.system(system, programs, problems)
    if problems:
        raise Stop(problems.text())
    return emit.text(plan.make(system), programs)


def program_names(file: str, built: list) -> str:
    system, problems = read(file)
    for component in system.components.values() if system and built else ():
        is_built(component, built, problems)
    if problems:
        raise Stop(problems.text())
    return "\n".join(sorted({c.program for c in system.components.values()})) + "\n"


def parse_arguments(words: list) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mksys", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("-o", dest="out", metavar="OUT.c", help="the C file to write")
    way.add_argument("--programs", action="store_true", help="print the programs' names")
    parser.add_argument("--protocols", metavar="DIR", action="append", default=[],
                        help="protocols (*.idl) besides those that come with mksys")
    parser.add_argument("system", metavar="SYSTEM.toml")
    parser.add_argument("files", metavar="PROGRAM[=ELF]", nargs="*")
    return parser.parse_args(words)


def main(words: list) -> int:
    arguments = parse_arguments(words)
    check.PROTOCOLS.extend(map(Path, arguments.protocols))
    try:
        if arguments.programs:
            sys.stdout.write(program_names(arguments.system, arguments.files))
        else:
            Path(arguments.out).write_text(compile_system(arguments.system, program_files(arguments.files)))
    except Stop as stop:
        print(stop, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"mksys: error: cannot write {arguments.out}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
