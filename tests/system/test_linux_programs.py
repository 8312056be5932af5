# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Programs on the Linux server as `./pith run -- PROGRAM` runs them: Debian's busybox, whose shell does what it does
on the development host; where a program's end is to be told, and what must not break the system."""
import hashlib
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from harness import boot
from harness.linux import MARK, Done, on_pith, root_with, split
from pithlib import linux, roots
from pithlib.ui import Failure

BUSYBOX = Path("/bin/busybox")
ENVIRONMENT = {"PATH": "/bin", "HOME": "/", "LC_ALL": "C"}

# Scripts of which the same comes on both; each runs in a shell of its own.
SCRIPTS = {
    "pipes": "seq 1 1000 | grep 7 | sort -r | head -n 5 | tr '\\n' ' '; echo; false | true; echo $?",
    "status of a pipe": "set -o pipefail; true | (exit 3) | cat; echo $?",
    "here-documents": "x=5; cat <<A; cat <<'B'; cat <<-C\nx is $x $(echo sub)\nA\nx is $x\nB\n\tno tab\n\tC\n",
    "a here-document larger than a pipe": "x=$(seq 1 20000); cat <<A | md5sum\n$x\nA\n",
    "trap": "trap 'echo got' USR1; kill -USR1 $$; trap 'echo at the end' EXIT; echo before; exit 4",
    "trap while it waits": "trap 'echo got' USR1; (sleep 0.2; kill -USR1 $$) & wait $!; echo $?; wait; echo done",
    "ignored": "trap '' TERM; kill -TERM $$; echo lives; sh -c 'kill -TERM $$; echo inherited'",
    "substitution": "a=$(echo one; exit 3); echo $a $?; b=$(echo \"$(echo deep \"$(echo deeper)\")\"); echo $b",
    "background": "sleep 0.3 & p=$!; (exit 5) & q=$!; wait $q; echo $?; wait $p; echo $?; kill -0 $p 2>/dev/null || echo gone",
    "killed in the background": "sleep 100 & kill $!; wait $! 2>/dev/null; echo $?",
    "subshell": "cd /; x=1; (x=2; echo $x; cd /bin; pwd); echo $x; pwd; { echo a; echo b; } | wc -l",
    "redirections": "cd /tmp && echo a >f; echo b >>f; cat <f; exec 3<f; read l <&3; echo $l; read l <&3; echo $l; "
                    "exec 3<&-; (echo err >&2) 2>&1 | cat; rm f",
    "statuses": "true; echo $?; false; echo $?; (exit 255); echo $?; sh -c 'exit 300'; echo $?; "
                "no_such_program 2>/dev/null; echo $?; /tmp 2>/dev/null; echo $?; sh -c 'kill -KILL $$'; echo $?",
    "functions": "f() { local x=$1; [ $x -le 1 ] && echo 1 || echo $((x * $(f $((x - 1))))); }; f 10",
    "files": "cd /tmp && mkdir -p d/e && touch d/a d/e/b && ln -s a d/l && ln d/a d/h && find d | sort && readlink d/l "
             "&& stat -c '%h %s %F' d/a && mv d/a d/c && ls d && rm -r d && ls | wc -l",
    "permissions": "cd /tmp && umask 027 && touch p && stat -c %a p && chmod 4755 p && stat -c %a p && rm p",
    "awk and sed": "seq 1 100 | awk '{ s += $1 } END { print s, NR }'; echo abcabc | sed 's/b\\(.\\)/<\\1>/g'",
    "dd": "dd if=/dev/zero bs=64k count=40 2>/dev/null | wc -c; dd if=/dev/zero bs=1 count=300 2>/dev/null | md5sum",
    "archive": "cd /tmp && mkdir t && seq 1 5000 >t/n && tar cf - t | gzip | gunzip | tar tf - && gzip t/n && "
               "zcat t/n.gz | md5sum && rm -r t",
    "yes ends": "yes | head -n 3; echo $?",
    "deep pipes": "p=cat; i=0; while [ $i -lt 40 ]; do p=\"$p | cat\"; i=$((i + 1)); done; seq 1 2000 | eval \"$p\" | md5sum",
    "200 processes": "i=0; while [ $i -lt 200 ]; do (exit $((i % 7))) & i=$((i + 1)); done; wait; echo $?; "
                     "i=0; s=0; while [ $i -lt 30 ]; do sh -c \"exit $i\"; s=$((s + $?)); i=$((i + 1)); done; echo $s",
    "200 at once": "mkfifo /tmp/g; exec 9<>/tmp/g; i=0; while [ $i -lt 200 ]; do (read x <&9; echo $i) & i=$((i + 1)); "
                   "done >/tmp/o; yes '' | head -n 200 >&9; wait; sort -n /tmp/o | md5sum; rm /tmp/g /tmp/o",
    "many arguments": "env sh -c 'echo $#; echo \"$@\" | md5sum' x $(seq 1 20000) $(seq 1 20000 | tr '\\n' 'x')",
    "a name without a file": "cat /no/such 2>&1; cat /bin 2>&1; cd /no 2>&1 || echo $?",
    "end of input": "cat; echo $?; read x; echo $?",
    "a stopped process": "sleep 5 & kill -STOP $!; kill -CONT $!; kill $!; wait $! 2>/dev/null; echo $?",
    "time limit": "timeout 0.2 sleep 10; echo $?; timeout 10 true; echo $?",
    "turns": "(i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); done; : >/tmp/done) & while [ ! -e /tmp/done ]; do :; done; "
             "echo through; rm /tmp/done",
    "locks": "cd /tmp; : >l; flock l sh -c 'flock -n l echo never || echo held'; flock -n l echo free; rm l",
}


@pytest.fixture(autouse=True)
def built(pith_build):
    """Each of these boots the build."""


def busybox_commands(directory: Path, *names: str) -> Path:
    """As on Pith, whose small root has nothing but busybox."""
    directory.mkdir()
    for name in names:
        (directory / name).symlink_to(BUSYBOX)
    return directory


LOOP = """cd /s; for i in *; do
    echo "{mark}$i"
    sh $i </dev/null 2>/dev/null
    echo "{mark}$?"
done"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """Name of a script: what it printed and its status, all on one machine; and what became of that."""
    place = tmp_path_factory.mktemp("scripts")
    (place / "root/s").mkdir(parents=True)
    for number, script in enumerate(SCRIPTS.values()):
        (place / f"root/s/{number:02}").write_text(script)
    done = on_pith(["/bin/sh", "-c", LOOP.format(mark=MARK)], root=root_with(place / "root", place / "root.cpio"),
                   environment=ENVIRONMENT, memory=1024, timeout=200)
    return split(done.output), done


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_do_what_they_do_on_linux(scripts, tmp_path, name):
    found, done = scripts
    number = f"{list(SCRIPTS).index(name):02}"
    assert found.get(number) == on_host(number, SCRIPTS[name], tmp_path), done.errors[-2000:]


def on_host(name: str, script: str, place: Path) -> tuple:
    """With nothing but busybox, and a directory for temporary files of its own."""
    names = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
    path = busybox_commands(place / "bin", *names)
    (place / name).write_text(script.replace("/tmp", str(work(place))))
    done = subprocess.run([BUSYBOX, "sh", name], env={**ENVIRONMENT, "PATH": str(path)}, cwd=place,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60,
                          check=False)
    status = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return done.stdout.decode(), status


def work(place: Path) -> Path:
    (place / "tmp").mkdir(exist_ok=True)
    return place / "tmp"


# ---- ends

@pytest.mark.parametrize("command,status", [
    (["/bin/true"], 0), (["/bin/sh", "-c", "exit 255"], 255), (["/bin/missing"], 127), (["missing"], 127),
    (["/bin"], 126), (["/etc/passwd"], 126), (["/bin/sh", "-c", "kill -KILL $$"], 137), (["sh", "-c", "kill -SEGV $$"], 139),
])
def test_status(command, status):
    done = on_pith(command)
    assert done.ended and done.status == status, done


def test_what_cannot_run_is_told():
    done = on_pith(["/no/such"])
    assert "pith: cannot run /no/such: ENOENT" in done.output + done.errors, done


def test_output_errors_and_input():
    """Apart, whole, and with its end."""
    data = "".join(f"line {i}\n" for i in range(1000)).encode()
    done = on_pith(["/bin/sh", "-c", "wc; md5sum; echo bad >&2; exit 3"], given=data)
    assert (done.output.split(), done.errors, done.status) == (
        ["1000", "2000", str(len(data)), "d41d8cd98f00b204e9800998ecf8427e", "-"], "bad\n", 3)


def test_input_that_nobody_reads():
    done = on_pith(["/bin/true"], given=b"x" * 100000)
    assert done.ended and done.status == 0


def test_large_output():
    done = on_pith(["seq", "1", "60000"])
    assert done.output == "".join(f"{i}\n" for i in range(1, 60001)) and done.status == 0


def test_environment():
    done = on_pith(["env"], environment={"A": "b c", "E": ""})
    assert {"A=b c", "E=", "HOME=/root", "USER=root"} <= set(done.output.splitlines())


def test_time_that_is_set():
    """Programs read it from the page of the clocks, without a call."""
    done = on_pith(["/bin/sh", "-c", "date -u -s '2033-05-18 03:33:20' >/dev/null && date -u +%Y-%m-%d"])
    assert (done.output, done.status) == ("2033-05-18\n", 0), done


# ---- roots

def small_root(place: Path) -> Path:
    (place / "bin").mkdir(parents=True)
    (place / "etc").mkdir()
    (place / "bin/busybox").write_bytes(BUSYBOX.read_bytes())
    (place / "bin/busybox").chmod(0o755)
    (place / "bin/sh").symlink_to("busybox")
    (place / "etc/about").write_text("about\n")
    (place / "etc/about").chmod(0o640)
    (place / "start").write_text("#!/bin/sh -e\necho $0 $1\n")
    (place / "start").chmod(0o755)
    return place


WANTED = "about\nr--\n1\n/start x\n"
LOOK = ["/bin/sh", "-c", "busybox cat /etc/about; busybox stat -c %A /etc/about | busybox cut -c 5-7; "
        "busybox ls /etc | busybox wc -l; /start x"]


def test_root_from_a_directory(tmp_path):
    done = on_pith(LOOK, root=small_root(tmp_path / "root"))
    assert (done.output, done.status) == (WANTED, 0), done


def test_root_from_a_tar(tmp_path):
    root = small_root(tmp_path / "root")
    with tarfile.open(tmp_path / "root.tar", "w") as archive:
        archive.add(root, ".")
    done = on_pith(LOOK, root=tmp_path / "root.tar")
    assert (done.output, done.status) == (WANTED, 0), done


def test_root_that_is_damaged(tmp_path):
    """An archive that ends in a file: it is said, and nothing runs."""
    whole = tmp_path / "whole.cpio"
    roots.small(whole)
    (tmp_path / "cut.cpio").write_bytes(whole.read_bytes()[:whole.stat().st_size // 2])
    done = on_pith(["/bin/true"], root=tmp_path / "cut.cpio", timeout=20)
    assert done.ended and done.status == 125 and "pith: the root image: at byte" in done.errors, done


def test_panic_is_told(artefacts):
    """By the server on the control port, by the supervisor on the first one, and to whoever waits for the machine:
    this image has no command."""
    first = artefacts / "first"
    done = boot("linux", artefacts, extra=["-serial", f"file:{first}"])
    assert done.status == 63 and "PITH-PANIC v1 task=linux " in done.serial, done.explain()
    assert "linux is dead, and the system ends with it" in first.read_text()


@pytest.mark.parametrize("megabytes", [0, 40])
def test_memory_that_is_too_little(pith_build, tmp_path, megabytes):
    """What is told to be enough for a root is, and anything less is told to be too little."""
    (tmp_path / "large").write_bytes(b"x" * (megabytes << 20))
    root = root_with(tmp_path, tmp_path / "root.cpio")
    guest = linux.Guest(["/bin/true"], root=root, memory=1)
    with pytest.raises(Failure) as failed:
        linux.run(guest, pith_build)
    least = int(re.search(r"--memory: 1M is too little for this root; at least (\d+)M", str(failed.value))[1])
    with pytest.raises(Failure):
        linux.run(guest._replace(memory=least - 1), pith_build)
    assert linux.run(guest._replace(memory=least), pith_build) == 0


def test_strace():
    done = on_pith(["/bin/sh", "-c", "echo x; cat /missing"], strace=True)
    assert done.output == "x\n" and done.status == 1
    lines = done.errors.splitlines()
    assert any("execve(\"/bin/sh\"" in line or "write(1, " in line and line.endswith("= 2") for line in lines), lines[:20]
    assert any("/missing" in line and line.endswith("= -1 ENOENT") for line in lines), lines[-20:]


# ---- what must not break the system

SORTED = hashlib.md5("".join(f"{i}\n" for i in range(1, 20001)).encode()).hexdigest() + "  -\n"
AFTER = "\necho after; seq 1 100 | wc -l\n"


def survives(script: str, memory: int = 256, timeout: float = 120) -> Done:
    done = on_pith(["/bin/sh", "-c", script + AFTER], memory=memory, timeout=timeout)
    assert done.ended and done.output.endswith("after\n100\n") and done.status == 0, done
    return done


def test_fork_bomb_within_a_limit():
    survives("su nobody -s /bin/sh -c 'ulimit -u 60; b() { b | b; }; b' >/dev/null 2>&1 &\nsleep 3; kill -KILL $! 2>/dev/null\n"
             "for p in /proc/[0-9]*; do p=${p#/proc/}; [ $p -gt 1 ] && [ $p != $$ ] && kill -KILL $p; done 2>/dev/null\n"
             "sleep 1")


def test_many_processes():
    """What the kernel needs for each, memory for page tables and slots for them, there is for as many as that."""
    done = survives("i=0; while [ $i -lt 500 ]; do sleep 1000 & i=$((i + 1)); done; ls -d /proc/[0-9]* | wc -l; kill $(jobs -p)",
                    memory=512)
    assert int(done.output.split()[0]) > 500, done


@pytest.mark.parametrize("eats", ["tail /dev/zero", "dd if=/dev/zero of=/dev/null bs=2000000000 count=1",
                                  "awk 'BEGIN { x = \"x\"; while (1) x = x x }'"])
def test_memory_bomb(eats):
    """ENOMEM or a signal, for who eats; the memory is there for the next."""
    for_both = f"{eats} >/dev/null 2>&1; s=$?; [ $s -ne 0 ] || echo no end; "
    done = survives(for_both * 2, memory=128, timeout=240)
    assert done.output == "after\n100\n"


def test_files_that_fill_the_memory():
    """Whoever writes is refused or killed; without the file there is room again."""
    done = survives("dd if=/dev/zero of=/tmp/f bs=1M 2>/dev/null; [ $? -ne 0 ] && echo refused; rm /tmp/f; "
                    "dd if=/dev/zero of=/tmp/f bs=1M count=8 2>/dev/null; echo $?; rm /tmp/f", memory=128)
    assert done.output == "refused\n0\nafter\n100\n"


FRAGMENTS = """n=$(awk '/MemTotal/ { print int($2 / 16) - 100 }' /proc/meminfo)
awk -v n=$n 'BEGIN { s = sprintf("%4096s", ""); for (i = 0; i < n; i++) { printf "%s", s >"/tmp/a"; printf "%s", s >"/tmp/b" } }'
dd if=/dev/zero bs=$(awk '/MemFree/ { print $2 - 4000 }' /proc/meminfo)k count=1 2>/dev/null | sleep 100 &
sleep 2
[ $(awk '/MemFree/ { print $2 }' /proc/meminfo) -lt 6000 ] && echo full
: >/tmp/b
/bin/sh -c 'echo executed'
kill $!
rm /tmp/a"""


def test_execution_in_fragmented_memory():
    """Of two files that grew in turns one is gone, and a process has what else there is: what is free are single pages."""
    assert survives(FRAGMENTS, memory=128).output == "full\nexecuted\nafter\n100\n"


def test_files_have_half_of_the_memory():
    """Others work while files have all they can have; df tells it, and memory files count as well."""
    done = survives("all=$(awk '/MemTotal/ { print $2 }' /proc/meminfo); df -k /tmp | awk -v a=$all 'NR == 2 { print ($2 * 2 - a) }'\n"
                    "dd if=/dev/zero of=/tmp/f bs=1M 2>&1 | grep -c 'No space left'; df -k /tmp | awk 'NR == 2 { print $4 }'\n"
                    "echo x 2>/dev/null >/tmp/g; [ -s /tmp/g ] || echo none; seq 1 20000 | sort -n | md5sum; rm /tmp/f\n"
                    "echo x >/tmp/g; cat /tmp/g; rm /tmp/g", memory=128)
    assert done.output == "0\n1\n0\nnone\n" + SORTED + "x\nafter\n100\n", done


def test_mounts_that_are_detached_give_everything_back():
    """With what is mounted below them."""
    free = "awk '/MemFree/ { print $2 }' /proc/meminfo"
    once = ("mount -t tmpfs a /h && mkdir /h/b && mount -t tmpfs b /h/b && dd if=/dev/zero of=/h/b/f bs=1M count=4 2>/dev/null; "
            "umount -l /h; grep -c ' /h' /proc/mounts")
    done = survives(f"mkdir /h; {once}; a=$({free}); {once}; b=$({free}); d=$((a - b)); [ $d -lt 100 ] && echo kept || echo lost $d")
    assert done.output.startswith("0\n0\nkept\n"), done


def test_processes_that_end_give_everything_back():
    """What is free is the same before and after many processes, files and pipes."""
    free = "awk '/MemFree/ { print $2 }' /proc/meminfo"
    work = "i=0; while [ $i -lt 50 ]; do seq 1 2000 | sort >/tmp/a; rm /tmp/a; i=$((i + 1)); done"
    done = survives(f"{work}; a=$({free}); {work}; b=$({free}); d=$((a - b)); [ $d -lt 200 ] && echo kept || echo lost $d")
    assert done.output.startswith("kept\n"), done
