// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// An invocation that is preempted, and whose capability has gone when it is to be restarted: the
// next one does not go on with its words.
#include "actor.h"

#define CROWD_BITS  19u
#define CROWD       8000u
#define TRIES       300u
#define MOMENTS     60u  // that they go through, again and again: a busy host moves them
#define BUDGET      60000ull
#define PERIOD      150000ull  // of the first try; each is longer, so that the thief comes at
#define PERIOD_STEP 50000ull   // other moments

static struct actor revoker, thief;
static cap_t table, victim, other;
static volatile bool begun, ended;
static struct rt_status first;
static struct captable_identify_result second;

static void revoker_main(uint64_t argument)
{
    (void)argument;
    begun = true;
    first = captable_revoke(table, victim);
    ended = true;
    second = captable_identify(ROOT_SLOT_CSPACE, other);
    rt_ignore(notification_wait(revoker.go).status);
}

// More urgent, with little time in each short period: it is released while the other revokes.
static void thief_main(uint64_t argument)
{
    (void)argument;
    while (!begun) {}
    rt_ignore(captable_delete(ROOT_SLOT_CSPACE, table));  // a restart makes it finish
    rt_ignore(notification_wait(thief.go).status);
}

static void restart_try(cap_t crowd, uint64_t period)
{
    begun = ended = false;
    victim = make(KIND_ENDPOINT, 6);
    other = make(KIND_NOTIFICATION, 6);
    must(rt_cap_copy(ROOT_SLOT_CSPACE, RIGHT_ALL, &table), "copying the table's capability");
    for (unsigned slot = 1; slot < CROWD; slot++) {
        must(captable_copy(crowd, slot, ROOT_SLOT_CSPACE, victim, RIGHT_ALL), "filling the crowd");
    }
    actor_make(&revoker, revoker_main, 0, 0);
    actor_make(&thief, thief_main, 0, RT_NO_CONTEXT);
    cap_t context = 0;
    must(rt_context_new(BUDGET, period, &context), "making a context");
    must(thread_set_priority(thief.thread.cap, ACTOR_PRIORITY + 1, ACTOR_PRIORITY + 1), "priority");
    must(sched_context_bind(context, thief.thread.cap, SCHED_OWN), "binding");
    actor_start(&thief);
    settle();
    actor_start(&revoker);
    while (!ended || !begun) {
        settle();
    }
    settle();
    actor_delete(&thief);
    actor_delete(&revoker);
    rt_object_delete(context);
    rt_cap_delete(table);
    rt_object_delete(victim);
    rt_object_delete(other);
}

void restart_without_capability(void)
{
    cap_t crowd = make(KIND_CAPTABLE, CROWD_BITS);
    bool seen = false;
    for (unsigned i = 0; i < TRIES && !seen; i++) {
        restart_try(crowd, PERIOD + i % MOMENTS * PERIOD_STEP);
        EXPECT_OK(second.status);
        EXPECT_EQUAL(second.kind_rights & 0xff, KIND_NOTIFICATION);
        seen = rt_error(first) == ERR_SLOT;
    }
    EXPECT(seen);
    rt_object_delete(crowd);
}
