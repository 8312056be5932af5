# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The tests of Python's own suite, on Pith and on this host: `./pith campaign linux` runs this.

    python_campaign.py BUILD COUNT

The first COUNT names of tests/linux/python/campaign.txt, each on a machine of its own and in a root of its own on the
host.  Status 0 when nothing differs but what tests/linux/python-differences.txt knows.
"""
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE / "tests"), str(TREE / "tools")]

from harness import python_suite as suite  # noqa: E402  (needs the paths above)
from pithlib import roots  # noqa: E402

LIMIT = 3600  # seconds for one name on Pith


def observe(name: str) -> tuple:
    """(results here, results on Linux), said as soon as they are there."""
    here, there = suite.results_of(suite.said_on_pith([name], LIMIT)), suite.results_of(suite.said_on_linux([name]))
    different = suite.differing(here, there)
    print(f"{name}: {len(there)} on Linux, {len(here)} on Pith, {len(different)} differ", flush=True)
    return here, there


def main(count: int) -> int:
    known = suite.known_differences()
    roots.of_packages(suite.PACKAGES)  # once, before several want it
    here, there = {}, {}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for pith, linux in pool.map(observe, suite.names_of("campaign.txt")[:count]):
            here.update(pith)
            there.update(linux)
    different = suite.differing(here, there)
    for name in different:
        print(f"  {name}: {known.get(name, 'NOT KNOWN')}")
    said = suite.judge(different, {**there, **here}, known)
    print(f"{len(there)} tests, {len(different)} differ", *said, sep="\n")
    return 1 if said or not there else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    os.environ["PITH_BUILD"] = sys.argv[1]
    sys.exit(main(int(sys.argv[2])))
