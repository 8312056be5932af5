# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The modules behind ./pith.  Standard library only; cli.py is the entry."""
