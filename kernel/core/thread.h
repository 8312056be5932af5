// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Threads: state, registers, capabilities, and what they are blocked on.  All guarded by the kernel
// lock, except that the context of the running thread belongs to its CPU.
#pragma once

#include "cap.h"
#include "cpu.h"
#include "object.h"

#include <hal/context.h>

#include <abi/message.h>
#include <abi/thread.h>

enum thread_state {
    THREAD_SUSPENDED,  // not runnable until resume
    THREAD_READY,  // running, in a ready queue, or (no context, or one without budget) waiting for
                   // time
    THREAD_BLOCKED_SEND,   // in an endpoint's senders: send, call, fault or guest trap (see
                           // `sending`)
    THREAD_BLOCKED_RECV,   // in an endpoint's receivers
    THREAD_BLOCKED_REPLY,  // waits for the answer to a call or fault: `reply` stands for it
    THREAD_BLOCKED_WAIT,   // in a notification's waiters
    THREAD_STOPPED,        // guest whose trap was delivered; answered by its Thread capability
};

// What a thread in BLOCKED_SEND, BLOCKED_REPLY or STOPPED is sending or waits for.
enum thread_sending {
    SENDING_SEND,
    SENDING_CALL,
    SENDING_FAULT,  // native fault: a call made by the kernel
    SENDING_GUEST,  // a guest's trap: no reply object, no time lent
};

// Where a thread is, beside what its state says.
enum thread_place {
    PLACE_NONE,
    PLACE_QUEUED,     // in the ready queue of its context's CPU
    PLACE_DISPLACED,  // another CPU has it, or its vector registers, and has been asked to let go;
                      // that CPU takes care of it.  Until then it is not destroyed, read or
                      // written, and no system call of it begins.
};

// Slots inside a thread.
enum thread_slot {
    THREAD_CSPACE,
    THREAD_ASPACE,
    THREAD_FAULT,    // endpoint
    THREAD_TIMEOUT,  // endpoint or notification
    THREAD_BUFFER,   // frame with the message buffer
    THREAD_GUEST_FRAME,
    THREAD_SLOTS
};

struct endpoint;
struct notification;
struct reply;
struct sched_context;

// Flags of a thread beside those of Thread.configure.
#define THREAD_ACTIVE 0x80u  // has a context of its own
#define THREAD_BOUND  0x40u  // has a bound notification

struct thread {
    struct arch_context context;  // first: the ISA sees nothing else

    // What the fast path touches, the first six words in the cache line of the stack pointer.
    uint8_t state;    // enum thread_state
    uint8_t sending;  // enum thread_sending
    uint8_t priority;
    uint8_t
        flags;  // THREAD_GUEST, THREAD_VECTOR, THREAD_FRAME_SYSCALLS, THREAD_ACTIVE, THREAD_BOUND
    uint32_t cspace_count;  // slots of the table; 0: none
    struct cap *cspace;     // slot 0 of the table
    const struct hal_aspace
        *translation;  // of the address space; the kernel's own where there is none
    struct sched_context
        *sched;           // the context in use: own, lent by a caller, or fall-back; NULL: none
    struct reply *reply;  // BLOCKED_RECV: stands for the next caller (or NULL); BLOCKED_REPLY:
                          // stands for this one
    struct thread *next,
        *prev;  // ring: a ready queue, an endpoint's receivers, a notification's waiters
    struct endpoint *endpoint;      // BLOCKED_SEND, BLOCKED_RECV: where
    struct message_buffer *buffer;  // in the direct map, or NULL

    uint8_t object_kind;  // KIND_THREAD; 0: destroyed
    uint8_t ceiling;      // of the priority, and of those that this thread can give
    uint8_t place;        // enum thread_place
    bool gathered;        // has waited until it had the budget that an endpoint asks for
    bool restarted;       // the invocation was preempted and is being executed again

    struct tree_node sender;    // BLOCKED_SEND: in the endpoint's tree
    uint64_t sender_key;        // 255 - priority in the top byte, then order of arrival
    uint64_t badge;             // BLOCKED_SEND: of the capability sent through
    uint64_t tag;               // BLOCKED_SEND: of the message
    uint64_t endpoint_address;  // BLOCKED_SEND: of the endpoint's capability: which ones come home
    uint8_t send_rights;        // BLOCKED_SEND: rights of the capability sent through (GRANT)
    bool kicked;                // guest: a KICK is to be delivered
    uint8_t vector_cpu;         // that had its vector registers last
    uint16_t buffer_offset[2];  // of the message buffer and the guest frame in their pages
    struct thread *handler;     // guest: who received its last trap; only compared, never followed
    struct sched_context *own;  // bound with SCHED_OWN
    struct sched_context *fallback;     // bound with SCHED_FALLBACK
    struct notification *notification;  // bound, or NULL
    struct notification *waiting;       // BLOCKED_WAIT
    struct guest_frame *guest_frame;    // in the direct map, or NULL
    struct hal_trap trap;               // SENDING_FAULT, SENDING_GUEST: what it was
    struct invocation invocation;       // of the system call in progress, kept for its restart

    struct cap slots[THREAD_SLOTS];
    _Alignas(64) uint8_t vector[];  // hal_vector_bytes()
};
#define THREAD_BITS 12

// Set up a new thread in zeroed memory.
void thread_init(struct cap *original);
MUST_USE enum err thread_destroy_step(struct cap *original);
// Slot `slot` of a thread was emptied or filled: refresh what is cached from it.
void thread_slot_changed(struct cap *slot);

// The vector registers are as `next` wants them: not accessible, or its own.
static inline bool thread_vector_unchanged(const struct cpu *cpu, const struct thread *next)
{
    return next->flags & THREAD_VECTOR ? cpu->vector_guest == next && !hal_vector_idle()
                                       : hal_vector_idle();
}

// Give a thread a capability derived from `from` (NULL: none) in one of its slots.
void thread_give(struct thread *thread, enum thread_slot which, struct cap *from);
// Make the vector registers those of `next`, the thread that is about to run.
void thread_vector_switch(struct thread *next);
// Its vector state is what its object holds, wherever it was.
void thread_vector_forget(struct thread *thread);

MUST_USE enum err op_thread_configure(struct invocation *inv);
MUST_USE enum err op_thread_set_buffer(struct invocation *inv);
MUST_USE enum err op_thread_resume(struct invocation *inv);
MUST_USE enum err op_thread_suspend(struct invocation *inv);
MUST_USE enum err op_thread_cancel(struct invocation *inv);
MUST_USE enum err op_thread_kick(struct invocation *inv);
MUST_USE enum err op_thread_read_regs(struct invocation *inv);
MUST_USE enum err op_thread_write_regs(struct invocation *inv);
MUST_USE enum err op_thread_read_vector(struct invocation *inv);
MUST_USE enum err op_thread_write_vector(struct invocation *inv);
MUST_USE enum err op_thread_bind(struct invocation *inv);
MUST_USE enum err op_thread_set_priority(struct invocation *inv);

// Both parts of a thread's state in one store.
static inline void thread_set_state(struct thread *thread, enum thread_state state,
                                    enum thread_sending sending)
{
    uint16_t both = (uint16_t)((unsigned)state | (unsigned)sending << 8);
    __builtin_memcpy(&thread->state, &both, sizeof(both));
}
_Static_assert(offsetof(struct thread, sending) == offsetof(struct thread, state) + 1, "one store");

static inline struct thread *thread_of(const struct cap *cap)
{
    return (struct thread *)cap->address;
}
