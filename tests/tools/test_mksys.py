# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The compiler of system descriptions: what it refuses and how it says so, what the tables say, that they
compile without a warning, and that no text of any kind makes it fall over."""
import ast
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mksys import __main__ as command
from mksys import check, description, emit, graph, layout, plan, problems, program, scan, values
from pithlib import ui

SOURCE = """\
[system]
name = "sample"
memory = "64M"
seed = 7
never = ["uart -> shell", "journal -> shell"]

[component.shell]
priority = 20
budget = "1ms"
memory = "256K"
uses = { log = "journal.log", console = "uart.console", system = "supervisor.observe+control" }
signals = { kick = "uart" }
regions = { state = { region = "board", access = "rw" } }
timers = ["tick"]

[component.journal]
program = "log"
priority = 40
budget = "2ms"
period = "20ms"
memory = "256K"
serves = ["log", "console"]
passive = true
uses = { out = "uart.console" }
regions = { state = { region = "board", access = "r" } }
heartbeat = "1s"
deadlines = true
vector = true
restart = { policy = "never", backoff = "20ms", backoff_max = "2s", limit = 3, window = "30s", group = "io" }

[component.uart]
program = "uart16550"
priority = 60
budget = "1ms"
cpu = 1
memory = "1M"
stack = "32K"
heap = "64K"
slots = 128
replies = 4
min_budget = "20us"
serves = ["console"]
ports = { uart = "0x3f8+8" }
irq = { uart = { line = 4, level = true, active_low = true }, spare = 5 }
timers = ["tick", "tock"]
restart = { group = "io" }
autostart = false

[region.board]
size = "12K"
survives = true
"""
LINES = SOURCE.splitlines()


def sample_program(size: int = 0x2000, count: int = 3) -> program.Program:
    segments = [program.Segment(4, 0, 0x500), program.Segment(5, 0x1000, 0x800), program.Segment(6, 0x2000, size)]
    return program.Program(bytes(range(20)), [(0x1000, "component_main"), (0x1010, "put")], segments[:count], 9000)


def sample_programs() -> dict:
    return {name: sample_program() for name in ("shell", "log", "uart16550")}


def told(text, programs: dict = None) -> str:
    """What is said of a description; the file is s.toml."""
    data = text if isinstance(text, bytes) else text.encode()
    system, found = description.read(data, "s.toml")
    if system is not None:
        check.system(system, sample_programs() if programs is None else programs, found)
    return found.text()


def line_of(text: str, fragment: str) -> int:
    return text[:text.index(fragment)].count("\n") + 1


def changed(old: str, new: str) -> str:
    assert SOURCE.count(old) >= 1, old
    return SOURCE.replace(old, new, 1)


NAME = values.NAME_RIGHT
# (what is taken out of the sample, what is put in its place, the message without file and line; its line
# is that of the first thing that was put in, or that of the fragment which follows)
TICK = 'timers = ["tick"]\n'
REFUSED = [
    # values
    ('"sample"', '"Sample"', f"system.name: 'Sample' is no name; {NAME}"),
    ('"sample"', '"a23456789012345678901234"', f"system.name: 'a23456789012345678901234' is no name; {NAME}"),
    ('"sample"', "5", f"system.name: this is a number; {NAME}"),
    ('"sample"', "1979-05-27", f"system.name: this is a date or time; {NAME}"),
    ('"sample"', "1.5", f"system.name: this is a number with a fraction; {NAME}"),
    ("seed = 7", "seed = -1",
     f"system.seed: -1 is out of range; a whole number from 0 to {2**63 - 1} stands here"),
    ("seed = 7", "seed = true",
     f"system.seed: this is true or false; a whole number from 0 to {2**63 - 1} stands here"),
    ('"64M"', '"64m"', f"system.memory: '64m' is no size; {values.SIZE_RIGHT}"),
    ('"64M"', "67108864", f"system.memory: this is a number; {values.SIZE_RIGHT}"),
    ('"64M"', '"1K"', "system.memory: 1K is out of range; from 1M to 65536G is possible"),
    ('"256K"', '"192K"', "component.shell.memory: 192K is no power of two; the next one is 256K"),
    ('"32K"', '"33K"', "component.uart.stack: 33K is no multiple of 4K; the next one is 36K"),
    ('"1s"', '"1 s"', f"component.journal.heartbeat: '1 s' is no time; {values.TIME_RIGHT}"),
    ('"1s"', '"1h"', f"component.journal.heartbeat: '1h' is no time; {values.TIME_RIGHT}"),
    ('"1s"', '"7200s"', "component.journal.heartbeat: 7200s is out of range; from 100us to 3600s is possible"),
    ('"never"', '"sometimes"',
     'component.journal.restart.policy: \'sometimes\' is none of them; one of these stands here: "always", "never", "power-off"'),
    ("deadlines = true", "deadlines = 1", "component.journal.deadlines: this is a number; true or false stands here"),
    ('["tick"]', '"tick"', "component.shell.timers: this is text; an array stands here: [...]"),
    ('["tick"]', '["a",\n"B"]', f"component.shell.timers[1]: 'B' is no name; {NAME}", '"B"]'),
    ('{ kick = "uart" }', '["uart"]', "component.shell.signals: this is an array; a table stands here: { NAME = ... }"),
    ("kick =", '"Kick" =', f"component.shell.signals.Kick: 'Kick' is no name; {NAME}"),
    # keys
    ("seed = 7", "sed = 7", "system.sed: there is no such key; did you mean 'seed'?"),
    ("seed = 7", "xyzzy = 7",
     "system.xyzzy: there is no such key; there are: name, memory, seed, never"),
    ("cpu = 1\n", "cpus = 1\n", "component.uart.cpus: there is no such key; did you mean 'cpu'?"),
    ("line = 4, ", "", "component.uart.irq.uart.line: this key is missing; the interrupt's line stands here, "
     "from 0 to 255", "irq ="),
    ("priority = 20\n", "", f"component.shell.priority: this key is missing; a number from 1 to {description.PRIORITY_MOST} "
     "stands here; more is more important", "[component.shell]"),
    # words with a syntax of their own
    ('"uart.console", s', '"uart", s',
     'component.shell.uses.console: \'uart\' names no service; "COMPONENT.SERVICE" or "supervisor.RIGHT+RIGHT" stands here'),
    ("observe+control", "observe+fly", "component.shell.uses.system: the supervisor gives no right 'fly'; "
     "rights are observe, control, inject, power, joined by +"),
    ("0x3f8+8", "3f8-3ff", "component.uart.ports.uart: '3f8-3ff' is no range of ports; "
     'ports are text such as "0x3f8+8": the first one, + and how many'),
    ("0x3f8+8", "0xffff+2", "component.uart.ports.uart: there are no ports 0xffff+2; at least one, and all below 0x10000"),
    ("spare = 5", 'spare = "5"', "component.uart.irq.spare: this is text; "
     "a line's number or { line = 4, level = true, active_low = true } stands here"),
    ("spare = 5", "spare = 256", "component.uart.irq.spare: 256 is out of range; a whole number from 0 to 255 stands here"),
    ('"uart -> shell"', '"uart to shell"',
     'system.never[0]: \'uart to shell\' is no assertion; an assertion is text such as "net -> disk"'),
    # others' names
    ('"journal.log"', '"jornal.log"', "component.shell.uses.log: there is no component 'jornal'; did you mean 'journal'?"),
    ('"journal.log"', '"journal.logs"', "component.shell.uses.log: journal serves no 'logs'; did you mean 'log'?"),
    ('kick = "uart"', 'kick = "uarts"', "component.shell.signals.kick: there is no component 'uarts'; did you mean 'uart'?"),
    ('kick = "uart"', 'kick = "shell"',
     "component.shell.signals.kick: this component would signal itself; another component stands here"),
    ("kick =", "kick_it_until_it_hurts =", "component.shell.signals.kick_it_until_it_hurts: "
     "'shell.kick_it_until_it_hurts', its name at uart, is 28 characters long; at most 23: take a shorter name here"),
    ('region = "board"', 'region = "bord"',
     "component.shell.regions.state.region: there is no region 'bord'; did you mean 'board'?"),
    ("[region.board]", '[region.idle]\nsize = "4K"\n[region.board]', "region.idle: no component has this region; "
     'take it out, or give it: regions = { NAME = { region = "idle", access = "rw" } }'),
    ('"log", "console"]', '"log", "konsole"]', "component.journal.serves[1]: there is no protocol 'konsole' "
     "(proto/konsole.idl); did you mean 'console'?"),
    ('"log", "console"]', '"log", "log"]', "component.journal.serves[1]: 'log' stands here twice; each name once"),
    # calls
    ('serves = ["console"]\n', 'serves = ["console"]\nuses = { me = "uart.console" }\n',
     "component.uart.uses.me: it calls itself: uart -> uart; calls go one way: take one of them out, or signal instead",
     "uses = { me"),
    ("priority = 60", "priority = 30", "component.uart.priority: 30 lies below 40, that of its client journal; "
     "at least 40: what serves is as important as all that wait for it"),
    ("replies = 4", "replies = 0", "component.uart.replies: what serves must be able to answer; at least 1"),
    ('timers = ["tick"]', 'timers = ["tick"]\nmin_budget = "1ms"', "component.shell.min_budget: it serves nothing that "
     "a caller could enter; take it out, or say what is served: serves = [...]", "min_budget"),
    # what there is once
    ("spare = 5", "spare = 4", "component.uart.irq.spare: uart.irq.uart has line 4 already; one handler for each line"),
    ('uart = "0x3f8+8"', 'uart = "0x3f8+8", more = "1023+4"',
     "component.uart.ports.more: uart.ports.uart has these ports already; other ports than 0x3f8+8"),
    ("slots = 128", "slots = 100", "component.uart.slots: 100 is no power of two; the next one is 128"),
    ("slots = 128\nreplies = 4", "slots = 32\nreplies = 40",
     "component.uart.slots: 32 slots are too few: its grants and replies take 50; at least 64"),
    # what objects are made of
    (TICK, TICK + "untyped = { a = 5 }", "component.shell.untyped.a: this is a number; " + description.UNTYPED_RIGHT, "untyped ="),
    (TICK, TICK + 'untyped = { a = "3M" }', "component.shell.untyped.a: 3M is no power of two; the next one is 4M",
     "untyped ="),
    (TICK, TICK + "untyped = { a = { wx = true } }", "component.shell.untyped.a.size: this key is missing; "
     'a power of two or "rest" stands here; ' + values.SIZE_RIGHT, "untyped ="),
    (TICK, TICK + 'untyped = { a = { size = "1M", least = "1M" } }', "component.shell.untyped.a.least: "
     'only the rest has no size of its own; take it out, or say size = "rest"', "untyped ="),
    (TICK, TICK + 'untyped = { a = "rest", b = { size = "rest", least = "1M" } }', "component.shell.untyped.b: shell.untyped.a has the rest already; "
     "a size stands here: only one can have what is left", "untyped ="),
    (TICK, TICK + 'untyped = { a = "rest", b = "8K", c = "8K", d = "8K", e = "8K", f = "8K" }', "component.shell.untyped: "
     "it has 9 pieces of memory; at most 8, of which the rest is 4", "untyped ="),
    (TICK, TICK + 'untyped = { a = "32M" }', "system.memory: 64M is too little: shell.untyped.a finds no 32M in one piece, "
     "which begins at a multiple of its size; at least 128M", "memory ="),
    (TICK, TICK + 'untyped = { a = { size = "rest", least = "32M" } }', "system.memory: 64M is too little: shell.untyped.a "
     "finds no 32M in one piece, which begins at a multiple of its size; at least 128M", "memory ="),
    (TICK, TICK + 'sched = { a = 5 }', "component.shell.sched.a: this is a number; " + description.SHARE_RIGHT, "sched ="),
    (TICK, TICK + 'sched = { a = "half" }', "component.shell.sched.a: 'half' is no share; " + description.PERCENT_RIGHT,
     "sched ="),
    (TICK, TICK + 'sched = { a = { share = "0%" } }', "component.shell.sched.a.share: 0% is out of range; "
     "from 1% to 100% is possible", "sched ="),
    (TICK, TICK + 'sched = { a = "9%", b = "9%" }', "component.shell.sched.b: shell.sched.a has a share of CPU 0 already; "
     "one share of each CPU", "sched ="),
    (TICK, TICK + 'sched = { a = "71%" }', "component.journal.budget: CPU 0 is given away to 91.0 %: shell.sched.a 71.0 %, "
     "shell 10.0 %, journal 10.0 %; at most 90 %; the rest is the supervisor's", 'budget = "2ms"'),
    (TICK, TICK + 'sched = { a = { share = "81%", cpu = 1 } }', "component.uart.budget: CPU 1 is given away to 91.0 %: "
     "shell.sched.a 81.0 %, uart 10.0 %; at most 90 %; the rest is the supervisor's", 'budget = "1ms"\ncpu'),
    (TICK, TICK + 'contexts = { a = "71%" }', "component.shell.contexts.a: this is text; " + description.CONTEXT_RIGHT,
     "contexts ="),
    (TICK, TICK + 'contexts = { a = { cpu = 1 } }', "component.shell.contexts.a.budget: this key is missing; "
     "the CPU time per period stands here; " + values.TIME_RIGHT, "contexts ="),
    (TICK, TICK + 'contexts = { a = { budget = "2ms", period = "1ms" } }', "component.shell.contexts.a.budget: "
     "2ms is more than the period of 1ms; a budget is at most the period", "contexts ="),
    (TICK, TICK + 'contexts = { a = { budget = "7100us" } }', "component.journal.budget: CPU 0 is given away to 91.0 %: "
     "shell.contexts.a 71.0 %, shell 10.0 %, journal 10.0 %; at most 90 %; the rest is the supervisor's", 'budget = "2ms"'),
    (TICK, TICK + 'modules = { a = "my file" }', "component.shell.modules.a: 'my file' is no file's name; "
     + description.MODULE_RIGHT, "modules ="),
    # time
    ('budget = "1ms"\nmemory', 'budget = "9ms"\nmemory', "component.journal.budget: CPU 0 is given away to 100.0 %: "
     "shell 90.0 %, journal 10.0 %; at most 90 %; the rest is the supervisor's", 'budget = "2ms"'),
    ('"2ms"', '"100us"', "component.journal.budget: 100us is too little to share with the thread that keeps deadlines; "
     "at least 200us where deadlines = true"),
    ('"20ms", backoff_max', '"20s", backoff_max', "component.journal.restart.backoff: 20s is more than backoff_max, 2s; "
     "backoff is where the waiting begins, backoff_max where it ends"),
    # memory
    ('"64M"', '"8M"', "system.memory: 8M is too little for components (1536K), regions (16K), programs (27K) and the "
     "supervisor (8M); at least 16M"),
    ('memory = "1M"', 'memory = "32M"', "system.memory: 64M is too little: component uart finds no 32M in one piece, "
     "which begins at a multiple of its size; at least 256M", "memory = \"64M\""),
    ('memory = "1M"', 'memory = "64K"', "component.uart.memory: 64K is too little: data, stack and heap (128K), address "
     "space (8K), slots (8K), page tables (12K), thread (4K) and the rest take 165K; at least 256K"),
    # assertions
    ('"uart -> shell"', '"uart -> shel"', "system.never[0]: there is no component 'shel'; did you mean 'shell'?"),
    ('"uart -> shell"', '"uart -> uart"', "system.never[0]: a component always reaches itself; two components stand here"),
    ('"uart -> shell"', '"shell -> uart"', "system.never[0]: shell reaches uart: shell -(calls uart.console)-> uart; "
     "take a part of this way out of the description, or the assertion"),
    ('"uart -> shell"', '"journal -> uart"', "system.never[0]: journal reaches uart: journal -(calls uart.console)-> uart; "
     "take a part of this way out of the description, or the assertion"),
]
# The same; other messages follow from these mistakes.
REFUSED_WITH_MORE = [
    ("[region.board]", "[regions.board]", "regions: there is no such key; did you mean 'region'?"),
    ('[system]\nname = "sample"\nmemory = "64M"\nseed = 7\n', "[sys]\n",
     "system: this key is missing; [system] stands here, with the system's name and memory", "[sys]"),
    ("[component.shell]", "component = 5\n[other.shell]",
     "system.component: there is no such key; there are: name, memory, seed, never"),
    ('"journal.log"', '"shell.log"', "component.shell.uses.log: shell serves no 'log'; there are: none"),
    ("[component.shell]", "[component.supervisor]",
     "component.supervisor: this is the supervisor's own name; another name stands here"),
    ('serves = ["console"]\n', 'serves = ["console"]\nuses = { back = "journal.log" }\n',
     "component.uart.uses.back: it calls what calls it: journal -> uart -> journal; calls go one way: take one of them "
     "out, or signal instead", "uses = { back"),
    ('timers = ["tick"]', 'timers = ["tick"]\npassive = true', "component.shell.passive: it serves nothing, so nobody "
     "lends it time; take it out, or say what is served: serves = [...]", "passive"),
    ('"20us"', '"3ms"', "component.shell.uses.console: uart asks its callers for 3ms, shell has 1ms; "
     "give the client more budget, or lower the server's min_budget", "uses = { log"),
    ('budget = "1ms"\nmemory', 'budget = "11ms"\nmemory',
     "component.shell.budget: 11ms is more than the period of 10ms; a budget is at most the period"),
    ('vector = true', 'vector = true\nbackground = true', "component.journal.background: its priority, 40, is no less than "
     "that of shell, 20, whose time it would take; what runs in the background is less important than all others of its "
     "CPUs", "background"),
    ('heap = "64K"', 'heap = "64M"', "component.uart: what it has mapped takes up to 35 page tables; at most 8: less heap, "
     "stack or regions", "[component.uart]"),
]


def expected(case: tuple) -> str:
    text = changed(*case[:2])
    return f"s.toml:{line_of(text, case[3] if len(case) > 3 else case[1])}: {case[2]}"


@pytest.mark.parametrize("case", REFUSED, ids=[case[2].split(";")[0][:70] for case in REFUSED])
def test_refused(case):
    """One mistake gives one message, with the line that it stands in."""
    assert told(changed(*case[:2])) == expected(case)


@pytest.mark.parametrize("case", REFUSED_WITH_MORE, ids=[case[2].split(";")[0][:70] for case in REFUSED_WITH_MORE])
def test_refused_with_more(case):
    assert expected(case) in told(changed(*case[:2])).splitlines()


def test_sample_is_right():
    assert told(SOURCE) == ""


def test_all_problems_are_told():
    """Also those of different kinds, in the order of their lines."""
    text = SOURCE
    for old, new in (("seed = 7", "sed = 7"), ("priority = 60", "priority = 30"), ("spare = 5", "spare = 4"),
                     ('"journal.log"', '"jornal.log"'), ('"uart -> shell"', '"shell -> uart"')):
        text = text.replace(old, new)
    lines = told(text).splitlines()
    numbers = [int(line.split(":")[1]) for line in lines]
    assert len(lines) == 5 and numbers == sorted(numbers)


def test_every_cycle_is_told():
    text = SOURCE.replace("priority = 40", "priority = 60").replace('serves = ["console"]\n', 'serves = ["console"]\nuses = { a = "journal.log", b = "uart.console" }\n')
    assert [line.split(": ")[2] for line in told(text).splitlines()] == [
        "it calls what calls it", "it calls itself"]


# ---- whole files -------------------------------------------------------------------------------
@pytest.mark.parametrize("text, said", [
    (b"", "1: component: this key is missing; at least one [component.NAME] stands here"),
    (b"[system]\nname = \n", "2: syntax: invalid value; a description is a TOML 1.0 file"),
    (b"[system]\nname = 'a'\nname = 'b'\n", "3: syntax: cannot overwrite a value; a description is a TOML 1.0 file"),
    (b"[system]\nname = \"\"\"a\n", "3: syntax: unterminated string; a description is a TOML 1.0 file"),
    (b"[system]\nname = '\xff'\n", "2: file: byte 0xff is no UTF-8; a description is UTF-8 text"),
    (b"[component]\n", "1: component: there is no component; at least one [component.NAME] stands here"),
    (b"x = " + b"[" * 5000, "1: syntax: TOML's parser gives up: maximum recursion depth exceeded"),
])
def test_files(text, said):
    assert any(line.startswith("s.toml:" + said) for line in told(text).splitlines()), told(text)


def small(name: str, more: str = "") -> str:
    return f'[component.{name}]\npriority = 9\nbudget = "50us"\nmemory = "128K"\n{more}\n'


def small_system(components: list) -> str:
    return '[system]\nname = "many"\nmemory = "256M"\n' + "".join(components)


def test_numbers_of_things():
    text = small_system([small(f"c{i}") for i in range(63)])
    line = line_of(text, "[component.c62]")
    assert told(text, {}) == (f"s.toml:{line}: component.c62: this is component 63 of 63; a system has at most 62")
    assert told(small_system([small(f"c{i}") for i in range(62)]), {}) == ""
    timers = ", ".join(f'"t{i}"' for i in range(41))
    text = small_system([small("a", f"timers = [{timers}]")])
    assert told(text, {}) == ("s.toml:4: component.a: it gets 41 grants; at most 40 (services, signals, timers, "
                              "interrupts, ports, regions, memory, time, modules)")
    ports = ", ".join(f'p{i} = "{16 * i}+8"' for i in range(8))
    text = small_system([small("a", f"ports = {{ {ports} }}\nirq = {{ one = 1 }}")])
    many = "s.toml:4: component.a: it has 9 interrupts, ranges of ports, shares of time and modules; at most 8"
    assert told(text, {}) == many
    assert told(text.replace("irq = { one = 1 }", 'sched = { a = "1%" }'), {}) == many
    assert told(text.replace("irq = { one = 1 }", 'modules = { a = "b" }'), {}) == many
    names = [f"r{i}" for i in range(9)]
    uses = ", ".join(f'{name} = {{ region = "{name}", access = "r" }}' for name in names)
    text = small_system([small("a", f"regions = {{ {uses} }}")] + [f'[region.{name}]\nsize = "4K"\n' for name in names])
    assert told(text, {}) == "s.toml:8: component.a.regions: it has 9 regions; at most 8"


def ways(*texts: str) -> list:
    system, found = description.read(SOURCE.replace('"uart -> shell", "journal -> shell"', ", ".join(f'"{t}"' for t in texts))
                                     .encode(), "s.toml")
    check.system(system, {}, found)
    return [re.search(r"reaches \w+: (.*?);", line)[1] for line in found.text().splitlines()]


def test_ways():
    """By calls, signals and shared memory, and over several of them; each way is the shortest."""
    assert ways("shell -> journal") == ["shell -(calls journal.log)-> journal"]
    assert ways("journal -> shell", "uart -> journal", "uart -> shell") == []
    chain = small_system([small("a", 'signals = { s = "b" }'),
                          small("b", 'regions = { r = { region = "m", access = "rw" } }'),
                          small("c", 'regions = { r = { region = "m", access = "r" } }\nuses = { d = "d.log" }'),
                          small("d", 'serves = ["log"]'), '[region.m]\nsize = "4K"\n'])
    never = chain.replace('"many"', '"many"\nnever = ["a -> d", "d -> c", "c -> b"]')
    assert told(never, {}) == (
        "s.toml:3: system.never[0]: a reaches d: a -(signals s)-> b -(writes m)-> c -(calls d.log)-> d; "
        "take a part of this way out of the description, or the assertion")


def test_servers_below():
    """Those that a component calls, those that they call, and nobody else."""
    text = small_system([small("a", 'uses = { b = "b.log" }'), small("b", 'serves = ["log"]\nuses = { c = "c.log" }'),
                         small("c", 'serves = ["log"]'), small("d", 'serves = ["log"]\nsignals = { a = "a" }')])
    system, _ = description.read(text.encode(), "s.toml")
    assert [graph.servers_below(system, name) for name in "abcd"] == [["b", "c"], ["c"], [], []]


def test_lines_of_keys():
    """The scanner finds what tomllib finds, on every sort of key and value."""
    text = ('a = 1 # "x = 2\n"b.c" = """\nd = 3\n"""\n\n[t . \'u\']\ne = { f = [1, # ]\n 2, {g = \'\'\'\n}\'\'\'}], '
            'h.i = -inf }\n[[v]]\nj = 07:32:00\n[[v]]\nj = [\n[ ],\n[ "]" ] ]\n')
    assert scan.key_lines(text) == {
        ("a",): 1, ("b.c",): 2, ("t",): 6, ("t", "u"): 6, ("t", "u", "e"): 7, ("t", "u", "e", "f"): 7,
        ("t", "u", "e", "f", 0): 7, ("t", "u", "e", "f", 1): 8, ("t", "u", "e", "f", 2): 8,
        ("t", "u", "e", "f", 2, "g"): 8, ("t", "u", "e", "h"): 9, ("t", "u", "e", "h", "i"): 9, ("v",): 10, ("v", 0): 10,
        ("v", 0, "j"): 11, ("v", 1): 12, ("v", 1, "j"): 13, ("v", 1, "j", 0): 14, ("v", 1, "j", 1): 15,
        ("v", 1, "j", 1, 0): 15}


# ---- every message has a test ------------------------------------------------------------------
def sites() -> set:
    """(file, first line, last line) of each place that tells a problem of a description."""
    found = set()
    for module in (check, description, graph, values):
        for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Wrong", "problems.add", "place.wrong") or \
                    isinstance(node, ast.Call) and ast.unparse(node.func).endswith(").wrong"):
                found.add((module.__file__, node.lineno, node.end_lineno))
    return found


def test_every_message_has_a_case(monkeypatch):
    seen = set()

    def caller(frame):
        while frame.f_code.co_name in ("add", "wrong", "__init__", "noted"):
            frame = frame.f_back
        seen.add((frame.f_code.co_filename, frame.f_lineno))

    def watch(owner, name):
        original = getattr(owner, name)

        def noted(*arguments):
            caller(sys._getframe(1))
            return original(*arguments)
        monkeypatch.setattr(owner, name, noted)

    watch(problems.Problems, "add")
    watch(problems.Wrong, "__init__")
    for case in REFUSED + REFUSED_WITH_MORE:
        told(changed(*case[:2]))
    for mark in test_files.pytestmark:
        for text, _ in mark.args[1]:
            told(text)
    test_numbers_of_things()
    missing = [f"{Path(file).name}:{first}" for file, first, last in sorted(sites())
               if not any(name == file and first <= line <= last for name, line in seen)]
    assert missing == []


# ---- tables ------------------------------------------------------------------------------------
def compiled(text: str = SOURCE) -> str:
    system, found = description.read(text.encode(), "s.toml")
    check.system(system, sample_programs(), found)
    assert not found, found.text()
    return emit.text(plan.make(system), sample_programs())


def grants_of(text: str, component: str) -> list:
    body = re.search(rf"grant {component}_grants\[\] = {{\n(.*?)\n}};", text, re.S)[1]
    return [line.strip() for line in body.splitlines()]


def test_order_and_indices():
    """Servers before their clients; badges name the client by its place in that order."""
    text = compiled()
    assert re.findall(r'\.name = "(\w+)", \.module = "(\w+)"', text) == [
        ("uart", "uart16550"), ("journal", "log"), ("shell", "shell")]
    assert grants_of(text, "shell") == [
        '{ "log", GRANT_CALL, 1, 0x3ull, 0x0, 0, 0 },',
        '{ "console", GRANT_CALL, 0, 0x3ull, 0x0, 0, 0 },',
        '{ "system", GRANT_CALL, 2, 0x303ull, 0x0, 0, 0 },',
        '{ "kick", GRANT_SIGNAL, 0, 0x10ull, 0x0, 0, 0 },',
        '{ "state", GRANT_REGION, 0, 0x0ull, 0x0, 0, PROT_READ | PROT_WRITE },',
        '{ "tick", GRANT_TIMER, 0, 0x1ull, 0x0, 0, 0 },']
    assert '{ "state", GRANT_REGION, 0, 0x0ull, 0x0, 0, PROT_READ },' in grants_of(text, "journal")
    assert '{ "uart", 0, 20000 },' in text and '{ "supervisor", SYSTEM_SELF, 0 },' in text


def test_bits_of_a_notification():
    """Each interrupt, timer and signal has a bit of its own; who signals has the same one."""
    text = compiled()
    assert grants_of(text, "uart") == [
        '{ "uart", GRANT_SERVE, 0, 0x0ull, 0x0, 0, 0 },',
        '{ "shell.kick", GRANT_SIGNALLED, 0, 0x10ull, 0x0, 0, 0 },',
        '{ "uart", GRANT_IRQ, 4, 0x1ull, 0x0, 0, IRQ_LEVEL | IRQ_ACTIVE_LOW },',
        '{ "spare", GRANT_IRQ, 5, 0x2ull, 0x0, 0, 0 },',
        '{ "uart", GRANT_PORTS, 0, 0x0ull, 0x3f8, 8, 0 },',
        '{ "tick", GRANT_TIMER, 0, 0x4ull, 0x0, 0, 0 },',
        '{ "tock", GRANT_TIMER, 0, 0x8ull, 0x0, 0, 0 },']


def test_services_are_numbered():
    """Bits from 8 on of a badge say which of the server's services it is for."""
    text = compiled(changed('"journal.log"', '"journal.console"'))
    assert '{ "log", GRANT_CALL, 1, 0x103ull, 0x0, 0, 0 },' in grants_of(text, "shell")


MAKER = """\
untyped = { rest = { size = "rest", least = "8M", wx = true }, pool = "1M" }
sched = { own = "20%", other = { share = "5%", cpu = 3 } }
contexts = { here = { budget = "100us" }, there = { budget = "1ms", period = "5ms", cpu = 2, optional = true } }
modules = { first = "root.img", again = "root.img", second = "b" }
space = true
"""


def test_what_objects_are_made_of():
    """The rest comes after Untypeds of a size, and modules are counted once each."""
    text = compiled(changed(TICK, TICK + MAKER))
    assert grants_of(text, "shell")[4:14] == [
        '{ "space", GRANT_SPACE, 0, 0x0ull, 0x0, 0, 0 },',
        '{ "pool", GRANT_UNTYPED, 0, 0x0ull, 0x100000, 2, 0 },',
        '{ "rest", GRANT_UNTYPED, 0, 0x0ull, 0x800000, 8, UNTYPED_REST | UNTYPED_WX },',
        '{ "own", GRANT_SCHED, 0, 0x30d40ull, 0x0, 0, 0 },',
        '{ "other", GRANT_SCHED, 3, 0xc350ull, 0x0, 0, 0 },',
        '{ "here", GRANT_CONTEXT, 0, 0x0ull, 0x186a0, 10000000, 0 },',
        '{ "there", GRANT_CONTEXT, 2, 0x0ull, 0xf4240, 5000000, CONTEXT_OPTIONAL },',
        '{ "first", GRANT_MODULE, 0, 0x0ull, 0x0, 0, 0 },',
        '{ "again", GRANT_MODULE, 0, 0x0ull, 0x0, 0, 0 },',
        '{ "second", GRANT_MODULE, 1, 0x0ull, 0x0, 0, 0 },']
    assert 'modules[] = {\n    "root.img",\n    "b",\n};' in text
    assert ".module_count = 2," in text and ".modules = modules," in text
    assert ".module_count = 0," in compiled() and ".modules = NULL," in compiled()


def test_slots_of_what_objects_are_made_of():
    """Two for each Untyped, eight for the rest, one for each other."""
    text = changed("slots = 128\nreplies = 4", "slots = 16\n" + MAKER)
    system, found = description.read(text.encode(), "s.toml")
    component = system.components["uart"]
    assert plan.slots_needed(component, plan.grant_kinds(system, component)) == 4 + 2 + 6 + 1 + 2 + 8 + 2 + 2 + 3


def test_fields():
    text = compiled()
    for field in ('{ "journal", 1, 50000 },', ".passive = true,", ".passive = false,", ".home_bits = 20, .slot_bits = 7,", ".stack_pages = 8, .heap_pages = 16,", ".replies = 4,",
                  ".budget = 1000000, .period = 10000000,", ".heartbeat = 1000000000,", ".deadlines = true, .vector = true,",
                  ".backoff = 20000000, .backoff_max = 2000000000,", ".window = 30000000000, .limit = 3, .group = 1,",
                  ".restart = false, .vital = false,", ".manual = true,", ".priority = 60, .cpu = 1,", "{ 0, 2 },\n    { 1, 2 },",
                  '{ "board", 0x3000, true },', ".seed = 7u,", '{ "deadlines", GRANT_WATCH, 0, 0x0ull, 0x0, 0, 0 },'):
        assert field in text, field


def test_limits_are_those_of_the_headers(tree):
    """What the compiler checks against is what the supervisor and the kernel are built with."""
    texts = "".join((tree / path).read_text() for path in (
        "servers/supervisor/system.h", "servers/supervisor/supervisor.h", "servers/supervisor/image.h",
        "servers/supervisor/incarnation.c", "lib/rt/component.h", "kernel/hal/cpu.h", "abi/message.h", "abi/bootinfo.h", "lib/svc/serve.h",
        "servers/supervisor/grants.c"))
    defined = dict(re.findall(r"#define (\w+) +(\w+)", texts))
    for name, value in (("SYSTEM_COMPONENTS", check.COMPONENTS_MOST), ("COMPONENT_GRANTS", check.GRANTS_MOST),
                        ("COMPONENT_NAME_BYTES", values.NAME_BYTES + 1), ("HAL_IRQ_LINES", description.IRQ_LINES),
                        ("HOME_TABLES", layout.TABLES_MOST), ("HOME_REGIONS", layout.REGIONS_MOST),
                        ("HOME_DEVICES", layout.DEVICES_MOST), ("HOME_POOLS", layout.POOLS_MOST),
                        ("COMPONENT_UNTYPED_PAIRS", layout.PAIRS_MOST), ("PAIR", plan.GRANT_SLOTS["UNTYPED"]),
                        ("BOOT_NAME_BYTES", description.MODULE_BYTES + 1),
                        ("LAYOUT_WATCH_PAGES", layout.WATCH_PAGES), ("IMAGE_PARTS", program.PARTS_MOST),
                        ("SYSTEM_RIGHTS_SHIFT", plan.RIGHTS_SHIFT), ("SVC_SERVICE_SHIFT", plan.SERVICE_SHIFT),
                        *((f"SYSTEM_{right.upper()}", bit) for right, bit in description.RIGHTS.items())):
        assert int(defined[name].rstrip("u"), 0) == value, name
    assert plan.GRANT_SLOTS[plan.REST] == layout.PAIRS_MOST * plan.GRANT_SLOTS["UNTYPED"]
    assert check.WATCHED_BUDGET == int(defined["WATCH_BUDGET_PART"]) * description.BUDGET_LEAST


# ---- the command -------------------------------------------------------------------------------
COMPONENT = """\
#define FUNCTION(name, number) __attribute__((noinline)) static int name(int a) { return a * number; }
FUNCTION(four, 4)
FUNCTION(three, 3)
FUNCTION(one, 7)
FUNCTION(two, 2)
static volatile int data = 5;
int rt_component_entry(void);
int rt_component_entry(void) { return one(two(three(four(data)))); }
"""


@pytest.fixture(scope="session")
def elf(tmp_path_factory) -> Path:
    """A program that is linked as a component is."""
    place = tmp_path_factory.mktemp("mksys")
    (place / "c.c").write_text(COMPONENT)
    scripts = ui.TREE / "lib" / "rt"
    subprocess.run(["x86_64-linux-gnu-gcc", "-O1", "-fPIE", "-ffreestanding", "-nostdlib", "-pie", "-Wl,--no-dynamic-linker",
                    "-Wl,--build-id=sha1", f"-L{scripts}", f"-Wl,-T,{scripts}/component.ld", place / "c.c", "-o", place / "c.elf"], check=True)
    return place / "c.elf"


def mksys(tree, *words, hashes: int = 0):
    """Run the command; `hashes` seeds the order in which Python's sets give what they hold."""
    return subprocess.run([sys.executable, tree / "tools" / "mksys", *map(str, words)], capture_output=True, text=True,
                          check=False, timeout=60, env={**os.environ, "PYTHONHASHSEED": str(hashes)})


@pytest.fixture
def source(tmp_path) -> Path:
    place = tmp_path / "s.toml"
    place.write_text(SOURCE)
    return place


def arguments(elf) -> list:
    return [f"{name}={elf}" for name in sample_programs()]


def test_command(tree, tmp_path, elf, source):
    """The same input gives the same bytes; symbols are the program's functions, by their offsets."""
    outs = [tmp_path / "a.c", tmp_path / "b.c"]
    for hashes, out in enumerate(outs, 1):
        done = mksys(tree, "-o", out, source, *arguments(elf), hashes=hashes)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = outs[0].read_text()
    assert text == outs[1].read_text()
    symbols = program.read(str(elf)).symbols
    assert {name for _, name in symbols} == {"one", "two", "three", "four", "rt_component_entry"}
    assert symbols == sorted(symbols)
    assert "".join(f'    "{name}" "\\0"\n' for _, name in symbols)[:-1] + ";" in text
    where = [int(row, 0) for row in re.findall(r"{ (0x\w+), \d+ },", text[text.index("shell_symbols[]"):])]
    assert where[:len(symbols)] == [offset for offset, _ in symbols]
    readelf = subprocess.run(["readelf", "-n", elf], capture_output=True, text=True, check=True).stdout
    identity = bytes.fromhex(re.search(r"Build ID: (\w+)", readelf)[1])
    assert ", ".join(f"{byte:#04x}" for byte in identity) in text


def test_order_of_arguments_does_not_matter(tree, tmp_path, elf, source):
    for name, words in (("a.c", arguments(elf)), ("b.c", arguments(elf)[::-1])):
        assert mksys(tree, "-o", tmp_path / name, source, *words).returncode == 0
    assert (tmp_path / "a.c").read_text() == (tmp_path / "b.c").read_text()


def supervisor_arguments(build: Path) -> list:
    """How the build compiles a file of the supervisor, without its inputs and outputs."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if entry["file"].endswith("servers/supervisor/main.c"):
            words = shlex.split(entry["command"])[1:]
            return [word for word in words if word.startswith(("-W", "-f", "-std", "-I", "-i", "-D", "-m", "-n", "/"))
                    and not word.startswith("-MQ")]
    raise AssertionError("the build has no supervisor")


@pytest.mark.parametrize("compiler", ["x86_64-linux-gnu-gcc", "clang"])
def test_output_compiles(tree, tmp_path, elf, source, pith_build, compiler):
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    source.write_text(changed(TICK, TICK + MAKER))
    assert mksys(tree, "-o", tmp_path / "s.c", source, *arguments(elf)).returncode == 0
    (tmp_path / "least.toml").write_text(small_system([small("least")]))
    subprocess.run(["x86_64-linux-gnu-strip", elf, "-o", tmp_path / "bare"], check=True)
    assert mksys(tree, "-o", tmp_path / "least.c", tmp_path / "least.toml", f"least={tmp_path}/bare").returncode == 0
    more = ["-Wno-unknown-warning-option", "--target=x86_64-linux-gnu"] if compiler == "clang" else []
    for name in ("s", "least"):
        done = subprocess.run([compiler, *supervisor_arguments(pith_build), *more, "-c", tmp_path / f"{name}.c",
                               "-o", tmp_path / f"{name}.o"], cwd=pith_build, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_programs(tree, source):
    done = mksys(tree, "--programs", source)
    assert (done.returncode, done.stdout) == (0, "log\nshell\nuart16550\n")
    done = mksys(tree, "--programs", source, "log", "uart16550")
    assert done.returncode == 1 and done.stderr == (
        f"{source}:{line_of(SOURCE, '[component.shell]')}: component.shell.program: there is no program 'shell' in this "
        "build; there are: log, uart16550\n")


def test_programs_of_damaged_files(tree, tmp_path, elf):
    """Whatever stands in an ELF file, there is a message and no traceback."""
    good = elf.read_bytes()
    for seed in range(300):
        draw = random.Random(seed)
        data = bytearray(good[:draw.randrange(len(good))] if seed % 4 == 0 else good)
        for _ in range(draw.randrange(20)):
            data[draw.randrange(min(len(data), 1024)) if draw.random() < 0.7 else draw.randrange(len(data))] = \
                draw.choice((0, 1, 255, draw.randrange(256)))
        (tmp_path / "x").write_bytes(data)
        try:
            program.read(str(tmp_path / "x"))
        except program.BadProgram:
            pass


def test_bad_programs(tree, tmp_path, elf, source):
    flat = tmp_path / "flat"
    flat.write_bytes(b"\x7fELF\x02\x01" + bytes(200))
    host = tmp_path / "host"
    subprocess.run(["x86_64-linux-gnu-gcc", "-nostdlib", "-static", "-no-pie", "-Wl,-e,0", "-x", "c", "-", "-o", host],
                   input="int x(void) { return 1; }", text=True, check=True)
    for file, said in (("/no/such", "No such file or directory"), (flat, "it is not position independent"),
                       (host, "it is not position independent"), (source, "no little-endian ELF64")):
        done = mksys(tree, "-o", tmp_path / "s.c", source, f"shell={file}", *arguments(elf)[1:])
        assert done.returncode == 1 and not (tmp_path / "s.c").exists()
        assert f"component.shell.program: {file}: {said}; a component's program is" in done.stderr


def test_usage(tree, tmp_path, elf, source):
    assert "cannot read /no/such: No such file" in mksys(tree, "-o", tmp_path / "s.c", "/no/such").stderr
    assert "cannot write /no/such/s.c: No such file" in mksys(tree, "-o", "/no/such/s.c", source, *arguments(elf)).stderr
    assert "shell: expected PROGRAM=ELF" in mksys(tree, "-o", tmp_path / "s.c", source, "shell").stderr
    assert mksys(tree).returncode == 2


# ---- anything at all ---------------------------------------------------------------------------
WORDS = re.findall(r"[a-z_]+|\S", SOURCE + MAKER) + ["[", "]", "{", "}", '"', "'", '"""', "\\", "=", ".", "\n", "#", "[[", "]]",
                                            "-1", "1e9", "999999999999999999999", '"0x10000+1"', "\u00e9", "\x00"]
VALUES = ["1", "-7", "true", '"log"', '"1ms"', '"0"', '"64G"', "[]", "{}", "[1, 'a', {}]", "{ a = 1 }", "'uart'", "1.5", "0x10",
          '{ size = "1M", wx = true }', '{ a = "rest" }', '"60%"', '{ a = { share = "5%" } }', "1979-05-27T07:32:00Z", '"journal.log"', '"supervisor.power"', '"shell -> uart"', "inf", '"999999999999s"']


def mutated(draw: random.Random) -> str:
    """The sample with lines exchanged, values of others, words lost and found."""
    lines = list(LINES)
    for _ in range(draw.randint(1, 6)):
        at, way = draw.randrange(len(lines)), draw.randrange(5)
        if way == 0:
            lines[at] = re.sub(r"= .*", lambda _: "= " + draw.choice(VALUES), lines[at])
        elif way == 1:
            lines.insert(at, draw.choice(LINES + MAKER.splitlines()))
        elif way == 2:
            del lines[at]
        elif way == 3:
            words = lines[at].split(" ")
            words[draw.randrange(len(words))] = draw.choice(WORDS)
            lines[at] = " ".join(words)
        else:
            lines[at] = re.sub(r'"[^"]*"', lambda _: draw.choice(VALUES), lines[at], count=1)
        lines = lines or [""]
    return "\n".join(lines)


def fuzz_one(text: str) -> None:
    system, found = description.read(text.encode(errors="replace"), "s.toml")
    if system is not None:
        check.system(system, sample_programs(), found)
    if found:
        last = text.count("\n") + 1
        for line in found.text().splitlines():
            match = re.match(r"s\.toml:(\d+): .+: .+; .+", line)
            assert match and 1 <= int(match[1]) <= last, line
    else:
        emit.text(plan.make(system), {c.program: sample_program() for c in system.components.values()})


def test_no_text_makes_it_fall_over():
    for seed in range(3000):
        draw = random.Random(seed)
        text = mutated(draw) if seed % 4 else " ".join(draw.choice(WORDS) for _ in range(draw.randrange(60)))
        try:
            fuzz_one(text)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {text}") from error


def test_random_systems():
    """Random systems of many components that are right by their making: servers have the lower numbers.  Each
    is compiled; what its order and its ways say is checked against a slower account."""
    for seed in range(60):
        draw = random.Random(seed)
        text, calls = random_system(draw)
        system, found = description.read(text.encode(), "s.toml")
        check.system(system, {}, found)
        assert not found, found.text()
        names = [component.name for component in plan.make(system).order]
        assert all(names.index(server) < names.index(client) for client, server in calls)
        assert reach_of(calls, system) == {
            (a, b) for a in system.components for b in graph.reached(graph.outgoing(system), a)}


def random_system(draw: random.Random) -> tuple:
    count = draw.randint(1, 20)
    calls, parts = set(), []
    for number in range(count):
        servers = [s for s in range(number) if draw.random() < 0.2]
        calls |= {(f"c{number}", f"c{s}") for s in servers}
        uses = ", ".join(f's{s} = "c{s}.log"' for s in servers)
        parts.append(small(f"c{number}", f'uses = {{ {uses} }}\nserves = ["log"]'))
    draw.shuffle(parts)
    return small_system(parts), calls


def reach_of(calls: set, system) -> set:
    """The transitive closure, by doing it until nothing comes of it."""
    found = set(calls)
    while True:
        more = {(a, d) for a, b in found for c, d in found if b == c} - found
        if not more:
            return found
        found |= more


def test_example_of_the_manual(tree):
    """It is right, and the tables of keys name all keys that there are and no others."""
    page = (tree / "docs" / "systems.md").read_text()
    example = re.search(r"^```\n(\[system\].*?)^```", page, re.MULTILINE | re.DOTALL)[1]
    assert told(example, {"uart16550": sample_program(), "bell": sample_program()}) == ""
    rows = {key for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)}
    assert rows == {*description.SYSTEM, *description.COMPONENT, *description.REGION, *description.RESTART}


# ---- ./pith graph ------------------------------------------------------------------------------
def pith(tree, *words):
    return subprocess.run([sys.executable, tree / "pith", "graph", *map(str, words)], capture_output=True, text=True,
                          check=False, timeout=120)


def test_graph_text(tree, source):
    done = pith(tree, source)
    assert done.returncode == 0, done.stderr
    for line in ("system sample: 3 components, 64M", "uart (uart16550): priority 60, 10.0 % of CPU 1, 1M",
                 "  devices  ports 0x3f8+8, irq 4, irq 5", "  calls    journal.log as log, uart.console as console, "
                 "supervisor.observe+control as system", "  regions  board (rw) as state", "  reaches  journal, uart",
                 "region board: 12K, survives restarts", "never uart -> shell: holds"):
        assert line in done.stdout.splitlines(), line


def test_graph_of_what_objects_are_made_of(tree, source):
    source.write_text(changed(TICK, TICK + MAKER))
    said = pith(tree, source).stdout.splitlines()
    for line in ("  untyped  the rest (at least 8M) (wx) as rest, 1M as pool", "  time     20 % of CPU 0 as own, 5 % of CPU 3 as other, 100us in 10ms of CPU 0 as here, 1ms in 5ms of CPU 2 as there",
                 "  modules  root.img as first, root.img as again, b as second"):
        assert line in said, line


def test_graph_svg(tree, source, tmp_path):
    if shutil.which("dot") is None:
        pytest.skip("no Graphviz")
    assert pith(tree, source, "--svg", tmp_path / "g.svg").returncode == 0
    drawn = (tmp_path / "g.svg").read_text()
    assert drawn.startswith("<?xml") and all(f">{name}<" in drawn for name in ("uart", "journal", "shell", "board", "never"))


def test_graph_refuses(tree, tmp_path, source):
    assert "there is no " in pith(tree, "nosuch").stderr and pith(tree, "nosuch").returncode == 2
    source.write_text(changed("priority = 60", "priority = 30"))
    done = pith(tree, source)
    assert done.returncode == 1 and "component.uart.priority: 30 lies below 40" in done.stderr
    source.write_text(SOURCE)
    assert f"{tmp_path} is no build" in pith(tree, source, "--tcb", "--build", tmp_path).stderr
