# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The tests of Python's own suite, on Pith and on this host: `./pith campaign linux` runs this.

    python_campaign.py BUILD COUNT
    python_campaign.py BUILD NAME...

The first COUNT names of tests/linux/python/campaign.txt, or those given, each on a machine of its own and in a root of
its own on the host.  All of them are run, whatever differs.  Status 0 when nothing differs but what
tests/linux/python-differences.txt knows.
"""
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE / "tests"), str(TREE / "tools")]

from harness import python_suite as suite  # noqa: E402  (needs the paths above)
from pithlib import roots  # noqa: E402

LIMIT = 3600  # seconds for one name on Pith


def observe(name: str) -> tuple:
    """(results here, results on Linux), said as soon as they are there."""
    start = time.monotonic()
    there = suite.results_of(suite.said_on_linux([name]))
    middle = time.monotonic()
    here = suite.results_of(suite.said_on_pith([name], LIMIT))
    different = suite.differing(here, there)
    print(f"{name}: {len(there)} on Linux in {middle - start:.0f} s, {len(here)} on Pith in "
          f"{time.monotonic() - middle:.0f} s, {len(different)} differ", flush=True)
    return here, there


def observe_all(names: list) -> tuple:
    """The same of all of them."""
    here, there = {}, {}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for pith, linux in pool.map(observe, names):
            here.update(pith)
            there.update(linux)
    return here, there


def main(names: list) -> int:
    known = suite.known_differences()
    roots.of_packages(suite.PACKAGES)  # once, before several want it
    suite.given(names)
    here, there = observe_all(names)
    different = suite.differing(here, there)
    wrong = suite.judge(different, {**there, **here}, known)
    print(f"{len(names)} modules and classes, {len(there)} tests on Linux, {len(here)} on Pith, "
          f"{len(different)} differ:")
    for name in different:
        print(f"  {name}: {known.get(name, 'NOT KNOWN')}")
    print(*wrong, sep="\n", flush=True)
    return 1 if wrong or not there else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    os.environ["PITH_BUILD"] = sys.argv[1]
    first = sys.argv[2]
    sys.exit(main(suite.names_of("campaign.txt")[:int(first)] if first.isdecimal() else sys.argv[2:]))
