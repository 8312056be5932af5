// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Threads that burn time, call and serve.
#include "events.h"

#include <rt/memory.h>
#include <rt/panic.h>

#define CALIBRATE_ROUNDS 100000ull
#define CALIBRATE_TRIES  20u

uint64_t second, moment;
bool counted;
static uint64_t round_ticks;  // of CALIBRATE_ROUNDS

uint64_t clock_now(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static void rounds(uint64_t count)
{
    __asm__ volatile("1: decq %0\n\tjnz 1b" : "+r"(count) : : "cc");
}

void burn(uint64_t ticks)
{
    rounds(ticks * CALIBRATE_ROUNDS / round_ticks + 1);
}

void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status)) {
        rt_panic("%s: error %u, argument %u", what, rt_error(status), rt_blamed(status));
    }
}

cap_t object_make(enum rt_kind kind, unsigned bits)
{
    cap_t slot = 0;
    must(rt_object_new(kind, bits, &slot), "object");
    return slot;
}

uint64_t context_used(cap_t context)
{
    struct sched_context_consumed_result result = sched_context_consumed(context);
    must(result.status, "consumed");
    return result.ticks;
}

void world_clock_init(const struct root_info *info)
{
    second = info->clock_hz;
    counted = check_word(info, "counted");
    moment = second / (counted ? 1000 : 100);
    round_ticks = UINT64_MAX;
    for (unsigned i = 0; i < CALIBRATE_TRIES; i++) {  // the least: the others were disturbed
        uint64_t begin = clock_now();
        rounds(CALIBRATE_ROUNDS);
        uint64_t ticks = clock_now() - begin;
        round_ticks = ticks < round_ticks ? ticks : round_ticks;
    }
}

// ---- spinner -----------------------------------------------------------------------------------
static void spinner_loop(uint64_t argument)
{
    struct spinner *spinner = (struct spinner *)argument;
    for (;;) {
        spinner->count++;
    }
}

static void thread_make(struct rt_thread *thread, const struct rt_thread_config *config)
{
    must(rt_thread_new(thread, config), "thread");
}

void spinner_make(struct spinner *spinner, const struct rt_thread_config *config)
{
    struct rt_thread_config wanted = *config;
    wanted.entry = spinner_loop;
    wanted.argument = (uint64_t)spinner;
    spinner->count = 0;
    thread_make(&spinner->thread, &wanted);
    must(rt_thread_start(&spinner->thread), "start");
}

void spinner_delete(struct spinner *spinner)
{
    rt_thread_delete(&spinner->thread);
}

// ---- server ------------------------------------------------------------------------------------
static void serve(struct server *server)
{
    server->began = clock_now();
    while (server->busy) {
        __asm__ volatile("pause");
    }
    if (server->work) {
        burn(server->work);
    }
    if (server->next) {
        server->next_status = ipc_call0(server->next, 0).status.word;
    }
    server->served++;
}

static void server_loop(uint64_t argument)
{
    struct server *server = (struct server *)argument;
    struct ipc_result got = ipc_recv1(server->endpoint, server->reply, &argument);
    for (;;) {
        if (rt_ok(got.status)) {
            serve(server);
            got = ipc_reply_recv0(server->endpoint, 0, server->reply);
        } else {
            // Its caller was told already that time is up, or is gone.
            server->unanswered++;
            got = ipc_recv1(server->endpoint, server->reply, &argument);
        }
    }
}

void server_make(struct server *server, const struct server_config *config)
{
    uint64_t budget = config->fallback_budget ? config->fallback_budget : RT_SLICE;
    uint64_t period = config->fallback_period ? config->fallback_period : budget;
    *server = (struct server){ .endpoint = config->endpoint,
                               .next = config->next,
                               .work = config->work };
    if (!server->endpoint) {
        server->endpoint = object_make(KIND_ENDPOINT, SMALL_BITS);
    }
    server->reply = object_make(KIND_REPLY, SMALL_BITS);
    struct rt_thread_config wanted = { .entry = server_loop,
                                       .argument = (uint64_t)server,
                                       .priority = config->priority,
                                       .budget = config->active ? 0 : RT_NO_CONTEXT,
                                       .timeout = config->timeout };
    thread_make(&server->thread, &wanted);
    if (!config->active) {
        must(rt_context_new(budget, period, &server->fallback), "fall-back");
        must(sched_context_bind(server->fallback, server->thread.cap, SCHED_FALLBACK), "bind");
    }
    must(rt_thread_start(&server->thread), "start");
    time_pass(moment / 10);  // it receives from now on
}

void server_kill(struct server *server)
{
    rt_thread_delete(&server->thread);
    if (server->fallback) {
        rt_object_delete(server->fallback);
    }
    server->fallback = 0;
}

void server_delete(struct server *server)
{
    server_kill(server);
    if (server->reply) {
        rt_object_delete(server->reply);
    }
    rt_object_delete(server->endpoint);
}

// ---- client ------------------------------------------------------------------------------------
static void client_loop(uint64_t argument)
{
    struct client *client = (struct client *)argument;
    for (unsigned i = 0; client->calls == 0 || i < client->calls; i++) {
        if (client->pause) {
            burn(client->pause);
        }
        uint64_t begin = clock_now();
        struct ipc_result got = ipc_call0(client->endpoint, 0);
        uint64_t ticks = clock_now() - begin;
        client->longest = ticks > client->longest ? ticks : client->longest;
        client->status = got.status.word;
        client->answered += rt_ok(got.status);
        client->done++;
    }
    event_signal(client->event);
    for (;;) {
        rt_ignore(thread_suspend(client->thread.cap));
    }
}

void client_make(struct client *client, const struct client_config *config)
{
    *client = (struct client){ .endpoint = config->endpoint,
                               .pause = config->pause,
                               .calls = config->calls,
                               .event = config->event };
    struct rt_thread_config wanted = { .entry = client_loop,
                                       .argument = (uint64_t)client,
                                       .priority = config->priority,
                                       .budget = config->budget,
                                       .period = config->period,
                                       .timeout = config->timeout };
    thread_make(&client->thread, &wanted);
    must(rt_thread_start(&client->thread), "start");
}

void client_delete(struct client *client)
{
    rt_thread_delete(&client->thread);
}
