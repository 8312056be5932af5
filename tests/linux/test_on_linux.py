# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The programs of this directory say the truth about Linux: there, nothing of what they observe is wrong, and
they print the same each time, so that they can be compared with another system."""
import subprocess

import pytest

from harness.linux import PROGRAMS, cases, differences, executable, on_linux


@pytest.mark.parametrize("program", PROGRAMS)
def test_linux_is_as_expected(pith_build, program):
    output, status = on_linux([program])
    wrong = [line for line in output.splitlines() if "WRONG" in line]
    assert status == 0 and not wrong, "\n".join(wrong)
    assert {line.split(": ")[0] for line in output.splitlines() if line.startswith(program + "/")} == {
        f"{program}/{case}" for case in cases(program)}


@pytest.mark.parametrize("program", PROGRAMS)
def test_output_is_the_same_each_time(pith_build, program):
    assert differences(on_linux, [program]) == []


@pytest.mark.parametrize("program, table", [("shm", "shm"), ("sem", "sem"), ("msg", "msg")])
def test_nothing_stays(pith_build, program, table):
    """What System V's calls make outlives its process: left behind, it fills the host's tables."""
    script = f"{executable(program)} >/dev/null && tail -n +2 /proc/sysvipc/{table}"
    done = subprocess.run(["unshare", "--ipc", "sh", "-c", script], cwd="/", stdout=subprocess.PIPE, check=True)
    assert done.stdout == b""


def test_single_cases(pith_build):
    output, status = on_linux(["pipe", "read-empty-nonblocking"])
    assert status == 0
    assert output.splitlines()[0] == "pipe/read-empty-nonblocking: read(ends[0], buffer, 1): -EAGAIN ok"
    assert on_linux(["pipe", "no-such-case"]) == ("", 101)


def test_cases_without_fork(pith_build):
    command = ["pipe", "--no-fork", "read-less", "read-across-writes"]
    assert on_linux(command) == on_linux(["pipe", "read-less", "read-across-writes"])


def test_differences_are_found(pith_build):
    def worse(command):
        output, status = on_linux(command)
        return output.replace("-EAGAIN ok", "WRONG expected -EAGAIN got 0"), status + 1
    found = differences(worse, ["pipe", "read-empty-nonblocking"])
    assert "-exit status 0" in found and "+exit status 1" in found
    assert any(line.startswith("+pipe/read-empty-nonblocking: ") and "WRONG" in line for line in found)


def test_differences_in_status_alone_are_found(pith_build):
    assert differences(lambda command: (on_linux(command)[0], 139), ["pipe", "read-less"])
