# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""./pith mutants on toy trees."""
import pytest

from pithlib import build as builds
from pithlib import mutants
from pithlib.ui import Failure

PATCH = """\
# breaks: {breaks}
# check: {check}
# build: {build}
# short: yes

--- a/sum.sh
+++ b/sum.sh
@@ -1 +1 @@
-echo $((2 + 2))
+echo $((2 + {added}))
"""
CHECK = 'test "$(sh sum.sh)" = 4'


@pytest.fixture
def toy(tmp_path):
    (tmp_path / "tests" / "mutants").mkdir(parents=True)
    (tmp_path / "sum.sh").write_text("echo $((2 + 2))\n")
    return tmp_path


def add(toy, name, check=CHECK, added=3, build="none", breaks="sums"):
    text = PATCH.format(check=check, added=added, build=build, breaks=breaks)
    (toy / "tests" / "mutants" / f"{name}.patch").write_text(text)


def verdicts(toy):
    found = mutants.judge(mutants.choose(toy, (), short=False), toy)
    return {v.name: v for v in found}


def test_caught(toy):
    add(toy, "off-by-one")
    assert verdicts(toy)["off-by-one"].result == "caught"
    assert mutants.run_mutants((), False, toy) == 0
    assert (toy / "sum.sh").read_text() == "echo $((2 + 2))\n", "the tree itself was changed"


def test_survivor_is_a_failure(toy, capsys):
    add(toy, "harmless", check="true")
    assert mutants.run_mutants((), False, toy) == 1
    assert "SURVIVED harmless" in capsys.readouterr().out


def test_mutants_do_not_add_up(toy):
    """Each is applied to the unchanged tree."""
    add(toy, "a", added=3)
    add(toy, "b", added=5)
    assert {v.result for v in verdicts(toy).values()} == {"caught"}


def test_a_patch_that_would_reverse_elsewhere(toy):
    """The line taken out stood where the patch says no longer; what is left fits in two places."""
    (toy / "sum.sh").write_text("{\n}\n" * 3 + "echo 4\n" + "{\n:\n}\n")
    text = PATCH.format(check='grep -q "^:" sum.sh', added=0, build="none", breaks="lines")
    patch = text[:text.index("@@")] + "@@ -2,3 +2,2 @@\n {\n-:\n }\n"
    (toy / "tests" / "mutants" / "first.patch").write_text(patch)
    (toy / "tests" / "mutants" / "second.patch").write_text(
        patch.replace('grep -q "^:" sum.sh', 'test "$(tail -n 3 sum.sh | head -n 2 | tail -n 1)" = :'))
    assert {v.result for v in verdicts(toy).values()} == {"caught"}


def test_check_that_fails_anyway_is_an_error(toy):
    add(toy, "useless", check="false")
    found = verdicts(toy)["useless"]
    assert found.result == "ERROR" and "without the mutant" in found.note


def test_stale_patch_is_an_error(toy):
    add(toy, "stale")
    (toy / "sum.sh").write_text("echo 4\n")
    found = verdicts(toy)["stale"]
    assert found.result == "ERROR" and "does not apply" in found.note


def test_mutant_that_does_not_build_is_an_error(toy, monkeypatch):
    def build(configuration, tree):
        if "3" in (tree / "sum.sh").read_text():
            raise Failure("building release failed")
    monkeypatch.setattr(builds, "build", build)
    add(toy, "broken", build="release")
    found = verdicts(toy)["broken"]
    assert found.result == "ERROR" and "building release failed" in found.note


def test_check_knows_its_build(toy, monkeypatch):
    monkeypatch.setattr(builds, "build", lambda configuration, tree: None)
    check = CHECK + ' && test "{build}" = "$PITH_BUILD" && test "{build}" = "$PWD/build/debug"'
    (toy / "tests" / "mutants" / "where.patch").write_text(
        PATCH.replace("{check}", check).replace("{added}", "3").replace("{breaks}", "sums")
        .replace("{build}\n# short", "debug\n# short"))
    assert verdicts(toy)["where"].result == "caught"


@pytest.mark.parametrize("header, complaint", [
    ("# breaks: x\n", "# check:"),
    ("# check: x\n", "# breaks:"),
    ("# breaks: x\n# check: y\n# build: fast\n", "'fast'"),
    ("# breaks: x\n# check: y\n# short: maybe\n", "yes or no"),
])
def test_bad_header(toy, header, complaint):
    (toy / "tests" / "mutants" / "bad.patch").write_text(header + "--- a/x\n+++ b/x\n")
    with pytest.raises(Failure, match=complaint):
        mutants.choose(toy, (), short=False)


def test_unknown_name(toy):
    with pytest.raises(Failure) as caught:
        mutants.choose(toy, ["nobody"], short=False)
    assert caught.value.status == 2


def test_every_mutant_of_the_tree_is_well_formed(tree):
    mutants.choose(tree, (), short=False)
