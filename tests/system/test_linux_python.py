# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Python's own tests on the Linux server: those of tests/linux/python/subset.txt, each with the result that it has on
the development host.  `./pith campaign linux` runs more, and looks at those that are known to differ."""
import os

import pytest

from harness import python_suite as suite

LIMIT = 1500  # seconds, on a busy host; 300 on a quiet one
NAMES = os.environ.get("PITH_LINUX_PYTHON", "").split() or suite.names_of("subset.txt")  # for a look at a few


@pytest.fixture(scope="module")
def results():
    """(on Pith, on Linux) of each test, less those that are known to differ."""
    asked = [*(f"-{name}" for name in suite.known_differences()), *NAMES]
    return suite.results_of(suite.said_on_pith(asked, LIMIT)), suite.results_of(suite.said_on_linux(asked))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_results_are_those_of_linux(pith_build, results, name):
    here, there = ({test: became for test, became in system.items() if suite.is_of(test, name)} for system in results)
    assert any(result == "ok" for result, _ in there.values()), "nothing of it passes on Linux"
    assert not suite.differing(here, there), "\n".join(sum(suite.differing(here, there).values(), []))


def test_what_is_known_has_reasons():
    for name, why in suite.known_differences().items():
        assert "test_" in name and len(why) > 5, name


SAID = "=== test_a\ntest_a.C.test_x: ok\n| 0.1 s\ntest_a.C.test_y: {}\n| why\n=== 1.0 s\n"


def test_differences_are_noticed():
    right, wrong = suite.results_of(SAID.format("ok")), suite.results_of(SAID.format("FAIL"))
    assert right["test_a.C.test_x"] == ("ok", ["0.1 s"]) and len(right) == 2
    assert suite.differing(right, right) == {}
    found = suite.differing(wrong, right)
    assert found == {"test_a.C.test_y": ["test_a.C.test_y: Linux: ok, Pith: FAIL", "    why"]}
    assert suite.judge(found, right, {}) == found["test_a.C.test_y"]
    assert suite.judge(found, right, {"test_a.C.test_y": "because"}) == []
    assert len(suite.judge({}, right, {"test_a.C.test_y": "because"})) == 1
    assert list(suite.differing({}, right)) == list(right)
