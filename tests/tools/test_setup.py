# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""./pith setup: what it lists, and what it says where it cannot install."""
import pytest

from pithlib import packages
from pithlib.ui import Failure


@pytest.fixture
def bare(monkeypatch):
    """A Debian machine that has nothing of what is needed."""
    monkeypatch.setattr(packages, "installed_by_dpkg", lambda names: set())
    monkeypatch.setattr(packages, "is_present", lambda package: False)
    monkeypatch.setattr(packages.shutil, "which",
                        lambda name: f"/usr/bin/{name}" if name in ("dpkg-query", "apt-get")
                        else None)


def test_run_needs_less_than_test(bare):
    run, test = ({p.name for p in packages.missing(g)} for g in ("run", "test"))
    assert run < test
    assert {"gcc", "meson", "qemu-system-x86"} <= run and "python3-pytest" not in run


def test_every_package_says_why():
    assert all(p.why and p.probe and p.groups in ("run", "graph", "root", "test") for p in packages.PACKAGES)


def test_nothing_missing_says_nothing(monkeypatch, capsys):
    monkeypatch.setattr(packages, "missing", lambda group: [])
    packages.setup("test")
    assert capsys.readouterr().out == ""


def test_only_what_is_not_installed(bare, monkeypatch):
    monkeypatch.setattr(packages, "installed_by_dpkg", lambda names: set(names) - {"meson"})
    assert [p.name for p in packages.missing("run")] == ["meson"]


def test_without_root_and_sudo(bare, monkeypatch, capsys):
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)
    with pytest.raises(Failure, match=r"as root run:\n +apt-get update && .* gcc .*meson"):
        packages.setup("run")
    assert "qemu-system-x86" in capsys.readouterr().out


def test_not_debian(bare, monkeypatch):
    monkeypatch.setattr(packages.shutil, "which", lambda name: None)
    with pytest.raises(Failure, match="not a Debian machine.*\n.*gcc"):
        packages.setup("run")


def test_sudo_is_used(bare, monkeypatch):
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(packages.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert packages.apt_prefix(["gcc"])[0] == "sudo"


def test_failure_of_apt_is_told(bare, monkeypatch):
    monkeypatch.setattr(packages.os, "geteuid", lambda: 0)
    with pytest.raises(Failure, match="installing failed:\n.*unsupported"):
        packages.run_apt(["--unsupported-option"], ["sh", "-c", 'echo "unsupported"; exit 1'],
                         "installing")


def test_progress_is_shown(monkeypatch, capsys):
    script = ('echo "0 upgraded, 2 newly installed, 0 to remove"; '
              'echo "Setting up a (1)"; echo "Setting up b (1)"')
    packages.run_apt([], ["sh", "-c", script], "installing")
    assert capsys.readouterr().out.split("\n")[:3] == [
        "  2 packages to fetch and set up", "  [1/2] a", "  [2/2] b"]
