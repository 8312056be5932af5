#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Check a Promela model with Spin: its assertions and invalid end states, then its property.

The property is checked with fewer items: fairness multiplies the states.

usage: protocol.py [--compiler CC] MODEL.pml
"""
import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PROPERTY = "served"
SECONDS = 250

# name, Spin's options, the compiler's, the verifier's
RUNS = [
    ("assertions and end states", [], ["-DNOCLAIM", "-DSAFETY"], []),
    ("the producer is served", ["-DITEMS=2"], ["-DNFAIR=3"], ["-a", "-f", "-N", PROPERTY]),
]


def run(command: list, place: Path) -> str:
    """What a command says; a failure ends the program."""
    done = subprocess.run(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=SECONDS, check=False)
    if done.returncode != 0:
        sys.exit(f"protocol.py: {' '.join(command)}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def trail(model: Path, place: Path, options: list) -> str:
    """The end of the execution that the verifier found."""
    done = subprocess.run(["spin", "-t", "-p", *options, str(model)], cwd=place,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return "\n".join(done.stdout.splitlines()[-60:])


def verify(model: Path, compiler: str, what: tuple) -> bool:
    name, spin_options, compiler_options, options = what
    with tempfile.TemporaryDirectory(prefix="pith-spin-") as made:
        place = Path(made)
        run(["spin", "-a", *spin_options, str(model)], place)
        run([compiler, "-O2", "-w", "-DCOLLAPSE", *compiler_options, "-o", "pan", "pan.c"], place)
        said = run(["./pan", "-m400000", *options], place)
        errors = re.search(r"errors: (\d+)", said)
        states = re.search(r"(\d\S*) states, stored", said)
        good = bool(errors and states) and int(errors[1]) == 0 and "max search depth" not in said
        print(f"{name}: {states[1] if states else 'no'} states, {'good' if good else 'BAD'}")
        if not good:
            print(said, trail(model, place, spin_options), sep="\n")
        return good


def main() -> int:
    parser = argparse.ArgumentParser(description="check a Promela model")
    parser.add_argument("--compiler", default="gcc")
    parser.add_argument("model", type=lambda word: Path(word).resolve())
    words = parser.parse_args()
    return 0 if all([verify(words.model, words.compiler, what) for what in RUNS]) else 1


if __name__ == "__main__":
    sys.exit(main())
