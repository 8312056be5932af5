# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What the manual says of the tree is so: its anchors, links, commands and tables.

An anchor is a path, or a path and the name of something that this file defines, in backquotes:
`kernel/core/ipc.c`, `kernel/core/ipc.c:ipc_send`.
"""
import re
import shlex
import tomllib
from pathlib import Path

import pytest

import abigen
import idlgen
from pithlib import bench, cli
from pithlib.ui import Failure

SUFFIXES = (".c", ".h", ".S", ".py", ".def", ".idl", ".ld", ".toml", ".ini", ".build", ".md", ".patch")
NAMES = ("meson.build", "README.md", "LICENSE", "pith")
SPAN = re.compile(r"`([^`]+)`")
ANCHOR = re.compile(r"([\w.*+-]+(?:/[\w.*+-]+)*/?)(?::([A-Za-z_]\w*))?")
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# How a language defines a name; {0} is the name.
DEFINITIONS = {
    ".c": (r"^[^\s/#}}].*\b{0}(\(|\[| =)", r"^(struct|enum|union) {0} \{{", r"^# *define {0}\b",
           r"^    {0}(,| =)"),
    ".S": (r"^function {0}$", r"^{0}:", r"^ +\.macro {0}\b", r"^ +\.globl {0}\b"),
    ".py": (r"^ *(def|class) {0}\b", r"^{0} = "),
    ".def": (r"\b{0}\b",),
    ".ld": (r"\b{0} = ",),
    ".build": (r"^ *{0} \+?= ",),
    ".toml": (r"^\"?{0}\b",),
}
DEFINITIONS[".h"] = (*DEFINITIONS[".c"], r"\b(struct|enum|union) .*{0} \{{", r"^#define {0}\b")


def pages(tree: Path) -> list:
    return [tree / "README.md", *sorted((tree / "docs").rglob("*.md"))]


def top_names(tree: Path) -> set:
    return {p.name for p in tree.iterdir()} - {"build"}


def is_path(text: str, top: set) -> bool:
    """Whether a span in backquotes means a place in the tree."""
    first = text.split("/")[0]
    if first in ("build", "BUILD", "gen", "DIR"):  # DIR: an SDK
        return False
    return text in NAMES or ("/" in text and (first in top or text.endswith(SUFFIXES)))


def defines(path: Path, name: str) -> bool:
    patterns = DEFINITIONS.get(path.suffix, (r"\b{0}\b",))
    text = path.read_text(encoding="utf-8")
    return any(re.search(p.format(name), text, re.MULTILINE) for p in patterns)


def anchor_complaint(tree: Path, place: str, name: str) -> str:
    found = list(tree.glob(place.rstrip("/")))
    if not found:
        return f"there is no {place}"
    if name and not any(p.is_file() and defines(p, name) for p in found):
        return f"{place} defines no {name}"
    return ""


def anchors(text: str, top: set) -> list:
    spans = (ANCHOR.fullmatch(span) for span in SPAN.findall(FENCE.sub("", text)))
    return [(m[1], m[2]) for m in spans if m and is_path(m[1], top)]


def anchor_complaints(tree: Path, text: str) -> list:
    found = (anchor_complaint(tree, *anchor) for anchor in anchors(text, top_names(tree)))
    return [complaint for complaint in found if complaint]


def slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


def link_complaint(page: Path, target: str) -> str:
    place, _, fragment = target.partition("#")
    path = page.parent / place if place else page
    if not path.exists():
        return f"link to {target}: there is no {place}"
    text = FENCE.sub("", path.read_text(encoding="utf-8")) if fragment else ""
    if fragment and fragment not in map(slug, HEADING.findall(text)):
        return f"link to {target}: there is no such heading"
    return ""


def link_complaints(page: Path, text: str) -> list:
    targets = [t for t in LINK.findall(FENCE.sub("", text)) if "://" not in t]
    return [c for c in (link_complaint(page, target) for target in targets) if c]


def commands(text: str) -> list:
    """The words of each ./pith line of a block; what follows two spaces explains it."""
    lines = re.findall(r"^(?: {4})?(?:\$ )?\./pith (.*)$", text, re.MULTILINE)
    return [shlex.split(re.split(r"\s\s|[|<>;&]", line)[0], comments=True) for line in lines]


def command_complaint(words: list) -> str:
    parser, known = cli.make_parser()
    name = words[0] if words else ""
    if name == "help":
        return "" if all(word in known for word in words[1:]) else f"help knows no {words[1:]}"
    if name not in known:
        return f"./pith has no command '{name}'"
    try:
        parser.parse_args(words)
    except Failure as failure:
        return f"./pith {' '.join(words)}: {failure}"
    return ""


def command_complaints(text: str) -> list:
    return [c for c in map(command_complaint, commands(text)) if c]


def figures(text: str) -> dict:
    """metric -> (figure, limit, aim) of the rows of the README that begin with a metric."""
    rows = re.findall(r"^\| `([\w.]+)`.* \| ([\d,.]+) \| ([\d,.]+) \| ([\d,.–]+) \|$", text,
                      re.MULTILINE)
    return {name: tuple(None if cell == "–" else float(cell.replace(",", "")) for cell in cells)
            for name, *cells in rows}


def page_names() -> list:
    tree = Path(__file__).resolve().parents[2]
    return [str(p.relative_to(tree)) for p in pages(tree)]


@pytest.mark.parametrize("name", page_names())
def test_page(tree, name):
    page = tree / name
    text = page.read_text(encoding="utf-8")
    complaints = (anchor_complaints(tree, text) + link_complaints(page, text)
                  + command_complaints(text))
    assert not complaints, "\n".join(complaints)


def test_every_page_can_be_reached(tree):
    """By links from the README."""
    reached, waiting = set(), [tree / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        targets = (t.partition("#")[0] for t in LINK.findall(page.read_text(encoding="utf-8")))
        waiting += [page.parent / t for t in targets if t and "://" not in t]
    lost = {p.resolve() for p in pages(tree)} - reached
    assert not lost, f"no link leads to {sorted(map(str, lost))}"


def test_reference_is_what_the_tables_say(tree):
    tables = abigen.read_tables(list((tree / "abi").glob("*.def")))
    wanted = "\n".join(abigen.write_reference(tables))
    assert (tree / "docs/reference.md").read_text(encoding="utf-8") == wanted, \
        "make it anew: python3 tools/abigen.py --reference abi/*.def >docs/reference.md"


def test_protocols_are_what_their_files_say(tree):
    wanted = idlgen.write_reference(idlgen.read_protocols(list((tree / "proto").glob("*.idl"))))
    assert (tree / "docs/protocols.md").read_text(encoding="utf-8") == wanted, \
        "make it anew: python3 tools/idlgen.py --reference proto/*.idl >docs/protocols.md"


def test_example_of_the_language(tmp_path, tree):
    page = (tree / "docs/idl.md").read_text(encoding="utf-8")
    (tmp_path / "clock.idl").write_text(re.search(r"^```\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[1])
    assert idlgen.read_protocol(tmp_path / "clock.idl").minor == 1


def test_figures_of_the_readme(tree):
    """Limits and aims are those of bench/limits.toml; no figure is beyond its limit."""
    limits = bench.read_limits(tree / "bench")
    table = figures((tree / "README.md").read_text(encoding="utf-8"))
    assert len(table) >= 13
    for name, (figure, limit, aim) in table.items():
        assert (limit, aim) == (limits[name].limit, limits[name].aim), name
        assert figure <= limit, name


def test_figures_beside_linux(tree):
    """What each row must reach is what bench/linux/rows.toml says, and its ratio is that of its figures."""
    must = tomllib.loads((tree / "bench/linux/rows.toml").read_text(encoding="utf-8"))["rows"]
    rows = re.findall(r"^\| (\w+) \| .* \| ([\d,]+) \| ([\d,]+) \| ([\d.]+) \| ([\d.]+) \|$",
                      (tree / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) >= 17
    for name, pith, linux, ratio, most in rows:
        exact = int(pith.replace(",", "")) / int(linux.replace(",", ""))
        assert abs(exact - float(ratio)) <= 0.005 and float(most) == must[name]["must"] and exact <= float(most), name


def make_tree(place: Path) -> None:
    (place / "boot").mkdir()
    (place / "boot/a.c").write_text("// other\nstatic int one(int x)\n{\n    return two(x);\n}\n"
                                    "struct three {\n    int y;\n};\n")
    (place / "README.md").write_text("# Head line\n")


BROKEN = ["`boot/b.c`", "`boat/a.c`", "`boot/a.c:two`", "`boot/a.c:other`", "`boot/*.S`"]
KEPT = ["`boot/a.c`", "`boot/a.c:one`", "`boot/a.c:three`", "`boot/`", "`boot/*.c`", "`x / y`",
        "`build/gone.c`", "```\n`boot/b.c`\n```"]


@pytest.mark.parametrize("text", BROKEN)
def test_anchors_are_noticed(tmp_path, text):
    make_tree(tmp_path)
    assert anchor_complaints(tmp_path, text)


@pytest.mark.parametrize("text", KEPT)
def test_anchors_are_allowed(tmp_path, text):
    make_tree(tmp_path)
    assert anchor_complaints(tmp_path, text) == []


@pytest.mark.parametrize("text, good", [
    ("[x](README.md)", True), ("[x](#head-line)", True), ("[x](README.md#head-line)", True),
    ("[x](gone.md)", False), ("[x](README.md#gone)", False), ("[x](#gone)", False),
])
def test_links(tmp_path, text, good):
    make_tree(tmp_path)
    assert (link_complaints(tmp_path / "README.md", text) == []) is good


@pytest.mark.parametrize("text, good", [
    ("```\n./pith run\n```", True), ("    ./pith bench --check    what it does", True),
    ("```\n$ ./pith debug serial.log  # why\n```", True), ("./pith help run", True),
    ("```\n./pith fly\n```", False), ("    ./pith run --fast", False), ("./pith help fly", False),
])
def test_commands(text, good):
    assert (command_complaints(text) == []) is good
