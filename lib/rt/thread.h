// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Native threads: everything that one needs, made and given back together.
#pragma once

#include "map.h"
#include "tls.h"

// How a thread is to be.  Zero means: own capability table, own address space, no handlers,
// priority 0, a time slice of RT_SLICE, four pages of stack.
struct rt_thread_config {
    void (*entry)(uint64_t argument);  // returning from it is a fault
    uint64_t argument;
    unsigned priority, ceiling;  // ceiling 0: as priority
    uint64_t budget, period;     // clock ticks; RT_NO_CONTEXT as budget: no context of its own
    cap_t cspace, aspace, fault, timeout;
    uint64_t flags;  // THREAD_*
    unsigned stack_pages;
    unsigned cpu;  // of the context
    bool waits;    // give it a Notification: it may have to wait in locks (mutex.h)
};
#define RT_SLICE      10000000ull
#define RT_NO_CONTEXT UINT64_MAX

struct rt_thread {
    cap_t cap;                      // the Thread's original
    cap_t context;                  // its SchedContext, or 0
    cap_t wait;                     // its Notification for locks, or 0
    struct rt_mapping stack;        // ends with the thread's variables and control block
    struct rt_mapping memory;       // one page: message buffer, then guest frame
    struct message_buffer *buffer;  // of the thread
};

// Make a thread, suspended, with stack and message buffer in the own address space.  Uses the
// message buffer of the caller.  Nothing is left behind on an error.
struct rt_status rt_thread_new(struct rt_thread *thread, const struct rt_thread_config *config);

// Give a suspended thread its first registers, through the caller's message buffer.
struct rt_status rt_thread_set_regs(cap_t thread, const struct thread_regs *regs);

// Let it run.
struct rt_status rt_thread_start(struct rt_thread *thread);

// Stop it and give everything back.
void rt_thread_delete(struct rt_thread *thread);

// The root task's SchedControl of a CPU.
cap_t rt_cpu_control(unsigned cpu);

// A SchedContext with a budget per period, on CPU 0 or another.
struct rt_status rt_context_new(uint64_t budget, uint64_t period, cap_t *context);
struct rt_status rt_context_new_on(unsigned cpu, uint64_t budget, uint64_t period, cap_t *context);
