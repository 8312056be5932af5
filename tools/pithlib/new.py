# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""`./pith new component NAME`: a component that builds, runs and has a test, to begin from."""
import re
from pathlib import Path

from .ui import TREE, say, usage

# The longest name that the supervisor keeps, without the zero at its end.
LONGEST = 23
NAME = re.compile(r"[a-z][a-z0-9_]*")

PROGRAM = """\
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What @NAME@ is for.
#include <svc/log.h>

const char rt_task_name[] = "@NAME@";

int component_main(const struct component_info *info)
{
    svc_log(LOG_LEVEL_INFO, "hello, this is incarnation %lu", info->generation);
    return 0;
}
"""

BUILD = """\
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
components += {'@NAME@': {'sources': files('@NAME@.c'), 'protocols': ['log']}}
"""

SYSTEM = """\
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
#
# @NAME@, and what it needs to be heard: `./pith run --system @NAME@`.
[system]
name = "@NAME@"
memory = "64M"

[component.@NAME@]
priority = 20
budget = "2ms"
period = "10ms"
memory = "128K"
stack = "16K"
uses = { log = "log.log" }

[component.log]
priority = 50
budget = "2ms"
period = "10ms"
memory = "128K"
stack = "16K"
serves = ["log"]
regions = { lines = { region = "log_lines", access = "rw" } }
signals = { written = "logprint" }

[component.logprint]
priority = 40
budget = "2ms"
period = "10ms"
memory = "128K"
stack = "16K"
uses = { log = "log.log", console = "uart.console", system = "supervisor.observe" }

[component.uart]
program = "uart16550"
priority = 60
budget = "2ms"
period = "10ms"
memory = "256K"
stack = "16K"
replies = 16
serves = ["console"]
ports = { uart = "0x3f8+8" }
irq = { uart = 4 }
timers = ["watch"]

[region.log_lines]
size = "64K"
survives = true
"""

TEST = """\
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
\"\"\"The component apps/@NAME@ in the system systems/@NAME@.toml.\"\"\"
from harness import boot_until


def test_@NAME@_says_hello(artefacts, pith_build):
    boot_until("@NAME@", artefacts, "@NAME@", "hello, this is incarnation 1")
"""


def files_of(name: str) -> dict:
    """Path in the tree -> text."""
    texts = {
        f"apps/{name}/{name}.c": PROGRAM,
        f"apps/{name}/meson.build": BUILD,
        f"systems/{name}.toml": SYSTEM,
        f"tests/system/test_{name}.py": TEST,
    }
    return {path: text.replace("@NAME@", name) for path, text in texts.items()}


def check_name(name: str, tree: Path) -> None:
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        raise usage(f"'{name}' is no name of a component: a lower-case letter, then up to {LONGEST - 1} "
                    "lower-case letters, digits and _")
    for path in (f"apps/{name}", *files_of(name)):
        if (tree / path).exists():
            raise usage(f"{path} is there already; choose another name, or remove it")


def component(name: str, tree: Path = TREE) -> int:
    check_name(name, tree)
    for path, text in files_of(name).items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
        say(f"pith: made {path}")
    say(f"pith: boot it with ./pith run --system {name}, test it with ./pith test -k {name}")
    return 0
