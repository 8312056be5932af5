// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What deadline.c finds instead of <rt/...>, <gen/rt_stubs.h>, <wire/call.h> and <stdatomic.h>:
// each use is a point at which the other thread may go on (deadline_test.c).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t cap_t;

struct rt_status {
    bool ok;
};
struct notification_result {
    struct rt_status status;
};
struct timer_cancel_result {
    struct rt_status status;
};
struct component_grant {
    cap_t slot;
};
struct component_info {
    uint64_t clock_hz;
};

enum component_grant_kind {
    GRANT_WATCH
};
enum component_watch {
    WATCH_FIRST,
    WATCH_THREAD,
    WATCH_NOTIFICATION,
    WATCH_TIMER
};

const struct component_grant *component_need(enum component_grant_kind kind, const char *name);
const struct component_info *component_info(void);
void component_watch(void);

uint64_t rt_clock(void);
uint64_t rt_ticks(uint64_t nanoseconds, uint64_t hz);
void rt_yield(void);
__attribute__((noreturn)) void rt_panic(const char *format, ...);
static inline bool rt_ok(struct rt_status status)
{
    return status.ok;
}
static inline void rt_ignore(struct rt_status status)
{
    (void)status;
}

struct rt_status thread_resume(cap_t thread);
struct rt_status thread_cancel(cap_t thread);
struct rt_status timer_arm(cap_t timer, uint64_t time);
struct timer_cancel_result timer_cancel(cap_t timer);
struct notification_result notification_wait(cap_t notification);

// Memory is sequentially consistent: the code uses no weaker order.
void world_point(void);

#define atomic_load(address) (world_point(), *(address))
#define atomic_store(address, value) \
 do {                                \
  world_point();                     \
  *(address) = (value);              \
 } while (0)
static inline bool world_exchange(_Atomic uint32_t *address, uint32_t *expected, uint32_t value)
{
    world_point();
    bool same = *address == *expected;
    if (same) {
        *address = value;
    } else {
        *expected = *address;
    }
    return same;
}
#define atomic_compare_exchange_strong(address, expected, value) \
 world_exchange((address), (expected), (value))
