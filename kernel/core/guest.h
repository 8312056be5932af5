// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Guest threads: every trap is a message to the handler; the answer comes by the Thread capability.
#pragma once

#include "thread.h"

// The current thread, a guest, trapped (label GUEST_SYSCALL, FAULT_PAGE, FAULT_EXCEPTION or
// GUEST_KICK).
void guest_trap(struct thread *guest, const struct hal_trap *trap);

// Write the guest frame, which there is; and have the guest go on as it says.
void guest_frame_write(struct thread *guest, const struct hal_trap *trap);
void guest_frame_load(struct thread *guest);

// The message of a guest's system call; returns the tag.
uint64_t guest_message(struct thread *guest, struct thread *receiver);

// Answer a stopped guest on behalf of `handler`, whose words say what to do (abi/thread.h,
// GUEST_*).  May be refused or preempted; then nothing has changed but what was mapped.
MUST_USE enum err guest_resume(struct thread *handler, struct thread *guest, uint64_t tag);

// The same, and then `handler`, the current thread, receives from `endpoint` without a Reply.
MUST_USE enum err guest_answer_receive(struct thread *handler, struct endpoint *endpoint,
                                       struct thread *guest, uint64_t tag);

// Deliver one KICK at the guest's next user-mode boundary.
void guest_kick(struct thread *guest);
// Called before a return to user mode: a kicked guest that is about to run traps instead.
void guest_deliver_kick(struct thread *guest);
