# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Whatever component is killed from the monitor comes back, a hundred times in a row, and nothing is lost: the
memory and the slots that the supervisor has left are those of before."""
import pytest

from harness.shell import Shell

TIMES = 100
KILLED = ["uart", "log", "logprint", "counter", "monitor"]


@pytest.mark.slow
def test_a_hundred_kills_of_each(artefacts, pith_build):
    with Shell(artefacts) as shell:
        shell.ready()
        assert set(KILLED) == set(shell.components())
        for name in KILLED:
            before = shell.resources()
            for _ in range(TIMES):
                shell.kill(name)
            after = shell.resources()
            assert after[:2] == before[:2], f"{name}: {before} became {after}"
            assert after[2] == before[2] + TIMES
            assert shell.components()[name].deaths == TIMES
        assert shell.power_off() == 0
