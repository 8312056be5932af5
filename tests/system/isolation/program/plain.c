// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Behaviours that only use the CPU, call, signal and fault.
#include "program.h"

#define SLOT_REPLY   SLOT_FREE
#define SLOT_SIGNALS SLOT_FREE
#define SLOT_LINKS   (SLOT_FREE + 4)  // endpoints of a chain
#define SLOT_REPLIES (SLOT_FREE + 8)  // and Replies
#define OBJECT_BITS  6u
#define GUEST        1u  // the number of the thread that is one
#define GUEST_CALL   39u

void behave_trace(unsigned index)
{
    struct trace *trace = (struct trace *)(AREA_VADDR + AREA_TRACE);
    trace->gaps = (struct gap *)(AREA_VADDR + AREA_TRACE + 64);
    trace->room = AREA_GAPS;
    trace_take(trace, trace_clock() + AREA->work);
    ready();
    stop(index);
}

void behave_spin(unsigned index)
{
    (void)index;
    ready();
    for (;;) {
        AREA->rounds++;
    }
}

void behave_yield(unsigned index)
{
    (void)index;
    ready();
    for (;;) {
        rt_yield();
        AREA->rounds++;
    }
}

static bool of_debug_kernels(uint64_t number)
{
    return number == SYS_debug_panic || number == SYS_debug_check;
}

// Every system call there is and some that are not, with nothing behind them.  But not what a debug
// kernel can be told: to stop, or to walk everything, which no budget covers.
void behave_system_calls(unsigned index)
{
    (void)index;
    ready();
    for (uint64_t number = 0;; number++) {
        rt_ignore(rt_syscall_raw(of_debug_kernels(number % 20) ? SYS_null : number % 20,
                                 number % 3 ? SLOT_END : SLOT_CONTROL, number, number));
        AREA->rounds++;
    }
}

void behave_call(unsigned index)
{
    (void)index;
    ready();
    for (;;) {
        rt_ignore(ipc_call0(SLOT_SERVER, 0).status);
        AREA->rounds++;
    }
}

// Thread 0 answers the faults of the others, which are only repeated.
void behave_fault(unsigned index)
{
    if (index) {
        *(volatile uint8_t *)HOLE_VADDR = 0;
    }
    objects_make(KIND_REPLY, OBJECT_BITS, SLOT_REPLY, 1);
    ready();
    uint64_t word = 0;
    struct ipc_result got = ipc_recv1(SLOT_ENDPOINT, SLOT_REPLY, &word);
    while (rt_ok(got.status)) {
        AREA->rounds++;
        got = ipc_reply_recv0(SLOT_ENDPOINT, 0, SLOT_REPLY);
    }
    must(got.status);
    stop(index);
}

static void guest_calls(void)
{
    for (;;) {
        rt_ignore(rt_syscall_raw(GUEST_CALL, 0, 0, 0));
    }
}

// Thread 1 is a guest, thread 0 answers its system calls.
void behave_guest(unsigned index)
{
    if (index == GUEST) {
        guest_calls();
    }
    ready();
    uint64_t word = 0;
    struct ipc_result got = ipc_recv1(SLOT_ENDPOINT, 0, &word);
    while (rt_ok(got.status)) {
        AREA->rounds++;
        got = ipc_reply_recv1(SLOT_ENDPOINT, TAG(GUEST_RESULT, 1, 0), SLOT_THREADS + GUEST, &word);
    }
    must(got.status);
    stop(index);
}

// Thread 0 kicks the guest all the time and answers each KICK.
void behave_kick(unsigned index)
{
    if (index == GUEST) {
        for (;;) {}
    }
    ready();
    for (;;) {
        struct ipc_words words;
        rt_ignore(thread_kick(SLOT_THREADS + GUEST));
        if (rt_ok(ipc_nb_recv(SLOT_ENDPOINT, 0, &words).status)) {
            rt_ignore(ipc_reply0(SLOT_THREADS + GUEST, 0));
            AREA->rounds++;
        }
    }
}

// Thread 0 outranks the others, which wake it all the time.
void behave_signal(unsigned index)
{
    if (!index) {
        objects_make(KIND_NOTIFICATION, OBJECT_BITS, SLOT_SIGNALS, 1);
        ready();
    }
    for (;;) {
        if (index) {
            rt_ignore(notification_signal(SLOT_SIGNALS));
        } else {
            must(notification_wait(SLOT_SIGNALS).status);
            AREA->rounds++;
        }
    }
}

static void chain_serve(unsigned index)
{
    uint64_t word = 0;
    struct ipc_result got = ipc_recv1(SLOT_LINKS + index, SLOT_REPLIES + index, &word);
    for (;;) {
        if (index + 1 < AREA->threads) {
            rt_ignore(ipc_call0(SLOT_LINKS + index + 1, 0).status);
        } else {
            spin(AREA->work);
        }
        AREA->rounds++;
        if (rt_ok(got.status)) {
            got = ipc_reply_recv0(SLOT_LINKS + index, 0, SLOT_REPLIES + index);
        } else {
            got = ipc_recv1(SLOT_LINKS + index, SLOT_REPLIES + index, &word);
        }
    }
}

// Thread 0 calls 1, which calls 2, and so on, all on what 0 lends.
void behave_chain(unsigned index)
{
    if (index) {
        chain_serve(index);
    }
    objects_make(KIND_ENDPOINT, OBJECT_BITS, SLOT_LINKS, AREA->threads);
    objects_make(KIND_REPLY, OBJECT_BITS, SLOT_REPLIES, AREA->threads);
    ready();
    for (;;) {
        rt_ignore(ipc_call0(SLOT_LINKS + 1, 0).status);
    }
}
