// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A signal that a process sends to itself: delivered, handled, returned from.
#include "bench.h"

#include <signal.h>
#include <unistd.h>

#include <stddef.h>

static void handle(int number)
{
    (void)number;
}

static void handler_install(void)
{
    struct sigaction action = { .sa_handler = handle };
    NEED(sigaction(SIGUSR1, &action, NULL));
}

static void signal_run(unsigned operations)
{
    pid_t self = getpid();
    for (unsigned i = 0; i < operations; i++) {
        NEED(kill(self, SIGUSR1));
    }
}

ROW(signal, .operations = 300, .prepare = handler_install, .run = signal_run);
