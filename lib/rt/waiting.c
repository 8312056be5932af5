// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Sleeping in locks, by the Notification of each thread; threads of components yield.
#include "waiting.h"

#include "panic.h"
#include "syscall.h"
#include "tls.h"

uintptr_t rt_waiting_self(void)
{
    return (uintptr_t)rt_tcb();
}

uint64_t rt_waiting_own(void)
{
    return rt_tcb()->wait;
}

void rt_waiting_sleep(uint64_t wake)
{
    if (wake == RT_WAIT_YIELDS) {
        rt_yield();
        return;
    }
    struct notification_result got = notification_wait(wake);
    if (!rt_ok(got.status)) {
        rt_panic("a thread without a Notification waits for a lock: error %u, argument %u",
                 rt_error(got.status), rt_blamed(got.status));
    }
}

void rt_waiting_wake(uint64_t wake)
{
    if (wake != RT_WAIT_YIELDS) {
        rt_ignore(notification_signal(wake));  // it may have been ended meanwhile
    }
}
