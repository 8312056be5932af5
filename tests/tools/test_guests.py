# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Starting guests: exit statuses, time limits, clear errors.  The guests are stand-ins."""
import os
import time

import pytest

from harness import boot, boot_command
from pithlib import qemu


@pytest.mark.parametrize("status, kind, own", [
    (0, "closed", 0), (1, "qemu", 1), (33, "panic", 33), (255, "refused", 255),
    (65, "power-off", 0), (67, "power-off", 1), (253, "power-off", 94), (66, "qemu", 66),
    (63, "qemu", 63), (-9, "qemu", -9),
])
def test_decode(status, kind, own):
    assert qemu.decode(status) == (kind, own)


def test_every_status_survives():
    for status in range(95):
        assert qemu.decode((qemu.FIRST_STATUS + status) << 1 | 1) == ("power-off", status)


def stand_in(tmp_path, script):
    """A command that is called like QEMU; $serial is its serial file."""
    program = tmp_path / "guest"
    program.write_text("#!/bin/sh\nfor w; do case $w in file:*) serial=${w#file:};; esac; done\n"
                       + script)
    program.chmod(0o755)
    return [str(program)]


def test_serial_and_status(tmp_path):
    result = boot_command(stand_in(tmp_path, 'echo one >"$serial"; echo two >>"$serial"; exit 69'),
                          tmp_path)
    assert (result.status, result.lines) == (2, ["one", "two"])
    result.expect("one", "two", status=2)
    with pytest.raises(AssertionError, match="'one' was not said"):
        result.expect("two", "one", status=2)
    with pytest.raises(AssertionError, match="powered off with status 2"):
        result.expect("one")


def test_a_guest_without_a_status_has_none(tmp_path):
    assert boot_command(stand_in(tmp_path, "exit 0"), tmp_path).status is None
    assert boot_command(stand_in(tmp_path, "exit 33"), tmp_path).end.kind == "panic"


def test_time_limit(tmp_path, monkeypatch):
    command = stand_in(tmp_path, 'echo $$ >pid; echo stuck >"$serial"; exec sleep 100')
    start = time.monotonic()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError, match="no end after 0.5 s(.|\n)*stuck"):
        boot_command(command, tmp_path, timeout=0.5)
    assert time.monotonic() - start < 10
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_missing_image(tmp_path):
    with pytest.raises(AssertionError, match="nothing.img does not exist"):
        boot("nothing", tmp_path)
