# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What all tests share: import paths, the build under test, a place for what a test leaves; and how several
runs of pytest share the tests."""
import functools
import os
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(TESTS), str(TESTS.parent / "tools")]

from harness import build_directory  # noqa: E402  (needs the path above)


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: left out by ./pith test --quick")
    config.addinivalue_line("markers", "alone: needs the host's processors for itself")
    # Whoever starts the tests in the background may have these ignored, which programs under test would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


@functools.lru_cache(maxsize=None)
def is_mine(path: Path) -> bool:
    """Of several runs at the same tests, with one $PITH_SHARED, the first that comes to a file takes it."""
    shared = os.environ.get("PITH_SHARED")
    try:
        if shared:
            (Path(shared) / path.name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def pytest_runtest_protocol(item):
    """True: this test is done, as far as this run is concerned."""
    return None if is_mine(item.path) else True


@pytest.fixture
def tree() -> Path:
    return TESTS.parent


@pytest.fixture
def pith_build() -> Path:
    """The build directory under test."""
    directory = build_directory()
    assert (directory / "build.ninja").exists(), f"no build in {directory}: run ./pith build"
    return directory


@pytest.fixture
def artefacts(request, pith_build) -> Path:
    """An empty directory of this test's own; $PITH_ARTEFACTS or the build holds them all."""
    base = Path(os.environ.get("PITH_ARTEFACTS", pith_build / "artefacts"))
    name = re.sub(r"[^\w.-]+", "_", f"{request.path.stem}-{request.node.name}")
    directory = base / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory
