// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A shell on a terminal of its own, until it asks for its first command: where booting ends.
#include "bench.h"
#include "mark.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdlib.h>

#define PROMPT '#'  // the last thing but one that root's shell says
#define SHELL  "/bin/sh"

static void shell_run(int terminal)
{
    NEED(setsid());
    int side = (int)NEED(open(ptsname(terminal), O_RDWR));  // becomes the controlling terminal
    for (int i = 0; i < 3; i++) {
        NEED(dup2(side, i));
    }
    execl(SHELL, "sh", "-i", (char *)NULL);
    _exit(127);
}

int prompt_run(void)
{
    int terminal = (int)NEED(posix_openpt(O_RDWR | O_NOCTTY));
    NEED(unlockpt(terminal));
    pid_t shell = (pid_t)NEED(fork());
    if (shell == 0) {
        shell_run(terminal);
    }
    char said[256];
    ssize_t size;
    do {
        size = read(terminal, said, sizeof(said));
    } while (size > 0 && !memchr(said, PROMPT, (size_t)size));
    mark_end();
    NEED(kill(shell, SIGKILL));
    NEED(waitpid(shell, NULL, 0));
    return size > 0 ? 0 : 1;
}
