# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The programs of tests/linux, which observe one system call after the other, on the Linux server: each case
observes what it observes on Linux, but for those of tests/linux/differences.txt, which has to be exact."""
import os
import shutil

import pytest

from harness import build_directory
from harness.linux import (PROGRAMS, differing, executable, known_differences, on_linux, programs_on_pith, root_with,
                           split)

CHOSEN = os.environ.get("PITH_LINUX_CALLS", " ".join(PROGRAMS)).split()  # for a look at a few


@pytest.fixture(scope="module")
def observed(tmp_path_factory):
    """What the programs print on Pith: as many as can be on one machine."""
    assert build_directory().exists()
    place = tmp_path_factory.mktemp("calls")
    (place / "root/t").mkdir(parents=True)
    for program in CHOSEN:
        shutil.copy(executable(program), place / "root/t" / program)
    return programs_on_pith(root_with(place / "root", place / "root.cpio"), CHOSEN)


@pytest.mark.parametrize("program", CHOSEN)
def test_calls_are_those_of_linux(pith_build, observed, program):
    known = {name for name in known_differences() if name.startswith(f"{program}/")}
    found = differing(program, observed[program], on_linux([program]))
    new = [line for name in found if name not in known for line in (f"{name}: differs", *found[name])]
    gone = [f"{name}: is as on Linux now: take it out of differences.txt" for name in known if name not in found]
    assert not new and not gone, "\n".join([*new, *gone])


def test_known_differences_have_reasons():
    for name, why in known_differences().items():
        assert name.split("/")[0] in PROGRAMS and len(why) > 5, name


def test_differences_are_noticed():
    right = ("pipe/a: x: 1 ok\npipe/b: y: ok\n", 0)
    assert differing("pipe", right, right) == {}
    assert list(differing("pipe", ("pipe/a: x: WRONG\npipe/b: y: ok\n", 1), right)) == ["pipe/a"]
    assert list(differing("pipe", ("pipe/a: x: 1 ok\n", 0), right)) == ["pipe/b"]
    assert list(differing("pipe", (right[0], 139), right)) == ["pipe/status"]


def test_a_program_without_an_end_is_noticed():
    assert split("=== pipe\npipe/a: ok\n=== 0\n=== wait\nwait/a: ok\n") == {"pipe": ("pipe/a: ok\n", 0)}
