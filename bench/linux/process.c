// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Processes: beginning, executing, ending.
#include "bench.h"

#include <sys/wait.h>
#include <unistd.h>

static void fork_run(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        pid_t child = (pid_t)NEED(fork());
        if (child == 0) {
            _exit(0);
        }
        NEED(waitpid(child, NULL, 0));
    }
}

static void exec_run(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        pid_t child = (pid_t)NEED(fork());
        if (child == 0) {
            execl("/proc/self/exe", "linux_bench", "--nothing", (char *)NULL);
            _exit(127);
        }
        NEED(waitpid(child, NULL, 0));
    }
}

ROW(fork_exit_wait, .operations = 20, .run = fork_run);
ROW(fork_exec, .operations = 20, .run = exec_run);
