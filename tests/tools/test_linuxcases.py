# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Each system call of the Linux server has a case in a program of tests/linux (tools/linuxcases.py)."""
import linuxcases
from pithlib import debian
from pithlib.ui import TREE

PAGE = """.TH CALL 2
.SH ERRORS
.TP
.B EPERM
No right.
.TP
.BR EINVAL " (since Linux 2)"
Nonsense.
.SH NOTES
.TP
.B ENOENT
"""


def test_every_call_has_a_case():
    calls = linuxcases.calls_of(TREE / "servers/linux/calls.def")
    assert linuxcases.without_case(calls, linuxcases.texts_of(TREE / "tests/linux")) == []


def test_calls_without_a_case_are_found():
    texts = {"a": "CHECK(SYS(dup, 1), 2); x = sigaction(1, 2, 3);", "check": "close(1);"}
    assert linuxcases.without_case(["dup", "dup2", "close", "rt_sigaction"], texts) == ["dup2", "close"]


def test_a_function_that_makes_another_call_is_no_case():
    assert linuxcases.without_case(["fork", "clone", "open", "openat"], {"a": "fork(); open(name);"}) == ["fork", "open"]


def test_comments_are_no_cases(tmp_path):
    (tmp_path / "a.c").write_text("// dup(1)\n/* dup2(1) */ dup3(1);\n#include <sys/close.h>\n")
    assert linuxcases.without_case(["dup", "dup2", "dup3"], linuxcases.texts_of(tmp_path)) == ["dup", "dup2"]


def test_errors_of_a_page():
    assert linuxcases.errors_named(PAGE) == {"EPERM", "EINVAL"}
    assert linuxcases.errors_named(".SH NOTES\n") == set()


def test_errors_that_are_shown(tmp_path):
    (tmp_path / "call.2").write_text(".so man2/other.2\n")
    (tmp_path / "other.2").write_text(PAGE)
    assert linuxcases.page_of(tmp_path, "call") == PAGE
    assert linuxcases.page_of(tmp_path, "none") == ""
    texts = {"a": "CHECK(SYS(call, 1), -EPERM); CHECK(SYS(call2, 1), -EINVAL);", "errors": "BY_FD(3, call, fd);"}
    assert linuxcases.errors_shown("call", texts) == {"EPERM", "EBADF"}


def test_a_function_that_returns_what_a_call_gives_stands_for_it():
    texts = {"a": """static long make(int fd)
{
    int one = 1;
    return SYS(call, fd, one);
}

static long other(void)
{
    SYS(call, 0, 0);
    return 0;
}

CHECK(make(1), -EPERM); CHECK(other(), -EINVAL); CHECK(remake(1), -EIO);"""}
    assert linuxcases.errors_shown("call", texts) == {"EPERM"}


def test_every_error_of_the_manual_is_shown_or_explained(capsys):
    status = linuxcases.main(["--errors", str(debian.manual()), str(TREE / "servers/linux/calls.def"), str(TREE / "tests/linux")])
    assert status == 0, capsys.readouterr().out


def test_explanations(tmp_path):
    (tmp_path / "call.2").write_text(PAGE)
    reasons = linuxcases.explained("# a comment\n*: EINVAL: nobody: asks\ncall other: EPERM EIO: why not\n")
    assert reasons[("*", "EINVAL")] == "nobody: asks" and reasons[("other", "EIO")] == "why not"
    texts = {"a": "CHECK(SYS(call, 1), -EPERM);"}
    assert linuxcases.unseen(["call"], texts, tmp_path, {}) == ({"call": ["EINVAL"]}, [])
    assert linuxcases.unseen(["call"], texts, tmp_path, {("call", "EINVAL"): ""}) == ({}, [])
    assert linuxcases.unseen(["call"], texts, tmp_path, {("*", "EINVAL"): "", ("call", "EPERM"): ""}) == (
        {}, [("call", "EPERM")])
