// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Contexts of time: a budget per period, kept in replenishments as a sporadic server has them
// (Sprunt, Sha, Lehoczky 1989; Stanovich et al. 2010): what is used comes back one period after it
// was there.  Who pauses for long begins anew; a short pause moves nothing (decision 0014).  A
// budget equal to its period is a time slice.
#pragma once

#include "alarm.h"
#include "cap.h"
#include "object.h"
#include "thread.h"

#define SCHED_REFILLS    16
#define SCHED_MIN_TICKS  1000ull  // least part of a budget; less is not worth a switch
#define SCHED_MIN_BUDGET (4 * SCHED_MIN_TICKS)
#define SCHED_MAX_TICKS  (1ull << 48)  // longest period
// What two interrupts cost besides what is accounted for, in instructions (docs/decisions/0014): at
// the end of a budget, and when the context comes back.  What comes then pays for them.
#define SCHED_REFILL_TICKS 500u
// The same for each further loan that is taken back because the budget has ended, an interrupt
// each.
#define SCHED_RECALL_TICKS 1000u

struct refill {
    uint64_t time;  // not before
    uint64_t amount;
};

struct sched_context {
    uint8_t object_kind;
    uint8_t cpu;
    uint8_t role;          // SCHED_OWN, SCHED_FALLBACK: of `bound`
    uint8_t first, count;  // replenishments, a ring
    bool waiting;          // for its alarm: nobody runs on it before
    bool slice;            // the budget is the whole period: a time slice, refills[0]
    // Both are the CPU's number for a slice that does not wait, which is switched to and from in a
    // few steps; otherwise each is a value that the other never has.
    uint8_t simple_from, simple_to;
    uint32_t share;  // millionths admitted through a limited SchedControl
    struct thread
        *thread;           // that uses it now; NULL: none (also while parked with a caller's Reply)
    struct thread *bound;  // that it belongs to
    struct reply *reply;   // the last call that lent it; NULL: its own thread has it
    uint64_t budget, period, used;
    struct alarm alarm;  // the end of its waiting
    struct refill refills[SCHED_REFILLS];
};
#define SCHED_CONTEXT_BITS 9
_Static_assert(sizeof(struct sched_context) <= 1u << SCHED_CONTEXT_BITS, "size");

#define SIMPLE_NOT_FROM 0xfe
#define SIMPLE_NOT_TO   0xff

// After a change of slice, waiting or cpu.
static inline void sched_context_simple(struct sched_context *context)
{
    bool simple = context->slice && !context->waiting;
    context->simple_from = simple ? context->cpu : SIMPLE_NOT_FROM;
    context->simple_to = simple ? context->cpu : SIMPLE_NOT_TO;
}

// The CPU that a context belongs to.
static inline struct cpu *sched_context_cpu(const struct sched_context *context)
{
    return hal_cpu_at(context->cpu);
}

static inline struct sched_context *sched_context_of(const struct cap *cap)
{
    return (struct sched_context *)cap->address;
}

static inline struct refill *sched_context_head(struct sched_context *context)
{
    return &context->refills[context->first];
}

static inline bool sched_context_ready(const struct sched_context *context, uint64_t now)
{
    return context->refills[context->first].time <= now;
}

// Does the charge of `used` ticks begin a new turn, behind those who wait?  (More than a budget,
// which a long operation uses: it may.)
static inline bool sched_context_turn_ends(const struct sched_context *context, uint64_t used,
                                           uint64_t now)
{
    return UNLIKELY(used >= context->refills[context->first].amount) &&
           (context->slice || used >= context->budget ||
            context->refills[(context->first + 1) % SCHED_REFILLS].time <= now);
}
// Charge `used` ticks.  True where the budget that was available is used up.
bool sched_context_charge(struct sched_context *context, uint64_t used, uint64_t now);
// Take what interrupts cost from what is left, or comes next.  Time slices never end: not for them.
void sched_context_pay(struct sched_context *context, uint64_t ticks);
// The context begins to be used after a long pause: replenishments count from now.
void sched_context_begin(struct sched_context *context, uint64_t now);
// The context is used again after others ran.  What it could have used long ago it is not given in
// addition to what comes now: within any time, it uses at most one budget more than its periods
// in that time bring.
static inline void sched_context_resume(struct sched_context *context, uint64_t now)
{
    if (!context->slice &&
        UNLIKELY(sched_context_head(context)->time + context->period < now + context->budget)) {
        sched_context_begin(context, now);
    }
}
// A rest of a slice that is not worth a switch.  Who waits for a notification has a new slice for
// it when he is woken, behind his peers: it does not end just as he begins to handle an interrupt.
static inline bool sched_context_short(const struct sched_context *context)
{
    return UNLIKELY(context->refills[0].amount < SCHED_MIN_TICKS) && context->slice;
}
// Wait until `amount` (at most the budget) comes in one piece.
void sched_context_gather(struct sched_context *context, uint64_t amount);

void sched_context_init(struct cap *original);
MUST_USE enum err sched_context_destroy_step(struct cap *original);
MUST_USE enum err op_sched_context_configure(struct invocation *inv);
MUST_USE enum err op_sched_context_bind(struct invocation *inv);
MUST_USE enum err op_sched_context_unbind(struct invocation *inv);
MUST_USE enum err op_sched_context_consumed(struct invocation *inv);
