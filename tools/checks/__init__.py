# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Checks of the sources; tests/tree/test_style.py and bench run them."""
