# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Whole programs of Debian that `./pith bench linux` runs, with what they work on."""
from typing import Callable, NamedTuple

INSERTS = 10_000
SOURCE_LINES = 5_000
MAIN_LINES = 500  # of these


class Workload(NamedTuple):
    packages: list
    command: str    # of a shell; /t/input is what it works on
    input: Callable
    memory: int     # MiB


def inserts() -> str:
    """Each a transaction of its own."""
    rows = (f"INSERT INTO t VALUES({i}, {i * 7919 % INSERTS}, 'row {i}');\n" for i in range(INSERTS))
    return "CREATE TABLE t(a INTEGER PRIMARY KEY, b INTEGER, c TEXT);\n" + "".join(rows)


def one_transaction() -> str:
    return "BEGIN;\n" + inserts() + "COMMIT;\n"


FUNCTION = """\
static int step_{i}(struct record *record, int value)
{{
    record->sum += value * {a} + {b};
    if (record->sum % {c} == 0) {{
        record->count++;
        snprintf(record->text, sizeof(record->text), "%d of step {i}", value);
    }}
    return record->sum ^ (int)strlen(record->text) ^ {before};
}}
"""


def source() -> str:
    """A C file of SOURCE_LINES lines."""
    head = ["#include <stdio.h>", "#include <stdlib.h>", "#include <string.h>", "",
            "struct record { int sum, count; char text[40]; };", ""]
    lines, count = list(head), 0
    while len(lines) + FUNCTION.count("\n") < SOURCE_LINES - MAIN_LINES:
        before = f"step_{count - 1}(record, value - 1)" if count % 4 else "0"
        text = FUNCTION.format(i=count, a=count % 13 + 1, b=count % 7, c=count % 5 + 2, before=before)
        lines += [*text.splitlines(), ""]
        count += 1
    lines += ["int main(int argc, char **argv)", "{", "    struct record record = { 0 };", "    (void)argv;"]
    lines += [f"    step_{i % count}(&record, argc + {i});" for i in range(SOURCE_LINES - len(lines) - 2)]
    lines += ["    return record.count;", "}"]
    return "\n".join(lines) + "\n"


WORKLOADS = {
    "sqlite_inserts": Workload(["sqlite3"], "sqlite3 /tmp/bench.db </t/input", inserts, 512),
    "sqlite_one": Workload(["sqlite3"], "sqlite3 /tmp/bench.db </t/input", one_transaction, 512),
    "gcc": Workload(["gcc", "libc6-dev"], "cp /t/input /tmp/input.c && gcc -c -o /tmp/input.o /tmp/input.c", source,
                    2048),
}
