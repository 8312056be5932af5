# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The command line: one function per command, and what `./pith help` says about it."""
import argparse
import re
import signal
import sys
from pathlib import Path

from . import build as builds
from . import packages, run
from .ui import Failure, say, usage


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors look like every other error."""

    def error(self, message: str):
        raise usage(f"{message}; see './{self.prog} --help'")


def command_setup(arguments) -> int:
    packages.setup("test")
    say("pith: everything needed is installed")
    return 0


def command_build(arguments) -> int:
    packages.setup("run" if arguments.compiler == "gcc" else "test")
    directory = builds.build_shown(builds.choose(arguments.compiler, arguments.debug))
    say(f"pith: built {directory}")
    return 0


def command_run(arguments) -> int:
    if arguments.system is not None:
        if arguments.root or arguments.packages or arguments.strace or arguments.env:
            raise usage("--rootfs, --packages, --strace and --env are for Linux programs, not for --system")
        return run.run(arguments.system, arguments.memory, arguments.cpus, arguments.words)
    from . import linux
    return linux.run_command(linux.Guest(
        arguments=arguments.words, root=arguments.root, packages=arguments.packages, memory=arguments.memory,
        cpus=arguments.cpus, strace=arguments.strace, environment=dict(arguments.env)))


def command_new(arguments) -> int:
    from . import new
    return new.component(arguments.name)


def command_sdk(arguments) -> int:
    from . import sdk
    return sdk.sdk(arguments.directory)


def command_test(arguments) -> int:
    from . import testing
    return testing.test(arguments.expression, arguments.quick)


def command_bench(arguments) -> int:
    if arguments.what == "linux":
        from . import beside
        if arguments.json or arguments.repeat != 1:
            raise usage("--json and --repeat are not for 'bench linux'")
        return beside.compare(arguments.check, arguments.expression)
    from . import bench
    return bench.bench(arguments.json, arguments.check, arguments.expression, arguments.repeat)


def command_coverage(arguments) -> int:
    from . import coverage
    packages.setup("run")
    return coverage.coverage()


def command_debug(arguments) -> int:
    from . import panic
    return panic.explain(arguments.record, arguments.build)


def command_graph(arguments) -> int:
    from . import graph
    return graph.graph(arguments.system, arguments.svg, arguments.tcb, arguments.build)


def command_mutants(arguments) -> int:
    from . import mutants
    packages.setup("test")
    return mutants.run_mutants(arguments.names, arguments.short)


def command_campaign(arguments) -> int:
    from . import campaign
    packages.setup("test")
    return campaign.campaign(arguments.name, arguments.amount, arguments.seed)


def add_setup(add) -> None:
    add("setup", command_setup, "install the Debian packages that are missing", """
        Lists the Debian packages that the tree needs and this machine lacks, says what each is for
        and installs them with apt-get (through sudo where you are not root).  The other commands
        do this themselves for what they need.""")


def add_build(add) -> None:
    parser = add("build", command_build, "build everything", """
        Builds the loader, the kernel, the programs, the boot images and the host unit tests into
        build/release (gcc), build/debug (--debug), build/clang or build/clang-debug.  The debug
        build has assertions, invariant checks and the debug system calls.""")
    parser.add_argument("--compiler", choices=("gcc", "clang"), default="gcc")
    parser.add_argument("--debug", action="store_true", help="build with assertions and checks")


def add_run(add) -> None:
    parser = add("run", command_run, "run a Linux program, or boot a system, in QEMU", """
        Builds what is needed and runs PROGRAM, an unmodified Linux program, on Pith's Linux server: without
        one a shell.  Its input, output and exit status are those of this command, and a terminal is
        its terminal: Ctrl-C goes to the program, Ctrl-A X leaves.  Its root has busybox, unless --rootfs
        or --packages gives another; what it writes there is gone when it ends.
        With --system it boots another system with its serial line on this terminal; what stands after -- is
        then handed to QEMU, and the status is that with which the system powers off.""")
    parser.add_argument("--system", metavar="NAME", help="a system of the build instead: hello, monitor, ...")
    root = parser.add_mutually_exclusive_group()
    root.add_argument("--rootfs", dest="root", type=Path, metavar="DIR|TAR", help="the root of all files")
    root.add_argument("--packages", type=package_list, metavar="A,B", help="a root of Debian packages, unpacked")
    parser.add_argument("--env", type=variable, action="append", default=[], metavar="NAME=VALUE",
                        help="a variable of the program's environment; may stand several times")
    parser.add_argument("--strace", action="store_true", help="tell each system call on standard error")
    parser.add_argument("--memory", type=megabytes, default=512, metavar="SIZE", help="RAM: 512M, 2G; default: 512M")
    parser.add_argument("--cpus", type=positive, default=1, metavar="N")
    parser.add_argument("words", nargs="*", metavar="PROGRAM", help="the program and its arguments, after --")


def add_new(add) -> None:
    parser = add("new", command_new, "begin a component", """
        Makes apps/NAME with a program that writes a line to the log and its few lines of build
        description, the system systems/NAME.toml that runs it, and a test of it,
        tests/system/test_NAME.py.  `./pith run --system NAME` boots it, `./pith test -k NAME` tests
        it.""")
    parser.add_argument("what", choices=("component",))
    parser.add_argument("name", metavar="NAME", help="lower-case letters, digits and _")


def add_sdk(add) -> None:
    parser = add("sdk", command_sdk, "install what components outside this tree need", """
        Puts headers, libraries, linker scripts, tools, protocols, the kernel and the ready-made
        components into a directory, with a pkg-config file; docs/sdk.md says how to build with it.""")
    parser.add_argument("directory", metavar="DIR", help="a new or empty directory")


def add_test(add) -> None:
    parser = add("test", command_test, "check everything that must hold", """
        Builds with gcc (release and debug) and clang, checks the sources (clang-format, clang-tidy,
        include rights, house rules), runs the
        host unit tests, the system tests in QEMU, the benchmarks against their limits and the
        short mutants.  Logs lie in build/logs.""")
    parser.add_argument("-k", dest="expression", metavar="EXPR",
                        help="only the tests whose names match (pytest's -k)")
    parser.add_argument("--quick", action="store_true",
                        help="gcc release build only; no slow tests, benchmarks or mutants")


def add_bench(add) -> None:
    parser = add("bench", command_bench, "measure, and compare with the limits", """
        Runs the programs that bench/programs.toml names on the release build and prints every
        metric beside its limit and aim from bench/limits.toml.  `./pith bench linux` runs Linux programs on Pith and on
        Debian's Linux, which it fetches, and prints what both execute; bench/linux/rows.toml has the limits of that.""")
    parser.add_argument("what", nargs="?", choices=("linux",), help="beside Debian's Linux, instead of Pith alone")
    parser.add_argument("--json", metavar="FILE", help='also write {"metrics": {...}} to FILE')
    parser.add_argument("--check", action="store_true",
                        help="fail when a limit is missed or a metric with a limit is not measured")
    parser.add_argument("-k", dest="expression", metavar="TEXT",
                        help="only programs (of linux: rows) whose name contains TEXT")
    parser.add_argument("--repeat", type=positive, default=1, metavar="N",
                        help="run each program N times; every run must give the same figures")


def add_coverage(add) -> None:
    add("coverage", command_coverage, "measure which branches of the core the host tests take", """
        Builds the unit tests and the model so that they count branches, runs them, prints for each
        source of kernel/core how many of its branches were taken, and fails where one is not taken
        that tests/coverage.toml does not excuse, or is excused without need.""")


def add_debug(add) -> None:
    parser = add("debug", command_debug, "explain a panic record", """
        Turns a panic record (a line that starts with PITH-PANIC) into functions and source lines.
        RECORD is the line itself, a file that holds one (a serial log, say) or - for the standard
        input.  The program that panicked is found below build/ by its build-id.""")
    parser.add_argument("record", metavar="RECORD")
    parser.add_argument("--build", metavar="DIR", help="look for the program below DIR instead")


def add_graph(add) -> None:
    parser = add("graph", command_graph, "show who can reach whom in a system", """
        Prints the components of a system, what each has and may call, and whom it reaches.  SYSTEM
        is the name of a file in systems/, without its .toml, or a path that ends in .toml.""")
    parser.add_argument("system", metavar="SYSTEM")
    parser.add_argument("--svg", metavar="FILE", help="also draw it, by Graphviz")
    parser.add_argument("--tcb", action="store_true",
                        help="print instead what each component must trust, in lines of code; builds")
    parser.add_argument("--build", metavar="DIR", help="with --tcb: count the programs below DIR instead")


def add_mutants(add) -> None:
    parser = add("mutants", command_mutants, "show that the checks catch what they claim", """
        Applies each patch of tests/mutants to a copy of the tree, builds it and runs the check that
        the patch names, which must fail; the same check must pass on the unchanged copy.""")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only tests/mutants/NAME.patch")
    parser.add_argument("--short", action="store_true",
                        help="only those marked '# short: yes', as ./pith test does")


def add_campaign(add) -> None:
    from .campaign import CAMPAIGNS
    names = "  ".join(f"{name}: {c.text} ({c.amount:,} {c.unit})."
                      for name, c in CAMPAIGNS.items())
    parser = add("campaign", command_campaign, "search for faults for long", f"""
        Runs one of the long searches over all processors, each part with a seed of its own, and
        ends with the first fault: what was done until then, the seed, and the command that shows
        it again.  {names}""")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--amount", type=positive, metavar="N", help="how much, instead of the usual")
    parser.add_argument("--seed", type=positive, default=1, metavar="S", help="the first seed")


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a positive number")
    return int(text)


def megabytes(text: str) -> int:
    """A size as a number of MiB; without a letter it is one."""
    found = re.fullmatch(r"([1-9][0-9]{0,8})([MG]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"'{text}' is not a size (512M, 2G)")
    return int(found[1]) << (10 if found[2] == "G" else 0)


def package_list(text: str) -> list:
    return [name for name in re.split(r"[,\s]+", text) if name]


def variable(text: str) -> tuple:
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    return name, value


def make_parser() -> tuple:
    parser = Parser(prog="pith", description="Build, run and test Pith.", add_help=False)
    parser.add_argument("-h", "--help", action="store_true", dest="want_help")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    known = {}

    def add(name, function, short, text):
        sub = commands.add_parser(name, help=short, description=" ".join(text.split()))
        sub.set_defaults(function=function)
        known[name] = (sub, short)
        return sub

    for add_one in (add_setup, add_build, add_run, add_new, add_sdk, add_test, add_bench, add_coverage, add_debug,
                    add_graph, add_mutants, add_campaign):
        add_one(add)
    return parser, known


def show_help(known: dict, name: str = None) -> int:
    if name is not None:
        if name not in known:
            raise usage(f"no command '{name}'; there are: {', '.join(known)}")
        known[name][0].print_help()
        return 0
    say("usage: ./pith COMMAND [ARGUMENTS]\n")
    for command, (_, short) in known.items():
        say(f"  {command:<10} {short}")
    say("  help       explain a command: ./pith help COMMAND\n")
    say("To begin with: ./pith run")
    return 0


def dispatch(words: list) -> int:
    parser, known = make_parser()
    if not words or words[0] in ("help", "-h", "--help"):
        if len(words) > 2:
            raise usage("help takes one command")
        return show_help(known, *words[1:2])
    arguments = parser.parse_args(words)
    return arguments.function(arguments)


def interrupt(number, frame):
    raise KeyboardInterrupt


def main(words: list) -> int:
    signal.signal(signal.SIGTERM, interrupt)
    try:
        return dispatch(words)
    except Failure as failure:
        print(f"pith: error: {failure}", file=sys.stderr)
        return failure.status
    except KeyboardInterrupt:
        print("\npith: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 141
