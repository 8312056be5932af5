// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Who runs: ready queues, contexts of time, accounting.  All guarded by the kernel lock.
//
// A thread runs where its context says.  Any CPU changes the queues of any other, with the lock;
// what another CPU is to notice is left there and the CPU is poked.  A thread that another CPU runs
// cannot be taken away at once: it is displaced, and that CPU passes it on.
//
// A ready queue holds only threads that could run and do not (Benno scheduling): the running thread
// is in none.  A thread runs when it is READY and its context (`sched`) has budget; where there is
// none when its turn comes it waits among the alarms (alarm.h) for the next replenishment.  The
// clock is read only when the context changes.
#pragma once

#include "cpu.h"
#include "sched_context.h"
#include "thread.h"

// A thread stops waiting: READY from now on, with a context if it has any, in a queue if it has
// budget (behind its peers).
void sched_wake(struct thread *thread);
// The same, in front of its peers: for who is served by a direct switch.
void sched_wake_first(struct thread *thread);

// A thread is no longer to run (its state says so already, or its context is about to change): out
// of its queue; on its way out of another CPU that runs it (PLACE_DISPLACED).
void sched_remove(struct thread *thread);

// Whether a CPU runs the thread (in user mode, or on its way out of it).
bool sched_is_current(const struct thread *thread);

// Whether its vector registers are in another CPU's hardware.
bool sched_vector_elsewhere(const struct thread *thread);

// Ask the CPU that has a thread, or its vector registers, to let go.
void sched_displace(struct cpu *cpu, struct thread *thread);

// Something changed that `cpu` must look at before it goes on in user mode.
void sched_poke(struct cpu *cpu);

// Give `context` to a thread as the one in use (NULL: none), leaving its old one unused.  Does not
// queue.
void sched_assign(struct thread *thread, struct sched_context *context);

// A thread loses the context it uses, and goes on with its own or its fall-back one, if that is
// another.
void sched_drop(struct thread *thread);

// The context to run on when nobody lends time.
static inline struct sched_context *sched_home(const struct thread *thread)
{
    return thread->own ? thread->own : thread->fallback;
}

// Does a thread run on time lent by a caller?
static inline bool sched_lent(const struct thread *thread)
{
    return thread->sched && thread->sched != thread->own && thread->sched != thread->fallback;
}

// A thread begins to wait for a message or notification: the caller's time waits with its Reply, a
// fall-back context is not held. Whoever receives uses its own context or none.
static inline void sched_park(struct thread *thread)
{
    if (thread->sched != thread->own) {
        sched_assign(thread, thread->own);
    }
}

// Decide who runs next on this CPU and make it current.
void sched_choose(struct cpu *cpu);

// Last thing before each return to user mode.  Whatever could change the choice has set `resched`.
static inline void sched_exit(struct cpu *cpu)
{
    if (cpu->resched) {
        sched_choose(cpu);
    }
}

// The state of a thread that is not to run now.
static inline void sched_block(struct thread *thread, enum thread_state state)
{
    thread->state = (uint8_t)state;
    hal_cpu()->resched = true;
}

// The current thread lets its peers run.
void sched_give_way(struct cpu *cpu);

// Who runs is chosen later: an interrupt to itself brings the CPU back at once, before the current
// context executes anything, after whoever waits for the lock and whatever interrupt waits.
void sched_pause(struct cpu *cpu);

// The timer fired: charge, see to an alarm.  False: nothing was due.
MUST_USE bool sched_timer(struct cpu *cpu);

// An interrupt from another CPU.
void sched_poked(struct cpu *cpu);

// Change a priority, re-queueing the thread wherever it waits in order of priority.
void sched_set_priority(struct thread *thread, unsigned priority);

// Charge the context in use on this CPU until now; returns the clock.  What has no budget left
// waits from now on.
uint64_t sched_charge(struct cpu *cpu);

// The current thread is being switched away from although it could go on.
void sched_preempted(struct cpu *cpu, struct thread *thread);

// Switch the accounting from the context in use (there is one) to `next` where both have budget.
// False: nothing was changed.
MUST_USE bool sched_account_general(struct cpu *cpu, struct sched_context *next);

// The clock, to account by: within an interrupt it stands still, so that what the kernel does is
// paid by whom the interrupt is for, if that one runs next.
static inline uint64_t sched_clock(const struct cpu *cpu)
{
    return UNLIKELY(cpu->stamp) ? cpu->stamp : hal_clock();
}

// Whether the current thread surely has so much budget left, before what it used has been counted.
static inline bool sched_has_budget(const struct cpu *cpu, const struct thread *thread,
                                    uint64_t amount)
{
    uint64_t used = hal_clock() - cpu->since;
    return thread->sched && !thread->gathered &&
           (int64_t)(sched_context_head(thread->sched)->amount - used - amount) >= 0;
}

// The current context pays for interrupts that it causes, before or after they come: they are not
// always handled in its time.  What each costs at most, with the way into the kernel and out of it,
// in instructions (docs/decisions/0014): an alarm, an interrupt of a device.  The timer goes off as
// much earlier, so that nobody owes more than was paid last.
#define SCHED_ALARM_TICKS     1500u
#define SCHED_INTERRUPT_TICKS 400u
void sched_pay(uint64_t ticks);

// The same in a few steps, where it is as simple as that; otherwise as `other` does it.
static inline __attribute__((always_inline)) MUST_USE bool sched_account_by(
    struct cpu *cpu, struct sched_context *next, bool interrupt,
    bool (*other)(struct cpu *cpu, struct sched_context *next))
{
    struct sched_context *old = cpu->sched;
    if (next == old) {
        return true;
    }
    if (UNLIKELY(old->simple_from != next->simple_to)) {
        return other(cpu, next);
    }
    uint64_t now = interrupt ? sched_clock(cpu) : hal_clock();
    uint64_t used = now - cpu->since;
    uint64_t left = old->refills[0].amount - used;
    uint64_t deadline = now + next->refills[0].amount;
    if (UNLIKELY((int64_t)left <= 0) || UNLIKELY(deadline < cpu->timer)) {
        return other(cpu, next);
    }
    old->refills[0].amount = left;
    old->used += used;
    cpu->since = now;
    cpu->sched = next;
    return true;
}

// The same where it may be an interrupt that is being handled, and where it is none.
static inline MUST_USE bool sched_account_any(struct cpu *cpu, struct sched_context *next)
{
    return sched_account_by(cpu, next, true, sched_account_general);
}

static inline MUST_USE bool sched_account(struct cpu *cpu, struct sched_context *next)
{
    return sched_account_by(cpu, next, false, sched_account_general);
}

// Wake `next`, which outranks the current thread and all others, by a direct switch.  False: it is
// not that simple, and nothing was done.
static inline MUST_USE bool sched_pass(struct thread *next)
{
    struct cpu *cpu = hal_cpu();
    struct thread *current = cpu->current;
    if (UNLIKELY(cpu->resched) || UNLIKELY(!current) || next->priority <= current->priority ||
        next->priority <= cpu->ready_top || UNLIKELY(!hal_vector_idle()) ||
        UNLIKELY((next->flags & (THREAD_ACTIVE | THREAD_VECTOR)) != THREAD_ACTIVE) ||
        sched_context_short(next->sched) || UNLIKELY(!sched_account_any(cpu, next->sched))) {
        return false;
    }
    next->state = THREAD_READY;
    sched_preempted(cpu, current);
    cpu->current = next;
    hal_switch(&next->context, next->translation);
    return true;
}

// The budget of a context is used up (it has been charged), or less than somebody asks for.
void sched_exhausted(struct sched_context *context);
// Wait until `time`: nobody runs on the context before; the timer then looks at it.
void sched_wait(struct sched_context *context, uint64_t time);
void sched_unwait(struct sched_context *context);
