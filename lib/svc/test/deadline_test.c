// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The unchanged deadlines between a thread that calls and the one that watches it, in every order
// in which one takes over from the other at most SWITCHES times against its will: no call that was
// made outside of a deadline is cancelled, none is cancelled before its time, and each that blocks
// beyond its time is.
#include "../deadline.c"  // NOLINT(bugprone-suspicious-include)

#include <string.h>
#include <ucontext.h>

#include <stdio.h>
#include <stdlib.h>

#define SWITCHES     3u
#define STACK_BYTES  65536u
#define MOST_CHOICES 4096u
#define CALLER       0u
#define WATCHER      1u
#define LEAPS        2u
#define LENGTH       10u  // ticks of a deadline

enum blocked {
    RUNS,
    WITHIN,
    OUTSIDE
};

static struct {
    bool started, done;     // the second thread runs; the first has ended
    enum blocked blocked;   // what the first is blocked in
    bool cancelled;         // what it was blocked in last
    bool waiting, pending;  // the second one at its notification
    uint64_t time, due, begun;
    unsigned leaps;  // how often time passed while the clock was read
    bool armed;
} world;

// ---- all orders ---------------------------------------------------------------------------------
static ucontext_t contexts[2], main_context;
static unsigned char stacks[2][STACK_BYTES];
static unsigned current, switches;
static struct {
    unsigned char taken, count;
} choices[MOST_CHOICES];
static unsigned depth, replay;
static unsigned long executions, fired;

__attribute__((noreturn)) static void wrong(const char *what)
{
    fprintf(stderr, "FAIL %s, execution %lu\n", what, executions);
    exit(1);
}

static unsigned choose(unsigned count)
{
    if (depth == MOST_CHOICES) {
        wrong("an execution does not end");
    }
    if (depth >= replay) {
        choices[depth].taken = 0;
        choices[depth].count = (unsigned char)count;
    }
    return choices[depth++].taken;
}

static bool vary(void)
{
    while (depth && choices[depth - 1].taken + 1u == choices[depth - 1].count) {
        depth--;
    }
    if (!depth) {
        return false;
    }
    choices[depth - 1].taken++;
    replay = depth;
    return true;
}

static void pass_to(unsigned thread)
{
    unsigned from = current;
    if (thread != from) {
        current = thread;
        swapcontext(&contexts[from], &contexts[thread]);
    }
}

static bool can_run(unsigned thread)
{
    return thread == CALLER ? world.blocked != WITHIN && !world.done
                            : world.started && !(world.waiting && !world.pending);
}

void world_point(void)
{
    unsigned other = 1 - current;
    if (switches < SWITCHES && can_run(other) && choose(2)) {
        switches++;
        pass_to(other);
    }
}

// ---- the world ----------------------------------------------------------------------------------
static void time_to(uint64_t time)
{
    world.time = time > world.time ? time : world.time;
    if (world.armed && world.due <= world.time) {
        world.armed = false;
        world.pending = true;
        fired++;
    }
}

// Time passes while the first thread is blocked and the second one has nothing to do.
static void idle(void)
{
    while (!can_run(CALLER) && !can_run(WATCHER)) {
        if (!world.armed) {
            wrong("a call within a deadline blocks for ever");
        }
        time_to(world.due);
    }
}

uint64_t rt_clock(void)
{
    world_point();
    if (world.leaps < LEAPS && choose(2)) {
        world.leaps++;
        time_to(world.time + LENGTH);
    }
    return world.time;
}

uint64_t rt_ticks(uint64_t nanoseconds, uint64_t hz)
{
    (void)nanoseconds, (void)hz;
    return 1;
}

void rt_yield(void)
{
    if (!can_run(WATCHER)) {
        wrong("the first thread waits for one that does not run");
    }
    pass_to(WATCHER);
}

void rt_panic(const char *format, ...)
{
    wrong(format);
}

const struct component_grant *component_need(enum component_grant_kind kind, const char *name)
{
    static const struct component_grant grant = { 1 };
    (void)kind, (void)name;
    return &grant;
}

const struct component_info *component_info(void)
{
    static const struct component_info info = { 1 };
    return &info;
}

struct rt_status thread_resume(cap_t thread)
{
    (void)thread;
    world.started = true;
    return (struct rt_status){ true };
}

struct rt_status thread_cancel(cap_t thread)
{
    (void)thread;
    world_point();
    if (world.blocked == OUTSIDE) {
        wrong("a call outside of a deadline is cancelled");
    }
    if (world.blocked == WITHIN && world.time < world.begun + LENGTH) {
        wrong("a call is cancelled before its time");
    }
    bool was = world.blocked != RUNS;
    world.cancelled |= was;
    world.blocked = RUNS;
    return (struct rt_status){ was };
}

struct rt_status timer_arm(cap_t timer, uint64_t time)
{
    (void)timer;
    world_point();
    world.armed = true;
    world.due = time;
    time_to(world.time);
    return (struct rt_status){ true };
}

struct timer_cancel_result timer_cancel(cap_t timer)
{
    (void)timer;
    world_point();
    world.armed = false;
    return (struct timer_cancel_result){ { true } };
}

struct notification_result notification_wait(cap_t notification)
{
    (void)notification;
    world_point();
    world.waiting = true;
    while (!world.pending) {
        idle();
        if (!world.pending) {
            pass_to(CALLER);
        }
    }
    world.waiting = world.pending = false;
    return (struct notification_result){ { true } };
}

// ---- the first thread ---------------------------------------------------------------------------
// A call that is answered at once, or when a deadline's time has passed, or not at all within a
// deadline; outside of one it is blocked for a while.
static void call(enum blocked how)
{
    unsigned way = choose(3);
    if (way < 2) {
        time_to(world.time + (uint64_t)way * LENGTH);
        return;
    }
    world.cancelled = false;
    world.blocked = how;
    if (how == OUTSIDE) {
        world_point();
        world_point();
        world.blocked = RUNS;
        return;
    }
    while (world.blocked == WITHIN) {
        idle();
        if (world.blocked == WITHIN) {
            pass_to(WATCHER);
        }
    }
    if (!world.cancelled || !svc_deadline_passed()) {
        wrong("a deadline passed and nobody says so");
    }
}

static void within(unsigned calls)
{
    world.begun = world.time;
    svc_deadline_begin(LENGTH);
    for (unsigned i = 0; i < calls; i++) {
        call(WITHIN);
    }
    svc_deadline_end();
}

static void caller(void)
{
    within(2);
    call(OUTSIDE);
    within(1);
    call(OUTSIDE);
    world.done = true;
    setcontext(&main_context);
}

static void watcher(void)
{
    component_watch();
}

static void begin(unsigned thread, void (*body)(void))
{
    getcontext(&contexts[thread]);
    contexts[thread].uc_stack.ss_sp = stacks[thread];
    contexts[thread].uc_stack.ss_size = STACK_BYTES;
    contexts[thread].uc_link = NULL;
    makecontext(&contexts[thread], body, 0);
}

static void execute(void)
{
    memset(&world, 0, sizeof(world));
    depth = 0;
    switches = 0;
    current = CALLER;
    executions++;
    state = IDLE;
    watch = 0;
    begin(CALLER, caller);
    begin(WATCHER, watcher);
    swapcontext(&main_context, &contexts[CALLER]);
}

int main(void)
{
    do {
        execute();
    } while (vary());
    printf("%lu executions, the timer fired %lu times\n", executions, fired);
    return executions > 1000 && fired > 1000 ? 0 : 1;
}
