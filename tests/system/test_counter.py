# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The counter service and its clients while they are killed: every acknowledged request is counted once.

`./pith campaign counter` does the same for every kind of request and at 10,000 instants.
"""
from faults import counter

KILLS = 300


def test_killed_after_every_instruction_of_a_request(artefacts, pith_build):
    found = counter.steps(pith_build, artefacts, only=1)
    assert list(found) == ["add"] and found["add"] > counter.LEAST_PATH


def test_killed_at_random(artefacts, pith_build):
    server, clients, requests = counter.kills(pith_build, artefacts, KILLS)
    assert server == KILLS and clients > 0 and requests > KILLS
