// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The search over executions: threads are contexts on stacks of their own, choices a list that is
// played back and varied from its end, states seen a table of hashes.
#include "explore.h"

#include "memory.h"

#include <string.h>
#include <ucontext.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define STACK_BYTES  65536u
#define MOST_CHOICES 4096u
#define NOBODY       THREADS
#define FIRST_STATES (UINT64_C(1) << 16)

struct thread {
    ucontext_t context;
    bool fresh;        // begins at its body
    bool done;         // its body has returned
    bool waiting;      // cannot go on without a signal
    bool pending;      // has one
    unsigned crashes;  // left
    uint64_t state;    // hash of what its future depends on
};

static struct thread threads[THREADS];
static _Alignas(64) unsigned char stacks[THREADS][STACK_BYTES];
static ucontext_t main_context;
static unsigned current;
static bool ended;
static char complaint[256];
static const struct exploration *now;
static struct exploration_counts *tally;

// Choices of this execution; those below `replay` are played back.
static struct {
    uint16_t taken, count;
} choices[MOST_CHOICES];
static unsigned depth, replay;
static bool tracing;

// Hashes of states, 0 is free; a power of two of them.
static uint64_t *states;
static uint64_t state_room, state_count;

uint64_t explore_mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++) {
        hash = hash * 257 + byte[i];
        hash ^= i % 8 == 7 ? hash >> 32 : 0;
    }
    return explore_mix(hash, size);
}

// ---- states seen --------------------------------------------------------------------------------

static bool table_add(uint64_t hash)
{
    uint64_t at = hash & (state_room - 1);
    for (; states[at]; at = (at + 1) & (state_room - 1)) {
        if (states[at] == hash) {
            return false;
        }
    }
    states[at] = hash;
    state_count++;
    return true;
}

static void table_make(uint64_t room)
{
    uint64_t *old = states, old_room = state_room;
    states = calloc(room, sizeof(*states));
    if (!states) {
        fprintf(stderr, "no memory for %llu states\n", (unsigned long long)room);
        exit(2);
    }
    state_room = room;
    state_count = 0;
    for (uint64_t i = 0; old && i < old_room; i++) {
        if (old[i]) {
            table_add(old[i]);
        }
    }
    free(old);
}

// Whether the state was not seen before.
static bool state_is_new(void)
{
    uint64_t hash = mix_bytes(1, now->log, now->log_size);
    for (unsigned i = 0; i < THREADS; i++) {
        const struct thread *thread = &threads[i];
        hash = explore_mix(hash, thread->state);
        hash = explore_mix(hash, thread->crashes << 4 | thread->done << 3 | thread->waiting << 2 |
                                     thread->pending << 1 | thread->fresh);
    }
    hash = memory_hash(hash);
    if (2 * state_count >= state_room) {
        table_make(2 * state_room);
    }
    return table_add(hash ? hash : 1);
}

// ---- choices ------------------------------------------------------------------------------------

unsigned explore_choose(unsigned count)
{
    if (count <= 1) {
        return 0;
    }
    if (depth == MOST_CHOICES) {
        explore_fail("an execution of more than %u choices", MOST_CHOICES);
    }
    if (depth >= replay) {
        choices[depth].taken = 0;
        choices[depth].count = (uint16_t)count;
    } else if (choices[depth].count != count) {
        fprintf(stderr, "%s: an execution is not repeatable\n", now->name);
        exit(2);
    }
    return choices[depth++].taken;
}

// The next list of choices; false: there is none.
static bool choices_vary(void)
{
    while (depth > 0 && choices[depth - 1].taken + 1u == choices[depth - 1].count) {
        depth--;
    }
    if (depth == 0) {
        return false;
    }
    choices[depth - 1].taken++;
    replay = depth;
    return true;
}

// ---- threads ------------------------------------------------------------------------------------

static bool can_run(const struct thread *thread)
{
    return !thread->done && (!thread->waiting || thread->pending);
}

static void thread_begin(unsigned number)
{
    threads[number].fresh = true;
    threads[number].waiting = threads[number].pending = false;
    threads[number].state = explore_mix(number + 1, threads[number].crashes);
}

static void thread_crash(unsigned number)
{
    threads[number].crashes--;
    thread_begin(number);
    memory_inherit(number);
    memory_forget_signal(number);
    if (tracing) {
        printf("    thread %u: dies\n", number);
    }
}

// Who takes the next step; NOBODY: the execution has ended.  Threads may die before.
static unsigned decide(void)
{
    for (;;) {
        if (depth >= replay && !tracing && !state_is_new()) {
            return NOBODY;
        }
        unsigned options[2 * THREADS], count = 0;
        for (unsigned i = 0; i < THREADS; i++) {
            if (can_run(&threads[i])) {
                options[count++] = i;
            }
        }
        if (count == 0) {
            tally->ends++;
            now->end();
            return NOBODY;
        }
        for (unsigned i = 0; i < THREADS; i++) {
            if (threads[i].crashes && !threads[i].done && !threads[i].fresh) {
                options[count++] = THREADS + i;
            }
        }
        unsigned option = options[explore_choose(count)];
        if (option < THREADS) {
            return option;
        }
        thread_crash(option - THREADS);
    }
}

// Whoever is next goes on; returns when it is the caller.
static void pass_on(unsigned me)
{
    current = decide();
    tally->steps++;
    if (current == me && !threads[me].fresh) {
        return;
    }
    bool by_main = current == NOBODY || threads[current].fresh;
    swapcontext(&threads[me].context, by_main ? &main_context : &threads[current].context);
}

static void thread_main(void)
{
    unsigned me = current;
    now->body[me]();
    threads[me].done = true;
    threads[me].state = 0;
    memory_inherit(me);
    current = decide();
    setcontext(&main_context);
}

static void thread_start(struct thread *thread, unsigned char *stack)
{
    thread->fresh = false;
    getcontext(&thread->context);
    thread->context.uc_stack.ss_sp = stack;
    thread->context.uc_stack.ss_size = STACK_BYTES;
    thread->context.uc_link = NULL;
    makecontext(&thread->context, thread_main, 0);
}

static void execute(void)
{
    depth = 0;
    complaint[0] = 0;
    memset(now->log, 0, now->log_size);
    current = THREADS;
    now->begin();
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i].done = false;
        threads[i].crashes = now->crashes[i];
        thread_begin(i);
    }
    ended = false;
    current = decide();
    while (!ended && current != NOBODY) {
        if (threads[current].fresh) {
            thread_start(&threads[current], stacks[current]);
        }
        swapcontext(&main_context, &threads[current].context);
    }
    tally->executions++;
}

void explore_step(void)
{
    pass_on(current);
    // Where in its code the thread is.
    explore_learn(0);
}

void explore_settle(const void *state, size_t size)
{
    threads[current].state = mix_bytes(current + 1, state, size);
}

void explore_signal(unsigned thread)
{
    explore_step();
    if (tracing) {
        printf("    thread %u: signals %u\n", current, thread);
    }
    threads[thread].pending = true;
    memory_send(current, thread);
    explore_learn(1);
}

void explore_wait(void)
{
    unsigned me = current;
    if (tracing) {
        printf("    thread %u: sleeps\n", me);
    }
    threads[me].waiting = true;
    explore_step();
    threads[me].waiting = threads[me].pending = false;
    memory_receive(me);
    explore_learn(2);
    if (tracing) {
        printf("    thread %u: wakes up\n", me);
    }
}

void explore_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaint, sizeof(complaint), format, arguments);
    va_end(arguments);
    ended = true;
    setcontext(&main_context);
    abort();
}

unsigned explore_thread(void)
{
    return current;
}

void explore_learn(uint64_t value)
{
    threads[current].state = explore_mix(threads[current].state, value + 1);
}

bool explore_tracing(void)
{
    return tracing;
}

static void show_failure(void)
{
    replay = depth;
    tracing = true;
    execute();
    tracing = false;
    printf("%s: %s\n", now->name, complaint);
}

bool explore(const struct exploration *what, struct exploration_counts *counts)
{
    now = what;
    tally = counts;
    *counts = (struct exploration_counts){ 0 };
    free(states);
    states = NULL;
    table_make(FIRST_STATES);
    replay = 0;
    do {
        execute();
        if (complaint[0]) {
            show_failure();
            return false;
        }
    } while (choices_vary());
    counts->states = state_count;
    return true;
}
