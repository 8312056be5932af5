# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Readers of values: each takes a place and what TOML gave there, and gives what it means or
raises Wrong."""
import difflib
import re
from typing import Any, Callable, Iterable, NamedTuple

from .problems import Problems, Wrong

NAME_BYTES = 23
SIZES = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
TIMES = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
NAME = re.compile(r"[a-z][a-z0-9_]*")

NAME_RIGHT = f"a name is a letter and then letters, digits and _, all small, at most {NAME_BYTES}"
SIZE_RIGHT = 'a size is text such as "64K": a whole number and K, M or G, or "0"'
TIME_RIGHT = 'a time is text such as "10ms": a whole number and ns, us, ms or s'

KINDS = {bool: "true or false", int: "a number", str: "text", float: "a number with a fraction",
         dict: "a table", list: "an array"}


class Place(NamedTuple):
    """Where a value stands."""
    problems: Problems
    path: tuple

    def below(self, key: Any) -> "Place":
        return Place(self.problems, self.path + (key,))

    def wrong(self, wrong: str, right: str) -> None:
        self.problems.add(self.path, wrong, right)

    def read(self, reader: Callable, value: Any, default: Any = None) -> Any:
        """What the reader makes of the value; the default where it is wrong, which is told."""
        try:
            return reader(self, value)
        except Wrong as wrong:
            self.wrong(wrong.wrong, wrong.right)
            return default


def kind(value: Any) -> str:
    return KINDS.get(type(value), "a date or time")


def need(value: Any, wanted: type, right: str) -> Any:
    if type(value) is not wanted:
        raise Wrong(f"this is {kind(value)}", right)
    return value


def shown(text: str) -> str:
    """Text of a description inside a message."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def nearest(word: str, known: Iterable) -> str:
    """The hint at what somebody may have meant."""
    known = [one for one in known if one]
    close = difflib.get_close_matches(word, known, 1)
    return f"did you mean '{close[0]}'?" if close else f"there are: {', '.join(known) or 'none'}"


# ---- scalars -----------------------------------------------------------------------------------
def boolean(place: Place, value: Any) -> bool:
    return need(value, bool, "true or false stands here")


def integer(low: int, high: int) -> Callable:
    right = f"a whole number from {low} to {high} stands here"

    def read(place: Place, value: Any) -> int:
        if not low <= need(value, int, right) <= high:
            raise Wrong(f"{value} is out of range", right)
        return value
    return read


def name(place: Place, value: Any) -> str:
    if not NAME.fullmatch(need(value, str, NAME_RIGHT)) or len(value) > NAME_BYTES:
        raise Wrong(f"{shown(value)} is no name", NAME_RIGHT)
    return value


def choice(*words: str) -> Callable:
    right = "one of these stands here: " + ", ".join(f'"{word}"' for word in words)

    def read(place: Place, value: Any) -> str:
        if need(value, str, right) not in words:
            raise Wrong(f"{shown(value)} is none of them", right)
        return value
    return read


def amount(value: Any, units: dict, what: str, right: str) -> int:
    """A number with a unit."""
    need(value, str, right)
    match = re.fullmatch(r"([0-9]{1,12})([A-Za-z]*)", value)
    if match is None or (match[2] not in units and int(match[1]) != 0):
        raise Wrong(f"{shown(value)} is no {what}", right)
    return int(match[1]) * units.get(match[2], 0)


def time(low: int, high: int) -> Callable:
    def read(place: Place, value: Any) -> int:
        found = amount(value, TIMES, "time", TIME_RIGHT)
        if not low <= found <= high:
            raise Wrong(f"{value} is out of range",
                        f"from {time_text(low)} to {time_text(high)} is possible")
        return found
    return read


def size(low: int, high: int, multiple: int = 1, power: bool = False) -> Callable:
    def read(place: Place, value: Any) -> int:
        found = amount(value, SIZES, "size", SIZE_RIGHT)
        if not low <= found <= high:
            raise Wrong(f"{value} is out of range",
                        f"from {size_text(low)} to {size_text(high)} is possible")
        if power and found & (found - 1):
            raise Wrong(f"{value} is no power of two",
                        f"the next one is {size_text(1 << found.bit_length())}")
        if found % multiple:
            raise Wrong(f"{value} is no multiple of {size_text(multiple)}",
                        f"the next one is {size_text(-(-found // multiple) * multiple)}")
        return found
    return read


def with_unit(number: int, units: dict) -> str:
    for unit, worth in sorted(units.items(), key=lambda u: -u[1]):
        if number and number % worth == 0:
            return f"{number // worth}{unit}"
    return str(number)


def size_text(number: int) -> str:
    return with_unit(number, SIZES)


def time_text(number: int) -> str:
    return with_unit(number, TIMES)


# ---- tables and arrays -------------------------------------------------------------------------
def array(reader: Callable) -> Callable:
    """An array of values; None in the place of one that is wrong."""
    def read(place: Place, value: Any) -> list:
        need(value, list, "an array stands here: [...]")
        return [place.below(i).read(reader, one) for i, one in enumerate(value)]
    return read


def named(reader: Callable) -> Callable:
    """A table whose keys are names of the description's own: name -> value."""
    def read(place: Place, value: Any) -> dict:
        need(value, dict, "a table stands here: { NAME = ... }")
        found = {}
        for key, one in value.items():
            below = place.below(key)
            made = below.read(reader, one)
            if below.read(name, key) is not None and made is not None:
                found[key] = made
        return found
    return read


class Key(NamedTuple):
    """A key of a table: how its value is read, and what it is where it does not stand there."""
    reader: Callable
    default: Any = None
    required: str = ""  # what must stand there


def table(keys: dict) -> Callable:
    """A table with fixed keys: key -> value."""
    def read(place: Place, value: Any) -> dict:
        need(value, dict, f"a table with these keys stands here: {', '.join(keys)}")
        for key in value:
            if key not in keys:
                place.below(key).wrong("there is no such key", nearest(key, keys))
        return {name: read_key(place.below(name), value, name, key) for name, key in keys.items()}
    return read


def read_key(place: Place, values: dict, name: str, key: Key) -> Any:
    if name in values:
        return place.read(key.reader, values[name], key.default)
    if key.required:
        place.wrong("this key is missing", key.required)
    return key.default
