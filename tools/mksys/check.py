# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What the values of a description must be together."""
from . import plan as plans
from .description import System
from .problems import Problems


def cycles(system: System, problems: Problems) -> None:
    placed = plans.start_order(system)
    for component in system.components.values():
        if component not in placed:
            problems.add(component.path + ("uses",), "it calls what calls it", "calls go one way")


def system(described: System, programs: dict, problems: Problems) -> None:
    cycles(described, problems)
