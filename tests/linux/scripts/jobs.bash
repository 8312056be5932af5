#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
#
# Job control without a terminal: a process group for each job, stopped and continued.
set -m
exec 2>/dev/null  # bash says there, whenever it notices, what has ended
group() { ps_group=$(cut -d ' ' -f 5 "/proc/$1/stat"); }
until_state() {
    while [[ $(cut -d ' ' -f 3 "/proc/$1/stat") != "$2" ]]; do sleep 0.02; done
}

sleep 100 | sleep 101 &
pid=$!
first=$(jobs -p %1)
group "$pid"; [[ $ps_group == "$first" && $ps_group != $$ ]] && echo "a group for the job"
group $$; [[ $ps_group != "$first" ]] && echo "another than the shell's"
jobs
kill -STOP %1; until_state "$pid" T; jobs
bg %1; until_state "$pid" S; jobs
kill -TSTP %1; until_state "$pid" T; jobs -s
kill -CONT %1; until_state "$pid" S
kill %1; wait "$pid"; echo "status $?"
jobs

(kill -TSTP $BASHPID; echo continued; exit 6) &
pid=$!
until_state "$pid" T
fg %+; echo "status $?"

(trap 'echo a trap at CONT' CONT; kill -STOP $BASHPID; sleep 100) &
pid=$!
until_state "$pid" T
jobs -l | sed 's/[0-9]\{2,\}/PID/'
kill -CONT "$pid"; until_state "$pid" S
disown -h; kill "$pid"; wait "$pid"; echo "status $?"

for i in 1 2 3; do (exit $i) & done
wait -n; wait; jobs -r; echo "no job runs"
coproc cat; echo "to the coprocess" >&"${COPROC[1]}"; exec {COPROC[1]}>&-
cat <&"${COPROC[0]}"; wait
diff <(seq 3) <(seq 4); echo "status $?"
