// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Threads that call each other, use vector registers and count, while one agent on each CPU moves,
// stops, resumes, cancels them and changes their priorities at random.
#include "stress.h"

#include <rt/memory.h>
#include <rt/print.h>

#define AGENTS  4u
#define VICTIMS 12u
#define KINDS   4u

struct victim {
    struct rt_thread thread;
    uint64_t state[3];  // of hold_vectors: seed, rounds, wrong
    volatile uint64_t rounds, wrong;
};

static struct victim victims[VICTIMS];
static struct worker agents[AGENTS];
static volatile uint64_t deeds[AGENTS];
static cap_t endpoint, replies[VICTIMS], fallbacks[VICTIMS], notification;

// ---- what they do ------------------------------------------------------------------------------
static void victim_serves(uint64_t number)
{
    struct ipc_words words;
    for (;;) {
        struct ipc_result got = ipc_recv(endpoint, replies[number], &words);
        while (rt_ok(got.status)) {
            words.word[1] = words.word[0] + 1;
            got = ipc_reply_recv(endpoint, TAG(0, 2, 0), replies[number], &words);
            victims[number].rounds++;
        }
        stress_rest();
    }
}

static void victim_calls(uint64_t number)
{
    for (uint64_t i = 0;; i++) {
        struct ipc_words words = { { i, 0 } };
        if (rt_ok(ipc_call(endpoint, TAG(0, 2, 0), &words).status)) {
            victims[number].wrong += words.word[1] != i + 1;
            victims[number].rounds++;
        }
        stress_rest();
    }
}

static void victim_signals(uint64_t number)
{
    for (;;) {
        victims[number].wrong += !rt_ok(notification_signal(notification));
        enum rt_error error = rt_error(notification_wait(notification).status);
        victims[number].wrong += error != ERR_OK && error != ERR_CANCELLED;
        victims[number].rounds++;
        stress_rest();
    }
}

void hold_vectors(uint64_t state);
__asm__(".text\n"
        "hold_vectors:\n"
        "    movq (%rdi), %rax\n"
        "    movq %rax, %xmm0\n"
        "    movq %rax, %xmm7\n"
        "    movq %rax, %xmm15\n"
        "1:  .irp n, 0, 7, 15\n"
        "    movq %xmm\\n, %rdx\n"
        "    cmpq %rax, %rdx\n"
        "    je 2f\n"
        "    incq 16(%rdi)\n"
        "2:\n"
        "    .endr\n"
        "    incq 8(%rdi)\n"
        "    pause\n"
        "    jmp 1b\n");

static void victim_make(unsigned i)
{
    static void (*const entries[KINDS])(uint64_t) = { victim_serves, victim_calls, hold_vectors,
                                                      victim_signals };
    unsigned kind = i % KINDS;
    bool passive = kind == 0 && i >= KINDS;
    victims[i] = (struct victim){ .state = { 0x1234560000 + i } };
    replies[i] = object_make(KIND_REPLY, SMALL_BITS);
    struct rt_thread_config config = { .entry = entries[kind],
                                       .argument = kind == 2 ? (uint64_t)victims[i].state : i,
                                       .priority = PRIORITY,
                                       .flags = kind == 2 ? THREAD_VECTOR : 0,
                                       .budget = passive ? RT_NO_CONTEXT : time_slice(),
                                       .cpu = cpu_nth(i) };
    must(rt_thread_new(&victims[i].thread, &config), "victim");
    fallbacks[i] = 0;
    if (passive) {
        must(rt_context_new_on(cpu_nth(i), time_slice(), time_slice(), &fallbacks[i]), "context");
        must(sched_context_bind(fallbacks[i], victims[i].thread.cap, SCHED_FALLBACK), "bind");
        victims[i].thread.context = fallbacks[i];
    }
    must(rt_thread_start(&victims[i].thread), "victim");
}

// ---- what is done to them ----------------------------------------------------------------------
static void deed(const struct victim *victim, uint64_t random)
{
    cap_t thread = victim->thread.cap;
    uint64_t slice = time_slice();
    switch (random % 8) {
    case 0:
    case 1:
    case 2: context_move(victim->thread.context, cpu_nth((unsigned)(random >> 8))); break;
    case 3:
        must(thread_suspend(thread), "suspend");
        must(thread_set_priority(thread, PRIORITY - (random >> 8) % 2, 255), "priority");
        break;
    case 4: rt_ignore(thread_cancel(thread)); break;  // it may be blocked in nothing
    case 5:
        must(sched_context_configure(victim->thread.context,
                                     rt_cpu_control(cpu_nth((unsigned)(random >> 8))), slice / 2,
                                     slice),
             "budget");
        break;
    default: must(thread_set_priority(thread, PRIORITY, 255), "priority"); break;
    }
    rt_ignore(thread_resume(thread));  // it may not be suspended
}

static void agent_job(uint64_t number)
{
    uint64_t random = number + 1;
    while (stress_goes_on()) {
        deed(&victims[random_next(&random) % VICTIMS], random_next(&random));
        deeds[number]++;
        stress_rest();
    }
}

static void agents_run(void)
{
    for (unsigned i = 0; i < AGENTS; i++) {
        deeds[i] = 0;
        // As high as may be, so that it goes on whatever the victims do, and may set priorities.
        worker_make(&agents[i], &(struct rt_thread_config){ .cpu = cpu_nth(i), .ceiling = 255 });
        worker_begin(&agents[i], agent_job, i);
    }
    while (stress_goes_on()) {
        ticks_pass(second / 10);
        rt_ignore(rt_debug_check());  // a release kernel has none; a debug kernel panics
    }
    for (unsigned i = 0; i < AGENTS; i++) {
        WAIT(!agents[i].busy);
        worker_delete(&agents[i]);
    }
}

void stress_moves(void)
{
    uint64_t rounds = 0, done = 0;
    endpoint = object_make(KIND_ENDPOINT, SMALL_BITS);
    notification = object_make(KIND_NOTIFICATION, SMALL_BITS);
    for (unsigned i = 0; i < VICTIMS; i++) {
        victim_make(i);
    }
    agents_run();
    for (unsigned i = 0; i < AGENTS; i++) {
        done += deeds[i];
    }
    for (unsigned i = 0; i < VICTIMS; i++) {
        rounds += victims[i].rounds + victims[i].state[1];
        EXPECT_EQUAL(victims[i].wrong, 0);
        EXPECT_EQUAL(victims[i].state[2], 0);
        rt_thread_delete(&victims[i].thread);
        rt_object_delete(replies[i]);
    }
    rt_object_delete(endpoint);
    rt_object_delete(notification);
    rt_print("NOTE %lu deeds, %lu rounds\n", done, rounds);
    EXPECT(rounds && done);
}
