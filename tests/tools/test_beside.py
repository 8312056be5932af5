# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""./pith bench linux without machines: what is read, compared and printed."""
import re
import shutil
import subprocess

import pytest

from pithlib import bench, beside, cli, debian, occasions, ratios, tally, workloads
from pithlib.ratios import Bound, Row
from pithlib.tally import Sample
from pithlib.ui import TREE, Failure

COUNTS = """sample 30 20 10 5
kind read 2 12 6 1
kind other 1 0 4 0
sample 10 20 10 5
"""


# ---- what was counted
def test_counts_are_read():
    counts = tally.parse(COUNTS)
    assert counts.samples == [Sample(30, 20, 10, 5), Sample(10, 20, 10, 5)]
    assert counts.samples[0].instructions == 60
    assert counts.kinds == {"read": tally.Kind(2, 12, 6, 1), "other": tally.Kind(1, 0, 4, 0)}


def test_middle_is_one_sample_by_operation():
    samples = [Sample(1, 0, 90, 7), Sample(2, 0, 10, 1), Sample(3, 0, 30, 2)]
    assert tally.middle(samples, 10) == Sample(0.3, 0, 3, 0.2)
    assert tally.middle(samples[:2]) == Sample(2, 0, 10, 1)
    with pytest.raises(Failure, match="nothing was counted"):
        tally.middle([])


def test_figures_of_rows():
    samples = [Sample(10, 0, 0, 0), Sample(20, 0, 0, 2), Sample(5, 5, 5, 0)]
    assert beside.figures("x\nROW a 10 2\nROW b 5 1\n", samples) == {"a": Sample(1, 0, 0, 0), "b": Sample(1, 1, 1, 0)}


@pytest.mark.parametrize("text", ["ROW a 10 2\n", "ROW a 10 4\n", "nothing\n"])
def test_samples_that_nobody_announced(text):
    with pytest.raises(Failure, match="samples were announced"):
        beside.figures(text, [Sample(1, 0, 0, 0)] * 3)


# ---- what is compared
@pytest.mark.parametrize("ratio, bound, text", [
    (1.2, Bound(1.2), "ok"), (1.21, Bound(1.2), "TOO MUCH"), (1.21, Bound(1.2, 2.0), "not yet"),
    (2.0, Bound(1.2, 2.0), "not yet"), (2.01, Bound(1.2, 2.0), "TOO MUCH"), (9.0, Bound(), ""),
    (None, Bound(1.2), "NOT MEASURED"), (None, Bound(), "NOT MEASURED"),
])
def test_verdict(ratio, bound, text):
    assert ratios.verdict(ratio, bound) == text


def test_misses():
    rows = {"a": Row(13, 10), "b": Row(10, 10)}
    assert ratios.misses(rows, {"a": Bound(1.2), "b": Bound(1.2), "c": Bound(1.2)}) == \
        ["a: too much (1.30)", "c: not measured"]


def test_table(capsys):
    ratios.print_rows({"b": Row(1234.4, 1000, 3, 4), "a": Row(5, 10)}, {"a": Bound(1.2), "b": Bound(1.2)})
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["a", "5", "10", "0.50", "1.2", "ok"], ["b", "1,234", "1,000", "1.23", "1.2", "TOO", "MUCH", "3", "4"]]


def test_kinds_table(capsys):
    beside.print_kinds("x", tally.parse(COUNTS.rpartition("sample")[0]), Sample(30, 0, 99, 0))
    lines = capsys.readouterr().out.splitlines()
    assert "60 instructions 30 are the programs' own, 20 the server's, 10 the kernel's" in lines[1]
    assert lines[1].endswith(" 99")
    assert lines[3].split() == ["read", "2", "6", "3", "0", "60.0%"]


def toy_limits(tmp_path, text):
    path = tmp_path / "rows.toml"
    path.write_text(text)
    return path


def test_limits_are_read(tmp_path):
    path = toy_limits(tmp_path, "[rows]\na = { must = 1.2, limit = 3 }\nb = {}\n")
    assert ratios.read_bounds(path, "rows") == {"a": Bound(1.2, 3), "b": Bound()}
    with pytest.raises(Failure, match="'a' may have must and limit only"):
        ratios.read_bounds(toy_limits(tmp_path, "[rows]\na = { most = 1 }\n"), "rows")


class Machines:
    """Stand-ins whose Pith takes `times` what Linux does."""

    def __init__(self, monkeypatch, times):
        monkeypatch.setattr(beside.packages, "setup", lambda group: None)
        monkeypatch.setattr(beside.builds, "build_shown", lambda configuration: TREE)
        self.times = times
        for name in ("operations", "boot", "workload_counts", "seconds"):
            monkeypatch.setattr(beside, name, getattr(self, name))

    def of(self, system):
        return Sample(100 * (self.times if system == "Pith" else 1), 0, 0, 0)

    def operations(self, system, build, names):
        return {name: self.of(system) for name in names}

    def boot(self, system, build):
        return {"boot": self.of(system)}

    def workload_counts(self, system, name, build):
        return tally.Counts([self.of(system)._replace(component=1)], {})

    def seconds(self, system, name, build):
        return self.of(system).guest


def test_all_rows_in_time(monkeypatch, capsys):
    Machines(monkeypatch, 0.1)
    assert beside.compare(True, None) == 0
    out = capsys.readouterr().out
    assert all(re.search(rf"^{name} .* ok$", out, re.MULTILINE) for name in ("null", "boot", "gcc"))


def test_a_miss_fails_the_check(monkeypatch):
    Machines(monkeypatch, 9.0)
    with pytest.raises(Failure, match=r"null: too much \(9.00\)"):
        beside.compare(True, "null")
    with pytest.raises(Failure, match=r"seconds of gcc: too much \(9.00\)"):
        beside.compare(True, "gcc")
    assert beside.compare(False, "null") == 0


def test_no_such_row(monkeypatch):
    Machines(monkeypatch, 1)
    with pytest.raises(Failure, match="contains 'nobody'"):
        beside.compare(False, "nobody")


def test_the_command(monkeypatch, capsys):
    monkeypatch.setattr(beside, "compare", lambda check, expression: print(check, expression) or 0)
    assert cli.main(["bench", "linux", "--check", "-k", "pipe"]) == 0
    assert capsys.readouterr().out == "True pipe\n"
    assert cli.main(["bench", "linux", "--repeat", "2"]) == 2
    assert "not for 'bench linux'" in capsys.readouterr().err


# ---- what the tree says
def rows_of_programs():
    texts = [path.read_text() for path in (TREE / "bench" / "linux").glob("*.c")]
    return {name for text in texts for name in re.findall(r"^ROW\((\w+),", text, re.MULTILINE)}


def test_rows_are_those_of_the_programs():
    bounds = ratios.read_bounds(TREE / beside.LIMITS, "rows")
    assert set(bounds) == rows_of_programs() | {beside.BOOT} | set(workloads.WORKLOADS)
    assert all(bound.must is not None or name == "pipe_self" for name, bound in bounds.items())


def test_every_row_is_kept_in_the_ordinary_benchmarks():
    limits = {name for name, limit in bench.read_limits(TREE / "bench").items() if limit.limit}
    wanted = rows_of_programs() - {"pipe_self"} | {beside.BOOT}
    assert {f"linux.{name}" for name in wanted} <= limits


def test_rows_are_explained():
    page = (TREE / "docs" / "linux-bench.md").read_text()
    assert all(f"`{name}`" in page for name in ratios.read_bounds(TREE / beside.LIMITS, "rows"))


# ---- what the programs work on
def test_source_is_as_long_as_said_and_compiles(tmp_path):
    text = workloads.source()
    assert text.count("\n") == workloads.SOURCE_LINES and text == workloads.source()
    (tmp_path / "a.c").write_text(text)
    subprocess.run(["gcc", "-Werror", "-c", "-o", tmp_path / "a.o", tmp_path / "a.c"], check=True, timeout=60)


def test_inserts():
    lines = workloads.inserts().splitlines()
    assert len(lines) == workloads.INSERTS + 1 and len(set(lines)) == len(lines)
    assert workloads.one_transaction().splitlines()[1:-1] == lines


# ---- what Linux boots from
@pytest.mark.parametrize("text, name", [
    ("Package: x\nDepends: linux-image-6.1.0-1-cloud-amd64 (= 6.1)\n", "linux-image-6.1.0-1-cloud-amd64"),
    ("Depends: a, linux-image-7-cloud-amd64\n", "linux-image-7-cloud-amd64"),
])
def test_the_package_with_the_kernel(monkeypatch, text, name):
    monkeypatch.setattr(debian, "asked", lambda command, what: text)
    assert debian.package() == name


def test_no_package_with_a_kernel(monkeypatch):
    monkeypatch.setattr(debian, "asked", lambda command, what: "Package: x\nDepends: libc6\n")
    with pytest.raises(Failure, match="depends on no kernel"):
        debian.package()


@pytest.fixture
def archive(tmp_path):
    """A package with something like a kernel."""
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "boot").mkdir()
    (tree / "DEBIAN" / "control").write_text("Package: k\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\n"
                                             "Description: k\n")
    (tree / "boot" / "vmlinuz-1").write_bytes(b"kernel")
    (tree / "boot" / "config-1").write_bytes(b"config")
    subprocess.run(["dpkg-deb", "-b", tree, tmp_path / "k.deb"], check=True, capture_output=True)
    return tmp_path / "k.deb"


def test_the_kernel_is_fetched_once(monkeypatch, tmp_path, archive):
    asked = []

    def fetch(command, what, cwd):
        asked.append(command[-1])
        shutil.copy(archive, cwd)

    monkeypatch.setattr(debian, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(debian, "package", lambda: "linux-image-1")
    monkeypatch.setattr(debian, "asked", fetch)
    kernels = [debian.kernel(), debian.kernel()]
    assert [kernel.read_bytes() for kernel in kernels] == [b"kernel"] * 2 and asked == ["linux-image-1"]


def test_a_failed_question_says_why():
    with pytest.raises(Failure, match=r"(?s)asking failed:\nno\n.*sh -c"):
        debian.asked(["sh", "-c", "echo no >&2; exit 3"], "asking")


def test_functions_and_their_bytes(tmp_path):
    (tmp_path / "a.c").write_text("int do_read(void) { return 7; }\nint space_fault(void) { return 8; }\n"
                                  "int undo(void) { return 9; }\nint main(void) { return do_read(); }\n")
    program = tmp_path / "a"
    subprocess.run(["gcc", "-O1", "-falign-functions=64", "-o", program, tmp_path / "a.c"], check=True)
    lines = [line.split() for line in occasions.write_list(program, tmp_path / "list").read_text().splitlines()]
    addresses = occasions.functions(program)
    assert {name: int(at, 16) for at, name, _ in lines} == {"read": addresses["do_read"],
                                                            "fault": addresses["space_fault"]}
    first = {name: bytes.fromhex(text) for _, name, text in lines}
    assert b"\xb8\x07" in first["read"] and b"\xb8\x08" in first["fault"]  # MOV EAX
    assert all(len(text) == occasions.FIRST_BYTES for text in first.values())
