#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
#
# gdb on a program that crashes: signals, frames, variables, registers, breakpoints, watchpoints, threads, forks, core;
# and on one that runs already.
here=$(dirname "$0")
mkdir -p /tmp/debug && cd /tmp/debug || exit 1
cp "$here/crash.c" .
gcc -g -O0 -no-pie crash.c -o crash || exit 1
# With nothing but what the program and gdb say about it: what differs by machine is cut out.
debug() {
    gdb -nx -batch -iex 'set debuginfod enabled off' -ex 'set startup-with-shell off' -ex 'set print thread-events off' \
        -ex 'set disable-randomization off' "$@" 2>&1 </dev/null |
        grep -v -e 'libthread_db' -e 'index cache' -e '^$' |
        sed -E -e 's/process [0-9]+/process PID/g; s/LWP [0-9]+/LWP N/g; s/Thread 0x[0-9a-f]+/Thread X/g' \
            -e 's/0x00007[0-9a-f]{11}/HIGH/g; s/0x7[0-9a-f]{11}/HIGH/g'
}

echo "-- a crash"
debug -ex run -ex bt -ex 'info registers rip' -ex 'print *item' -ex 'print item->next' -ex 'print steps' -ex 'frame 1' \
    -ex 'print sum' -ex 'info locals' -ex 'up' -ex 'print first.name' -ex 'print $_siginfo.si_signo' \
    -ex 'print $_siginfo._sifields._sigfault.si_addr' -ex 'x/i $pc' -ex kill ./crash

echo "-- breakpoints"
debug -ex 'break list_length' -ex 'tbreak item_length' -ex run -ex 'info args' -ex 'continue' -ex 'bt 1' -ex 'next' -ex step \
    -ex finish -ex 'delete' -ex 'set can-use-hw-watchpoints 0' -ex 'watch sum' -ex continue -ex 'set var sum = 1000' -ex 'print sum' -ex 'delete' \
    -ex 'break item_length if steps == 1' -ex continue -ex 'print item->number' -ex 'print item->next = item' \
    -ex 'return 5' -ex 'next' -ex 'stepi' -ex 'print $_exitcode' -ex 'info breakpoints' ./crash

echo "-- calls and signals"
debug -ex 'handle SIGUSR1 stop print nopass' -ex 'run x' -ex 'print steps = 40' -ex 'print steps' -ex 'signal 0' ./crash
debug -ex 'run x' -ex 'info program' -ex 'continue' ./crash | head -n 6
debug -ex 'catch syscall write' -ex run -ex 'bt -1' -ex 'continue' -ex 'info breakpoints' ./crash | grep -v '^#0'

echo "-- attach"
./crash wait >out &
pid=$!
sleep 0.3
debug -p $pid -ex 'bt -1' -ex 'frame function main' -ex 'print turn >= 0' -ex 'print wait_for_debugger' -ex 'tbreak crash.c:42' \
    -ex continue -ex 'set var wait_for_debugger = 0' -ex detach ./crash | grep -v -e '^#0' -e '__' -e 'usleep' -e 'Reading'
wait $pid; echo "status $?"; cat out

echo "-- forks and threads"
cat >both.c <<'A'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void *work(void *at)
{
    *(int *)at += 1;
    return at;
}
static void child(void) { _exit(3); }
int main(void)
{
    int value = 5, status;
    pthread_t thread;
    pthread_create(&thread, NULL, work, &value);
    pthread_join(thread, NULL);
    if (fork() == 0) {
        child();
    }
    wait(&status);
    printf("%d %d\n", value, WEXITSTATUS(status));
    return 0;
}
A
gcc -g -O0 -no-pie both.c -o both -pthread
debug -ex 'break work' -ex run -ex 'info threads' -ex 'print *(int *)at' -ex 'set var *(int *)at = 20' -ex 'bt 1' -ex continue ./both |
    grep -v 'Switching\|clone\|futex\|\* \| 1 '
debug -ex 'set follow-fork-mode child' -ex 'break child' -ex run -ex 'bt' -ex continue ./both | grep -v -e ttach -e 'New inf' -e '^6 3'
debug -ex 'set detach-on-fork off' -ex 'catch fork' -ex run -ex 'info inferiors' -ex 'kill inferiors 1' ./both | grep -c 'process PID'
