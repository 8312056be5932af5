# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Linux programs on several CPUs, `./pith run --cpus`: what they see of them, that they keep to those they are to run
on, and that what they do comes to the same as on one."""
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.linux import differing, executable, known_differences, on_linux, on_pith, programs_on_pith, root_with

BUSYBOX = Path("/bin/busybox")
CPUS = 2
PROGRAMS = ["futex", "process", "signal", "thread"]  # whose tasks meet
SEEN = """nproc; cat /sys/devices/system/cpu/online; grep -c ^processor /proc/cpuinfo; grep -c "^cpu[0-9]" /proc/stat
for i in 0 1; do taskset -c $i awk '{ print $39 }' /proc/self/stat; done
taskset -c 0 nproc; taskset -c 7 true 2>/dev/null; echo $?
"""
# Four at once, on one CPU; each looks where it runs.
KEPT = """taskset -c 1 sh -c 'for k in 1 2 3 4; do (i=0; while [ $i -lt 20 ]; do i=$((i + 1)); read line </proc/self/stat; set -- $line;
echo ${39}; done) & done; wait' | sort | uniq -c"""
SUMS = "for i in 1 2 3 4 5 6; do (seq $i 30000 | md5sum >/tmp/$i) & done; wait; cat /tmp/1 /tmp/2 /tmp/3 /tmp/4 /tmp/5 /tmp/6"


@pytest.fixture(autouse=True)
def built(pith_build):
    """Each of these boots the build."""


def test_programs_see_the_cpus_and_keep_to_theirs():
    done = on_pith(["/bin/sh", "-c", SEEN], cpus=CPUS)
    assert done.output.split() == ["2", "0-1", "2", "2", "0", "1", "1", "1"], done


def test_programs_keep_to_their_cpu_while_another_has_nothing_to_do():
    done = on_pith(["/bin/sh", "-c", KEPT], cpus=CPUS)
    assert done.output.split() == ["80", "1"], done


def test_one_cpu_is_one():
    done = on_pith(["/bin/sh", "-c", "nproc; cat /sys/devices/system/cpu/online"])
    assert done.output.split() == ["1", "0"], done


def test_processes_beside_each_other_compute_the_same():
    wanted = subprocess.run([BUSYBOX, "sh", "-c", SUMS], capture_output=True, text=True, check=True, timeout=60)
    done = on_pith(["/bin/sh", "-c", SUMS], cpus=CPUS, timeout=240)
    assert (done.output, done.status) == (wanted.stdout, 0), done


def test_calls_on_several_cpus_are_those_of_linux(tmp_path):
    (tmp_path / "root/t").mkdir(parents=True)
    for program in PROGRAMS:
        shutil.copy(executable(program), tmp_path / "root/t" / program)
    observed = programs_on_pith(root_with(tmp_path / "root", tmp_path / "root.cpio"), PROGRAMS, cpus=CPUS)
    found = {name: lines for program in PROGRAMS
             for name, lines in differing(program, observed[program], on_linux([program])).items()}
    assert found.keys() <= known_differences().keys(), found
