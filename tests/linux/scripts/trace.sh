#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
#
# strace of a program with children: calls, their arguments and results, signals, ends, counts.
mkdir -p /tmp/trace && cd /tmp/trace || exit 1
# Numbers of processes and addresses differ.
plain() { sed -E 's/^[0-9]+ +//; s/\[pid +[0-9]+\] //; s/pid=[0-9]+/pid=N/g; s/0x[0-9a-f]+/X/g; s/= [0-9]{2,}$/= N/; s/wait4\([0-9]+/wait4(N/'; }
echo "some text" >f

echo "-- one program"
strace -o log -e trace=openat,read,write,close,newfstatat,fadvise64 cat f; plain <log | grep -v -e '\.so' -e 'ld\.so' | sed -n '/"f"/,$p'
strace -o log true; tail -n 1 log | tr -s ' '
strace -e trace=none -e signal=none sh -c 'exit 5' 2>&1; echo "status $?"

echo "-- children"
strace -ff -qq -o family -e trace=execve,pipe2,pipe,dup2,exit_group,chdir sh -c 'cd /; echo x | cat; (exit 4)'
cat family.* | plain | sed 's/ \/\* [0-9]* vars \*\///' | sort
strace -ff -o each sh -c '/bin/true & /bin/true & wait'; ls each.* | wc -l; cat each.* | grep -c '^execve("/bin/true".*= 0'
strace -f -c -o counts sh -c 'i=0; while [ $i -lt 20 ]; do echo x >&2; i=$((i + 1)); done' 2>/dev/null
awk '$NF == "write" { print $(NF - 1) }' counts

echo "-- signals"
strace -o log -e trace=kill,rt_sigreturn sh -c 'trap "echo got" USR1; kill -USR1 $$; kill -TERM $$'; echo "status $?"
plain <log | sed -E 's/kill\([0-9]+/kill(N/'
strace -f -o log -e trace=none sh -c 'sh -c "kill -SEGV \$\$"; exit 0' 2>/dev/null; plain <log | grep -e SIGSEGV -e exited | sort -u

echo "-- faults that it brings about"
strace -o log -e inject=openat:error=EMFILE:when=3+ cat f 2>&1 | sed 's/^cat: //'
strace -o log -e trace=write -e inject=write:retval=10 cat f; plain <log | tail -n 2

echo "-- attached"
sleep 100 & pid=$!
strace -qq -o log -e trace=clock_nanosleep,restart_syscall -p $pid & tracer=$!
sleep 0.5; kill $pid; wait $pid; echo "status $?"; wait $tracer; plain <log | grep -o 'killed by.*'
