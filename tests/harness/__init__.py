# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Helpers of the system tests: boot an image in QEMU and judge what it said.

    from harness import boot

    def test_hello(artefacts, pith_build):
        result = boot("hello", artefacts)
        assert result.status == 0
        assert "hello" in result.serial

`pith_build` and `artefacts` are fixtures of tests/conftest.py.
"""
from .machine import Result, boot, boot_command, boot_until, build_directory
from .monitor import Monitor

__all__ = ["Monitor", "Result", "boot", "boot_command", "boot_until", "build_directory"]
