# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""./pith bench on toy programs and limits."""
import json

import pytest

from pithlib import bench
from pithlib.ui import Failure

LIMITS = '[metrics]\n"a.b" = { limit = 10, aim = 5, unit = "steps" }\n"c" = { unit = "bytes" }\n'


@pytest.fixture
def toy(tmp_path, monkeypatch):
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "limits.toml").write_text(LIMITS)
    monkeypatch.setattr(bench, "TREE", tmp_path)
    monkeypatch.setattr(bench.packages, "setup", lambda group: None)
    monkeypatch.setattr(bench.builds, "build_shown", lambda configuration: tmp_path)
    return tmp_path


def program(toy, script, name="toy"):
    with (toy / "bench" / "programs.toml").open("a") as file:
        file.write(f"[{name}]\ncommand = ['sh', '-c', {json.dumps(script)}]\n")


def run(check=True, expression=None, repeat=1, json_file=None):
    return bench.bench(json_file, check, expression, repeat)


def test_within_the_limit(toy, capsys):
    program(toy, "echo PITH-BENCH a.b 7; echo PITH-BENCH c 1000000; echo other")
    assert run(json_file=str(toy / "out.json")) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["a.b", "7", "-", "10", "5", "steps"] in rows
    assert ["c", "1,000,000", "-", "-", "-", "bytes"] in rows
    assert json.loads((toy / "out.json").read_text()) == {"metrics": {"a.b": 7, "c": 1000000}}


def test_over_the_limit(toy):
    program(toy, "echo PITH-BENCH a.b 11")
    with pytest.raises(Failure, match="a.b: over the limit"):
        run()
    assert run(check=False) == 0


def test_not_measured(toy):
    program(toy, "echo PITH-BENCH c 1")
    with pytest.raises(Failure, match="a.b: not measured"):
        run()


@pytest.mark.parametrize("kept, value, worse", [(100, 102, False), (100, 103, True), (0, 1, True),
                                                (40, 41, True), (100, 5, False)])
def test_what_was_reached_stays_reached(toy, kept, value, worse):
    (toy / "bench" / "limits.toml").write_text(f'[metrics]\n"a" = {{ kept = {kept} }}\n')
    program(toy, f"echo PITH-BENCH a {value}")
    if worse:
        with pytest.raises(Failure, match="a: worse than it was"):
            run()
    else:
        assert run() == 0


def test_limit_itself_is_allowed(toy):
    program(toy, "echo PITH-BENCH a.b 10")
    assert run() == 0


@pytest.mark.parametrize("script, complaint", [
    ("exit 3", "status 3"),
    ("echo nothing", "no PITH-BENCH line"),
    ("echo PITH-BENCH a.b 1; echo PITH-BENCH a.b 2", "printed a.b twice"),
])
def test_bad_program(toy, script, complaint):
    program(toy, script)
    with pytest.raises(Failure, match=complaint):
        run()


def test_two_programs_with_one_metric(toy):
    program(toy, "echo PITH-BENCH a.b 1", "one")
    program(toy, "echo PITH-BENCH a.b 1", "two")
    with pytest.raises(Failure, match="'one' and 'two' both print a.b"):
        run()


def test_figures_that_vary(toy):
    program(toy, "echo x >> runs; echo PITH-BENCH a.b $(wc -l < runs)")
    with pytest.raises(Failure, match="a.b: 1 and 2"):
        run(repeat=2)


def test_expression_chooses(toy):
    program(toy, "echo PITH-BENCH c 1", "small")
    program(toy, "exit 1", "large")
    assert run(expression="mal") == 0
    with pytest.raises(Failure, match="contains 'nobody'"):
        run(expression="nobody")


@pytest.mark.parametrize("text, complaint", [
    ("[x]\n", "either 'image' or 'command'"),
    ("[x]\nimage = 'a'\ncommand = ['b']\n", "either 'image' or 'command'"),
    ("[x]\nimage = 'a'\ncolour = 1\n", "unknown key 'colour'"),
    ("[x\n", "programs.toml"),
])
def test_bad_registry(toy, text, complaint):
    (toy / "bench" / "programs.toml").write_text(text)
    with pytest.raises(Failure, match=complaint):
        run()
