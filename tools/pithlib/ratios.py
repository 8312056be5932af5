# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What Pith executes by what Linux does: limits, verdicts and the table."""
from pathlib import Path
from typing import NamedTuple, Optional

from .bench import load_toml
from .ui import Failure, say


class Bound(NamedTuple):
    """Of a ratio: what it is to come to, and what holds until it does."""
    must: Optional[float] = None
    limit: Optional[float] = None


def read_bounds(path: Path, table: str) -> dict:
    bounds = {}
    for name, row in load_toml(path).get(table, {}).items():
        if row.keys() - set(Bound._fields):
            raise Failure(f"{path}: '{name}' may have must and limit only")
        bounds[name] = Bound(**row)
    return bounds


def verdict(ratio: Optional[float], bound: Bound) -> str:
    """In capitals where it is a miss."""
    if ratio is None:
        return "NOT MEASURED"
    if bound.must is None:
        return ""
    if ratio <= bound.must:
        return "ok"
    return "not yet" if bound.limit is not None and ratio <= bound.limit else "TOO MUCH"


class Row(NamedTuple):
    """What both took, in whatever unit, and what REP repeated, where that is counted."""
    pith: float
    linux: float
    pith_rep: float = 0
    linux_rep: float = 0

    @property
    def ratio(self) -> float:
        return self.pith / self.linux


def rows_of(pith: dict, linux: dict) -> dict:
    """Of samples by name; what only one of them has is no row."""
    return {name: Row(sample.instructions, linux[name].instructions, sample.rep, linux[name].rep)
            for name, sample in pith.items() if name in linux}


def verdicts(rows: dict, bounds: dict) -> dict:
    return {name: verdict(rows[name].ratio if name in rows else None, bound) for name, bound in bounds.items()}


def misses(rows: dict, bounds: dict) -> list:
    return [f"{name}: {text.lower()}" + (f" ({rows[name].ratio:.2f})" if name in rows else "")
            for name, text in verdicts(rows, bounds).items() if text.isupper()]


def print_rows(rows: dict, bounds: dict, digits: int = 0) -> None:
    """In the order of the bounds."""
    texts = verdicts(rows, bounds)
    for name in [*(n for n in bounds if n in rows), *(n for n in rows if n not in bounds)]:
        row, must = rows[name], bounds.get(name, Bound()).must
        rep = f"{row.pith_rep:>12,.0f} {row.linux_rep:>12,.0f}" if row.pith_rep or row.linux_rep else ""
        say(f"{name:<18} {row.pith:>15,.{digits}f} {row.linux:>15,.{digits}f} {row.ratio:>7.2f} {must or '-':>6} "
            f"{texts.get(name, ''):<9} {rep}".rstrip())


def print_head(unit: str, rep: bool) -> None:
    over = f"{'REP on Pith':>12} {'on Linux':>12}" if rep else ""
    say(f"\n{unit:<18} {'Pith':>15} {'Linux':>15} {'ratio':>7} {'must':>6} {'':<9} {over}".rstrip())
