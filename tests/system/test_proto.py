# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Two address spaces speak a protocol through generated code; a hostile client sends random messages, a
server lies.

The guest (tests/system/proto) prints "ok NAME" or "FAIL NAME WHY".
"""
from harness import boot


def test_protocol_between_spaces(artefacts, pith_build):
    result = boot("proto", artefacts, timeout=120)
    result.expect("SUMMARY checks 5 failed 0", status=0)
