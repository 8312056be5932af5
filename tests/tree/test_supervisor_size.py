# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The supervisor is trusted by all: it stays small enough to read."""
LIMIT = 4000


def test_supervisor_is_small(tree):
    sources = [p for p in (tree / "servers" / "supervisor").iterdir() if p.suffix in (".c", ".h", ".S")]
    assert sources, "where is the supervisor?"
    lines = sum(len(p.read_text().splitlines()) for p in sources)
    assert lines < LIMIT, f"servers/supervisor has {lines} lines; at most {LIMIT - 1} are allowed"
