# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Unmodified programs of Debian on the Linux server do their work as on Linux: on files, on text, on databases, on
programs."""
import pytest

from harness.debian import assert_alike, difference

TOOLS = ["findutils", "grep", "sed", "mawk", "tar", "gzip", "xz-utils", "perl", "sqlite3"]


@pytest.fixture(autouse=True)
def built(pith_build):
    """Each of these boots the build."""


def test_ten_thousand_files():
    assert_alike(TOOLS, "dash files.sh")


def test_perl():
    assert_alike(TOOLS, "perl perl.pl")


def test_sqlite_with_four_writers():
    assert_alike(TOOLS, "dash sqlite.sh")


def test_make_and_gcc():
    assert_alike(["make", "gcc", "libc6-dev", "gdb", "strace"], "dash build.sh", memory=2048)


def test_differences_are_noticed():
    assert difference(("a\n", 0), ("a\n", 0)) == ""
    assert "+b" in difference(("a\n", 0), ("b\n", 0)).splitlines()
    assert "+exit status 139" in difference(("a\n", 0), ("a\n", 139)).splitlines()
