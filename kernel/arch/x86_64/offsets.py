#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Makes offsets.h for assembly: compiles offsets.c to assembly and picks out what VALUE() left there.

usage: offsets.py OUTPUT DEPFILE COMPILER-COMMAND...
"""
import re
import subprocess
import sys
from pathlib import Path


def main(argv: list) -> int:
    if len(argv) < 4:
        print("usage: offsets.py OUTPUT DEPFILE COMPILER-COMMAND...", file=sys.stderr)
        return 2
    output, depfile = Path(argv[1]), argv[2]
    assembly = output.with_suffix(".s")
    command = argv[3:] + ["-S", "-o", str(assembly), "-MD", "-MF", depfile, "-MT", str(output)]
    status = subprocess.run(command, check=False).returncode
    if status:
        return status
    found = re.findall(r'->(\w+) (-?\d+)', assembly.read_text())
    if not found:
        print(f"offsets.py: no value found in {assembly}", file=sys.stderr)
        return 1
    output.write_text("".join(f"#define {name} {value}\n" for name, value in found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
