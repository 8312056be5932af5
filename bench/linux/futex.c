// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Two threads that hand over to each other.
#include "bench.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <stddef.h>
#include <stdint.h>

static uint32_t turn;  // whose it is: 0 or 1

static void turn_give(uint32_t whose)
{
    __atomic_store_n(&turn, whose, __ATOMIC_SEQ_CST);
    NEED(syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
}

static void turn_wait(uint32_t whose)
{
    while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) != whose) {
        syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, 1 - whose, NULL, NULL, 0);
    }
}

static void *other(void *nothing)
{
    for (;;) {
        turn_wait(1);
        turn_give(0);
    }
    return nothing;
}

static void thread_start(void)
{
    pthread_t thread;
    NEED(pthread_create(&thread, NULL, other, NULL) == 0 ? 0 : -1);
}

// An operation is one hand-over.
static void futex_run(unsigned operations)
{
    for (unsigned i = 0; i < operations / 2; i++) {
        turn_give(1);
        turn_wait(0);
    }
}

ROW(futex_hand_over, .operations = 600, .prepare = thread_start, .run = futex_run);
