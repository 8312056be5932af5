# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""./pith coverage: what counts as a branch, and what is complained about."""
import pytest

from pithlib import coverage
from pithlib.coverage import Branch, Counts
from pithlib.ui import Failure

SOURCE = """\
static inline bool two(int a)
{
    ASSERT(a > 1 ||
           a < 0);
    switch (a) {
    case 1: return true;
    case 2: break;
    }
    switch (a) {
    case 1: return true;
    default: break;
    }
    if (a && b) {
        return true;
    }
    if (a && b) {
        return false;
    }
    return false;
}
"""
IF = "if (a && b) {"


@pytest.fixture
def toy(tmp_path):
    """A tree with one source, all of whose branches a test took but the last."""
    source = tmp_path / "kernel" / "core" / "toy.c"
    source.parent.mkdir(parents=True)
    source.write_text(SOURCE)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "coverage.toml").write_text("minimum = 80\n")
    return tmp_path


def found(tree) -> dict:
    counts = Counts()
    lines = {1: [0, 3], 3: [0, 5], 4: [0, 1], 5: [2, 1, 0], 9: [1, 1, 1], 13: [1, 1, 1, 1], 16: [4, 1, 2, 0]}
    for line, taken in lines.items():
        counts.add(("kernel/core/toy.c", line), taken)
    return coverage.branches_of(counts, tree)


def test_what_is_a_branch(toy):
    """Not those of an assertion, of a complete switch's way out, of the line of the function's name."""
    lines = [line for line, _ in found(toy).values()]
    assert sorted(set(lines)) == [5, 9, 13, 16]
    assert (lines.count(5), lines.count(9), lines.count(13), lines.count(16)) == (2, 3, 4, 4)


def test_branches_are_named_by_text_and_number(toy):
    branches = found(toy)
    assert branches[Branch("kernel/core/toy.c", "two", IF, 4)] == (13, 1)
    assert branches[Branch("kernel/core/toy.c", "two", IF, 8)] == (16, 0)


def test_programs_are_merged():
    counts = Counts()
    counts.add(("a.c", 1), [0, 2])
    counts.add(("a.c", 1), [3, 0])
    assert counts.lines["a.c", 1] == [3, 2]
    with pytest.raises(Failure, match="different branches"):
        counts.add(("a.c", 1), [1, 1, 1])


def test_copies_of_an_inlined_line_count_as_one():
    counts = Counts()
    counts.add(("a.h", 1), [0, 2])
    counts.add(("a.h", 1), [0, 0, 3, 0])
    assert counts.lines["a.h", 1] == [3, 2]


def excuse(tree, number: int, reason: str = "why") -> tuple:
    path = tree / "tests" / "coverage.toml"
    path.write_text(f'minimum = 80\n[[branch]]\nfile = "kernel/core/toy.c"\nfunction = "two"\nline = "{IF}"\n'
                    f'numbers = [{number}]\nreason = "{reason}"\n')
    return coverage.read_list(tree)


def wrong(tree, listed: tuple) -> list:
    minimum, excused = listed
    return coverage.complaints(found(tree), excused, minimum)


def test_an_excused_branch_is_fine(toy):
    assert wrong(toy, excuse(toy, 8)) == []


def test_a_branch_that_nobody_takes_needs_an_entry(toy):
    (complaint,) = wrong(toy, coverage.read_list(toy))
    assert complaint == f"not taken: kernel/core/toy.c:16: two: branch 8 of `{IF}`"


def test_an_entry_that_is_not_needed(toy):
    complaints = wrong(toy, excuse(toy, 7))
    assert any("is taken: remove the entry" in text for text in complaints)


def test_an_entry_for_nothing(toy):
    complaints = wrong(toy, excuse(toy, 9))
    assert any("no such branch" in text for text in complaints)


def test_too_few(toy):
    complaints = wrong(toy, (95, {}))
    assert complaints[0] == "only 92.31 % of the branches are taken, less than 95 %"


def test_an_entry_needs_a_reason(toy):
    with pytest.raises(Failure, match="an entry needs"):
        excuse(toy, 8, " ")


def test_a_source_that_no_test_is_built_from(toy):
    (toy / "kernel" / "core" / "other.c").write_text("int f(int a)\n{\n    if (a) {\n    }\n}\n")
    counts = Counts()
    counts.add(("kernel/core/toy.c", 13), [1, 1])
    assert coverage.missing_sources(counts, toy) == ["kernel/core/other.c"]
