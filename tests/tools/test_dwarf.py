# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The files that a program is made of are found wherever below its tree it was compiled."""
import subprocess

import pytest
from pithlib import dwarf


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_files(tmp_path, compiler, version):
    compiled = tmp_path / "build" / compiler
    compiled.mkdir(parents=True)
    (tmp_path / "main.c").write_text('#include "part/answer.h"\nint main(void)\n{\n\treturn answer();\n}\n')
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "answer.h").write_text("static inline int answer(void)\n{\n\treturn 0;\n}\n")
    subprocess.run([compiler, f"-gdwarf-{version}", f"-ffile-prefix-map={tmp_path}/=", "-I../..", "-c",
                    "../../main.c", "-o", "main.o"], cwd=compiled, check=True)
    subprocess.run([compiler, "main.o", "-o", "main"], cwd=compiled, check=True)
    found = dwarf.source_files(compiled / "main", compiled)
    assert {tmp_path / "main.c", tmp_path / "part" / "answer.h"} <= found
