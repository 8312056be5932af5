// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Entries into the core: system calls, traps, interrupts, the timer.  Entry code has taken the
// kernel lock and drops it afterwards.
#include "check.h"
#include "cpu.h"
#include "entry.h"
#include "fault.h"
#include "guest.h"
#include "invoke.h"
#include "io.h"
#include "ipc.h"
#include "irq.h"
#include "notification.h"
#include "preempt.h"
#include "sched.h"

#include <hal/cpu.h>

#include <abi/message.h>

enum syscall {
#define SYSCALL(number, name, args, fails, text) SYS_##name = (number),
#if PITH_DEBUG
# define DEBUG_SYSCALL SYSCALL
#else
# define DEBUG_SYSCALL(number, name, args, fails, text)
#endif
#include <abi/syscalls.def>
#undef SYSCALL
#undef DEBUG_SYSCALL
};

static struct thread *thread_of_context(struct arch_context *context)
{
    return CONTAINER_OF(context, struct thread, context);
}

// Last in every entry: whoever is to run next is made current.
static inline void leave(void)
{
    sched_exit(hal_cpu());
}

static enum err dispatch(struct thread *thread, uint64_t number)
{
    struct arch_context *context = &thread->context;
    uint64_t slot = hal_context_slot(context);
    uint64_t tag = hal_context_tag(context);
    uint64_t third = hal_context_third(context);
    if (number == SYS_call) {
        return ipc_send(thread, slot, tag, SENDING_CALL, true);
    }
    if (number == SYS_reply_recv) {
        return ipc_reply_receive(thread, slot, tag, third);
    }
    switch (number) {
    case SYS_send: return ipc_send(thread, slot, tag, SENDING_SEND, true);
    case SYS_nb_send: return ipc_send(thread, slot, tag, SENDING_SEND, false);
    case SYS_recv: return ipc_receive(thread, slot, third, true);
    case SYS_nb_recv: return ipc_receive(thread, slot, third, false);
    case SYS_reply: return ipc_reply(thread, slot, tag, 0);
    case SYS_invoke: return invoke(thread, slot, tag);
    case SYS_invoke_batch: return invoke_batch(thread, slot, tag, third);
    default: return ERR_OP;
    }
}

// Another CPU may have stopped a thread that was on its way into the kernel, or taken its time:
// then what it came for has not happened yet.
static inline bool too_late(const struct thread *thread)
{
    return UNLIKELY(thread->place == PLACE_DISPLACED);
}

void kernel_syscall(struct arch_context *context)
{
    struct thread *thread = thread_of_context(context);
    enum err error = too_late(thread) ? ERR_RETRY : dispatch(thread, hal_context_number(context));
    if (error == ERR_PREEMPTED || error == ERR_RETRY) {
        hal_context_restart(context);
    } else if (error != ERR_BLOCKED) {
        hal_context_set_result(context, error);
    }
    leave();
}

// Beyond the last.
static COLD enum err dispatch_debug(uint64_t number, uint64_t argument)
{
#if PITH_DEBUG
    switch (number) {
    case SYS_debug_putc: hal_console_put((char)argument); return ERR_OK;
    case SYS_debug_check: check_invariants(); return ERR_OK;
    case SYS_debug_panic: kernel_panic(__FILE__, __LINE__, "asked for");
    default: return ERR_OP;
    }
#else
    (void)number;
    (void)argument;
    return ERR_OP;
#endif
}

// The system calls that have nothing to do with message words, those that should be short first.
static inline enum err dispatch_light(struct thread *thread, uint64_t number)
{
    uint64_t slot = hal_context_slot(&thread->context);
    if (number == SYS_yield) {
        sched_give_way(hal_cpu());
        return ERR_OK;
    }
    if (number > SYS_yield) {
        return LIKELY(number == SYS_null) ? ERR_OK : dispatch_debug(number, slot);
    }
    return LIKELY(number == SYS_signal) ? notification_signal_slot(thread, slot)
                                        : notification_wait(thread, slot, number == SYS_wait);
}

void kernel_syscall_light(struct arch_context *context, uint64_t number)
{
    struct thread *thread = thread_of_context(context);
    if (too_late(thread)) {
        hal_context_restart_light(context, number);
        leave();
        return;
    }
    enum err error = dispatch_light(thread, number);
    if (error != ERR_BLOCKED) {
        hal_context_set_result(context, error);
    }
    leave();
}

void kernel_syscall_guest(struct arch_context *context)
{
    struct thread *thread = thread_of_context(context);
    if (too_late(thread)) {
        hal_context_restart(context);
    } else {
        guest_trap(thread, &(struct hal_trap){ .label = GUEST_SYSCALL });
    }
    leave();
}

void kernel_trap(struct arch_context *context, const struct hal_trap *trap)
{
    struct thread *thread = thread_of_context(context);
    if (thread->state != THREAD_READY) {
        // Suspended on its way in: that cancels the trap.
    } else if (thread->flags & THREAD_GUEST) {
        guest_trap(thread, trap);
    } else {
        fault_trap(thread, trap);
    }
    leave();
}

// What an interrupt costs is paid by whom it is for, also where who that is is found out by the
// next one (sched_pause).
static inline void interrupt_enter(void)
{
    if (LIKELY(!hal_cpu()->stamp)) {
        hal_cpu()->stamp = hal_clock();
    }
}

static inline void interrupt_leave(void)
{
    leave();
    hal_cpu()->stamp = 0;
}

void kernel_interrupt(unsigned irq)
{
    interrupt_enter();
    irq_arrived(irq);
    interrupt_leave();
}

void kernel_iommu(void)
{
    io_faults();
    leave();
}

void kernel_timer(void)
{
    hal_cpu()->stamp = hal_clock();  // what is due is so now
    // What is left is about as long as what is done.
    if (sched_timer(hal_cpu()) && UNLIKELY(preempt_point(PREEMPT_WORK))) {
        sched_pause(hal_cpu());
    } else {
        interrupt_leave();
    }
}

void kernel_resched(void)
{
    interrupt_enter();
    sched_poked(hal_cpu());
    hal_cpu()->fresh = true;
    interrupt_leave();
    hal_cpu()->fresh = false;
}
