# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What a description says, as data; each value alone is right.  What they are together is for
check.py."""
import re
import tomllib
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Optional

from . import scan, values
from .problems import Problems, Wrong
from .values import Key, Place

SUPERVISOR = "supervisor"
PAGE = 4096
SECOND = 1_000_000_000
# Bits that a caller of the supervisor may have (SYSTEM_* of servers/supervisor/system.h).
RIGHTS = {"observe": 1, "control": 2, "inject": 4, "power": 8}
PRIORITY_MOST = 252  # above are the threads that watch others, and the supervisor
IRQ_LINES = 256      # HAL_IRQ_LINES of the kernel
PORTS = 1 << 16
MODULE_BYTES = 31    # BOOT_NAME_BYTES without the zero
REST_LEAST = 16 << 20

PRIORITY = values.integer(1, PRIORITY_MOST)
BUDGET_LEAST = 10_000
BUDGET = values.time(BUDGET_LEAST, 10 * SECOND)
BUDGET_MISSING = f"the CPU time per period stands here; {values.TIME_RIGHT}"
PERIOD = values.time(100_000, 10 * SECOND)
PERIOD_USUAL = 10_000_000
ANY_TIME = values.time(100_000, 3600 * SECOND)
MIN_BUDGET = 50_000  # what a caller of a passive server has left at least, where nothing else is said
CPU = values.integer(0, 63)
PAUSE = values.time(0, 3600 * SECOND)


class Use(NamedTuple):
    """What a component may call."""
    server: str
    service: str  # of a component; "" at the supervisor
    rights: int   # at the supervisor


class Ports(NamedTuple):
    first: int
    count: int


class Irq(NamedTuple):
    line: int
    level: bool
    active_low: bool


class RegionUse(NamedTuple):
    region: str
    write: bool


class Untyped(NamedTuple):
    size: int   # what it is at least, where it is the rest
    rest: bool
    wx: bool


class Share(NamedTuple):
    percent: int
    cpu: Optional[int]  # None: the component's


class Context(NamedTuple):
    budget: Optional[int]
    period: int
    cpu: Optional[int]  # None: the component's
    optional: bool      # where the machine has no such CPU there is none


class Never(NamedTuple):
    source: str
    target: str


@dataclass
class Component:
    """Values that were wrong or are missing are None, also inside arrays."""
    name: str
    program: str
    priority: Optional[int]
    budget: Optional[int]
    period: Optional[int]
    cpu: int
    memory: Optional[int]
    stack: int
    heap: int
    slots: int
    replies: int
    passive: bool
    min_budget: int
    serves: list
    ports: dict
    irq: dict
    timers: list
    regions: dict
    untyped: dict
    sched: dict
    contexts: dict
    modules: dict
    space: bool
    uses: dict
    signals: dict
    heartbeat: int
    deadlines: bool
    vector: bool
    restart: dict
    autostart: bool
    background: bool

    @property
    def path(self) -> tuple:
        return ("component", self.name)


@dataclass
class Region:
    name: str
    size: Optional[int]
    survives: bool

    @property
    def path(self) -> tuple:
        return ("region", self.name)


@dataclass
class System:
    name: Optional[str]
    memory: Optional[int]
    seed: int
    never: list
    components: dict = field(default_factory=dict)  # in the order of the description
    regions: dict = field(default_factory=dict)


# ---- values with a syntax of their own ---------------------------------------------------------
USE_RIGHT = f'"COMPONENT.SERVICE" or "{SUPERVISOR}.RIGHT+RIGHT" stands here'
RIGHTS_RIGHT = f"rights are {', '.join(RIGHTS)}, joined by +"
PORTS_RIGHT = 'ports are text such as "0x3f8+8": the first one, + and how many'
IRQ_RIGHT = "a line's number or { line = 4, level = true, active_low = true } stands here"
REST = "rest"
PERCENT_RIGHT = 'a share is text such as "60%": a part of a CPU, in whole per cent'
SHARE_RIGHT = 'text such as "60%" or { share = "60%", cpu = 1 } stands here'
MODULE_RIGHT = f"a file of the boot image has a name of at most {MODULE_BYTES} characters, without blanks"
NEVER_RIGHT = 'an assertion is text such as "net -> disk"'


def use(place: Place, value: Any) -> Use:
    server, dot, rest = values.need(value, str, USE_RIGHT).partition(".")
    if not dot or not server or not rest:
        raise Wrong(f"{values.shown(value)} names no service", USE_RIGHT)
    if server != SUPERVISOR:
        return Use(server, rest, 0)
    words = rest.split("+")
    for word in words:
        if word not in RIGHTS:
            raise Wrong(f"the supervisor gives no right {values.shown(word)}", RIGHTS_RIGHT)
    return Use(server, "", sum({RIGHTS[word] for word in words}))


def ports(place: Place, value: Any) -> Ports:
    match = re.fullmatch(r"(0x[0-9a-fA-F]{1,8}|[0-9]{1,8})\+(0x[0-9a-fA-F]{1,8}|[0-9]{1,8})",
                         values.need(value, str, PORTS_RIGHT))
    if match is None:
        raise Wrong(f"{values.shown(value)} is no range of ports", PORTS_RIGHT)
    first, count = (int(word, 16 if word.startswith("0x") else 10) for word in match.groups())
    if count == 0 or first + count > PORTS:
        raise Wrong(f"there are no ports {value}", "at least one, and all below 0x10000")
    return Ports(first, count)


LINE = values.integer(0, IRQ_LINES - 1)
IRQ_TABLE = values.table({
    "line": Key(LINE, None, f"the interrupt's line stands here, from 0 to {IRQ_LINES - 1}"),
    "level": Key(values.boolean, False),
    "active_low": Key(values.boolean, False)})


def irq(place: Place, value: Any) -> Optional[Irq]:
    if type(value) not in (int, dict):
        raise Wrong(f"this is {values.kind(value)}", IRQ_RIGHT)
    if isinstance(value, int):
        return Irq(LINE(place, value), False, False)
    parts = IRQ_TABLE(place, value)
    return Irq(**parts) if parts["line"] is not None else None


REGION_TABLE = values.table({
    "region": Key(values.name, None, "the region's name stands here"),
    "access": Key(values.choice("r", "rw"), None, '"r" or "rw" stands here')})


def region_use(place: Place, value: Any) -> Optional[RegionUse]:
    parts = REGION_TABLE(place, value)
    if parts["region"] is None:
        return None
    return RegionUse(parts["region"], parts["access"] == "rw")


def untyped_size(place: Place, value: Any) -> Any:
    """Bytes, or REST."""
    return value if value == REST else UNTYPED_SIZE(place, value)


UNTYPED_RIGHT = f'a size, "{REST}" or {{ size = "64M", wx = true }} stands here'
UNTYPED_SIZE = values.size(2 * PAGE, 1 << 46, power=True)
UNTYPED_TABLE = values.table({
    "size": Key(untyped_size, None, f'a power of two or "{REST}" stands here; {values.SIZE_RIGHT}'),
    "least": Key(UNTYPED_SIZE),
    "wx": Key(values.boolean, False)})


def untyped(place: Place, value: Any) -> Optional[Untyped]:
    if type(value) not in (str, dict):
        raise Wrong(f"this is {values.kind(value)}", UNTYPED_RIGHT)
    parts = UNTYPED_TABLE(place, value) if isinstance(value, dict) else {"size": untyped_size(place, value)}
    size, least, wx = parts["size"], parts.get("least"), parts.get("wx", False)
    if size is None:
        return None
    if size == REST:
        return Untyped(least or REST_LEAST, True, wx)
    if least is not None:
        place.below("least").wrong("only the rest has no size of its own", f'take it out, or say size = "{REST}"')
    return Untyped(size, False, wx)


def percent(place: Place, value: Any) -> int:
    match = re.fullmatch(r"([0-9]{1,3})%", values.need(value, str, PERCENT_RIGHT))
    if match is None:
        raise Wrong(f"{values.shown(value)} is no share", PERCENT_RIGHT)
    if not 1 <= int(match[1]) <= 100:
        raise Wrong(f"{value} is out of range", "from 1% to 100% is possible")
    return int(match[1])


SHARE_TABLE = values.table({
    "share": Key(percent, None, PERCENT_RIGHT),
    "cpu": Key(CPU)})


def share(place: Place, value: Any) -> Optional[Share]:
    if type(value) not in (str, dict):
        raise Wrong(f"this is {values.kind(value)}", SHARE_RIGHT)
    if isinstance(value, str):
        return Share(percent(place, value), None)
    parts = SHARE_TABLE(place, value)
    return Share(parts["share"], parts["cpu"]) if parts["share"] is not None else None


CONTEXT_RIGHT = '{ budget = "2ms", period = "10ms", cpu = 1 } stands here'
CONTEXT_TABLE = values.table({
    "budget": Key(BUDGET, None, BUDGET_MISSING),
    "period": Key(PERIOD, PERIOD_USUAL),
    "cpu": Key(CPU),
    "optional": Key(values.boolean, False)})


def context(place: Place, value: Any) -> Optional[Context]:
    if not isinstance(value, dict):
        raise Wrong(f"this is {values.kind(value)}", CONTEXT_RIGHT)
    parts = CONTEXT_TABLE(place, value)
    return Context(**parts) if parts["budget"] is not None else None


def module(place: Place, value: Any) -> str:
    if not re.fullmatch(r"[!-~]+", values.need(value, str, MODULE_RIGHT)) or len(value) > MODULE_BYTES:
        raise Wrong(f"{values.shown(value)} is no file's name", MODULE_RIGHT)
    return value


def never(place: Place, value: Any) -> Never:
    match = re.fullmatch(r"\s*(\S+)\s*->\s*(\S+)\s*", values.need(value, str, NEVER_RIGHT))
    if match is None:
        raise Wrong(f"{values.shown(value)} is no assertion", NEVER_RIGHT)
    return Never(match[1], match[2])


# ---- the tables --------------------------------------------------------------------------------
RESTART = {
    "policy": Key(values.choice("always", "never", "power-off"), "always"),
    "backoff": Key(PAUSE, 10_000_000),
    "backoff_max": Key(ANY_TIME, SECOND),
    "limit": Key(values.integer(1, 1000), 5),
    "window": Key(ANY_TIME, 10 * SECOND),
    "group": Key(values.name),
}
RESTART_DEFAULT = {name: key.default for name, key in RESTART.items()}

COMPONENT = {
    "program": Key(values.name),
    "priority": Key(PRIORITY, None, f"a number from 1 to {PRIORITY_MOST} stands here; more is more important"),
    "budget": Key(BUDGET, None, BUDGET_MISSING),
    "period": Key(PERIOD, PERIOD_USUAL),
    "cpu": Key(CPU, 0),
    "memory": Key(values.size(PAGE, 1 << 36, power=True), None,
                  f"all memory that it is made of stands here, a power of two; {values.SIZE_RIGHT}"),
    "stack": Key(values.size(PAGE, 1 << 26, PAGE), 16 << 10),
    "heap": Key(values.size(0, 1 << 36, PAGE), 0),
    "slots": Key(values.integer(16, 1 << 16), 64),
    "replies": Key(values.integer(0, 64)),
    "passive": Key(values.boolean, False),
    "min_budget": Key(values.time(0, SECOND)),
    "serves": Key(values.array(values.name), ()),
    "ports": Key(values.named(ports), {}),
    "irq": Key(values.named(irq), {}),
    "timers": Key(values.array(values.name), ()),
    "regions": Key(values.named(region_use), {}),
    "untyped": Key(values.named(untyped), {}),
    "sched": Key(values.named(share), {}),
    "contexts": Key(values.named(context), {}),
    "modules": Key(values.named(module), {}),
    "space": Key(values.boolean, False),
    "uses": Key(values.named(use), {}),
    "signals": Key(values.named(values.name), {}),
    "heartbeat": Key(ANY_TIME, 0),
    "deadlines": Key(values.boolean, False),
    "vector": Key(values.boolean, False),
    "restart": Key(values.table(RESTART), RESTART_DEFAULT),
    "autostart": Key(values.boolean, True),
    "background": Key(values.boolean, False),
}
REGION = {
    "size": Key(values.size(PAGE, 1 << 36, PAGE), None, f"its size stands here; {values.SIZE_RIGHT}"),
    "survives": Key(values.boolean, False),
}
SYSTEM = {
    "name": Key(values.name, None, "the system's name stands here"),
    "memory": Key(values.size(1 << 20, 1 << 46, PAGE), None,
                  f"the RAM that its machine has at least stands here; {values.SIZE_RIGHT}"),
    "seed": Key(values.integer(0, (1 << 63) - 1), 0),
    "never": Key(values.array(never), ()),
}


def component(name: str, parts: dict) -> Component:
    if parts["program"] is None:
        parts["program"] = name
    if parts["replies"] is None:
        parts["replies"] = 2 if parts["serves"] else 0
    if parts["min_budget"] is None:
        parts["min_budget"] = MIN_BUDGET if parts["passive"] and parts["serves"] else 0
    return Component(name, **parts)


def objects(make: Any, keys: dict) -> Any:
    """A table of components or regions."""
    reader = values.table(keys)

    def read(place: Place, value: Any) -> dict:
        found = values.named(reader)(place, value)
        return {name: make(name, parts) for name, parts in found.items()}
    return read


FILE = values.table({
    "system": Key(values.table(SYSTEM), None, "[system] stands here, with the system's name and memory"),
    "component": Key(objects(component, COMPONENT), None, "at least one [component.NAME] stands here"),
    "region": Key(objects(lambda name, parts: Region(name, **parts), REGION), {}),
})


# ---- the file ----------------------------------------------------------------------------------
def decode(data: bytes, problems: Problems) -> Optional[str]:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        problems.lines[("file",)] = data.count(b"\n", 0, error.start) + 1
        problems.add(("file",), f"byte {data[error.start]:#04x} is no UTF-8", "a description is UTF-8 text")
        return None


def syntax_problem(text: str, error: Exception, problems: Problems) -> None:
    found = re.search(r"\(at (?:line (\d+), column \d+|end of document)\)", str(error))
    line = int(found[1]) if found and found[1] else text.count("\n") + 1
    problems.lines[("syntax",)] = line
    what = re.sub(r" \(at .*", "", str(error)).lower()
    problems.add(("syntax",), what, "a description is a TOML 1.0 file")


def parse(text: str, problems: Problems) -> Optional[dict]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        syntax_problem(text, error, problems)
    except (RecursionError, ValueError) as error:
        problems.add(("syntax",), f"TOML's parser gives up: {error}", "write it more simply")
    return None


def read(data: bytes, file: str) -> tuple[Optional[System], Problems]:
    """The system that a file describes, as far as it can be read, and what is wrong with it."""
    problems = Problems(file, {})
    text = decode(data, problems)
    tables = parse(text, problems) if text is not None else None
    if tables is None:
        return None, problems
    problems.lines.update(scan.key_lines(text))
    parts = FILE(Place(problems, ()), tables)
    own = parts["system"] or {"name": None, "memory": None, "seed": 0, "never": []}
    system = System(**own)
    system.components, system.regions = parts["component"] or {}, parts["region"] or {}
    if not system.components and parts["component"] is not None:
        problems.add(("component",), "there is no component", "at least one [component.NAME] stands here")
    return system, problems
