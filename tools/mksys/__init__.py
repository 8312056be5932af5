# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The compiler of system descriptions: systems/NAME.toml becomes the C tables of
servers/supervisor/system.h.  docs/systems.md is the reference of what a description says."""
