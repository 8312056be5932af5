# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Debian's shells on the Linux server: what scripts do there, and what is shown to who types, is as on Linux."""
import re
import time

import pytest

from harness.debian import ENVIRONMENT, assert_alike, entering, unpacked
from harness.dialogue import Dialogue
from harness.linux import machine_command
from pithlib import roots

PACKAGES = ["bash", "dash"]
ASKS = "\x1b[6n"  # where the cursor is: busybox, at a moment of its own
PROMPT = rf"\$ ({re.escape(ASKS)})?$"
READY = r"\nready\r\n"
SLEEP = "sh -c 'echo ready; exec sleep 100'\r"
CTRL_C, CTRL_D, CTRL_U, CTRL_W, CTRL_Z, RUBOUT = "\x03", "\x04", "\x15", "\x17", "\x1a", "\x7f"

# What is typed, and until what is waited then; None: a moment, in which a job comes to the foreground.
TYPED = [
    ("stty size; test -t 0 && echo a terminal\r", PROMPT),
    (SLEEP, READY), (CTRL_C, PROMPT), ("echo $?\r", PROMPT),
    # stopped and continued
    ("sh -c 'echo ready; exec cat'\r", READY), ("one\r", "one\r\none\r\n"), (CTRL_Z, PROMPT), ("jobs\r", PROMPT),
    ("fg\r", "cat.*\r\n"), ("two\r", "two\r\ntwo\r\n"), (CTRL_D, PROMPT), ("echo $?\r", PROMPT),
    (SLEEP, READY), (CTRL_Z, PROMPT), ("bg\r", PROMPT), ("jobs\r", PROMPT),
    ("fg\r", "sh .*\r\n"), ("", None), (CTRL_C, PROMPT), ("echo $?\r", PROMPT), ("jobs\r", PROMPT),
    # in the background: reading, and writing where that is not to be
    ("cat & sleep 0.5\r", PROMPT), ("jobs\r", PROMPT), ("fg\r", "cat\r\n"), ("three\r", "three\r\nthree\r\n"),
    (CTRL_C, PROMPT), ("echo $?\r", PROMPT),
    ("stty tostop; echo from behind & sleep 0.5\r", PROMPT), ("jobs\r", PROMPT), ("stty -tostop; fg\r", PROMPT),
    # signals of the keys
    ("sh -c 'trap \"echo got it; exit 3\" INT; echo ready; while :; do sleep 0.1; done'\r", READY), (CTRL_C, PROMPT),
    ("echo $?\r", PROMPT),
    # the line
    ("sh -c 'stty -echo; echo ready; read x; stty echo; echo got $x'\r", READY), ("unseen\r", PROMPT),
    ("sh -c 'echo ready; exec cat >/tmp/typed'\r", READY),
    (f"wrong{CTRL_U}right{RUBOUT * 2}ht\r", "ht\r\n"),
    (f"word other{CTRL_W}more{CTRL_D * 2}", PROMPT), ("cat /tmp/typed\r", PROMPT),
    ("trap 'echo bye' EXIT; exit\r", "bye\r\n"),
]


@pytest.fixture(autouse=True)
def built(pith_build):
    """Each of these boots the build."""


@pytest.mark.parametrize("shell", ["bash", "dash", "busybox ash"])
def test_script(shell):
    assert_alike(PACKAGES, f"{shell} shell.sh")


def test_jobs_without_a_terminal():
    assert_alike(PACKAGES, "bash jobs.bash")


@pytest.mark.parametrize("shell", ["bash --norc --noprofile --noediting", "dash", "busybox ash"])
def test_jobs_on_a_terminal(shell):
    archive = roots.of_packages(PACKAGES)
    environment = {**ENVIRONMENT, "PS1": "$ ", "TERM": "dumb"}
    with unpacked(archive) as root:
        wanted = shown(entering(root, shell.split()), environment)
    assert shown(machine_command(shell.split(), root=archive, environment=environment), environment) == wanted


def shown(command: list, environment: dict) -> list:
    """The lines that the terminal showed, without numbers of processes and the question for the cursor."""
    with Dialogue(command, environment) as dialogue:
        dialogue.expect(PROMPT)
        for keys, wanted in TYPED:
            if wanted:
                dialogue.type(keys)
                dialogue.expect(wanted)
            else:
                time.sleep(1)
        said = dialogue.text[:dialogue.seen]  # dash then finds no group that it could give the host's terminal back to
        dialogue.end()
    return re.sub(r"\[(\d)\] \d+", r"[\1] PID", said).replace(ASKS, "").splitlines()
