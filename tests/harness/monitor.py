# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""A guest with QEMU's monitor at hand: stop it, look at registers, translations and memory.

Owns the QEMU process that it starts.  A guest that powers off stays, stopped."""
import subprocess
import time
from pathlib import Path

from pithlib import qemu

from .machine import build_directory

PATIENCE = 30  # seconds


class Monitor:
    """A running guest; to be used in a `with` statement."""

    def __init__(self, image: str, **options):
        build = build_directory()
        command = qemu.command(build / "boot" / "loader", build / f"{image}.img", **options)
        place = command.index("-device")  # its exit device would end QEMU
        command[place:place + 2] = ["-no-shutdown", "-display", "none", "-serial", "null",
                                    "-monitor", "stdio"]
        self.machine = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.machine.kill()
        self.machine.wait()

    def ask(self, *commands: str) -> str:
        """What the monitor answers to these commands, and then about its status."""
        self.machine.stdin.write("".join(f"{c}\n" for c in (*commands, "info status")))
        self.machine.stdin.flush()
        lines = []
        while not lines or "VM status" not in lines[-1]:
            lines.append(self.machine.stdout.readline())
            assert lines[-1], "QEMU is gone:\n" + "".join(lines)
        return "".join(lines).replace("\r", "")

    def wait_off(self) -> None:
        self.wait(lambda: "shutdown" in self.ask(), "the guest did not power off")

    def wait(self, reached, complaint: str, pause: float = 0.05, patience: float = PATIENCE) -> None:
        end = time.monotonic() + patience
        while not reached():
            assert time.monotonic() < end, complaint
            time.sleep(pause)

    def stop_in_user_mode(self) -> None:
        """Stop the guest when one of the moments tried finds its first CPU there: many, since CPUs that
        have to share a processor of the host wait for each other in the kernel most of the time."""
        def reached():
            if "CPL=3" in self.ask("stop", "info registers"):
                return True
            self.ask("cont")
            return False
        self.wait(reached, "never seen in user mode", pause=0.005, patience=4 * PATIENCE)

    def memory(self, address: int, size: int, folder: Path) -> bytes:
        """Memory at an address of the current translation."""
        file = folder / "memory"
        file.unlink(missing_ok=True)
        said = self.ask(f'memsave {address:#x} {size} "{file}"')
        assert file.exists() and file.stat().st_size == size, said
        return file.read_bytes()
