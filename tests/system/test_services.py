# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What lib/svc gives servers and clients: deadlines, and a limit on what is kept for one client."""
from harness import boot
from pithlib import qemu


def test_deadlines_and_kept_callers(artefacts, pith_build):
    boot("deadline", artefacts, timeout=60, memory=64, extra=qemu.COUNTED).expect("DEADLINES", status=0)
