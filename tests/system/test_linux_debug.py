# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""gdb and strace on the Linux server see what they see on Linux."""
import pytest

from harness.debian import assert_alike

PACKAGES = ["make", "gcc", "libc6-dev", "gdb", "strace"]


@pytest.fixture(autouse=True)
def built(pith_build):
    """Each of these boots the build."""


def test_gdb():
    assert_alike(PACKAGES, "dash debug.sh", memory=2048)


def test_strace():
    assert_alike(PACKAGES, "dash trace.sh", memory=2048)
