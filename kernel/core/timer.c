// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Operations of timers (abi/ops.def).  A timer has the priority of whoever armed it: it interrupts
// only what is less important.  It goes off once, and whoever arms it has paid for that.
#include "timer.h"

#include "notification.h"
#include "preempt.h"
#include "sched.h"

static struct timer *timer_of(const struct cap *cap)
{
    return (struct timer *)cap->address;
}

void timer_init(struct cap *original)
{
    struct timer *timer = timer_of(original);
    timer->alarm.kind = ALARM_TIMER;
    binding_init(&timer->notification);
}

enum err timer_destroy_step(struct cap *original)
{
    struct timer *timer = timer_of(original);
    if (timer->alarm.set) {
        alarm_clear(&timer->alarm);
        return ERR_AGAIN;
    }
    binding_clear(&timer->notification);
    return ERR_OK;
}

enum err op_timer_bind(struct invocation *inv)
{
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    return binding_set(inv, &timer_of(inv->self)->notification);
}

enum err op_timer_arm(struct invocation *inv)
{
    struct timer *timer = timer_of(inv->self);
    uint64_t deadline = inv->words[0];
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    if (deadline > TIMER_MAX) {
        return err_blame(ERR_RANGE, 1);
    }
    if (timer->alarm.set) {
        alarm_clear(&timer->alarm);
        timer->moving = true;
        if (preempt_point(60)) {
            return ERR_PREEMPTED;
        }
    }
    preempt_work(60);
    // One that is moved has been paid for, but the interrupt may come where it was, for nothing.
    sched_pay(timer->moving ? SCHED_INTERRUPT_TICKS : SCHED_ALARM_TICKS);
    timer->moving = false;
    alarm_set(hal_cpu(), &timer->alarm, deadline, inv->thread->priority);
    return ERR_OK;
}

enum err op_timer_cancel(struct invocation *inv)
{
    struct timer *timer = timer_of(inv->self);
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    inv->words[0] = timer->alarm.set;
    inv->results = 1;
    timer->moving = false;
    alarm_clear(&timer->alarm);
    return ERR_OK;
}
