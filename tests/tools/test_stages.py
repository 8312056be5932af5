# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The stages of ./pith test: what counts as passed, failed and nothing at all."""
import json
import subprocess
from pathlib import Path

import pytest

from pithlib import testing
from pithlib.testing import Score, Stage
from pithlib.ui import Failure


def failing():
    raise Failure("the machine is on fire")


@pytest.fixture
def only(monkeypatch):
    """Make ./pith test run these stages and no others."""
    def set_stages(*stages):
        monkeypatch.setattr(testing.packages, "setup", lambda group: None)
        monkeypatch.setattr(testing, "choose_stages", lambda expression, quick: list(stages))
    return set_stages


def test_sum(only, capsys):
    only(Stage("one", lambda: Score(3, 0)), Stage("two", lambda: Score(1, 2, "the report")))
    assert testing.test(None, False) == 1
    out = capsys.readouterr().out
    assert "FAIL: 2 failed, 1 passed" in out and "| the report" in out
    assert "==== 4 passed, 2 failed in " in out


def test_stage_that_cannot_run_is_a_failure(only, capsys):
    only(Stage("one", failing), Stage("two", lambda: Score(1, 0)))
    assert testing.test(None, False) == 1
    out = capsys.readouterr().out
    assert "on fire" in out and "==== 1 passed, 1 failed in " in out


def test_what_needs_a_failed_build_is_left_out(only, capsys):
    only(Stage("build", failing, "", makes="debug"), Stage("two", failing, "debug"),
         Stage("three", lambda: Score(1, 0), "release"))
    assert testing.test(None, False) == 1
    out = capsys.readouterr().out
    assert "two: left out" in out and "==== 1 passed, 1 failed in " in out


def test_empty_stage_is_a_failure(only):
    only(Stage("one", lambda: Score(1, 0)), Stage("two", lambda: Score(0, 0)))
    assert testing.test(None, False) == 1


def test_expression_may_leave_stages_empty(only):
    only(Stage("one", lambda: Score(1, 0)), Stage("two", lambda: Score(0, 0)))
    assert testing.test("word", False) == 0


def test_expression_that_matches_nothing(only):
    only(Stage("build", lambda: Score(1, 0), "", makes="release"), Stage("two", lambda: Score(0, 0)))
    with pytest.raises(Failure, match="nothing matches 'word'"):
        testing.test("word", False)


def test_everything_is_in_the_full_run():
    full = [stage.name for stage in testing.choose_stages(None, False)]
    quick = [stage.name for stage in testing.choose_stages(None, True)]
    assert set(quick) < set(full)
    assert {"build debug", "build clang", "benchmarks", "mutants"} <= set(full) - set(quick)


def test_pytest_is_counted(tmp_path, monkeypatch, tree):
    (tmp_path / "test_toy.py").write_text(
        "import pytest\n"
        "def test_a(): pass\n"
        "def test_b(): assert 0, 'wrong'\n"
        "@pytest.mark.skip\n"
        "def test_c(): pass\n")
    monkeypatch.setattr(testing, "LOGS", tmp_path / "logs")
    score = testing.run_pytest("toy", tmp_path, [str(tmp_path)])
    assert score[:2] == (1, 1) and score.skipped == 1
    assert "test_b" in score.report


def test_files_are_shared(tmp_path, monkeypatch, tree):
    """Each test runs once, whichever run it falls to; those that want to be alone when the others are done."""
    place = tmp_path / "toys"
    place.mkdir()
    (place / "conftest.py").write_text((tree / "tests" / "conftest.py").read_text().replace(
        "Path(__file__).resolve().parent", f"Path({str(tree / 'tests')!r})"))
    for name in "abcdef":
        (place / f"test_{name}.py").write_text(
            "import pathlib, time, pytest\n"
            f"def note(word): open({str(tmp_path / 'notes')!r}, 'a').write(word + chr(10))\n"
            f"def test_1(): time.sleep(0.2); note('{name}1')\n"
            f"def test_2(): note('{name}2'); assert '{name}' != 'c'\n"
            "@pytest.mark.alone\n"
            f"def test_3(): note('alone')\n"
            "@pytest.mark.slow\n"
            f"def test_4(): note('slow')\n")
    monkeypatch.setattr(testing, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(testing.os, "cpu_count", lambda: 3)
    score = testing.run_shared("toys", tmp_path, [str(place)], ["not slow"])
    assert score[:2] == (17, 1) and "test_c.py" in score.report
    notes = (tmp_path / "notes").read_text().split()
    assert sorted(notes[:12]) == [f"{name}{i}" for name in "abcdef" for i in "12"]
    assert notes[12:] == ["alone"] * 6


TIDY = "int f(int a, int b, int c, int d, int e{more})\n{{\n    return a + b + c + d + e{use};\n}}\n"


@pytest.mark.parametrize("more, use, failed", [("", "", 0), (", int g", " + g", 1)])
def test_tidy_counts_parameters(tmp_path, monkeypatch, tree, more, use, failed):
    source = tmp_path / "a.c"
    source.write_text(TIDY.format(more=more, use=use))
    (tmp_path / ".clang-tidy").write_text((tree / ".clang-tidy").read_text())
    build = tmp_path / "build"
    build.mkdir()
    entry = {"directory": str(build), "file": "../a.c", "command": "clang -ffreestanding -c ../a.c"}
    (build / "compile_commands.json").write_text(json.dumps([entry]))
    monkeypatch.setattr(testing, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(testing, "TREE", tmp_path)
    monkeypatch.setattr(testing.builds, "build_dir", lambda configuration: build)
    score = testing.check_tidy()
    assert score.failed == failed, score.report
    assert ("function-size" in score.report) == bool(failed)


def test_tidy_sees_what_only_gcc_builds(tmp_path):
    entry = {"directory": "/b", "file": "../t/a.c",
             "command": "gcc -ffixed-rbx -Wlogical-op -DPITH_DEBUG=0 -nostdinc -I x -c ../t/a.c"}
    assert testing.tidy_entry(entry) == {
        "directory": "/b", "file": "/t/a.c",
        "command": "clang -DPITH_DEBUG=1 -nostdinc -I x -c ../t/a.c -Wno-everything"}


def test_tidy_sees_headers_of_clang_alone():
    own = testing.headers_of("gcc")
    entry = {"directory": "/b", "file": "a.c", "command": f"gcc -nostdinc -idirafter {own} -c a.c"}
    words = testing.tidy_entry(entry)["command"].split()
    assert own not in words and testing.headers_of("clang") in words
    entry["command"] = "gcc -c a.c"
    assert testing.tidy_entry(entry, Path("/h"))["command"].split()[-3:-1] == ["-idirafter", "/h"]


def test_ci_runs_the_tests(tree):
    script = (tree / ".ci" / "run").read_text()
    assert "./pith test" in script
    subprocess.run(["sh", "-n", tree / ".ci" / "run"], check=True)
