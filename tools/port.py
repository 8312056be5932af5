#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Fetches what a port needs out of a Debian source package, once, and prints where it lies.

usage: port.py NAME [--cache DIR]

ports/NAME/recipe.toml names the source package, its upstream version and the files wanted with
their checksums (ports/qemu-plugin-header is an example).  They end in DIR/NAME, by default
build/ports/NAME; nothing is fetched where they already lie there with the right checksums.  The
archive comes through apt-get, which checks its signature, with lists, caches and source entries of
this tool's own: the machine's apt configuration is read and never changed.
"""
import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
SHOWN_LINES = 8


class PortError(Exception):
    """Something that the caller can put right."""


# ---- recipes -----------------------------------------------------------------------------------
def read_recipe(name: str) -> dict:
    path = TREE / "ports" / name / "recipe.toml"
    try:
        import tomllib
    except ImportError:
        raise PortError("Python 3.11 or later is needed (tomllib)") from None
    try:
        recipe = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise PortError(f"no port named '{name}': {path} does not exist") from None
    except tomllib.TOMLDecodeError as error:
        raise PortError(f"{path}: {error}") from None
    check_recipe(path, recipe)
    return recipe


def check_recipe(path: Path, recipe: dict) -> None:
    for key in ("source", "upstream"):
        if not isinstance(recipe.get(key), str):
            raise PortError(f"{path}: '{key}' is missing or no string")
    if not recipe.get("extract"):
        raise PortError(f"{path}: no [[extract]]")
    for row in recipe["extract"]:
        if not re.fullmatch(r"[0-9a-f]{64}", row.get("sha256", "")) or not row.get("member"):
            raise PortError(f"{path}: each [[extract]] needs 'member' and 'sha256' (64 digits)")


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def place_of(row: dict, directory: Path) -> Path:
    return directory / Path(row["member"]).name


def is_complete(recipe: dict, directory: Path) -> bool:
    places = ((place_of(row, directory), row["sha256"]) for row in recipe["extract"])
    return all(place.exists() and checksum(place) == wanted for place, wanted in places)


# ---- apt ---------------------------------------------------------------------------------------
def source_entries(text: str, is_list: bool) -> str:
    """The entries of a sources file with binary packages replaced by source packages."""
    if is_list:
        lines = (re.sub(r"^deb(-src)?\b", "deb-src", line) for line in text.splitlines())
        return "\n".join(dict.fromkeys(lines)) + "\n"
    return re.sub(r"^Types:.*$", "Types: deb-src", text, flags=re.MULTILINE)


def write_sources(directory: Path) -> None:
    etc = Path("/etc/apt")
    directory.mkdir(parents=True, exist_ok=True)
    parts = etc / "sources.list.d"
    files = [etc / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))]
    found = [f for f in files if f.is_file()]
    if not found:
        raise PortError("apt has no sources: neither /etc/apt/sources.list nor sources.list.d")
    for file in found:
        text = source_entries(file.read_text(), file.suffix == ".list")
        (directory / file.name).write_text(text)


def apt_options(work: Path) -> list:
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    return ["-q", "-o", "Dir::Etc::sourcelist=/dev/null",
            "-o", f"Dir::Etc::sourceparts={work / 'sources'}",
            "-o", f"Dir::State::lists={work / 'lists'}", "-o", f"Dir::Cache={work / 'cache'}",
            "-o", "APT::Sandbox::User=root"]


def run(command: list, cwd: Path) -> tuple:
    """Status and output of a program."""
    try:
        done = subprocess.run(command, cwd=cwd, env={**os.environ, "LC_ALL": "C"}, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
    except FileNotFoundError:
        raise PortError(f"{command[0]} not found: source packages come through apt-get") from None
    return done.returncode, done.stdout


def tail(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines()[-SHOWN_LINES:])


def upstream_of(version: str) -> str:
    """The upstream part of a Debian version: without epoch and revision."""
    return version.split(":", 1)[-1].rsplit("-", 1)[0]


def choose_version(recipe: dict, options: list, work: Path) -> str:
    source = recipe["source"]
    updated, said = run(["apt-get", *options, "update"], work)
    _, shown = run(["apt-cache", *options, "showsrc", "--only-source", source], work)
    versions = re.findall(r"^Version: (\S+)$", shown, re.MULTILINE)
    fitting = [v for v in versions if upstream_of(v) == recipe["upstream"]]
    if fitting:
        return fitting[0]
    if updated != 0:
        raise PortError(f"apt-get update failed; is there a network?\n{tail(said)}")
    raise PortError(f"no source package {source} with upstream version {recipe['upstream']}; "
                    f"there are: {', '.join(versions) or 'none'}")


def fetch_archive(recipe: dict, work: Path) -> Path:
    """Download the upstream archive of the recipe's source package."""
    write_sources(work / "sources")
    options = apt_options(work)
    wanted = f"{recipe['source']}={choose_version(recipe, options, work)}"
    status, said = run(["apt-get", *options, "source", "--download-only", "--tar-only", wanted],
                       work)
    if status != 0:
        raise PortError(f"fetching the source of {wanted} failed:\n{tail(said)}")
    found = sorted(work.glob(f"{recipe['source']}_*.orig.tar.*"))
    if len(found) != 1:
        raise PortError(f"{wanted}: expected one upstream archive, found {len(found)}")
    return found[0]


# ---- unpacking ---------------------------------------------------------------------------------
def extract(archive: Path, recipe: dict, directory: Path) -> None:
    rows = {row["member"]: row for row in recipe["extract"]}
    directory.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            row = rows.get(member.name.removeprefix("./").partition("/")[2])
            if row is None or not member.isfile():
                continue
            data = tar.extractfile(member).read()
            found = hashlib.sha256(data).hexdigest()
            if found != row["sha256"]:
                raise PortError(f"{archive.name}: {row['member']} has checksum {found}, "
                                f"the recipe says {row['sha256']}")
            place_of(row, directory).write_bytes(data)
            del rows[row["member"]]
            if not rows:
                return
    raise PortError(f"{archive.name} lacks {', '.join(rows)}")


def fetch(name: str, recipe: dict, directory: Path, work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    print(f"port {name}: fetching the source package {recipe['source']}", file=sys.stderr)
    extract(fetch_archive(recipe, work), recipe, directory)
    shutil.rmtree(work)


def provide(name: str, cache: Path = TREE / "build" / "ports") -> Path:
    """The directory with the port's files, fetched where they are not there yet, once if several ask."""
    recipe = read_recipe(name)
    cache = cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_complete(recipe, cache / name):
            fetch(name, recipe, cache / name, cache / "work" / name)
    return cache / name


def main(argv: list) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="a directory below ports/")
    parser.add_argument("--cache", type=Path, default=TREE / "build" / "ports")
    arguments = parser.parse_args(argv)
    try:
        print(provide(arguments.name, arguments.cache))
    except (PortError, OSError) as error:
        print(f"port {arguments.name}: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
