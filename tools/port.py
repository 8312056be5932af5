#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Fetches what a port needs out of a Debian source package, once, and prints where it lies.

usage: port.py NAME [--variant VARIANT] [--cache DIR] [--link PLACE] [--stamp FILE]

ports/NAME/recipe.toml names the source package and its upstream version, and one of two things:

  files wanted, with their checksums (ports/qemu-plugin-header is an example).  They end in
  DIR/NAME; nothing is fetched where they already lie there with the right checksums.

  [build] (ports/picolibc is an example): the archive, whose checksum the recipe states, is unpacked,
  ports/NAME/patches/*.patch are applied in the order of their names, and it is configured, compiled
  and installed with Meson into DIR/NAME/VARIANT-KEY.  The key is made of the recipe, the patches and
  the compiler, so each combination is built once.  The archive stays in DIR/archives.

DIR is build/ports unless told otherwise.  --link makes PLACE a link to the result, --stamp writes a
file when that is done: for a build in whose rules the result has another place.  Archives come through apt-get, which checks their signature, with lists, caches and source entries of this tool's
own: the machine's apt configuration is read and never changed.
"""
import argparse
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
SHOWN_LINES = 8
TRIES = 3
PAUSE = 2  # seconds before the second try, twice as many before each further one


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


def is_checksum(value) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) is not None


def check_recipe(path: Path, recipe: dict) -> None:
    for key in ("source", "upstream"):
        if not isinstance(recipe.get(key), str):
            raise PortError(f"{path}: '{key}' is missing or no string")
    if "build" in recipe:
        check_build(path, recipe)
        return
    if not recipe.get("extract"):
        raise PortError(f"{path}: neither [build] nor [[extract]]")
    for row in recipe["extract"]:
        if not is_checksum(row.get("sha256")) or not row.get("member"):
            raise PortError(f"{path}: each [[extract]] needs 'member' and 'sha256' (64 digits)")


BUILD_KEYS = {"system", "cross", "arguments", "options", "leave_out", "results", "variants"}
VARIANT_KEYS = {"arguments", "options", "leave_out"}


def check_build(path: Path, recipe: dict) -> None:
    if not is_checksum(recipe.get("archive")):
        raise PortError(f"{path}: [build] needs 'archive', the checksum of upstream's archive (64 digits)")
    build = recipe["build"]
    for key in build.keys() - BUILD_KEYS:
        raise PortError(f"{path}: [build] has an unknown key '{key}'")
    if build.get("system") != "meson":
        raise PortError(f"{path}: [build] system = \"meson\" is the only one there is")
    if not build.get("results") or not isinstance(build.get("cross"), str):
        raise PortError(f"{path}: [build] needs 'cross' (a cross file) and 'results' (files that it makes)")
    if not build.get("variants"):
        raise PortError(f"{path}: [build] needs one [build.variants.NAME] at least")
    for name, variant in build["variants"].items():
        for key in variant.keys() - VARIANT_KEYS:
            raise PortError(f"{path}: [build.variants.{name}] has an unknown key '{key}'")


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def place_of(row: dict, directory: Path) -> Path:
    return directory / Path(row["member"]).name


def is_complete(recipe: dict, directory: Path) -> bool:
    places = ((place_of(row, directory), row["sha256"]) for row in recipe["extract"])
    return all(place.exists() and checksum(place) == wanted for place, wanted in places)


# ---- apt ---------------------------------------------------------------------------------------
def codename() -> str:
    """The name of this machine's release of Debian, '' where it has none."""
    with contextlib.suppress(OSError):
        found = re.search(r"^VERSION_CODENAME=\"?([a-z]+)", Path("/etc/os-release").read_text(), re.MULTILINE)
        return found[1] if found else ""
    return ""


def source_entries(text: str, is_list: bool, suite: str = "") -> str:
    """The entries of a sources file with binary packages replaced by source packages, of another
    release where `suite` names one."""
    if is_list:
        lines = (re.sub(r"^deb(-src)?\b", "deb-src", line) for line in text.splitlines())
        text = "\n".join(dict.fromkeys(lines)) + "\n"
    else:
        text = re.sub(r"^Types:.*$", "Types: deb-src", text, flags=re.MULTILINE)
    own = codename()
    return re.sub(rf"(?<=[ \t]){own}(?=[\s/-])", suite, text) if suite and own else text


def write_sources(directory: Path, suite: str) -> None:
    etc = Path("/etc/apt")
    directory.mkdir(parents=True, exist_ok=True)
    parts = etc / "sources.list.d"
    files = [etc / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))]
    found = [f for f in files if f.is_file()]
    if not found:
        raise PortError("apt has no sources: neither /etc/apt/sources.list nor sources.list.d")
    for file in found:
        text = source_entries(file.read_text(), file.suffix == ".list", suite)
        (directory / file.name).write_text(text)


def apt_options(work: Path) -> list:
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    return ["-q", "-o", "Dir::Etc::sourcelist=/dev/null",
            "-o", f"Dir::Etc::sourceparts={work / 'sources'}",
            "-o", f"Dir::State::lists={work / 'lists'}", "-o", f"Dir::Cache={work / 'cache'}",
            "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=2"]


def run(command: list, cwd: Path) -> tuple:
    """Status and output of a program."""
    try:
        done = subprocess.run(command, cwd=cwd, env={**os.environ, "LC_ALL": "C"}, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
    except FileNotFoundError:
        raise PortError(f"{command[0]} not found (source packages come through apt-get)") from None
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
    write_sources(work / "sources", recipe.get("suite", ""))
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


def fetch(name: str, recipe: dict, cache: Path, use) -> None:
    """Fetch the archive and hand it to `use`; tries again where that fails."""
    work = cache / "work" / name
    for attempt in range(TRIES):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        print(f"port {name}: fetching the source package {recipe['source']}", file=sys.stderr)
        try:
            use(fetch_archive(recipe, work))
            break
        except PortError:
            if attempt == TRIES - 1:
                raise
            time.sleep(PAUSE << attempt)
    shutil.rmtree(work)


def provide(name: str, cache: Path = TREE / "build" / "ports") -> Path:
    """The directory with the port's files, fetched where they are not there yet."""
    recipe = read_recipe(name)
    cache = cache.resolve()
    directory = cache / name
    with locked(cache / f"{name}.lock"):
        if not is_complete(recipe, directory):
            fetch(name, recipe, cache, lambda archive: extract(archive, recipe, directory))
    return directory


# ---- building ----------------------------------------------------------------------------------
def provide_archive(name: str, recipe: dict, cache: Path) -> Path:
    """Upstream's archive with the recipe's checksum, fetched where it is not there yet."""
    kept = cache / "archives" / f"{name}-{recipe['upstream']}"

    def keep(archive: Path) -> None:
        found = checksum(archive)
        if found != recipe["archive"]:
            raise PortError(f"{archive.name} has checksum {found}, the recipe says {recipe['archive']}")
        kept.parent.mkdir(parents=True, exist_ok=True)
        archive.replace(kept)

    if not kept.exists() or checksum(kept) != recipe["archive"]:
        fetch(name, recipe, cache, keep)
    return kept


def patches_of(name: str) -> list:
    return sorted((TREE / "ports" / name / "patches").glob("*.patch"))


def must(command: list, cwd: Path, what: str) -> None:
    status, said = run(command, cwd)
    if status != 0:
        raise PortError(f"{what} failed:\n{tail(said)}")


def unpack(archive: Path, name: str, place: Path) -> Path:
    """The patched source below `place`."""
    with tarfile.open(archive) as tar:
        tar.extractall(place, filter="data") if hasattr(tarfile, "data_filter") else tar.extractall(place)
    found = [p for p in place.iterdir() if p.is_dir()]
    if len(found) != 1:
        raise PortError(f"{archive.name}: expected one directory in it, found {len(found)}")
    for patch in patches_of(name):
        must(["patch", "-p1", "--fuzz=0", "-s", "-i", str(patch)], found[0], f"applying {patch.name}")
    return found[0]


def build_key(name: str, build: dict) -> str:
    """What the result depends on, as a few digits."""
    compiler = re.search(r"^c = '([^']+)'", (TREE / build["cross"]).read_text(), re.MULTILINE)
    if not compiler:
        raise PortError(f"{build['cross']} names no compiler (c = '...')")
    status, version = run([compiler[1], "--version"], TREE)
    if status != 0:
        raise PortError(f"{compiler[1]} --version failed:\n{tail(version)}")
    files = [TREE / "ports" / name / "recipe.toml", *patches_of(name), TREE / build["cross"]]
    digest = hashlib.sha256(version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def setup_command(build: dict, variant: dict, source: Path, place: Path) -> list:
    def both(key: str) -> list:
        return [*build.get(key, []), *variant.get(key, [])]

    left_out = ",".join(both("leave_out"))
    return ["meson", "setup", str(place), str(source), "--cross-file", str(TREE / build["cross"]),
            "--prefix=/", "--libdir=lib", "--includedir=include",
            f"-Dc_args={' '.join(both('arguments'))}", *(f"-D{option}" for option in both("options")),
            *([f"-Dleave-out={left_out}"] if left_out else [])]


def build_variant(archive: Path, name: str, recipe: dict, variant: str, place: Path, result: Path) -> None:
    """Unpack, patch, configure, compile and install; `result` appears when all went well."""
    build, installed = recipe["build"], place / "installed"
    source = unpack(archive, name, place / "source")
    must(setup_command(build, build["variants"][variant], source, place / "build"), place, "configuring")
    must(["ninja", "-C", str(place / "build")], place, "compiling")
    must(["env", f"DESTDIR={installed}", "meson", "install", "-C", str(place / "build"), "--no-rebuild"],
         place, "installing")
    for file in build["results"]:
        if not (installed / file).is_file():
            raise PortError(f"the build made no {file}")
    result.parent.mkdir(parents=True, exist_ok=True)
    installed.replace(result)


@contextlib.contextmanager
def locked(place: Path):
    """Only one process at a time."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(place, "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def provide_built(name: str, variant: str, cache: Path = TREE / "build" / "ports") -> Path:
    """The directory into which the port is installed, built where it is not there yet."""
    recipe = read_recipe(name)
    if variant not in recipe.get("build", {}).get("variants", {}):
        raise PortError(f"ports/{name}/recipe.toml has no [build.variants.{variant}]")
    cache = cache.resolve()
    result = cache / name / f"{variant}-{build_key(name, recipe['build'])}"
    with locked(cache / f"{name}-{variant}.lock"):
        if not result.is_dir():
            with locked(cache / f"{name}.lock"):
                archive = provide_archive(name, recipe, cache)
            place = cache / "work" / f"{name}-{variant}"
            shutil.rmtree(place, ignore_errors=True)
            (place / "source").mkdir(parents=True)
            print(f"port {name}: building it ({variant})", file=sys.stderr)
            build_variant(archive, name, recipe, variant, place, result)
            shutil.rmtree(place)
    return result


def link(place: Path, target: Path) -> None:
    if place.is_symlink():
        if place.readlink() == target:
            return
        place.unlink()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def main(argv: list) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="a directory below ports/")
    parser.add_argument("--variant", help="of a port that is built")
    parser.add_argument("--cache", type=Path, default=TREE / "build" / "ports")
    parser.add_argument("--link", type=Path, help="make this a link to the result")
    parser.add_argument("--stamp", type=Path, help="write this when all is done")
    arguments = parser.parse_args(argv)
    try:
        if arguments.variant:
            place = provide_built(arguments.name, arguments.variant, arguments.cache)
        else:
            place = provide(arguments.name, arguments.cache)
        if arguments.link:
            link(arguments.link, place)
        if arguments.stamp:
            arguments.stamp.write_text(f"{place}\n")
        print(place)
    except (PortError, OSError) as error:
        print(f"port {arguments.name}: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
