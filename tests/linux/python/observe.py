#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Runs tests of Python's own suite and prints what became of each, a line for each: `NAME: RESULT`.

usage: observe.py SECONDS [-TEST...] NAME...

NAME is a module, class or test without the "test." in front; a TEST is left out.  Each NAME has a process of its
own; a test that takes longer than SECONDS is ended with it ("hangs"), as is one that takes its process along
("dies"), and the rest of them run in another process.  What a test says about its result, and how long it took,
follows in lines that begin with "| ".  This has to be the first process of its system, or of a PID namespace: it
ends all others between two names.
"""
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import unittest


# ---- the process that runs tests

class Result(unittest.TestResult):
    """Writes each result down at the end of its test: the first bad one, where there are subtests."""

    def __init__(self, out):
        super().__init__()
        self.out = out
        self.found = None
        self.start = 0

    def write(self, line):
        os.write(self.out, (line.encode("ascii", "backslashreplace").replace(b"\n", b"\\n") + b"\n"))

    def note(self, test, result, about=""):
        self.write(f"{name_of(test)}: {result}")
        for line in str(about).splitlines():
            self.write(f"| {line}")

    def startTest(self, test):
        self.write(f"> {name_of(test)}")
        self.found = None
        self.start = time.monotonic()

    def stopTest(self, test):
        self.note(test, *(self.found or ("ok",)))
        self.write(f"| {time.monotonic() - self.start:.1f} s")

    def becomes(self, test, result, about=""):
        """Of a class or a module it is said at once: there is no stopTest for these."""
        if isinstance(test, unittest.TestCase):
            self.found = self.found or (result, about)
        else:
            self.note(test, result, about)

    def fails(self, test, result, error):
        self.becomes(test, result, "".join(traceback.format_exception(*error)))

    def addFailure(self, test, error):
        self.fails(test, "FAIL", error)

    def addError(self, test, error):
        self.fails(test, "ERROR", error)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.fails(test, "FAIL" if issubclass(error[0], test.failureException) else "ERROR", error)

    def addSkip(self, test, reason):
        if not hasattr(test, "test_case"):  # a subtest: the test goes on
            self.becomes(test, "skipped", reason)

    def addExpectedFailure(self, test, error):
        self.becomes(test, "expected failure")

    def addUnexpectedSuccess(self, test):
        self.becomes(test, "unexpected success")


def name_of(test):
    return test.id().replace("test.", "", 1) if test.id().startswith("test.") else test.id().replace("(test.", "(", 1)


def tests_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_of(test)
        else:
            yield test


def without(suite, done):
    """The suites as they are, for what they set up, less the tests that are done."""
    left = [without(test, done) if isinstance(test, unittest.TestSuite) else test for test in suite
            if isinstance(test, unittest.TestSuite) or name_of(test) not in done]
    return type(suite)(left)


def run_tests(name, out, done):
    from test import support
    from test.support import os_helper
    support.use_resources = []
    with os_helper.temp_cwd(f"test_python_{os.getpid()}"):
        result = Result(out)
        try:
            suite = unittest.defaultTestLoader.loadTestsFromName(f"test.{name}")
        except unittest.SkipTest as reason:
            result.write(f"{name}: skipped")
            result.write(f"| {reason}")
            return
        without(suite, done).run(result)


# ---- the process that has them run

def child(name, results, done):
    """Starts the one that runs the tests of `name` that are not in `done`."""
    log = open("/tmp/log", "wb")
    return subprocess.Popen([sys.executable, __file__, "--tests", name, results.name, *done], stdin=subprocess.DEVNULL,
                            stdout=log, stderr=log, cwd="/tmp", start_new_session=True)


def end_others():
    """All but this, the first process."""
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        pass
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass


def watch(process, results, seconds):
    """Until it ends, or does nothing for `seconds`; what became of the test that it was at."""
    size, moment = 0, time.monotonic()
    while process.poll() is None:
        time.sleep(0.1)
        now = os.fstat(results.fileno()).st_size
        if now != size:
            size, moment = now, time.monotonic()
        elif time.monotonic() - moment > seconds:
            return "hangs"
    return f"dies ({process.returncode})" if process.returncode else ""


def observe_some(name, done, seconds):
    """Runs what is left, up to where it does not go on; whether there may be more."""
    with tempfile.NamedTemporaryFile(prefix="results-", dir="/") as results:
        end = watch(child(name, results, done), results, seconds)
        end_others()
        results.seek(0)
        running = None
        for line in results.read().decode().splitlines():
            if line.startswith("> "):
                running = line[2:]
            else:
                print(line)
                if running and line.startswith(f"{running}: "):
                    done.append(running)
                    running = None
    if end:
        print(f"{running or name}: {end}")
        with open("/tmp/log", errors="backslashreplace") as log:
            for line in log.read()[-2000:].splitlines():
                print(f"| {line}")
        done.append(running)
    sys.stdout.flush()
    return bool(end and running)


def main(arguments):
    if arguments[0] == "--tests":
        name, results, *done = arguments[1:]
        run_tests(name, os.open(results, os.O_WRONLY | os.O_APPEND), set(done))
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))  # the same everywhere: tests go to it
    for name in (name for name in arguments[1:] if not name.startswith("-")):
        print(f"=== {name}", flush=True)
        start, done = time.monotonic(), [word[1:] for word in arguments[1:] if word.startswith("-")]
        while observe_some(name, done, float(arguments[0])):
            pass
        print(f"=== {time.monotonic() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
