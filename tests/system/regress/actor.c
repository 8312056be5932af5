// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Making and deleting the threads of the checks.
#include "actor.h"

static struct rt_thread settler;
static cap_t settle_ask, settle_answer;

void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status)) {
        rt_panic("%s: error %lx", what, status.word);
    }
}

cap_t make(enum rt_kind kind, unsigned bits)
{
    cap_t slot = 0;
    must(rt_object_new(kind, bits, &slot), "making an object");
    return slot;
}

void actor_make(struct actor *actor, void (*entry)(uint64_t argument), uint64_t argument,
                uint64_t budget)
{
    struct rt_thread_config config = {
        .entry = entry, .argument = argument, .priority = ACTOR_PRIORITY, .budget = budget
    };
    *actor = (struct actor){ .go = make(KIND_NOTIFICATION, 6) };
    must(rt_thread_new(&actor->thread, &config), "making an actor");
}

void actor_start(struct actor *actor)
{
    must(rt_thread_start(&actor->thread), "starting an actor");
}

void actor_start_passive(struct actor *actor, cap_t context)
{
    must(sched_context_bind(context, actor->thread.cap, SCHED_OWN), "lending time to an actor");
    actor_start(actor);
    settle();
    must(sched_context_unbind(context), "taking time back");
}

void actor_delete(struct actor *actor)
{
    rt_thread_delete(&actor->thread);
    rt_object_delete(actor->go);
}

static void settler_loop(uint64_t argument)
{
    (void)argument;
    for (;;) {
        if (rt_ok(notification_wait(settle_ask).status)) {
            rt_ignore(notification_signal(settle_answer));  // both live as long as this thread
        }
    }
}

void settle(void)
{
    EXPECT_OK(notification_signal(settle_ask));
    EXPECT_OK(notification_wait(settle_answer).status);
    rt_ignore(rt_debug_check());  // a release kernel has none
}

void settle_init(void)
{
    struct rt_thread_config config = { .entry = settler_loop, .priority = 1 };
    settle_ask = make(KIND_NOTIFICATION, 6);
    settle_answer = make(KIND_NOTIFICATION, 6);
    must(rt_thread_new(&settler, &config), "making the settler");
    must(rt_thread_start(&settler), "starting the settler");
}
