#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Derive from the tables abi/*.def whatever repeats them.

Reads the tables of errors, kinds, rights, system calls and operations, checks them against each other
and writes, the same bytes for the same input:
    rt_stubs.h      user side: one typed inline function for each operation
    kernel_ops.h    the labels of the operations and a table of their argument counts
    abi_names.h     names of errors, system calls, operations, kinds and rights, for tracing
    triples.json    every (operation or system call, error, argument) that the kernel can answer
    triples.txt     the same, one a line
    reference.md    the reference of the manual

usage: abigen.py OUTDIR FILE.def...
       abigen.py --reference FILE.def...    reference.md on the standard output
       abigen.py --list-outputs
"""
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

MAX_WORDS = 6           # words of an invocation
MAX_REGISTERS = 3       # argument registers of a system call
TOKEN = re.compile(r'\s+|//[^\n]*|(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<number>[0-9]+)'
                   r'|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<mark>[(),])')
# The system calls whose message may carry a mapping for a guest; it is blamed from this argument on.
ANSWERS = ("reply", "reply_recv")
ANSWER_MAP_FIRST = 8
ANSWER_MAP_ARGS = ("frame to map", "vaddr to map", "page to map", "pages to map", "prot to map")
# What every operation answers besides its own FAILS (the head of ops.def says so).
EVERY_OPERATION = (("SLOT", 0), ("OP", 1), ("LENGTH", 1), ("DEAD", 0))


class TableError(Exception):
    """A mistake in a table; the message begins with file:line."""


@dataclass
class Call:
    """NAME(argument, ...) of a table; each argument is a list of strings, numbers, names and Calls."""
    head: str
    arguments: list
    where: str


@dataclass
class Row:
    """One line of a table, decoded: an error, kind, right, system call or operation."""
    number: int
    name: str
    doc: str
    where: str
    kind: str = ""                              # operation: its KIND; kind: its short name
    args: list = field(default_factory=list)
    results: list = field(default_factory=list)
    fails: list = field(default_factory=list)   # (error, argument)
    bits: tuple = (0, 0)                        # kind: sizes that retype takes
    debug: bool = False                         # system call: only in debug kernels


@dataclass
class Tables:
    errors: list = field(default_factory=list)
    kinds: list = field(default_factory=list)
    rights: list = field(default_factory=list)
    syscalls: list = field(default_factory=list)
    ops: list = field(default_factory=list)


# ---- reading -------------------------------------------------------------------------------------
def tokens(path: Path):
    """(text, kind, file:line) of each token; comments and space are left out."""
    text = path.read_text(encoding="utf-8")
    position, line = 0, 1
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise TableError(f"{path}:{line}: unexpected character {text[position]!r}")
        if match.lastgroup:
            yield match.group(), match.lastgroup, f"{path}:{line}"
        line += match.group().count("\n")
        position = match.end()


class Reader:
    """Turns tokens into Calls."""

    def __init__(self, path: Path):
        self.path = path
        self.tokens = list(tokens(path))
        self.next = 0

    def take(self, wanted: str = "") -> tuple:
        if self.next == len(self.tokens):
            raise TableError(f"{self.path}: the file ends inside an entry")
        token = self.tokens[self.next]
        if wanted and token[0] != wanted:
            raise TableError(f"{token[2]}: '{wanted}' expected, not '{token[0]}'")
        self.next += 1
        return token

    def peek(self) -> str:
        return self.tokens[self.next][0] if self.next < len(self.tokens) else ""

    def item(self):
        text, kind, where = self.take()
        if kind == "string":
            return text[1:-1].replace('\\"', '"')
        if kind == "number":
            return int(text)
        if kind != "name":
            raise TableError(f"{where}: unexpected '{text}'")
        return self.call(text, where) if self.peek() == "(" else Call(text, [], where)

    def call(self, head: str, where: str) -> Call:
        self.take("(")
        arguments = [[]]
        while self.peek() != ")":
            if self.peek() == ",":
                self.take()
                arguments.append([])
            else:
                arguments[-1].append(self.item())
        self.take(")")
        return Call(head, [] if arguments == [[]] else arguments, where)

    def entries(self):
        while self.next < len(self.tokens):
            text, kind, where = self.take()
            if kind != "name" or self.peek() != "(":
                raise TableError(f"{where}: an entry NAME(...) expected, not '{text}'")
            yield self.call(text, where)


# ---- decoding ------------------------------------------------------------------------------------
def single(entry: Call, index: int, wanted: type, what: str):
    """The one item of an argument, which must be of type `wanted`."""
    items = entry.arguments[index]
    if len(items) != 1 or not isinstance(items[0], wanted):
        raise TableError(f"{entry.where}: argument {index + 1} of {entry.head} must be {what}")
    return items[0]


def number_of(entry: Call, index: int) -> int:
    return single(entry, index, int, "a number")


def name_of(entry: Call, index: int) -> str:
    call = single(entry, index, Call, "a name")
    if call.arguments:
        raise TableError(f"{entry.where}: argument {index + 1} of {entry.head} must be a name")
    return call.head


def text_of(entry: Call, index: int) -> str:
    return single(entry, index, str, "a text in quotes")


def list_of(entry: Call, index: int, head: str) -> list:
    """The names in HEAD(name, ...)."""
    call = single(entry, index, Call, f"{head}(...)")
    if call.head != head:
        raise TableError(f"{entry.where}: {head}(...) expected, not {call.head}")
    return [name_of(call, i) for i in range(len(call.arguments))]


def fails_of(entry: Call, index: int) -> list:
    """The (error, argument) pairs in FAILS(F(ERROR, argument) ...)."""
    call = single(entry, index, Call, "FAILS(...)")
    if call.head != "FAILS" or len(call.arguments) > 1:
        raise TableError(f"{entry.where}: FAILS(F(ERROR, argument) ...) expected")
    pairs = []
    for item in call.arguments[0] if call.arguments else []:
        if not isinstance(item, Call) or item.head != "F" or len(item.arguments) != 2:
            raise TableError(f"{entry.where}: F(ERROR, argument) expected inside FAILS")
        pairs.append((name_of(item, 0), number_of(item, 1)))
    return pairs


def decode_error(entry: Call) -> Row:
    return Row(number_of(entry, 0), name_of(entry, 1), text_of(entry, 2), entry.where)


def decode_kind(entry: Call) -> Row:
    return Row(number_of(entry, 0), name_of(entry, 1), text_of(entry, 5), entry.where,
               kind=name_of(entry, 2), bits=(number_of(entry, 3), number_of(entry, 4)))


def decode_syscall(entry: Call) -> Row:
    return Row(number_of(entry, 0), name_of(entry, 1), text_of(entry, 4), entry.where,
               args=list_of(entry, 2, "ARGS"), fails=fails_of(entry, 3),
               debug=entry.head == "DEBUG_SYSCALL")


def decode_op(entry: Call) -> Row:
    return Row(number_of(entry, 1), name_of(entry, 2), text_of(entry, 6), entry.where,
               kind=name_of(entry, 0), args=list_of(entry, 3, "ARGS"),
               results=list_of(entry, 4, "RESULTS"), fails=fails_of(entry, 5))


# head of an entry -> (its list in Tables, number of arguments, decoder)
HEADS = {
    "ERROR": ("errors", 3, decode_error),
    "KIND": ("kinds", 6, decode_kind),
    "RIGHT": ("rights", 3, decode_error),
    "SYSCALL": ("syscalls", 5, decode_syscall),
    "DEBUG_SYSCALL": ("syscalls", 5, decode_syscall),
    "OP": ("ops", 7, decode_op),
}


def read_tables(paths: list) -> Tables:
    tables = Tables()
    for path in sorted(paths, key=lambda p: p.name):
        for entry in Reader(path).entries():
            if entry.head not in HEADS:
                raise TableError(f"{entry.where}: unknown entry '{entry.head}'; "
                                 f"there are: {', '.join(HEADS)}")
            where, count, decode = HEADS[entry.head]
            if len(entry.arguments) != count:
                raise TableError(f"{entry.where}: {entry.head} takes {count} arguments, "
                                 f"not {len(entry.arguments)}")
            getattr(tables, where).append(decode(entry))
    check(tables)
    return tables


# ---- checking ------------------------------------------------------------------------------------
def check_unique(rows: list, key, what: str) -> None:
    seen = {}
    for row in rows:
        other = seen.setdefault(key(row), row)
        if other is not row:
            raise TableError(f"{row.where}: {what} {key(row)} is already used by {other.name} "
                             f"({other.where})")


def check_range(rows: list, lowest: int, highest: int, what: str) -> None:
    for row in rows:
        if not lowest <= row.number <= highest:
            raise TableError(f"{row.where}: {what} {row.number} of {row.name} is outside "
                             f"{lowest}-{highest}")


def syscall_blames(row: Row) -> dict:
    """number -> name of what an error of a system call can blame."""
    names = dict(enumerate(row.args)) or {0: "itself"}
    if row.name in ANSWERS:
        names.update(enumerate(ANSWER_MAP_ARGS, ANSWER_MAP_FIRST))
    return names


def op_blames(row: Row) -> dict:
    return dict(enumerate(["itself"] + row.args))


def check_fails(row: Row, errors: set, blames: dict) -> None:
    for index, (error, argument) in enumerate(row.fails):
        if error not in errors:
            raise TableError(f"{row.where}: {row.name}: no error '{error}' in the table of errors")
        if error == "OK":
            raise TableError(f"{row.where}: {row.name}: OK is not a failure")
        if argument not in blames:
            raise TableError(f"{row.where}: {row.name}: F({error}, {argument}) blames an argument "
                             f"that ARGS does not name")
        if (error, argument) in row.fails[:index]:
            raise TableError(f"{row.where}: {row.name}: F({error}, {argument}) stands there twice")


def check_words(row: Row, most: int) -> None:
    for what, names in (("arguments", row.args), ("results", row.results)):
        if len(names) > most:
            raise TableError(f"{row.where}: {row.name} has {len(names)} {what}; {most} are possible")
        if len(set(names)) != len(names):
            raise TableError(f"{row.where}: {row.name}: two {what} have the same name")


def check_op(row: Row, kinds: set, errors: set) -> None:
    if row.kind not in kinds:
        raise TableError(f"{row.where}: {row.name}: no kind '{row.kind}' in the table of kinds")
    check_words(row, MAX_WORDS)
    check_fails(row, errors, op_blames(row))
    for pair in EVERY_OPERATION:
        if pair in row.fails:
            raise TableError(f"{row.where}: {row.name}: F({pair[0]}, {pair[1]}) holds for every "
                             f"operation and is not repeated")


def check(tables: Tables) -> None:
    errors = {row.name for row in tables.errors}
    kinds = {row.name for row in tables.kinds}
    for rows, what in ((tables.errors, "error"), (tables.kinds, "kind"), (tables.rights, "right"),
                       (tables.syscalls, "system call")):
        check_unique(rows, lambda row: row.number, f"number of {what}:")
        check_unique(rows, lambda row: row.name, f"{what} name")
    check_unique(tables.ops, lambda row: (row.kind, row.number), "operation number")
    check_unique(tables.ops, lambda row: (row.kind, row.name), "operation name")
    check_range(tables.errors, 0, 0xF0, "code")
    check_range(tables.kinds, 1, 0xFF, "number")
    check_range(tables.rights, 0, 7, "bit")
    check_range(tables.ops, 0, 0xFF, "number")
    for row in tables.syscalls:
        check_words(row, MAX_REGISTERS)
        check_fails(row, errors, syscall_blames(row))
    for row in tables.ops:
        check_op(row, kinds, errors)
    for pair in EVERY_OPERATION if tables.ops else ():
        if pair[0] not in errors:
            raise TableError(f"the table of errors lacks {pair[0]}, which every operation answers")


# ---- writing -------------------------------------------------------------------------------------
def c_head(what: str) -> list:
    return ["// SPDX-License-Identifier: BSD-2-Clause",
            "// SPDX-FileCopyrightText: The Pith authors",
            "//",
            f"// {what}",
            "// Made by tools/abigen.py from abi/*.def.",
            "#pragma once",
            ""]


def kind_names(tables: Tables) -> dict:
    return {row.name: row.kind for row in tables.kinds}


def op_order(tables: Tables) -> list:
    numbers = {row.name: row.number for row in tables.kinds}
    return sorted(tables.ops, key=lambda row: (numbers[row.kind], row.number))


def fails_text(row: Row, blames: dict) -> str:
    return ", ".join(f"{error} ({blames[argument]})" for error, argument in row.fails)


def stub(row: Row, kind: str) -> list:
    name = f"{kind}_{row.name}"
    result = "struct rt_status" if not row.results else f"struct {name}_result"
    parameters = ", ".join(["cap_t self"] + [f"uint64_t {arg}" for arg in row.args])
    words = ", ".join(row.args + ["0"] * (MAX_WORDS - len(row.args)))
    lines = [f"// {row.doc}", f"// Errors of its own: {fails_text(row, op_blames(row)) or 'none'}."]
    if row.results:
        lines += [f"struct [[nodiscard]] {name}_result {{", "    struct rt_status status;",
                  *(f"    uint64_t {word};" for word in row.results), "};"]
    invoke = f"rt_invoke(self, TAG({op_constant(row)}, {len(row.args)}, 0), &rt_words)"
    if len(row.args) > 4:
        lines.append("// NOLINTNEXTLINE(readability-function-size): a parameter for each argument")
    lines += [f"static inline {result} {name}({parameters})", "{",
              f"    struct ipc_words rt_words = {{ {{ {words} }} }};"]
    if row.results:
        fields = ", ".join(f"rt_words.word[{i}]" for i in range(len(row.results)))
        lines += [f"    struct rt_status rt_answer = {invoke};",
                  f"    return ({result}){{ rt_answer, {fields} }};"]
    else:
        lines.append(f"    return {invoke};")
    return lines + ["}", ""]


def op_constant(row: Row) -> str:
    return f"OP_{row.kind}_{row.name.upper()}"


def write_stubs(tables: Tables) -> list:
    kinds = kind_names(tables)
    lines = c_head("One function for each operation on an object.  Results are valid where the status is OK\n"
                   "// (and the first one where it is TABLES).")
    lines += ["#include <gen/kernel_ops.h>", "#include <rt/syscall.h>", ""]
    for row in op_order(tables):
        lines += stub(row, kinds[row.kind])
    return lines


def write_kernel_ops(tables: Tables) -> list:
    kinds = kind_names(tables)
    lines = c_head("The labels of operations (kind << 8 | number) and what each takes and gives.")
    numbers = {row.name: row.number for row in tables.kinds}
    lines += ["enum op {"]
    lines += [f"    {op_constant(row)} = {numbers[row.kind] << 8 | row.number:#06x},"
              for row in op_order(tables)]
    lines += ["};", "", "// X(KIND, kind, number, name, arguments, results) for each operation.",
              "#define OP_TABLE(X) \\"]
    lines += [f"    X({row.kind}, {kinds[row.kind]}, {row.number}, {row.name}, {len(row.args)}, "
              f"{len(row.results)}) \\" for row in op_order(tables)]
    lines += ["", f"#define OP_COUNT {len(tables.ops)}",
              "// One more than the greatest number of an operation of any kind.",
              f"#define OP_PER_KIND {max((row.number for row in tables.ops), default=0) + 1}", ""]
    return lines


NAME_FINDER = """struct abi_name {
    unsigned number;
    const char *name;
};

static inline const char *abi_name_find(const struct abi_name *names, unsigned count, unsigned number)
{
    for (unsigned i = 0; i < count; i++) {
        if (names[i].number == number) {
            return names[i].name;
        }
    }
    return "?";
}
"""


def name_function(name: str, rows: list) -> list:
    """A function from number to name; `rows` are (number, text)."""
    return [f"static const struct abi_name {name}s[] __attribute__((unused)) = {{",
            *(f'    {{ {number:#x}, "{text}" }},' for number, text in rows), "};", "",
            f"static inline const char *{name}(unsigned number)", "{",
            f"    return abi_name_find({name}s, sizeof({name}s) / sizeof({name}s[0]), number);", "}", ""]


def write_names(tables: Tables) -> list:
    kinds = kind_names(tables)
    numbers = {row.name: row.number for row in tables.kinds}
    lines = c_head('Names for tracing; what is not in the tables is "?".')
    lines += NAME_FINDER.split("\n")
    lines += name_function("abi_error_name", [(r.number, r.name) for r in tables.errors])
    lines += name_function("abi_syscall_name", [(r.number, r.name) for r in tables.syscalls])
    lines += name_function("abi_kind_name", [(r.number, r.kind) for r in tables.kinds])
    lines += name_function("abi_right_name", [(r.number, r.name) for r in tables.rights])
    lines += ["// `number` is the label of an invocation."]
    lines += name_function("abi_op_name", [(numbers[r.kind] << 8 | r.number,
                                            f"{kinds[r.kind]}.{r.name}") for r in op_order(tables)])
    return lines


def triples(tables: Tables) -> list:
    """(name, error, argument); an operation is named kind.name, a system call by its name alone."""
    found = [(row.name, *pair) for row in tables.syscalls for pair in row.fails]
    kinds = kind_names(tables)
    for row in op_order(tables):
        name = f"{kinds[row.kind]}.{row.name}"
        found += [(name, *pair) for pair in list(EVERY_OPERATION) + row.fails]
    return found


def write_triples_json(tables: Tables) -> list:
    rows = [json.dumps(list(triple)) for triple in triples(tables)]
    return ["[", ",\n".join(rows), "]", ""]


def write_triples_text(tables: Tables) -> list:
    return [f"{name} {error} {argument}" for name, error, argument in triples(tables)] + [""]


def table(head: list, rows: list) -> list:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    escaped = ([str(cell).replace("|", "\\|") for cell in row] for row in rows)
    return lines + ["| " + " | ".join(row) + " |" for row in escaped] + [""]


def reference_syscalls(tables: Tables) -> list:
    rows = [(row.number, f"`{row.name}`" + (" (debug kernels)" if row.debug else ""),
             ", ".join(row.args), row.doc, fails_text(row, syscall_blames(row))) for row in tables.syscalls]
    return ["## System calls", "", "An error names in brackets the argument that it blames.", ""] + table(
        ["number", "name", "arguments", "what it does", "errors"], rows)


# What holds for all system calls; abi/message.h and abi/thread.h say it for programs.
CONVENTIONS = """\
System calls, operations, objects, rights and errors, as the tables in `abi` state them.  Structures and constants
are in `abi/message.h` (messages), `abi/thread.h` (registers, faults, guests) and `abi/rootinfo.h` (what the first
program finds).  [The model](model.md) explains the objects.

## Conventions

**Capabilities** are named by the number of a slot in the caller's own capability table; 0 names none.  Where an
operation takes `table` and a slot, `table` is a slot of the caller's own table that holds a capability of the table
meant.

**Registers** (x86_64, `SYSCALL`):

| register | in | out |
|---|---|---|
| RAX | number of the system call | status |
| RDI | first argument: `slot` | badge of the message, or the word of a notification |
| RSI | second argument: `tag`, `offset` | tag of the message; `invoke_batch`: offset of the first entry that was not carried out |
| RDX | third argument: `reply`, `count` | 0 |
| RBX RBP R12 R13 R14 R15 | message words 0 to 5, arguments of an invocation | message words 0 to 5, results of an invocation |
| RCX R11 | lost (the instruction's own) | lost |
| R8 R9 R10 | ignored | 0 |

A system call that carries no message (`signal` and those after it) leaves the registers of the words as they were.
A call that is refused before it blocks leaves RDI, RSI and the words as they were.

**Tag**: length in words (bits 0-6), number of capabilities (8-10), which of the received ones came home as a badge
(11-14), notification instead of a message (15), label (16-63).  A sent tag has bits 7 and 11-15 zero.

**Status**: `error | argument << 8`; 0 is success.  The argument is the one to blame.  In a system call it is the index
of the argument (the first is 0); 8 to 12 are the parts of the mapping that an answer to a guest carries.  In an
operation 0 is the capability that was invoked, and 1 to 6 are the arguments in their order.

**Invocations** (`invoke`, entries of `invoke_batch`): the label of the tag is the operation, its length at least the
number of arguments.  Results are delivered on success; with TABLES the first results say how many page tables are
missing and where to go on.  Results of a batch's entries are not delivered.

**What is done stays done.**  An operation on a range or a count that is refused on the way has carried out what lies
before the place of the refusal.  *Preemptible*: an interrupt may come in between; the operation then goes on by itself
where it was, as one system call."""


def kind_size(kind: Row) -> str:
    least, most = kind.bits
    if most == 0:
        return "not made by retype"
    return f"2^{least} bytes" if least == most else f"2^{least} to 2^{most} bytes"


def reference_kind(kind: Row, ops: list) -> list:
    lines = [f"### {kind.name}", "", f"Kind {kind.number}: {kind.doc}; {kind_size(kind)}.", ""]
    rows = [(row.number, f"`{kind.kind}.{row.name}`", ", ".join(row.args), ", ".join(row.results),
             row.doc, fails_text(row, op_blames(row))) for row in ops]
    return lines + (table(["number", "operation", "arguments", "results", "what it does", "errors"],
                          rows) if rows else [])


def reference_objects(tables: Tables) -> list:
    every = ", ".join(f"{error} ({'itself' if argument == 0 else 'tag'})"
                      for error, argument in EVERY_OPERATION)
    lines = ["## Objects", "", "The label of an invocation is `kind << 8 | number`.  Besides the errors "
             f"below every operation answers {every}.", ""]
    ordered = op_order(tables)
    for kind in tables.kinds:
        lines += reference_kind(kind, [row for row in ordered if row.kind == kind.name])
    return lines


def write_reference(tables: Tables) -> list:
    lines = ["<!-- SPDX-License-Identifier: BSD-2-Clause -->",
             "<!-- SPDX-FileCopyrightText: The Pith authors -->",
             "<!-- Made by tools/abigen.py from abi/*.def. -->",
             "# The kernel interface", ""]
    lines += CONVENTIONS.splitlines() + [""]
    lines += reference_syscalls(tables) + reference_objects(tables)
    lines += ["## Rights", ""] + table(["bit", "name", "what it allows"], [
        (row.number, row.name, row.doc) for row in tables.rights])
    lines += ["## Errors", ""] + table(["code", "name", "what it means"], [
        (row.number, row.name, row.doc) for row in tables.errors])
    return lines


OUTPUTS = {
    "rt_stubs.h": write_stubs,
    "kernel_ops.h": write_kernel_ops,
    "abi_names.h": write_names,
    "triples.json": write_triples_json,
    "triples.txt": write_triples_text,
    "reference.md": write_reference,
}


def main(argv: list) -> int:
    if argv[1:] == ["--list-outputs"]:
        print("\n".join(OUTPUTS))
        return 0
    if len(argv) < 3:
        print("usage: abigen.py OUTDIR FILE.def... | --reference FILE.def... | --list-outputs",
              file=sys.stderr)
        return 2
    try:
        tables = read_tables([Path(name) for name in argv[2:]])
        if argv[1] == "--reference":
            sys.stdout.write("\n".join(write_reference(tables)))
            return 0
        for name, write in OUTPUTS.items():
            text = "\n".join(write(tables))
            (Path(argv[1]) / name).write_text(text, encoding="utf-8")
    except (TableError, OSError, UnicodeDecodeError) as error:
        print(f"abigen: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
