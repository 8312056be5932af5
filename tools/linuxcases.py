#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Which system calls of the Linux server no program of tests/linux makes a case of.

usage: linuxcases.py servers/linux/calls.def tests/linux              the calls without a case, one on each line
       linuxcases.py --errors MAN servers/linux/calls.def tests/linux each call with the errors that its manual page
                                                                      names (MAN: a folder of pages of section 2),
                                                                      that no program that makes the call observes
                                                                      and tests/linux/errors-unseen.txt does not
                                                                      explain

A program names a call as syscall(2) does (SYS_openat, SYS(openat, ...)) or by the function of the C library that
makes it.
"""
import gzip
import re
import sys
from pathlib import Path

import linuxcalls

# Functions of the C library that make a call of another name (static glibc on x86-64).
FUNCTIONS = {
    "clone": ("fork",), "clone3": ("pthread_create",), "clock_nanosleep": ("nanosleep",), "eventfd2": ("eventfd",),
    "exit": ("pthread_join",), "exit_group": ("_exit",), "faccessat2": ("faccessat",),
    "fadvise64": ("posix_fadvise",), "newfstatat": ("fstatat", "stat", "lstat"), "openat": ("open",),
    "pread64": ("pread",), "prlimit64": ("prlimit", "getrlimit", "setrlimit"), "pselect6": ("pselect", "select"),
    "pwrite64": ("pwrite",), "rt_sigaction": ("sigaction", "signal"), "rt_sigpending": ("sigpending",),
    "rt_sigprocmask": ("sigprocmask", "pthread_sigmask"), "rt_sigqueueinfo": ("sigqueue",),
    "rt_sigreturn": ("sigaction",), "rt_sigsuspend": ("sigsuspend",),
    "rt_sigtimedwait": ("sigtimedwait", "sigwaitinfo", "sigwait"), "signalfd4": ("signalfd",),
    "wait4": ("waitpid", "wait4"),
}
# Those whose function makes another call, or asks the vDSO.
ELSEWHERE = set("""clock_gettime eventfd exit faccessat fork fstat getcpu getrlimit gettimeofday lstat nanosleep open
                   select setrlimit signalfd stat time""".split())
# What the macros of tests/linux/errors.c show of a call.
SHOWN_BY = {"BY_PATH": {"EACCES", "EFAULT", "ELOOP", "ENAMETOOLONG", "ENOENT", "ENOTDIR"}, "BY_FD": {"EBADF"},
            "FULL": {"EMFILE"}, "NO_SOCKET": {"EBADF", "ENOTSOCK"}}
ERROR = re.compile(r"\bE[A-Z0-9]{2,}\b")
# A function of a program: its name, what it does.
FUNCTION = re.compile(r"^static [\w ]+?\**(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", flags=re.S | re.M)


def calls_of(table: Path) -> list:
    return [call.name for call in linuxcalls.read_calls(table.read_text())]


def texts_of(folder: Path) -> dict:
    """Program: its text, without comments."""
    found = {}
    for path in sorted(folder.glob("*.c")):
        text = re.sub(r"//[^\n]*|/\*.*?\*/", "", path.read_text(), flags=re.S)
        found[path.stem] = re.sub(r"^#include[^\n]*", "", text, flags=re.M)
    return found


def names(text: str, call: str) -> bool:
    """Whether a text makes the call."""
    words = [*FUNCTIONS.get(call, ())] + ([] if call in ELSEWHERE else [call])
    return re.search(rf"\bSYS_{call}\b|\bSYS\(\s*{call}\b", text) is not None or any(
        re.search(rf"\b{word}\(", text) for word in words)


def without_case(calls: list, texts: dict) -> list:
    programs = [text for name, text in texts.items() if name != "check"]
    return [call for call in calls if not any(names(text, call) for text in programs)]


def errors_named(page: str) -> set:
    """The errors that a manual page lists."""
    section = re.search(r'^\.SH ERRORS$(.*?)(?=^\.SH )', page, flags=re.S | re.M)
    if not section:
        return set()
    tags = re.findall(r"^\.(?:TP|TQ)[^\n]*\n\.B[R ]?\s*(E[A-Z0-9]+)", section[1], flags=re.M)
    return {tag for tag in tags if ERROR.fullmatch(tag)}


def page_of(folder: Path, call: str) -> str:
    for path in (folder / f"{call}.2.gz", folder / f"{call}.2"):
        if path.exists():
            text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            page = text.decode(errors="replace")
            link = re.match(r"\.so man2/(\w+)\.2", page)
            return page_of(folder, link[1]) if link else page
    return ""


def errors_shown(call: str, texts: dict) -> set:
    """The errors that statements with the call in them name."""
    words = "|".join([f"SYS_{call}\\b", f"SYS\\(\\s*{call}\\b", *(f"{word}\\(" for word in (call, *FUNCTIONS.get(call, ())))])
    found = set()
    for name, text in texts.items():
        if name != "check" and names(text, call):
            # A function that returns what the call gives stands for it.
            stand = [f"{match[1]}\\(" for match in FUNCTION.finditer(text)
                     if re.search(rf"\breturn (?:{words})", match[2])]
            made = "|".join([words, *stand])
            for statement in text.split(";"):
                if re.search(rf"\b(?:{made})", statement):
                    found |= set(ERROR.findall(statement))
    for macro, errors in SHOWN_BY.items():
        if re.search(rf"\b{macro}\((?:\d, )?{call}\b", texts.get("errors", "")):
            found |= errors
    return found


def explained(text: str) -> dict:
    """(call, error) -> reason, of lines `CALL ...: ERROR ...: REASON`; a call * stands for all."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            calls, errors, reason = line.split(":", 2)
            found.update({(call, error): reason.strip() for call in calls.split() for error in errors.split()})
    return found


def unseen(calls: list, texts: dict, man: Path, reasons: dict) -> tuple:
    """Call -> errors of its page that are neither shown nor explained; what is explained and is shown, or not named."""
    missing, needless = {}, dict(reasons)
    for call in calls:
        left = errors_named(page_of(man, call)) - errors_shown(call, texts)
        for error in sorted(left):
            known = [key for key in ((call, error), ("*", error)) if key in reasons]
            for key in known:
                needless.pop(key, None)
            if not known:
                missing.setdefault(call, []).append(error)
    return missing, sorted(needless)


def main(arguments: list) -> int:
    man = Path(arguments[1]) if arguments[:1] == ["--errors"] else None
    paths = arguments[2:] if man else arguments
    if len(paths) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    calls, texts = calls_of(Path(paths[0])), texts_of(Path(paths[1]))
    if not man:
        print("\n".join(without_case(calls, texts)))
        return 0
    reasons = explained(Path(paths[1], "errors-unseen.txt").read_text())
    missing, needless = unseen(calls, texts, man, reasons)
    for call, errors in missing.items():
        print(f"{call}: {' '.join(errors)}")
    for call, error in needless:
        print(f"errors-unseen.txt: {call}: {error} is shown, or no page names it")
    return 1 if missing or needless else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
