# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The sources keep the rules that no compiler checks, and the checks themselves notice."""
import pytest

from checks import kernel_size, sources, style

HEAD = "// " + style.LICENSE_LINE + "\n// " + style.AUTHORS_LINE + "\n"


@pytest.mark.parametrize("name", style.CHECKS)
def test_rule(tree, name):
    complaints = style.CHECKS[name](tree)
    assert not complaints, "\n".join(complaints)


def long_function(note: str = "") -> str:
    return HEAD + f"{note}int f(void)\n{{\n" + "    g();\n" * 70 + "}\n"


BROKEN = [
    ("licence", "boot/a.c", "int x;\n"),
    ("promises", "boot/a.c", HEAD + "// TO" + "DO: later\n"),
    ("hosts", "tools/a.py", "x = 'http://deb" + ".debian.org/debian'\n"),
    ("function_length", "boot/a.c", long_function()),
    ("assembly", "kernel/arch/x86_64/a.S", HEAD + "    nop\n" * 401),
    ("includes", "boot/a.c", '#include "../kernel/core/cap.h"\n'),
    ("includes", "boot/a.c", "#include <../kernel/core/cap.h>\n"),
    ("includes", "abi/a.h", '#include "../kernel/core/cap.h"\n'),
    ("includes", "kernel/core/a.c", "#include <arch/cpu.h>\n"),
    ("isa_conditionals", "kernel/core/a.c", "#if defined(__x86_64__)\n#endif\n"),
]


@pytest.mark.parametrize("name, place, text", BROKEN)
def test_rule_notices(tmp_path, name, place, text):
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text(text)
    assert style.CHECKS[name](tmp_path)


KEPT = [
    ("licence", "boot/a.c", HEAD),
    ("function_length", "boot/a.c", long_function("// LONG: one table\n")),
    ("assembly", "kernel/arch/x86_64/a.S", HEAD + "    nop\n" * 400 + "// said\n" * 50),
    ("includes", "kernel/hal/a.h", "#include <arch/cpu.h>\n"),
    ("includes", "boot/test/a.c", '#include "../acpi.h"\n'),
    ("includes", "lib/rt/a.h", '#include "x86_64/trap.h"\n'),
]


@pytest.mark.parametrize("name, place, text", KEPT)
def test_rule_allows(tmp_path, name, place, text):
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text(text)
    assert style.CHECKS[name](tmp_path) == []


def test_code_lines_leave_comments_out():
    text = 'int a;  // one\n\n/* two\n   three */\nchar *s = "// four";\n    // five\n/* x */ int b;\n'
    assert sources.code_lines(text) == 3


def test_kernel_lines_leave_boot_and_tests_out(tmp_path):
    for place in ("core/a.c", "core/test/b.c", "arch/x86_64/boot.c", "arch/x86_64/trap.S",
                  "arch/aarch64/trap.S", "hal/c.h"):
        path = tmp_path / "kernel" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + "one line;\n")
    assert kernel_size.kernel_lines(tmp_path, "x86_64") == 3


def test_kernel_lines_leave_debug_code_out():
    text = "a;\n#if PITH_DEBUG\nb;\n# if X\nc;\n# else\nd;\n# endif\n#else\ne;\n#endif\n#if X\nf;\n#endif\n"
    assert kernel_size.release_text(text) == "a;\ne;\n#if X\nf;\n#endif"
