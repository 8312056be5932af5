# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The page of the Linux server's calls is what its table says; mistakes in a table are found."""
import pytest

import linuxcalls


def test_page_is_what_the_table_says(tree):
    calls = linuxcalls.read_calls((tree / "servers/linux/calls.def").read_text(encoding="utf-8"))
    assert (tree / "docs/linux-calls.md").read_text(encoding="utf-8") == linuxcalls.write_reference(calls), \
        "make it anew: python3 tools/linuxcalls.py --reference servers/linux/calls.def >docs/linux-calls.md"


def test_a_call():
    call, = linuxcalls.read_calls("// why\n\nCALL2(73, flock, RESTART, FD, fd, HEX, how)\n")
    assert linuxcalls.row(call) == "| 73 | `flock` | fd: fd, how: flags | restarts with SA_RESTART |"


def test_what_there_is_not():
    missing = linuxcalls.others([])
    assert "ptrace" in missing and "read" not in missing
    assert "ptrace" not in linuxcalls.others([linuxcalls.Call(101, "ptrace", "NEVER", [])])


@pytest.mark.parametrize("table", [
    "CALL1(1, x, NEVER)", "CALL0(1, x, NEVER, FD, fd)", "CALL1(1, x, NEVER, FILE, fd)", "CALL0(1, x, SOMETIMES)", "x",
    "CALL0(2, x, NEVER)\nCALL0(1, y, NEVER)", "CALL0(1, x, NEVER)\nCALL0(1, y, NEVER)",
])
def test_mistakes(table):
    with pytest.raises(linuxcalls.TableError):
        linuxcalls.read_calls(table)


def test_command(tmp_path, capsys):
    (tmp_path / "t").write_text("CALL0(39, getpid, NEVER)\n")
    assert linuxcalls.main(["", "--reference", str(tmp_path / "t")]) == 0
    assert "`getpid`" in capsys.readouterr().out
    assert linuxcalls.main(["", "--reference", str(tmp_path / "none")]) == 1
    assert linuxcalls.main([""]) == 2
