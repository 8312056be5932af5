# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The monitor on its terminal, as a person uses it: every command, the keys of the line editor,
completion, errors, and every component killed under it (docs/monitor.md)."""
import re

import pytest

from harness.shell import PROMPT, READY, Screen, Shell

UP, LEFT, HOME = "\x1b[A", "\x1b[D", "\x1b[H"
KILLED = ["uart", "log", "logprint", "counter", "monitor"]


@pytest.fixture
def shell(artefacts, pith_build):
    with Shell(artefacts) as session:
        session.ready()
        yield session


def edited(session: Shell, keys: str) -> str:
    """What the row of the prompt shows after these keys; the line is cancelled then."""
    session.type(keys)
    line = Screen(READY + session.quiet()).line
    session.type("\x03")
    session.ready()
    return line


# ---- commands ------------------------------------------------------------------------------------

def test_boots_to_the_prompt(artefacts, pith_build):
    with Shell(artefacts) as session:
        assert "Pith monitor" in session.ready()
        assert session.power_off(7) == 7


def test_list(shell):
    rows = shell.components()
    assert set(KILLED) <= set(rows)
    for row in rows.values():
        assert row.state in ("running", "stopped", "done"), row
        assert 0 < row.used <= row.memory or row.state != "running", row
        assert row.deaths == 0 and row.reason == "-", row
    assert [row.split()[0] for row in shell.run("ps")] == ["COMPONENT", *rows]


def test_help(shell):
    rows = shell.run("help")
    names = [row.split()[0] for row in rows]
    assert names == sorted(names) and {"help", "kill", "log", "power"} <= set(names)
    assert shell.run("help kill") == [row for row in rows if row.startswith("kill ")]
    assert shell.run("help nothing") == ["help: nothing: no such command"]


def test_echo_and_words(shell):
    assert shell.run("echo one  two   three") == ["one two three"]
    assert shell.run("   ") == []
    assert shell.run("echo " + "x" * 200) == ["x" * 200]
    assert shell.run("nonsense word") == ["nonsense: no such command; `help` lists them"]
    assert shell.run("echo" + " x" * 20) == ["more than 16 words"]


def test_uptime_and_resources(shell):
    first = float(shell.run("uptime")[0].removesuffix(" s"))
    second = float(shell.run("uptime")[0].removesuffix(" s"))
    assert 0 < first < second < 60
    memory, slots, incidents = shell.resources()
    assert memory > 1 << 20 and slots > 100 and incidents == 0
    assert shell.run("free") == shell.run("resources")


def test_stop_start_restart(shell):
    assert shell.run("stop logprint") == []
    assert shell.components()["logprint"].state == "stopped"
    assert shell.run("stop logprint") == [
        "stop logprint: supervisor: the component is not in a state that allows this"]
    assert shell.run("start logprint") == []
    row = shell.wait_for("logprint", 2)
    assert (row.deaths, row.reason) == (1, "operator")
    assert shell.run("restart logprint") == []
    shell.wait_for("logprint", 3)


@pytest.mark.parametrize("command", ["kill", "stop", "start", "restart"])
def test_control_errors(shell, command):
    assert shell.run(command) == [f"usage: {command} component"]
    assert shell.run(f"{command} log uart") == [f"usage: {command} component"]
    assert shell.run(f"{command} nobody") == ["nobody: no such component; `list` shows them"]


def test_power_errors(shell):
    usage = ["usage: power off [status 0-63]"]
    for words in ("", " on", " off 64", " off x", " off 1 2"):
        assert shell.run("power" + words) == usage
    assert shell.power_off() == 0


def test_log(shell):
    usage = ["usage: log [lines] [debug|info|warning|error]"]
    rows = shell.run("log 3 debug")
    assert len(rows) <= 3
    assert shell.run("log loud") == usage
    assert shell.run("log 99999999999999999999999") == usage


def test_log_lines_have_all_there_is(shell):
    shell.kill("log")
    rows = shell.run("log 100")
    for row in rows:
        assert re.fullmatch(r" *\d+ +\d+\.\d{6} (debug|info|warning|error) +\S+ +.*", row), row
    assert any(" log " in row and "generation 2" in row for row in rows), rows


def test_count(shell):
    """The counter goes on, whichever of the two is killed."""
    assert shell.run("count") == ["1"]
    assert shell.run("count 40") == ["41"]
    shell.kill("counter")
    assert shell.run("count") == ["42"]
    shell.kill("monitor")
    assert shell.run("count 0") == ["42"]
    assert shell.run("count x") == ["usage: count [amount]"]
    shell.run("stop counter")
    assert shell.run("count") == ['count: no component "counter" runs']


def test_incident(shell):
    """Wherever the log is when it dies: it has answered, so that it is past its beginning."""
    assert shell.run("incident") == ["no component has died"]
    assert shell.run("log 1")
    shell.kill("log")
    shell.kill("uart")
    text = "\n".join(shell.run("incident 0"))
    assert re.search(r"^incident 0: log, generation 1, after \d+\.\d{6} s: operator$", text, re.M)
    assert re.search(r"^build [0-9a-f]{40}, image at 0x[0-9a-f]+$", text, re.M)
    assert re.search(r"^ +rip [0-9a-f]{16} +rsp [0-9a-f]{16} +rflags [0-9a-f]{16}$", text, re.M)
    assert re.search(r"^  #0  0x[0-9a-f]+ \w+\+0x", text, re.M), text
    assert re.search(r"^  #\d+ +0x[0-9a-f]+ component_main\+0x", text, re.M), text
    assert "incident 1: uart, generation 1" in shell.run("incident")[0]
    assert shell.run("incident 99") == [
        "incident: supervisor: there is no such component, incident or frame"]
    assert shell.run("incident x") == ["usage: incident [number]; the last is 1"]


# ---- the line editor -----------------------------------------------------------------------------

def test_editing_keys(shell):
    assert edited(shell, "lst" + LEFT * 2 + "i") == f"{PROMPT}list"
    assert edited(shell, "ist" + HOME + "l") == f"{PROMPT}list"
    assert edited(shell, "listx\x7f") == f"{PROMPT}list"
    assert edited(shell, "one two\x17three") == f"{PROMPT}one three"
    assert edited(shell, "one two\x15three") == f"{PROMPT}three"
    assert edited(shell, "one two\x01\x0bthree") == f"{PROMPT}three"
    assert edited(shell, "abc\x01\x1b[3~\x05d") == f"{PROMPT}bcd"
    assert shell.run("ecx\x7fhx\x02\x04\x05o works" + "\x01\x05") == ["works"]


def test_history(shell):
    shell.run("echo first")
    shell.run("echo second")
    assert edited(shell, UP) == f"{PROMPT}echo second"
    assert edited(shell, "x" + UP * 2 + "\x1b[B\x1b[B") == f"{PROMPT}x"
    assert shell.run(UP * 2) == ["first"]


def test_completion(shell):
    assert edited(shell, "ki\t") == f"{PROMPT}kill"
    assert edited(shell, "kill mon\t") == f"{PROMPT}kill monitor"
    assert edited(shell, "kill lo\tp\t") == f"{PROMPT}kill logprint"
    assert edited(shell, "log w\t") == f"{PROMPT}log warning"
    assert edited(shell, "power \t") == f"{PROMPT}power off"
    assert edited(shell, "zz\t") == f"{PROMPT}zz"
    shell.type("re\t\t\t")
    screen = Screen(READY + shell.quiet())
    assert screen.rows[-2:] == ["resources  restart  ", f"{PROMPT}res"] and screen.bells == 1
    shell.type("\x03")
    shell.ready()


def test_long_line(shell):
    text = "echo " + "".join(chr(ord("a") + i % 26) for i in range(240))
    shell.type(text + HOME)
    screen = Screen(READY + shell.quiet())
    assert screen.line == (PROMPT + text)[:79] and len(screen.rows) == 1
    assert shell.run("") == [text[5:]]


def test_hostile_input(shell):
    """Any bytes: nothing dies of it, and the next command works."""
    junk = bytes(byte for byte in range(256) if byte not in b"\r\n\x04")
    shell.type(junk * 3 + b"\x1b[" + b"9" * 50 + b"\x1b[;;;;;;~\xff\xfe\x00")
    shell.quiet()
    shell.type(b"\x1b\x15\x03")
    shell.quiet()
    assert shell.run("echo alive") == ["alive"]
    assert all(row.deaths == 0 for row in shell.components().values())


def test_typing_ahead(shell):
    """What is typed while a command runs is not lost, up to what the device and the driver keep."""
    shell.type("list\recho two\recho three\r")
    text = shell.expect("\r\nthree\r\n")
    assert "\r\ntwo\r\n" in text


# ---- deaths --------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", KILLED)
def test_kill(shell, name):
    """It comes back, and the supervisor has as much memory and as many slots as before."""
    memory, slots, incidents = shell.resources()
    generation = shell.components()[name].generation
    for _ in range(5):
        row = shell.kill(name)
    assert row.generation == generation + 5 and row.reason == "operator"
    assert shell.resources() == (memory, slots, incidents + 5)
    assert shell.run("echo alive") == ["alive"]
    others = [row for row in shell.components().values() if row.name != name]
    assert all(row.deaths == 0 for row in others), others


def test_the_monitor_outlives_its_console(artefacts, pith_build):
    """The driver dies twenty times while the monitor waits for input there; it goes on with the next."""
    with Shell(artefacts, "breaker") as session:
        session.expect("done\r\n")
        rows = session.components()
        assert rows["uart"].deaths == 20 and rows["uart"].reason == "operator"
        assert rows["monitor"].deaths == 0
        assert session.run("echo alive") == ["alive"]


def test_the_log_outlives_its_server(shell):
    shell.kill("log")
    before = shell.run("log 50")
    shell.kill("log")
    after = shell.run("log 50")
    assert before and after[:len(before)] == before


def test_monitor_without_log(shell):
    """A stopped log: the monitor waits for it and goes on when it is back."""
    assert shell.run("stop logprint") == []
    assert shell.run("stop log") == []
    assert shell.components()["log"].state == "stopped"
    assert shell.run("log") == ['log: no component "log" runs']
    assert "incident" in shell.run("incident")[0]
    shell.kill("monitor")
    assert shell.run("start log") == []
    assert any("generation 2" in row for row in shell.run("log"))


# ---- others at the same console ------------------------------------------------------------------

FLOOD_PIECE = 241  # bytes on the line of what a flooding client writes at once
FLOODERS = 2


def test_flood(artefacts, pith_build):
    """Two clients that write without end: what the monitor says comes out whole, and behind a few
    pieces of theirs for each of its own."""
    with Shell(artefacts, "flood") as session:
        session.ready()
        costs = []
        for number in range(20):
            session.type(f"echo {number}\r")
            before = session.expect(f"\r\n{number}\r\n")
            session.ready()
            costs.append(len(before.replace("\n", "")))
        # A piece for each key, and one for the answer; each waits for a turn of the others.
        pieces = len("echo 10\r") + 1
        limit = (FLOODERS * FLOOD_PIECE + FLOOD_PIECE) * pieces
        assert sorted(costs)[len(costs) // 2] <= limit, costs
