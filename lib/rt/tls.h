// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What belongs to one thread: its thread-local variables and its control block, to which the thread
// pointer points (x86_64: the FS base).  Laid out as compilers expect it (ELF Handling For
// Thread-Local Storage, variant II): the variables end where the control block begins.
//
// Start code makes the block of a program's first thread, rt_thread_new those of the others, both
// in the thread's stack.
#pragma once

#include "abi.h"

struct rt_tcb {
    struct rt_tcb *self;            // first: this word is the ABI's
    struct message_buffer *buffer;  // of this thread
    cap_t wait;                     // Notification that it waits for in locks (mutex.h), or 0
};

// For `wait`: without a Notification, by yielding until the lock is its own.  Only where who has
// the lock gets the CPU all the same: threads of components, whose budgets end.
#define RT_WAIT_YIELDS (~(cap_t)0)

#include "x86_64/tls.h"

// Alignment of a thread's block, and of the variables in it (thread_data.ld).
#define RT_TLS_ALIGN 64u

// Bytes that a thread's block needs.
size_t rt_tls_bytes(void);

// Make a block at the end of `memory`, of rt_tls_bytes at least: variables as they are when a
// thread begins.  Returns the control block, the new thread's thread pointer.  For any thread.
struct rt_tcb *rt_tls_make(void *memory, size_t bytes, struct message_buffer *buffer);

// In start code that never returns: give the calling thread a block on its stack.
#define RT_TLS_BEGIN(buffer) \
 rt_tcb_set(rt_tls_make(__builtin_alloca(rt_tls_bytes()), rt_tls_bytes(), (buffer)))

// The message buffer of the calling thread.
static inline struct message_buffer *rt_buffer(void)
{
    return rt_tcb()->buffer;
}

static inline void rt_buffer_set(struct message_buffer *buffer)
{
    rt_tcb()->buffer = buffer;
}
