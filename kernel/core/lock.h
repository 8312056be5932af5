// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The kernel lock: everything in the core that is not a CPU's own is guarded by it.  Entries take
// it (syscall.c) and drop it before they return to user mode; the fast path runs under it too.  One
// CPU never contends, so taking it costs nothing there: release kernels compile it away, debug
// kernels check that it is taken and dropped in pairs.
#pragma once

#include "types.h"

#if defined(__clang__)
# define LOCK_TYPE     __attribute__((capability("mutex")))
# define GUARDED_BY(l) __attribute__((guarded_by(l)))
# define REQUIRES(l)   __attribute__((requires_capability(l)))
# define ACQUIRES(l)   __attribute__((acquire_capability(l), no_thread_safety_analysis))
# define RELEASES(l)   __attribute__((release_capability(l), no_thread_safety_analysis))
#else
# define LOCK_TYPE
# define GUARDED_BY(l)
# define REQUIRES(l)
# define ACQUIRES(l)
# define RELEASES(l)
#endif

struct LOCK_TYPE lock {
    bool held;
};

extern struct lock kernel_lock;

static inline void lock_take(void) ACQUIRES(kernel_lock);
static inline void lock_drop(void) RELEASES(kernel_lock);

static inline void lock_take(void)
{
    ASSERT(!kernel_lock.held);
#if PITH_DEBUG
    kernel_lock.held = true;
#endif
}

static inline void lock_drop(void)
{
    ASSERT(kernel_lock.held);
#if PITH_DEBUG
    kernel_lock.held = false;
#endif
}
