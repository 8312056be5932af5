#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Make C and reference pages of protocols, NAME.idl (docs/idl.md states the language).

Writes, the same bytes for the same input:
    NAME.h           types, encoding and decoding, the server's dispatch; makes no system call
    NAME_client.h    a typed function for each method, which calls the server
    NAME_check.h     for tests: every decoder with its encoder
    protocols.md     the reference of the manual, of all protocols

usage: idlgen.py OUTDIR FILE.idl            the headers
       idlgen.py --reference FILE.idl...    protocols.md on the standard output
       idlgen.py --successor OLD.idl NEW.idl    whether NEW may follow OLD: a program of an earlier
                                                minor version keeps running
"""
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

MAX_WORDS, MAX_CAPS = 64, 4         # of a message: abi/message.h
MAX_ID, MAX_MAJOR, MAX_MINOR, MAX_METHOD = 0xFFFFFF, 0xFF, 0xFFFF, 0xFFFF
MAX_ERROR = 0x7EFF                  # WIRE_OWN + it stays below WIRE_KERNEL
MAX_ENUM = 0x7FFFFFFF
MAX_NAME = 40
TOKEN = re.compile(r'(?P<doc>///[^\n]*)|\s+|//[^\n]*|(?P<string>"(?:[^"\\\n]|\\["\\])*")'
                   r'|(?P<number>0x[0-9a-fA-F]+\b|[0-9]+\b)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)'
                   r'|(?P<mark>->|<=|[(){}\[\],=.])')
NAME = re.compile(r"[a-z][a-z0-9_]*")
INTEGERS = {f"{sign}{bits}": bits for sign in "ui" for bits in (8, 16, 32, 64)}
CAPS = ("cap", "move", "badge")
# What C, its freestanding headers or the compilers' predefined macros have taken.
TAKEN = frozenset("""alignas alignof asm auto bool break case char const constexpr continue default do
    double else enum extern false float for goto if inline int long nullptr register restrict return short
    signed sizeof static static_assert struct switch thread_local true typedef typeof typeof_unqual union
    unsigned void volatile while linux unix i386""".split())


class IdlError(Exception):
    """A mistake in a protocol; the message begins with file:line."""


@dataclass
class Type:
    """What a field is: an integer, bool, an enum, an array of integers, or a capability."""
    name: str                   # u8..i64, bool, cap, move, badge, or the enum's
    enum: bool = False
    count: int = 0              # of an array, the largest of a bounded one; 0: no array
    bounded: bool = False

    @property
    def is_cap(self) -> bool:
        return self.name in CAPS

    @property
    def size(self) -> int:
        return INTEGERS[self.name] // 8

    @property
    def words(self) -> int:
        """Words that it takes at most."""
        if self.is_cap:
            return 0
        return (self.count * self.size + 7) // 8 + self.bounded if self.count else 1

    def __str__(self) -> str:
        name = {"move": "move cap", "u8": "bytes" if self.count else "u8"}.get(self.name, self.name)
        return f"{name}[{'<=' * self.bounded}{self.count}]" if self.count else name


@dataclass
class Field:
    name: str
    type: Type
    doc: str
    where: str


@dataclass
class Value:
    """An enumerator, an error or a constant."""
    name: str
    number: int
    doc: str
    where: str
    since: int = 0


@dataclass
class Enum:
    name: str
    values: list
    doc: str
    where: str


@dataclass
class Method:
    number: int
    name: str
    args: list
    results: list
    doc: str
    where: str
    since: int = 0


@dataclass
class Protocol:
    name: str
    number: int
    major: int
    minor: int
    doc: str
    where: str
    constants: list = field(default_factory=list)
    enums: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    methods: list = field(default_factory=list)


def version_method(where: str) -> Method:
    """Method 0 of every protocol, whatever the major version."""
    results = [Field(name, Type("u16"), "", where) for name in ("major", "minor")]
    return Method(0, "version", [], results, "Which version the server speaks.", where)


# ---- reading -------------------------------------------------------------------------------------
def tokens(path: Path):
    """(text, kind, file:line) of each token; comments that are no contract and space are left out."""
    text = path.read_text(encoding="utf-8")
    position, line = 0, 1
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise IdlError(f"{path}:{line}: unexpected {text[position]!r}")
        if match.lastgroup:
            yield match.group(), match.lastgroup, f"{path}:{line}"
        line += match.group().count("\n")
        position = match.end()


class Reader:
    """Turns tokens into a Protocol."""

    def __init__(self, path: Path):
        self.path = path
        self.tokens = list(tokens(path))
        self.next = 0
        self.protocol = None

    def peek(self) -> str:
        return self.tokens[self.next][0] if self.next < len(self.tokens) else ""

    def take(self, kind: str, what: str) -> tuple:
        """(text, file:line) of the next token, which must be of a kind."""
        if self.next == len(self.tokens):
            raise IdlError(f"{self.path}: the file ends where {what} should stand")
        text, found, where = self.tokens[self.next]
        if found != kind:
            raise IdlError(f"{where}: {what} expected, not '{text}'")
        self.next += 1
        return text, where

    def mark(self, wanted: str) -> None:
        text, where = self.take("mark", f"'{wanted}'")
        if text != wanted:
            raise IdlError(f"{where}: '{wanted}' expected, not '{text}'")

    def skip(self, text: str) -> bool:
        """Whether it was there."""
        if self.peek() != text:
            return False
        self.next += 1
        return True

    def doc(self) -> str:
        lines = []
        while self.peek().startswith("///"):
            lines.append(self.tokens[self.next][0][3:].strip())
            self.next += 1
        return "\n".join(lines)

    def name(self, what: str) -> tuple:
        text, where = self.take("name", f"the name of {what}")
        if not NAME.fullmatch(text):
            raise IdlError(f"{where}: '{text}': names are of lower-case letters, digits and _")
        if text in TAKEN:
            raise IdlError(f"{where}: '{text}' is a word of C; name {what} otherwise")
        if len(text) > MAX_NAME:
            raise IdlError(f"{where}: '{text}' has {len(text)} letters; {MAX_NAME} are possible")
        return text, where

    def number(self, what: str, least: int, most: int) -> int:
        text, where = self.take("number", what)
        number = int(text, 0) if text.startswith("0x") else int(text)
        if not least <= number <= most:
            raise IdlError(f"{where}: {what} {text} is outside {least}-{most}")
        return number

    def version(self) -> tuple:
        major = self.number("major version", 1, MAX_MAJOR)
        self.mark(".")
        return major, self.number("minor version", 0, MAX_MINOR)

    def since(self) -> int:
        """The minor version that something came with."""
        if not self.skip("since"):
            return 0
        where = self.tokens[self.next - 1][2]
        major, minor = self.version()
        protocol = self.protocol
        if major != protocol.major or minor > protocol.minor:
            raise IdlError(f"{where}: since {major}.{minor}: the protocol is of version "
                           f"{protocol.major}.{protocol.minor}; {protocol.major}.0 to that is possible")
        return minor

    def bound(self) -> int:
        """How many elements: a number or a constant."""
        if self.next < len(self.tokens) and self.tokens[self.next][1] == "name":
            text, where = self.take("name", "a constant")
            found = [c for c in self.protocol.constants if c.name == text]
            if not found:
                raise IdlError(f"{where}: no constant '{text}' stands before this")
            if not 1 <= found[0].number <= MAX_WORDS * 8:
                raise IdlError(f"{where}: count {found[0].number} of '{text}' is outside 1-{MAX_WORDS * 8}")
            return found[0].number
        return self.number("count", 1, MAX_WORDS * 8)

    def base_type(self) -> tuple:
        text, where = self.take("name", "a type")
        if text == "move":
            after, place = self.take("name", "'cap'")
            if after != "cap":
                raise IdlError(f"{place}: 'cap' expected after 'move', not '{after}'")
        if text in INTEGERS or text in CAPS or text in ("bool", "bytes"):
            return Type({"bytes": "u8"}.get(text, text)), where, text == "bytes"
        if text not in [e.name for e in self.protocol.enums]:
            raise IdlError(f"{where}: no type '{text}'; there are {', '.join(INTEGERS)}, bool, bytes, cap, "
                           f"move cap, badge and the enums that stand before this")
        return Type(text, enum=True), where, False

    def type(self) -> Type:
        kind, where, is_bytes = self.base_type()
        if not self.skip("["):
            if is_bytes:
                raise IdlError(f"{where}: bytes need a count: bytes[N] or bytes[<=N]")
            return kind
        if kind.name not in INTEGERS:
            raise IdlError(f"{where}: an array is of integers, not of '{kind}'")
        kind.bounded = self.skip("<=")
        kind.count = self.bound()
        self.mark("]")
        return kind

    def fields(self) -> list:
        found = []
        self.mark("(")
        while self.peek() != ")":
            doc = self.doc()
            kind = self.type()
            name, where = self.name("a field")
            found.append(Field(name, kind, doc, where))
            if not self.skip(","):
                break
        self.mark(")")
        return found

    def values(self, what: str, least: int, most: int, texts: bool) -> list:
        """{ name = number, ... }; with texts: name = number "text" since M.m"""
        found = []
        self.mark("{")
        while self.peek() != "}":
            doc = self.doc()
            name, where = self.name(what)
            self.mark("=")
            value = Value(name, self.number(f"number of {what}", least, most), doc, where)
            if texts:
                value.doc = self.take("string", f"a text in quotes for {what} '{name}'")[0][1:-1]
                value.since = self.since()
            found.append(value)
            if not self.skip(","):
                break
        self.mark("}")
        return found

    # ---- one statement each ----
    def read_protocol(self, doc: str) -> None:
        name, where = self.name("the protocol")
        number = self.number("number of the protocol", 1, MAX_ID)
        text, place = self.take("name", "'version'")
        if text != "version":
            raise IdlError(f"{place}: 'version' expected, not '{text}'")
        self.protocol = Protocol(name, number, *self.version(), doc, where)
        self.protocol.methods.append(version_method(where))

    def read_const(self, doc: str) -> None:
        name, where = self.name("a constant")
        self.mark("=")
        self.protocol.constants.append(
            Value(name, self.number("constant", 0, MAX_ENUM), doc, where))

    def read_enum(self, doc: str) -> None:
        name, where = self.name("an enum")
        if name in INTEGERS or name in CAPS or name in ("bytes", "version"):
            raise IdlError(f"{where}: '{name}' is a word of this language; name the enum otherwise")
        values = self.values("a value", 0, MAX_ENUM, False)
        if not values:
            raise IdlError(f"{where}: enum '{name}' has no values")
        self.protocol.enums.append(Enum(name, values, doc, where))

    def read_errors(self, doc: str) -> None:
        if doc:
            raise IdlError(f"{self.tokens[self.next - 1][2]}: errors have texts in quotes, "
                           "no comment with ///")
        self.protocol.errors += self.values("an error", 1, MAX_ERROR, True)

    def read_method(self, doc: str) -> None:
        number = self.number("number of a method", 1, MAX_METHOD)
        name, where = self.name("a method")
        args = self.fields()
        results = self.fields() if self.skip("->") else []
        if not doc:
            raise IdlError(f"{where}: method '{name}' needs a comment with /// that says what it does")
        self.protocol.methods.append(Method(number, name, args, results, doc, where, self.since()))

    def read(self) -> Protocol:
        statements = {"protocol": self.read_protocol, "const": self.read_const, "enum": self.read_enum,
                      "errors": self.read_errors, "method": self.read_method}
        while self.next < len(self.tokens):
            doc = self.doc()
            text, where = self.take("name", f"one of {', '.join(statements)}")
            if text not in statements:
                raise IdlError(f"{where}: unknown '{text}'; there are {', '.join(statements)}")
            if (text == "protocol") == (self.protocol is not None):
                raise IdlError(f"{where}: " + (f"one file, one protocol: '{self.protocol.name}' stands above"
                                               if self.protocol else
                                               f"'protocol NAME NUMBER version M.m' must stand before '{text}'"))
            statements[text](doc)
        if self.protocol is None:
            raise IdlError(f"{self.path}: no protocol; 'protocol NAME NUMBER version M.m' begins one")
        return self.protocol


def constant(protocol: Protocol, *names: str) -> str:
    return "_".join((protocol.name, *names)).upper()


# ---- checking ------------------------------------------------------------------------------------
def check_unique(rows: list, key, what: str) -> None:
    seen = {}
    for row in rows:
        other = seen.setdefault(key(row), row)
        if other is not row:
            raise IdlError(f"{row.where}: {what} {key(row)} is already used by '{other.name}' "
                           f"({other.where})")


def check_message(method: Method, what: str, fields: list) -> None:
    words = sum(f.type.words for f in fields)
    if words > MAX_WORDS:
        raise IdlError(f"{method.where}: the {what} of '{method.name}' take up to {words} words; a message "
                       f"has {MAX_WORDS}")
    caps = sum(f.type.is_cap for f in fields)
    if caps > MAX_CAPS:
        raise IdlError(f"{method.where}: the {what} of '{method.name}' carry {caps} capabilities; a message "
                       f"has {MAX_CAPS}")
    check_unique(fields, lambda f: f.name, f"{what} of '{method.name}': the name")
    names = {f.name: f for f in fields}
    for each in fields:
        count = names.get(f"{each.name}_count")
        if each.type.bounded and count:
            raise IdlError(f"{count.where}: '{count.name}' is what C calls the count of '{each.name}'; "
                           "name one of them otherwise")


def global_names(protocol: Protocol) -> list:
    """(C name, what it is for, where) of all that the headers define."""
    name = protocol.name
    found = [(f"{name}_{own}", "generated code", protocol.where)
             for own in ("server", "serve", "call", "error", "error_text", "error_possible", "method")]
    found += [(f"{name}_{e.name}{end}", f"enum '{e.name}'", e.where) for e in protocol.enums
              for end in ("", "_known", "_text")]
    for method in protocol.methods:
        ends = ["", "_answer", "_put_args", "_get_args", "_put_results", "_get_results", "_args", "_results"]
        found += [(f"{name}_{method.name}{end}", f"method '{method.name}'", method.where) for end in ends]
        found.append((f"{name}_serve_{method.name}", f"method '{method.name}'", method.where))
    return found + number_names(protocol)


def number_names(protocol: Protocol) -> list:
    """The same of numbers."""
    found = [(constant(protocol, own), "generated code", protocol.where)
             for own in ("protocol", "major", "minor", "label", "error_none")]
    found += [(constant(protocol, c.name), f"constant '{c.name}'", c.where) for c in protocol.constants]
    found += [(constant(protocol, "method", m.name), f"method '{m.name}'", m.where) for m in protocol.methods]
    found += [(constant(protocol, "error", e.name), f"error '{e.name}'", e.where) for e in protocol.errors]
    found += [(constant(protocol, e.name, v.name), f"value '{v.name}' of enum '{e.name}'", v.where)
              for e in protocol.enums for v in e.values]
    return found


def check_global_names(protocol: Protocol) -> None:
    seen = {}
    for name, what, where in global_names(protocol):
        other = seen.setdefault(name, what)
        if other != what:
            raise IdlError(f"{where}: {what} makes the C name {name}, which {other} makes too; "
                           "name one of them otherwise")


def check(protocol: Protocol) -> None:
    check_unique(protocol.methods, lambda m: m.name, "name of a method:")
    check_unique(protocol.methods, lambda m: m.number, "number of a method:")
    check_unique(protocol.errors, lambda e: e.name, "name of an error:")
    check_unique(protocol.errors, lambda e: e.number, "number of an error:")
    check_unique(protocol.constants, lambda c: c.name, "name of a constant:")
    check_unique(protocol.enums, lambda e: e.name, "name of an enum:")
    for enum in protocol.enums:
        check_unique(enum.values, lambda v: v.name, f"enum '{enum.name}': value")
        check_unique(enum.values, lambda v: v.number, f"enum '{enum.name}': number")
    for method in protocol.methods:
        check_message(method, "arguments", method.args)
        check_message(method, "results", method.results)
    if len(protocol.methods) == 1:
        raise IdlError(f"{protocol.where}: protocol '{protocol.name}' has no methods")
    check_global_names(protocol)


def read_protocol(path: Path) -> Protocol:
    protocol = Reader(path).read()
    check(protocol)
    if protocol.name != path.stem.split("-")[0]:
        raise IdlError(f"{protocol.where}: protocol '{protocol.name}' stands in a file of another name: "
                       f"{protocol.name}.idl would be right")
    return protocol


def read_protocols(paths: list) -> list:
    """Several that are to live together."""
    protocols = [read_protocol(path) for path in sorted(paths)]
    check_unique(protocols, lambda p: p.number, "number of a protocol:")
    return sorted(protocols, key=lambda p: p.name)


# ---- succession ----------------------------------------------------------------------------------
def shape(fields: list) -> list:
    return [(f.name, str(f.type)) for f in fields]


def check_kept(old: list, new: list, what: str, number_of) -> None:
    """Everything of `old` is in `new`, the same."""
    there = {row.name: row for row in new}
    for row in old:
        kept = there.get(row.name)
        if kept is None:
            raise IdlError(f"{new[0].where if new else row.where}: {what} '{row.name}' of the earlier version "
                           f"({row.where}) is gone; only a new major version may drop it")
        if number_of(kept) != number_of(row):
            raise IdlError(f"{kept.where}: {what} '{row.name}' is not what it was ({row.where}); only a new "
                           "major version may change it")


def check_added(old: list, new: list, minor: int, what: str) -> None:
    names = {row.name for row in old}
    for row in new:
        if row.name not in names and row.since <= minor:
            raise IdlError(f"{row.where}: {what} '{row.name}' is new; it needs 'since' and a version above "
                           "the earlier one")


def check_successor(old: Protocol, new: Protocol) -> None:
    """That programs made with `old` go on with `new`, and the other way round."""
    if (old.name, old.number) != (new.name, new.number):
        raise IdlError(f"{new.where}: '{new.name}' {new.number:#x} is another protocol than '{old.name}' "
                       f"{old.number:#x} ({old.where})")
    if new.major > old.major:
        return
    if (new.major, new.minor) < (old.major, old.minor):
        raise IdlError(f"{new.where}: version {new.major}.{new.minor} comes before {old.major}.{old.minor} "
                       f"({old.where})")
    check_kept(old.methods, new.methods, "method",
               lambda m: (m.number, m.since, shape(m.args), shape(m.results)))
    check_kept(old.errors, new.errors, "error", lambda e: (e.number, e.since))
    check_kept(old.enums, new.enums, "enum", lambda e: [(v.name, v.number) for v in e.values])
    check_added(old.methods, new.methods, old.minor, "method")
    check_added(old.errors, new.errors, old.minor, "error")


# ---- writing C -----------------------------------------------------------------------------------
def c_head(protocol: Protocol, what: str, includes: list) -> list:
    return ["// SPDX-License-Identifier: BSD-2-Clause",
            "// SPDX-FileCopyrightText: The Pith authors",
            "//",
            f"// Protocol {protocol.name} {protocol.major}.{protocol.minor}: {what}",
            f"// Made by tools/idlgen.py from {protocol.name}.idl.",
            "#pragma once", "", *(f"#include {i}" if i else "" for i in includes), ""]


def comment(text: str, indent: str = "") -> list:
    return [f"{indent}// {line}".rstrip() for line in text.split("\n")] if text else []


def c_type(protocol: Protocol, kind: Type) -> str:
    if kind.enum:
        return f"enum {protocol.name}_{kind.name}"
    if kind.is_cap:
        return "uint64_t"
    if kind.name == "bool":
        return "bool"
    return f"{'u' if kind.name[0] == 'u' else ''}int{INTEGERS[kind.name]}_t"


FIELD_NOTES = {"cap": "slot of a copy", "move": "slot, given away",
               "badge": "slot to send; arrives as its badge"}


def write_struct(protocol: Protocol, name: str, fields: list) -> list:
    lines = [f"struct {name} {{"]
    for each in fields:
        lines += comment(each.doc, "    ")
        if each.type.bounded:
            lines.append(f"    uint32_t {each.name}_count;")
        array = f"[{each.type.count}]" if each.type.count else ""
        note = FIELD_NOTES.get(each.type.name)
        lines.append(f"    {c_type(protocol, each.type)} {each.name}{array};{f'  // {note}' if note else ''}")
    return lines + ["};", ""]


def write_enum(protocol: Protocol, enum: Enum) -> list:
    name = f"{protocol.name}_{enum.name}"
    constants = [constant(protocol, enum.name, v.name) for v in enum.values]
    lines = [*comment(enum.doc), f"enum {name} {{"]
    for value, text in zip(enum.values, constants):
        lines += [*comment(value.doc, "    "), f"    {text} = {value.number},"]
    lines += ["};", "", f"// The name of a value; NULL where there is none.",
              f"static inline const char *{name}_text(uint64_t value)", "{", "    switch (value) {"]
    for value, text in zip(enum.values, constants):
        lines.append(f'    case {text}: return "{value.name}";')
    lines += ["    default: return NULL;", "    }", "}", "",
              f"static inline bool {name}_known(uint64_t value)", "{",
              f"    return {name}_text(value) != NULL;", "}", ""]
    return lines


def write_errors(protocol: Protocol) -> list:
    lines = ["// Its errors; codes below WIRE_OWN are those of every protocol.", f"enum {protocol.name}_error {{"]
    for error in protocol.errors:
        lines.append(f"    {constant(protocol, 'error', error.name)} = WIRE_OWN + {error.number},  // {error.doc}")
    if not protocol.errors:
        lines.append(f"    {constant(protocol, 'error', 'none')} = WIRE_OK,")
    lines += ["};", "", "// What a code means; of any code.",
              f"static inline const char *{protocol.name}_error_text(uint32_t code)", "{", "    switch (code) {"]
    for error in protocol.errors:
        lines.append(f'    case {constant(protocol, "error", error.name)}: return "{error.doc}";')
    lines += ["    default: return wire_code_text(code);", "    }", "}", ""]
    return lines + write_possible(protocol)


def write_possible(protocol: Protocol) -> list:
    lines = ["// Whether a method that came with this minor version may answer with one of its own errors.",
             f"static inline bool {protocol.name}_error_possible(uint32_t code, unsigned minor)", "{",
             "    (void)minor;", "    switch (code) {"]
    for since in sorted({e.since for e in protocol.errors}):
        cases = [f"    case {constant(protocol, 'error', e.name)}:" for e in protocol.errors if e.since == since]
        lines += [*cases, f"        return {f'minor >= {since}' if since else 'true'};"]
    return lines + ["    default: return false;", "    }", "}", ""]


def put_line(protocol: Protocol, each: Field, source: str) -> list:
    kind, name = each.type, f"{source}->{each.name}"
    if kind.is_cap:
        return [f"    wire_put_cap(&writer, {name}, {'CAP_MOVE' if kind.name == 'move' else '0'});"]
    if kind.enum:
        return [f"    wire_put_known(&writer, (uint64_t){name}, {protocol.name}_{kind.name}_known);"]
    if kind.bounded:
        return [f"    count = wire_put_count(&writer, {name}_count, {kind.count});",
                f"    wire_put_array(&writer, {name}, count * {kind.size});"]
    if kind.count:
        return [f"    wire_put_array(&writer, {name}, {kind.count * kind.size});"]
    cast = "(uint64_t)(int64_t)" if kind.name[0] == "i" else ""
    return [f"    wire_put(&writer, {cast}{name});"]


def get_line(protocol: Protocol, each: Field, target: str) -> list:
    kind, name = each.type, f"{target}->{each.name}"
    if kind.is_cap:
        return [f"    {name} = wire_take_cap(&reader, {int(kind.name == 'badge')});"]
    if kind.enum:
        known = f"{protocol.name}_{kind.name}_known"
        return [f"    {name} = ({c_type(protocol, kind)})wire_take_known(&reader, {known});"]
    if kind.bounded:
        return [f"    {name}_count = (uint32_t)wire_take_unsigned(&reader, {kind.count});",
                f"    wire_take_array(&reader, {name}, (size_t){name}_count * {kind.size});"]
    if kind.count:
        return [f"    wire_take_array(&reader, {name}, {kind.count * kind.size});"]
    if kind.name == "bool":
        return [f"    {name} = wire_take_unsigned(&reader, 1) != 0;"]
    c_name, limit = c_type(protocol, kind), c_type(protocol, kind).upper()[:-2]
    if kind.name in ("u64", "i64"):
        return [f"    {name} = {'' if kind.name == 'u64' else '(int64_t)'}wire_take(&reader);"]
    if kind.name[0] == "u":
        return [f"    {name} = ({c_name})wire_take_unsigned(&reader, {limit}_MAX);"]
    return [f"    {name} = ({c_name})wire_take_signed(&reader, {limit}_MIN, {limit}_MAX);"]


def label(protocol: Protocol, method: Method) -> str:
    return f"{constant(protocol, 'label')}({constant(protocol, 'method', method.name)})"


NOLINT = "// NOLINTNEXTLINE(readability-function-size): a line for each field"


def write_codec(protocol: Protocol, method: Method, part: str, fields: list) -> list:
    """Encoder and decoder of a method's `args` or `results`."""
    name = f"{protocol.name}_{method.name}"
    parameter = f"const struct {name}_{part} *{part}, " if fields else ""
    target = f", struct {name}_{part} *{part}" if fields else ""
    start = label(protocol, method) if part == "args" else "label"
    given = "" if part == "args" else "uint64_t label, "
    puts = [line for each in fields for line in put_line(protocol, each, part)]
    gets = [line for each in fields for line in get_line(protocol, each, part)]
    counted = ["    size_t count;"] if any(f.type.bounded for f in fields) else []
    lint = [NOLINT] if max(len(puts), len(gets)) > 50 else []
    return [*lint, "[[nodiscard]] static inline uint32_t",
            f"{name}_put_{part}({given}{parameter}struct wire_message *message)", "{", *counted,
            f"    struct wire_writer writer = wire_begin(message, {start});", *puts,
            "    return writer.error;", "}", "",
            *lint, "[[nodiscard]] static inline uint32_t",
            f"{name}_get_{part}(const struct wire_message *message{target})", "{",
            "    struct wire_reader reader = wire_open(message);", *gets,
            "    return wire_end(&reader);", "}", ""]


def write_answer(protocol: Protocol, method: Method) -> list:
    name = f"{protocol.name}_{method.name}"
    target = f", struct {name}_results *results" if method.results else ""
    return ["// Client: what the server's answer says.  WIRE_ANSWER: it is not one; the results then mean nothing.",
            "[[nodiscard]] static inline uint32_t",
            f"{name}_answer(const struct wire_message *message{target})", "{",
            f"    uint32_t code = wire_answer_code(message, {label(protocol, method)},",
            f"                                     {protocol.name}_error_possible, {method.since});",
            "    if (code) {", "        return code;", "    }",
            f"    return {name}_get_results(message{', results' if method.results else ''}) ? WIRE_ANSWER : WIRE_OK;",
            "}", ""]


def own_methods(protocol: Protocol) -> list:
    return [m for m in protocol.methods if m.number]


def write_server(protocol: Protocol) -> list:
    name = protocol.name
    lines = ["// A server: a handler for each method, or NULL where it has none (WIRE_METHOD).  A handler gives",
             f"// WIRE_OK, an error of enum {name}_error, or WIRE_LATER; the arguments are checked and its own,",
             "// capabilities among them lie in the window of the receive until they are moved elsewhere.",
             f"struct {name}_server {{"]
    for method in own_methods(protocol):
        parameters = ["const struct wire_peer *peer"]
        parameters += [f"const struct {name}_{method.name}_args *args"] * bool(method.args)
        parameters += [f"struct {name}_{method.name}_results *results"] * bool(method.results)
        lines += [*comment(method.doc, "    "), f"    uint32_t (*{method.name})({', '.join(parameters)});"]
    lines += ["};", ""]
    for method in own_methods(protocol):
        lines += write_serve_method(protocol, method)
    return lines + write_serve_version(protocol) + write_serve(protocol)


def write_serve_method(protocol: Protocol, method: Method) -> list:
    name = f"{protocol.name}_{method.name}"
    args, results = bool(method.args), bool(method.results)
    passed = "peer" + ", &args" * args + ", &results" * results
    lines = ["[[nodiscard]] static inline uint32_t",
             f"{protocol.name}_serve_{method.name}(const struct {protocol.name}_server *server, "
             "const struct wire_peer *peer,",
             "    const struct wire_message *request, struct wire_message *answer)", "{",
             *[f"    struct {name}_args args;"] * args, *[f"    struct {name}_results results = {{}};"] * results,
             f"    uint32_t code = {name}_get_args(request{', &args' * args});",
             "    if (code) {", "        return code;", "    }",
             f"    if (!server->{method.name}) {{", "        return WIRE_METHOD;", "    }",
             f"    code = server->{method.name}({passed});",
             f"    if (code && code != WIRE_LATER && !{protocol.name}_error_possible(code, {method.since})) {{",
             "        return WIRE_SERVER;", "    }",
             "    if (code) {", "        return code;", "    }"]
    put = f"{name}_put_results(request->label & ~WIRE_METHOD_MASK{', &results' * results}, answer)"
    return lines + [f"    return {put} ? WIRE_SERVER : WIRE_OK;", "}", ""]


def write_serve_version(protocol: Protocol) -> list:
    name = protocol.name
    return ["[[nodiscard]] static inline uint32_t",
            f"{name}_serve_version(const struct wire_message *request, struct wire_message *answer)", "{",
            f"    const struct {name}_version_results results = {{ {constant(protocol, 'major')}, "
            f"{constant(protocol, 'minor')} }};",
            f"    uint32_t code = {name}_version_get_args(request);",
            f"    return code ? code : {name}_version_put_results(request->label & ~WIRE_METHOD_MASK, &results, answer);",
            "}", ""]


def write_serve(protocol: Protocol) -> list:
    name = protocol.name
    lines = ["[[nodiscard]] static inline uint32_t",
             f"{name}_call(const struct {name}_server *server, const struct wire_peer *peer,",
             "    const struct wire_message *request, struct wire_message *answer)", "{",
             f"    const uint64_t mine = {constant(protocol, 'label')}(0);",
             "    if ((request->label ^ mine) >> WIRE_PROTOCOL_SHIFT) {", "        return WIRE_LABEL;", "    }",
             "    // Of any major version, so that a client learns which one this is.",
             f"    if (wire_method(request->label) == {constant(protocol, 'method', 'version')}) {{",
             f"        return {name}_serve_version(request, answer);", "    }",
             "    if ((request->label ^ mine) & WIRE_MAJOR_MASK) {", "        return WIRE_LABEL;", "    }",
             "    switch (wire_method(request->label)) {"]
    for method in own_methods(protocol):
        lines += [f"    case {constant(protocol, 'method', method.name)}:",
                  f"        return {name}_serve_{method.name}(server, peer, request, answer);"]
    return lines + ["    default: return WIRE_METHOD;", "    }", "}", "",
                    "// Serve one request: check it, call its handler, make the answer, a refusal too.  False where the",
                    f"// handler said WIRE_LATER; the answer is then made with {name}_METHOD_put_results or wire_refuse.",
                    f"static inline bool {name}_serve(const struct {name}_server *server, const struct wire_peer *peer,",
                    "    const struct wire_message *request, struct wire_message *answer)", "{",
                    f"    uint32_t code = {name}_call(server, peer, request, answer);",
                    "    if (code && code != WIRE_LATER) {", "        wire_refuse(request, code, answer);", "    }",
                    "    return code != WIRE_LATER;", "}"]


def write_numbers(protocol: Protocol) -> list:
    lines = [*comment(protocol.doc),
             f"#define {constant(protocol, 'protocol')} {protocol.number:#x}u",
             f"#define {constant(protocol, 'major')} {protocol.major}u",
             f"#define {constant(protocol, 'minor')} {protocol.minor}u",
             f"#define {constant(protocol, 'label')}(method) "
             f"WIRE_LABEL_OF({constant(protocol, 'protocol')}, {constant(protocol, 'major')}, method)", ""]
    for each in protocol.constants:
        lines += [*comment(each.doc), f"#define {constant(protocol, each.name)} {each.number}u"]
    lines += ["", f"enum {protocol.name}_method {{"]
    lines += [f"    {constant(protocol, 'method', m.name)} = {m.number}," for m in protocol.methods]
    return lines + ["};", ""]


def parts(method: Method) -> list:
    return [("args", method.args), ("results", method.results)]


def write_header(protocol: Protocol) -> list:
    lines = c_head(protocol, "types, encoding and decoding, the server's dispatch.", ["<wire/wire.h>"])
    lines += write_numbers(protocol)
    for enum in protocol.enums:
        lines += write_enum(protocol, enum)
    lines += write_errors(protocol)
    for method in protocol.methods:
        lines += [f"// ---- {method.name} ----", *comment(method.doc)]
        for part, fields in parts(method):
            if fields:
                lines += write_struct(protocol, f"{protocol.name}_{method.name}_{part}", fields)
        for part, fields in parts(method):
            lines += write_codec(protocol, method, part, fields)
        lines += write_answer(protocol, method)
    return lines + ["// ---- serving ----"] + write_server(protocol)


def write_call(protocol: Protocol, method: Method) -> list:
    name = f"{protocol.name}_{method.name}"
    caps = sum(f.type.is_cap for f in method.results)
    parameters = ["cap_t endpoint"] + ["const struct wire_window *window"] * bool(caps)
    parameters += [f"const struct {name}_args *args"] * bool(method.args)
    parameters += [f"struct {name}_results *results"] * bool(method.results)
    into = ", results" if method.results else ""
    lines = [*comment(method.doc)]
    if caps:
        lines.append(f"// Capabilities arrive in `window`, which needs {caps} empty slot{'s' * (caps > 1)}.")
    lines += ["// Blocks.", f"[[nodiscard]] static inline uint32_t {name}({', '.join(parameters)})", "{",
              "    struct wire_message message;",
              f"    uint32_t code = {name}_put_args({'args, ' * bool(method.args)}&message);",
              "    if (!code) {",
              f"        code = wire_call(endpoint, {'window' if caps else 'NULL'}, &message);", "    }",
              "    if (code) {", "        return code;", "    }"]
    if not caps:
        return lines + [f"    return {name}_answer(&message{into});", "}", ""]
    return lines + [f"    code = {name}_answer(&message{into});", "    if (code) {",
                    "        wire_drop(window, &message);", "    }", "    return code;", "}", ""]


def write_client(protocol: Protocol) -> list:
    lines = c_head(protocol, "a function for each method, which calls the server.",
                   [f'"{protocol.name}.h"', "", "<wire/call.h>"])
    for method in protocol.methods:
        lines += write_call(protocol, method)
    return lines[:-1]


def write_check(protocol: Protocol) -> list:
    name = protocol.name
    lines = c_head(protocol, "for tests: every decoder with its encoder.", [f'"{name}.h"'])
    rows = []
    for method in protocol.methods:
        for part, fields in parts(method):
            function = f"{name}_again_{method.name}_{part}"
            given = "" if part == "args" else "in->label, "
            into, of = (", &fields", "&fields, ") if fields else ("", "")
            lines += [f"static inline uint32_t {function}(const struct wire_message *in, struct wire_message *out)",
                      "{", *[f"    struct {name}_{method.name}_{part} fields;"] * bool(fields),
                      f"    uint32_t error = {name}_{method.name}_get_{part}(in{into});",
                      "    if (error) {", "        return error;", "    }",
                      f"    return {name}_{method.name}_put_{part}({given}{of}out) ? WIRE_SERVER : WIRE_OK;", "}", ""]
            fixed = label(protocol, method) if part == "args" else "0"
            rows.append(f'    {{ "{name}.{method.name} {part}", {function}, {fixed} }},')
    return lines + ["// Decode `in` and encode it again to `out`; WIRE_SERVER: what was decoded cannot be encoded.  `label`",
                    "// is that of arguments; results take any.",
                    f"static const struct {name}_again {{", "    const char *name;",
                    "    uint32_t (*again)(const struct wire_message *in, struct wire_message *out);",
                    "    uint64_t label;", f"}} {name}_agains[] = {{", *rows, "};"]


# ---- writing the reference -----------------------------------------------------------------------
def cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|")


def signature(fields: list) -> str:
    return ", ".join(f"{f.type} {f.name}" for f in fields)


def reference_method(protocol: Protocol, method: Method) -> list:
    since = f" (since {protocol.major}.{method.since})" if method.since else ""
    results = f" -> ({signature(method.results)})" if method.results else ""
    lines = [f"**{method.number}** `{method.name}({signature(method.args)}){results}`{since}  ",
             cell(method.doc)]
    lines += [f"* `{f.name}`: {cell(f.doc)}" for f in method.args + method.results if f.doc]
    return lines + [""]


def reference_of(protocol: Protocol) -> list:
    lines = [f"## {protocol.name}", "", f"Version {protocol.major}.{protocol.minor}, number {protocol.number:#x}, "
             f"`proto/{protocol.name}.idl`.", "", *protocol.doc.split("\n"), ""]
    if protocol.constants:
        lines += ["| constant | value | |", "|---|---|---|",
                  *(f"| `{c.name}` | {c.number} | {cell(c.doc)} |" for c in protocol.constants), ""]
    for enum in protocol.enums:
        lines += [f"Enum `{enum.name}`: {cell(enum.doc)}", "", "| value | number | |", "|---|---|---|",
                  *(f"| `{v.name}` | {v.number} | {cell(v.doc)} |" for v in enum.values), ""]
    if protocol.errors:
        lines += ["| error | number | meaning | since |", "|---|---|---|---|",
                  *(f"| `{e.name}` | {e.number} | {cell(e.doc)} | {protocol.major}.{e.since} |"
                    for e in protocol.errors), ""]
    for method in own_methods(protocol):
        lines += reference_method(protocol, method)
    return lines


def write_reference(protocols: list) -> str:
    lines = ["<!-- SPDX-License-Identifier: BSD-2-Clause -->", "<!-- SPDX-FileCopyrightText: The Pith authors -->",
             "<!-- Made by tools/idlgen.py from proto/*.idl. -->", "# Protocols", "",
             "What programs say to each other.  [The language](idl.md) says what the types are and which errors every",
             "protocol has; each has method 0, `version() -> (u16 major, u16 minor)`, which answers clients of any version.",
             ""]
    for protocol in protocols:
        lines += reference_of(protocol)
    return "\n".join(lines).rstrip() + "\n"


def write_headers(out: Path, protocol: Protocol) -> None:
    for name, write in ((f"{protocol.name}.h", write_header), (f"{protocol.name}_client.h", write_client),
                        (f"{protocol.name}_check.h", write_check)):
        (out / name).write_text("\n".join(write(protocol)) + "\n", encoding="utf-8")


def run(words: list) -> bool:
    """Whether the words of the command line mean something."""
    if words[:1] == ["--reference"] and len(words) > 1:
        sys.stdout.write(write_reference(read_protocols([Path(w) for w in words[1:]])))
    elif words[:1] == ["--successor"] and len(words) == 3:
        check_successor(read_protocol(Path(words[1])), read_protocol(Path(words[2])))
    elif len(words) == 2 and not words[0].startswith("-"):
        write_headers(Path(words[0]), read_protocol(Path(words[1])))
    else:
        return False
    return True


def main(argv: list) -> int:
    try:
        if run(argv[1:]):
            return 0
    except (IdlError, OSError, UnicodeDecodeError) as mistake:
        print(f"idlgen: {mistake}", file=sys.stderr)
        return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv))
