# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The root test in QEMU: every system call and operation, with every refusal of the tables.

The guest (tests/system/roottest) prints "ok NAME", "FAIL NAME FILE:LINE: WHY" and, once for each
refusal that it saw, "HIT SUBJECT ERROR ARGUMENT in NAME".  What the kernel can answer stands in
triples.json, derived from abi/*.def: the two sets must be equal.  Time is counted in instructions,
so that every run is the same.
"""
import json
import re

import pytest

from harness import boot
from pithlib import qemu

HIT = re.compile(r"^HIT (\S+) (\S+) (\d+) in (\S+)$", re.MULTILINE)
LEAKS = re.compile(r"^LEAKS objects (\d+) slots (\d+) untyped (\d+)$", re.MULTILINE)
IOMMU = ["-device", "intel-iommu,intremap=on"]
SUMMARY = re.compile(r"^SUMMARY tests (\d+) failed (\d+) hits (\d+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> str:
    """What one run of the root test said; it ran to its end."""
    return run(tmp_path_factory.mktemp("roottest"), extra=[*qemu.COUNTED, *IOMMU])


@pytest.fixture(scope="module")
def said_without(tmp_path_factory) -> str:
    """What it says of devices on a machine without an IOMMU."""
    return run(tmp_path_factory.mktemp("without"), append="test=io.", extra=qemu.COUNTED)


def run(artefacts, **options) -> str:
    result = boot("roottest", artefacts, timeout=300, **options)
    text = result.serial.replace("\r", "")
    assert SUMMARY.search(text), result.explain()
    return text


def known_triples(build) -> set:
    """What the tables say that can be answered."""
    rows = json.loads((build / "tools" / "gen" / "gen" / "triples.json").read_text())
    return {tuple(row) for row in rows}


def seen_triples(text: str) -> dict:
    """(subject, error, argument) -> the test that saw it first."""
    return {(m[1], m[2], int(m[3])): m[4] for m in HIT.finditer(text)}


def listed(triples) -> str:
    return "\n".join(" ".join(map(str, triple)) for triple in sorted(triples))


def test_all_pass(said, said_without):
    failures = [line for line in (said + said_without).splitlines() if line.startswith(("FAIL", "PITH-PANIC"))]
    assert not failures, "\n".join(failures)
    tests, failed, _ = map(int, SUMMARY.search(said).groups())
    assert failed == 0
    assert tests == said.count("\nok ") + said.startswith("ok ")


def test_every_refusal_is_hit(said, said_without, pith_build):
    missing = known_triples(pith_build) - seen_triples(said + said_without).keys()
    assert not missing, f"{len(missing)} refusals that no test hits:\n{listed(missing)}"


def test_every_refusal_is_in_the_tables(said, said_without, pith_build):
    unknown = seen_triples(said + said_without).keys() - known_triples(pith_build)
    assert not unknown, f"the kernel answers what the tables do not say:\n{listed(unknown)}"


def test_nothing_leaks(said):
    assert LEAKS.search(said), "the leak check did not run"
    assert LEAKS.search(said).groups() == ("0", "0", "0"), LEAKS.search(said).group()
