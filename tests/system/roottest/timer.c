// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Timers: once, again and again, in the past, cancelled; and whom they interrupt.
#include "agent.h"
#include "dying.h"
#include "groups.h"

#define BADGE  0x40u
#define SOON   200000u  // ticks
#define PERIOD 100000u
#define LATEST (1ull << 63)

static uint64_t now(void)
{
    return __builtin_ia32_rdtsc();
}

struct set {
    cap_t timer, notification, badged;
};

static struct set set_make(void)
{
    struct set set = { make(KIND_TIMER), make(KIND_NOTIFICATION), 0 };
    set.badged = mint(set.notification, RIGHT_WRITE, BADGE);
    EXPECT_OK(timer_bind(set.timer, set.badged));
    return set;
}

static void set_delete(struct set *set)
{
    rt_object_delete(set->timer);
    rt_cap_delete(set->badged);
    rt_object_delete(set->notification);
}

static void expect_fired(const struct set *set)
{
    struct notification_result fired = notification_wait(set->notification);
    EXPECT_OK(fired.status);
    EXPECT_EQUAL(fired.word, BADGE);
}

static void expect_quiet(const struct set *set)
{
    EXPECT_ERR(SYS_poll, notification_poll(set->notification).status, ERR_AGAIN, 0);
}

static void spin_until(uint64_t time)
{
    while (now() < time) {
        __asm__ volatile("pause");
    }
}

static void arm_refuses(void)
{
    struct set set = set_make();
    refuse(OP_TIMER_ARM, set.timer, WORDS(LATEST + 1), ERR_RANGE, 1);
    refuse_rights(OP_TIMER_ARM, set.timer, WORDS(LATEST));
    refuse_rights(OP_TIMER_CANCEL, set.timer, WORDS(0));
    refuse_rights(OP_TIMER_BIND, set.timer, WORDS(0));
    refuse_cap(OP_TIMER_BIND, set.timer, WORDS(set.notification), 1);
    EXPECT_EQUAL(timer_cancel(set.timer).armed, 0);
    set_delete(&set);
}

static void fires_once(void)
{
    struct set set = set_make();
    uint64_t deadline = now() + SOON;
    EXPECT_OK(timer_arm(set.timer, deadline));
    expect_fired(&set);
    EXPECT(now() >= deadline);
    EXPECT_EQUAL(timer_cancel(set.timer).armed, 0);
    settle();
    expect_quiet(&set);
    set_delete(&set);
}

static void past_fires_at_once(void)
{
    struct set set = set_make();
    EXPECT_OK(timer_arm(set.timer, 0));
    expect_fired(&set);
    EXPECT_OK(timer_arm(set.timer, now()));
    expect_fired(&set);
    set_delete(&set);
}

// Armed anew each time from where it was, it keeps the beat however late it is seen.
static void keeps_the_beat(void)
{
    struct set set = set_make();
    uint64_t begin = now(), beats = 5;
    for (uint64_t i = 1; i <= beats; i++) {
        EXPECT_OK(timer_arm(set.timer, begin + i * PERIOD));
        expect_fired(&set);
        EXPECT(now() >= begin + i * PERIOD);
        spin_until(now() + PERIOD / 4);
    }
    EXPECT(now() < begin + (beats + 1) * PERIOD);
    set_delete(&set);
}

static void cancelled_stays_quiet(void)
{
    struct set set = set_make();
    uint64_t deadline = now() + SOON;
    EXPECT_OK(timer_arm(set.timer, deadline));
    EXPECT_EQUAL(timer_cancel(set.timer).armed, 1);
    spin_until(deadline + SOON);
    settle();
    expect_quiet(&set);
    EXPECT_OK(timer_arm(set.timer, deadline));  // replaced before it is seen to
    EXPECT_OK(timer_arm(set.timer, LATEST));
    rt_ignore(notification_poll(set.notification).status);
    settle();
    expect_quiet(&set);
    set_delete(&set);
}

static void ends_quietly(void)
{
    struct set set = set_make();
    EXPECT_OK(timer_arm(set.timer, now() + SOON));
    EXPECT_OK(timer_bind(set.timer, 0));
    settle();
    expect_quiet(&set);
    EXPECT_OK(timer_bind(set.timer, set.badged));
    expect_fired(&set);
    rt_object_delete(set.timer);
    rt_ignore(notification_poll(set.notification).status);
    spin_until(now() + 3 * PERIOD);
    settle();
    expect_quiet(&set);
    set.timer = make(KIND_TIMER);
    EXPECT_OK(timer_bind(set.timer, set.badged));
    EXPECT_OK(timer_arm(set.timer, now() + SOON));
    rt_cap_delete(set.badged);  // its derived one goes on
    set.badged = mint(set.notification, RIGHT_WRITE, BADGE);
    expect_fired(&set);
    set_delete(&set);
}

#define MANY 40u

static void many_at_once(void)
{
    struct set set = set_make();
    cap_t timers[MANY], badges[MANY];
    uint64_t deadline = now() + 10ull * SOON, seen = 0, all = 0;
    for (unsigned i = 0; i < MANY; i++) {
        timers[i] = make(KIND_TIMER);
        badges[i] = mint(set.notification, RIGHT_WRITE, 1ull << i);
        EXPECT_OK(timer_bind(timers[i], badges[i]));
        EXPECT_OK(timer_arm(timers[i], deadline + i % 3));
        all |= 1ull << i;
    }
    while (seen != all) {
        struct notification_result fired = notification_wait(set.notification);
        EXPECT_OK(fired.status);
        EXPECT_EQUAL(fired.word & seen, 0);
        seen |= fired.word;
    }
    for (unsigned i = 0; i < MANY; i++) {
        rt_object_delete(timers[i]);
        rt_cap_delete(badges[i]);
    }
    set_delete(&set);
}

// A timer that was armed by somebody less important waits until the CPU comes down to it; one that
// was armed by somebody more important does not.
static void less_important_waits(void)
{
    struct set set = set_make();
    struct agent low;
    agent_make(&low, &(struct agent_config){ 0 });
    uint64_t deadline = now() + SOON;
    EXPECT_OK(agent_invoke(&low, OP_TIMER_ARM, set.timer, WORDS(deadline)));
    spin_until(deadline + SOON);
    expect_quiet(&set);
    expect_fired(&set);
    agent_delete(&low);
    set_delete(&set);
}

static cap_t probe_timer;

static void probe_bind(cap_t victim)
{
    test_hit(OP_TIMER_BIND, timer_bind(probe_timer, victim));
}

static bool bind_seen(void)
{
    return test_was_hit(OP_TIMER_BIND, ERR_DEAD, 1);
}

static void dying_notification_refused(void)
{
    struct dying dying = { .probe = probe_bind, .done = bind_seen };
    cap_t notification = make(KIND_NOTIFICATION);
    probe_timer = make(KIND_TIMER);
    EXPECT(dying_observe(&dying, notification));
    rt_object_delete(probe_timer);
    rt_object_delete(notification);
}

GROUP(timer, TEST(arm_refuses), TEST(fires_once), TEST(past_fires_at_once), TEST(keeps_the_beat),
      TEST(cancelled_stays_quiet), TEST(ends_quietly), TEST(many_at_once),
      TEST(less_important_waits), TEST(dying_notification_refused));
