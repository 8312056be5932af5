// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A root task whose second thread checks the C library; the first one, which may not use vector
// registers, waits.
#include "checks.h"

#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/start.h>
#include <rt/thread.h>

#define PRIORITY    100u
#define STACK_PAGES 16u

const char rt_task_name[] = "libc";

static const struct root_info *root;
static struct rt_thread checker;

const struct root_info *checks_root(void)
{
    return root;
}

int main(const struct root_info *info)
{
    struct rt_thread_config config = { .entry = checks_main,
                                       .priority = PRIORITY,
                                       .ceiling = PRIORITY,
                                       .flags = checks_thread_flags,
                                       .stack_pages = STACK_PAGES,
                                       .waits = true };
    cap_t never = 0;
    root = info;
    if (!rt_ok(rt_object_new(KIND_NOTIFICATION, 6, &never)) ||
        !rt_ok(rt_thread_new(&checker, &config)) || !rt_ok(rt_thread_start(&checker))) {
        rt_panic("no thread for the checks");
    }
    (void)notification_wait(never).word;
    return 1;
}
