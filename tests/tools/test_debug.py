# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""./pith debug on a toy program."""
import shutil
import subprocess

import pytest

from pithlib import elf, panic
from pithlib.ui import Failure

SOURCE = """\
static int counter;
int inner(int x);
__attribute__((noinline)) int inner(int x)
{
    return x + counter;
}
int outer(int x);
__attribute__((noinline)) int outer(int x)
{
    counter += inner(x);
    return counter;
}
void _start(void);
void _start(void)
{
    outer(1);
    for (;;) {
    }
}
"""
FLAGS = ["-O1", "-g", "-ffreestanding", "-nostdlib", "-static", "-fno-pie", "-Wl,--build-id=sha1"]


@pytest.fixture
def program(tmp_path):
    gcc = shutil.which("gcc")
    assert gcc, "no gcc"
    (tmp_path / "toy.c").write_text(SOURCE)
    subprocess.run([gcc, *FLAGS, "-o", "toy", "toy.c"], cwd=tmp_path, check=True)
    return tmp_path / "toy"


def symbol(program, name):
    rows = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    return next(int(row.split()[0], 16) for row in rows.splitlines() if row.split()[-1] == name)


def record(program, **more):
    fields = {"cpu": 0, "vector": 14, "error": "0x2", "build": elf.build_id(program),
              "rip": hex(symbol(program, "inner")), "cr2": "0x10",
              "bt": hex(symbol(program, "outer") + 9), "msg": '"a = b"', **more}
    return "[1.0] PITH-PANIC v1 " + " ".join(f"{k}={v}" for k, v in fields.items() if v != "")


def test_functions_and_lines(program, capsys):
    assert panic.explain(record(program), str(program.parent)) == 0
    out = capsys.readouterr().out
    assert "page fault (14), at 0x10: not present, write, supervisor" in out
    assert "message: a = b" in out
    lines = [line for line in out.splitlines() if line.startswith("  #")]
    assert "inner" in lines[0] and "toy.c:" in lines[0]
    assert "outer" in lines[1] and "toy.c:10" in lines[1]


def test_record_of_a_program(program, capsys):
    text = record(program, cpu="", vector="", error="", cr2="", task="hello")
    assert panic.explain(text, str(program.parent)) == 0
    assert capsys.readouterr().out.startswith("panic of the program hello\n")


def test_record_in_a_log(program, tmp_path, capsys):
    log = tmp_path / "serial.log"
    log.write_text("hello\n" + record(program) + "\r\nbye\n")
    assert panic.explain(str(log), str(program.parent)) == 0
    assert "inner" in capsys.readouterr().out


@pytest.mark.parametrize("change, complaint", [
    ({"build": "00ff"}, "no program with build-id 00ff"),
    ({"build": ""}, "no field 'build'"),
    ({"rip": "nowhere"}, "not a number"),
    ({"bt": "0x1,x"}, "not a list"),
])
def test_bad_record(program, change, complaint):
    with pytest.raises(Failure, match=complaint):
        panic.explain(record(program, **change), str(program.parent))


def test_other_version():
    with pytest.raises(Failure, match="version 'v9'"):
        panic.explain("PITH-PANIC v9 rip=1")


def test_no_record(tmp_path):
    (tmp_path / "log").write_text("all is well\n")
    with pytest.raises(Failure, match="no line"):
        panic.explain(str(tmp_path / "log"))


def test_build_id_agrees_with_readelf(program):
    notes = subprocess.run(["readelf", "-n", program], capture_output=True, text=True, check=True)
    assert f"Build ID: {elf.build_id(program)}" in notes.stdout


@pytest.mark.parametrize("data", [b"", b"\x7fELF\x02\x01", b"\x7fELF\x02\x01" + b"\xff" * 100])
def test_damaged_programs_have_no_build_id(tmp_path, data):
    (tmp_path / "x").write_bytes(data)
    assert elf.build_id(tmp_path / "x") is None
