// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The observer's thread.
#include "observer.h"

#include <rt/memory.h>
#include <rt/panic.h>

#define GAPS_PAGES 1024u

static void wake(struct observer *observer, uint64_t now)
{
    if (observer->area->wake_at && now >= observer->area->wake_at) {
        observer->area->wake_at = 0;
        must(notification_signal(observer->wake), "wake");
    }
}

static void observe(struct observer *observer, struct trace *trace, uint64_t ticks)
{
    uint64_t last = trace->begin = trace_clock();
    uint64_t until = last + ticks;
    while (last < until) {
        uint64_t now = trace_clock();
        trace_step(trace, last, now);
        last = now;
        wake(observer, now);
    }
    trace->end = last;
}

static void observer_loop(uint64_t argument)
{
    struct observer *observer = (struct observer *)argument;
    while (!observer->area->ready && trace_clock() < observer->give_up) {
        wake(observer, trace_clock());
    }
    observe(observer, &(struct trace){ 0 }, observer->lead);
    observe(observer, &observer->trace, observer->length);
    must(notification_signal(observer->done), "done");
    for (;;) {
        wake(observer, trace_clock());
    }
}

void observer_run(struct observer *observer, const struct component *component, uint64_t lead,
                  uint64_t length)
{
    *observer = (struct observer){ .area = component->area,
                                   .wake = component->wake,
                                   .done = object_make(KIND_NOTIFICATION, SMALL_BITS),
                                   .lead = lead,
                                   .length = length,
                                   .give_up = trace_clock() + second };
    must(rt_map_new(GAPS_PAGES, PROT_READ | PROT_WRITE, &observer->memory), "memory");
    observer->trace.gaps = observer->memory.base;
    observer->trace.room = GAPS_PAGES * PAGE_SIZE / sizeof(struct gap);
    must(rt_thread_new(&observer->thread,
                       &(struct rt_thread_config){ .entry = observer_loop,
                                                   .argument = (uint64_t)observer,
                                                   .priority = OBSERVER_PRIORITY }),
         "observer");
    must(rt_thread_start(&observer->thread), "observer");
    must(notification_wait(observer->done).status, "wait");
    must(thread_suspend(observer->thread.cap), "suspend");
    if (!component->area->ready || component->area->status) {
        rt_panic("the component: ready %u, status %lu", component->area->ready,
                 component->area->status);
    }
}

void observer_delete(struct observer *observer)
{
    rt_thread_delete(&observer->thread);
    rt_map_delete(&observer->memory);
    rt_object_delete(observer->done);
}
