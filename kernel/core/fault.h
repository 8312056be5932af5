// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Faults and time-outs of native threads: messages that the kernel sends for a thread.
#pragma once

#include "thread.h"

// The current thread trapped: to its fault endpoint, or suspended where it has none.
void fault_trap(struct thread *thread, const struct hal_trap *trap);

// A thread's own budget ended: a fault to its time-out handler, if that is an endpoint.  False: no
// such handler, it just waits; a notification is signalled.
MUST_USE bool fault_timeout(struct thread *thread, uint64_t used);

// A thread lost lent time and goes on: tell its time-out handler, if it has one: a notification is
// signalled, an endpoint gets a one-way message if somebody receives there.
void fault_tell_timeout(struct thread *thread, uint64_t used);

// Put the message for thread->trap into a receiver's registers; returns the tag.  For natives and
// guests.
uint64_t fault_message(struct thread *thread, struct thread *receiver);

// A trap of the current thread, to a handler that waits for it with a context of its own: delivered
// by a direct switch.  False: nothing was done, ipc_send_trap does it.
MUST_USE bool fault_pass(struct thread *thread, const struct cap *handler,
                         enum thread_sending sending);

// The handler answered with this tag: label 0 lets the thread go on, any other leaves it suspended.
void fault_answered(struct thread *thread, uint64_t tag);
