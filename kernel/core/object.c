// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The table of kinds: how each object is made and destroyed.
#include "object.h"

#include "aspace.h"
#include "captable.h"
#include "endpoint.h"
#include "io.h"
#include "irq.h"
#include "notification.h"
#include "reply.h"
#include "sched_context.h"
#include "thread.h"
#include "timer.h"

static void nothing_init(struct cap *original)
{
    (void)original;
}

static enum err nothing_destroy(struct cap *original)
{
    (void)original;
    return ERR_OK;
}

static const struct {
    void (*init)(struct cap *original);
    enum err (*destroy_step)(struct cap *original);
} kinds[KIND_COUNT] = {
    [KIND_EMPTY] = { nothing_init, nothing_destroy },
    [KIND_UNTYPED] = { nothing_init, nothing_destroy },
    [KIND_CAPTABLE] = { captable_init, nothing_destroy },  // emptied by the capability code itself
    [KIND_FRAME] = { nothing_init, nothing_destroy },
    [KIND_PAGETABLE] = { nothing_init, pagetable_detach },
    [KIND_ADDRESS_SPACE] = { aspace_init, aspace_destroy_step },
    [KIND_THREAD] = { thread_init, thread_destroy_step },
    [KIND_SCHED_CONTEXT] = { sched_context_init, sched_context_destroy_step },
    [KIND_ENDPOINT] = { endpoint_init, endpoint_destroy_step },
    [KIND_REPLY] = { reply_init, reply_destroy_step },
    [KIND_NOTIFICATION] = { notification_init, notification_destroy_step },
    [KIND_IRQ_HANDLER] = { nothing_init, irq_destroy_step },
    [KIND_IO_PORTS] = { nothing_init, nothing_destroy },
    [KIND_SCHED_CONTROL] = { nothing_init, nothing_destroy },
    [KIND_IRQ_CONTROL] = { nothing_init, nothing_destroy },
    [KIND_IO_CONTROL] = { nothing_init, nothing_destroy },
    [KIND_IO_DEVICE] = { nothing_init, io_device_destroy_step },
    [KIND_POWER_CONTROL] = { nothing_init, nothing_destroy },
    [KIND_TIMER] = { timer_init, timer_destroy_step },
};

void object_init(struct cap *original)
{
    hal_call((uintptr_t)kinds[original->kind].init, original);
}

enum err object_destroy_step(struct cap *original)
{
    return (enum err)hal_call((uintptr_t)kinds[original->kind].destroy_step, original);
}

enum err object_detach(struct cap *cap)
{
    return cap->kind == KIND_FRAME && cap->flags & CAP_ATTACHED ? frame_detach(cap) : ERR_OK;
}

void object_internal_cleared(struct cap *slot)
{
    thread_slot_changed(slot);
}

void object_moved(struct cap *to, struct cap *from)
{
    aspace_cap_moved(to, from);
}
