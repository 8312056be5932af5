# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The command line of ./pith."""
import signal
import subprocess
import time
from pathlib import Path

import pytest


def pith(tree, *words):
    return subprocess.run([tree / "pith", *words], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=60)


COMMANDS = ["setup", "build", "run", "test", "bench", "debug", "graph", "mutants"]


def test_help_names_every_command(tree):
    done = pith(tree, "help")
    assert done.returncode == 0
    assert all(f"\n  {command} " in done.stdout for command in COMMANDS)
    assert pith(tree).stdout == done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains(tree, command):
    done = pith(tree, "help", command)
    assert done.returncode == 0 and f"usage: pith {command}" in done.stdout


@pytest.mark.parametrize("words", [
    ["nonsense"], ["help", "nonsense"], ["help", "run", "more"], ["run", "--cpus", "0"],
    ["run", "--memory", "much"], ["build", "--compiler", "tcc"], ["debug"],
    ["debug", "/does/not/exist"], ["mutants", "nobody"], ["test", "--wrong"],
])
def test_usage_errors(tree, words):
    done = pith(tree, *words)
    assert done.returncode == 2
    assert done.stderr.startswith("pith: error: ") and done.stdout == ""


def test_interrupt_ends_what_was_started(tree, tmp_path):
    """A command that runs elsewhere ends together with the one that started it."""
    script = ("import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
              "from pithlib import cli, ui\n"
              "place = Path(sys.argv[2])\n"
              "cli.dispatch = lambda words: ui.run_logged(\n"
              "    ['sh', '-c', 'sleep 100 & echo $! >pid.new; mv pid.new pid; wait'],\n"
              "    place / 'log', cwd=place)\n"
              "sys.exit(cli.main([]))\n")
    command = ["/usr/bin/python3", "-c", script, str(tree / "tools"), str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_until((tmp_path / "pid").exists)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20)[1] == "\npith: interrupted\n"
    assert process.returncode == 130
    pid = (tmp_path / "pid").read_text().strip()
    wait_until(lambda: not is_running(pid))


def is_running(pid):
    """Neither gone nor a zombie that nobody has collected."""
    stat = Path("/proc", pid, "stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
