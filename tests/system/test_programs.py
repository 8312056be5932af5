# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The programs that have no test of their own here start and end as they should."""
import pytest

from harness import boot


def test_hello(artefacts, pith_build):
    boot("hello", artefacts).expect("Hello from Pith, interface ", "1 CPU, clock ")


@pytest.mark.parametrize("memory", [64, 4096])
def test_hello_in_little_and_much_memory(memory, artefacts, pith_build):
    boot("hello", artefacts, memory=memory).expect("Hello from Pith, interface ")


def test_bench_program(artefacts, pith_build):
    """Every scenario runs to its end with whatever compiler; bench/analyse.py measures them."""
    boot("bench", artefacts, timeout=120).expect(status=0)
