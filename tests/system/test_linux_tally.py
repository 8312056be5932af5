# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What the plugin bench/linux/plugin counts of Linux programs on Pith is what they do."""
import pytest

from harness import build_directory
from pithlib import beside, occasions, roots
from pithlib.sides import Setting, counted, with_programs

PAGE_WORDS = 512
BLOCKS = 1000


@pytest.fixture(scope="module")
def rows():
    assert build_directory().exists()
    return beside.operations("Pith", build_directory(), ["null", "read_4k", "anonymous_fault"])


def test_a_program_executes_what_it_is_made_of(rows):
    assert 10 < rows["null"].guest < 30  # the loop, and the C library's stub
    assert rows["null"].component > 50 and rows["null"].kernel > 50
    assert rows["anonymous_fault"].guest < 12  # the store, which faults once, among them


def test_repeating_is_apart(rows):
    """A page is copied with one instruction."""
    assert PAGE_WORDS - 1 <= rows["read_4k"].rep < PAGE_WORDS + 100
    assert rows["read_4k"].instructions < rows["null"].instructions + 2 * PAGE_WORDS


def test_figures_repeat(rows):
    assert beside.operations("Pith", build_directory(), ["null"])["null"] == rows["null"]


def test_work_is_what_the_program_asked_for(pith_build, tmp_path):
    build = build_directory()
    words = ["/t/linux_bench", "--run", "/bin/busybox", "dd", "if=/dev/zero", "of=/tmp/x", "bs=512", f"count={BLOCKS}"]
    kinds = occasions.write_list(build / "component_linux", tmp_path / "kinds")
    _, counts = counted("Pith", Setting(with_programs(roots.busybox_root(), build), words), build, kinds=kinds)
    sample, = counts.samples
    assert all(BLOCKS <= counts.kinds[call].times < BLOCKS + 20 for call in ("read", "write"))
    assert counts.kinds["execve"].times == counts.kinds["exit_group"].times == 1
    assert sum(kind.component for kind in counts.kinds.values()) == sample.component
    assert sum(kind.kernel for kind in counts.kinds.values()) == sample.kernel
