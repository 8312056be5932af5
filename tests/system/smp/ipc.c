// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Messages, faults and notifications between CPUs.
#include "groups.h"
#include "world.h"

#include <rt/map.h>
#include <rt/memory.h>

#define ROUNDS  often(100u)
#define CLIENTS 8u
#define LONG    20u  // words of a long message

// ---- server ------------------------------------------------------------------------------------
struct server {
    struct rt_thread thread;
    cap_t endpoint, reply, fallback;
};

// Answers with the CPU it runs on, the sum of the words, and the words each one more.
static void server_loop(uint64_t argument)
{
    const struct server *server = (const struct server *)argument;
    struct ipc_words words;
    struct ipc_result got = ipc_recv(server->endpoint, server->reply, &words);
    for (;;) {
        unsigned length = tag_length(got.tag);
        for (unsigned i = MSG_REG_WORDS; rt_ok(got.status) && i < length; i++) {
            server->thread.buffer->words[i]++;
        }
        words.word[0] = cpu_here();
        words.word[1]++;
        got = ipc_reply_recv(server->endpoint, TAG(0, length, 0), server->reply, &words);
        if (!rt_ok(got.status)) {
            got = ipc_recv(server->endpoint, server->reply, &words);
        }
    }
}

static void server_make(struct server *server, unsigned cpu, bool active)
{
    *server = (struct server){ .endpoint = object_make(KIND_ENDPOINT, SMALL_BITS),
                               .reply = object_make(KIND_REPLY, SMALL_BITS) };
    struct rt_thread_config config = { .entry = server_loop,
                                       .argument = (uint64_t)server,
                                       .priority = PRIORITY,
                                       .cpu = cpu,
                                       .budget = active ? 0 : RT_NO_CONTEXT };
    must(rt_thread_new(&server->thread, &config), "server");
    if (!active) {
        must(rt_context_new_on(cpu, RT_SLICE, RT_SLICE, &server->fallback), "fall-back");
        must(sched_context_bind(server->fallback, server->thread.cap, SCHED_FALLBACK), "bind");
    }
    must(rt_thread_start(&server->thread), "server");
}

static void server_delete(struct server *server)
{
    rt_thread_delete(&server->thread);
    if (server->fallback) {
        rt_object_delete(server->fallback);
    }
    rt_object_delete(server->reply);
    rt_object_delete(server->endpoint);
}

// ---- client ------------------------------------------------------------------------------------
struct client {
    struct worker worker;
    cap_t endpoint;
    unsigned at;      // the CPU where it wants to be served
    bool everywhere;  // anywhere will do
    unsigned home, failed;
};

static void client_call(struct client *client, uint64_t i)
{
    uint64_t *buffer = client->worker.thread.buffer->words;
    unsigned length = i % 3 ? 2 : LONG;
    struct ipc_words words = { { 0, i } };
    buffer[LONG - 1] = i;
    struct ipc_result got = ipc_call(client->endpoint, TAG(0, length, 0), &words);
    client->failed += !rt_ok(got.status) || words.word[1] != i + 1 ||
                      (!client->everywhere && words.word[0] != client->at) ||
                      (!client->everywhere && cpu_here() != client->home) ||
                      tag_length(got.tag) != length ||
                      (length == LONG && buffer[LONG - 1] != i + 1);
}

static void client_job(uint64_t argument)
{
    struct client *client = (struct client *)argument;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        client_call(client, i);
    }
}

static struct client clients[CLIENTS];

// So many clients on all CPUs call the server at once.
static void clients_run(const struct server *server, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        worker_on(&clients[i].worker, cpu_nth(i));
        clients[i].endpoint = server->endpoint;
        clients[i].home = cpu_nth(i);
        clients[i].failed = 0;
    }
    for (unsigned i = 0; i < count; i++) {
        worker_begin(&clients[i].worker, client_job, (uint64_t)&clients[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        WAIT(!clients[i].worker.busy);
        EXPECT_EQUAL(clients[i].failed, 0);
        worker_delete(&clients[i].worker);
    }
}

// A server without a context of its own runs on its caller's time, and on the caller's CPU.
void passive_server_goes_to_its_caller(void)
{
    struct server server;
    server_make(&server, 0, false);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i].at = cpu_nth(i);
        clients[i].everywhere = false;
    }
    clients_run(&server, CLIENTS);
    server_delete(&server);
}

void active_server_stays(void)
{
    struct server server;
    server_make(&server, cpu_count - 1, true);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i].at = cpu_count - 1;
        clients[i].everywhere = false;
    }
    clients_run(&server, CLIENTS);
    server_delete(&server);
}

// The server is moved all the time.
void moving_server_answers(void)
{
    struct server server;
    server_make(&server, 0, true);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i].everywhere = true;
    }
    struct spinner spinner;  // moves are made while it has something to compete with
    spinner_make(&spinner, cpu_nth(1), PRIORITY);
    worker_on(&clients[0].worker, cpu_nth(1));
    clients[0].endpoint = server.endpoint;
    clients[0].home = cpu_nth(1);
    clients[0].failed = 0;
    worker_begin(&clients[0].worker, client_job, (uint64_t)&clients[0]);
    for (unsigned i = 0; clients[0].worker.busy && i < 100 * ROUNDS; i++) {
        context_move(server.thread.context, cpu_nth(i));
        moment_pass();
    }
    WAIT(!clients[0].worker.busy);
    EXPECT_EQUAL(clients[0].failed, 0);
    worker_delete(&clients[0].worker);
    spinner_delete(&spinner);
    server_delete(&server);
}

// The caller's context is moved while a passive server runs on it.
void lent_time_moves(void)
{
    struct server server;
    server_make(&server, 0, false);
    clients[0].everywhere = true;
    worker_on(&clients[0].worker, cpu_nth(1));
    clients[0].endpoint = server.endpoint;
    clients[0].failed = 0;
    worker_begin(&clients[0].worker, client_job, (uint64_t)&clients[0]);
    for (unsigned i = 0; clients[0].worker.busy && i < 100 * ROUNDS; i++) {
        context_move(clients[0].worker.thread.context, cpu_nth(i));
        clients[0].home = cpu_nth(i);
        moment_pass();
    }
    WAIT(!clients[0].worker.busy);
    worker_delete(&clients[0].worker);
    server_delete(&server);
}

// ---- notifications -----------------------------------------------------------------------------
struct pong {
    cap_t hear, say;
    bool begins;
    volatile unsigned rounds;
    unsigned failed;
};

static void pong_job(uint64_t argument)
{
    struct pong *pong = (struct pong *)argument;
    for (pong->rounds = 0; pong->rounds < ROUNDS; pong->rounds++) {
        if (pong->begins || pong->rounds) {
            pong->failed += !rt_ok(notification_signal(pong->say));
        }
        pong->failed += !rt_ok(notification_wait(pong->hear).status);
    }
    pong->failed += !rt_ok(notification_signal(pong->say));
}

// Two on two CPUs wake each other; no signal is lost.
void signals_cross(void)
{
    struct worker workers[2];
    cap_t to[2] = { object_make(KIND_NOTIFICATION, SMALL_BITS),
                    object_make(KIND_NOTIFICATION, SMALL_BITS) };
    struct pong pongs[2] = { { .hear = to[0], .say = to[1], .begins = true },
                             { .hear = to[1], .say = to[0] } };
    for (unsigned i = 0; i < 2; i++) {
        worker_on(&workers[i], cpu_nth(i + 1));
        worker_begin(&workers[i], pong_job, (uint64_t)&pongs[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        WAIT(!workers[i].busy);
        EXPECT_EQUAL(pongs[i].rounds, ROUNDS);
        EXPECT_EQUAL(pongs[i].failed, 0);
        worker_delete(&workers[i]);
    }
    rt_object_delete(to[0]);
    rt_object_delete(to[1]);
}

static cap_t all_bits[2];
static volatile uint64_t bits_got[2];

static void wait_for_bits(uint64_t argument)
{
    while (bits_got[argument] != 0xffff) {
        struct notification_result got = notification_wait(all_bits[0]);
        bits_got[argument] |= got.word;
        if (got.word & 0x8000) {
            return;
        }
    }
}

// A waiter elsewhere is woken by each signal: the last one ends it.
void signals_wake_elsewhere(void)
{
    struct worker worker;
    all_bits[0] = object_make(KIND_NOTIFICATION, SMALL_BITS);
    worker_on(&worker, cpu_count - 1);
    bits_got[0] = 0;
    worker_begin(&worker, wait_for_bits, 0);
    for (unsigned bit = 0; bit < 16; bit++) {
        must(rt_cap_mint(all_bits[0], RIGHT_ALL, 1ull << bit, &all_bits[1]), "badge");
        must(notification_signal(all_bits[1]), "signal");
        rt_cap_delete(all_bits[1]);
    }
    WAIT(!worker.busy);
    EXPECT_EQUAL(bits_got[0], 0xffff);
    worker_delete(&worker);
    rt_object_delete(all_bits[0]);
}

// ---- faults ------------------------------------------------------------------------------------
#define FAULT_VADDR 0x0000200000000000ull

static void touch(uint64_t argument)
{
    volatile uint64_t *word = (volatile uint64_t *)argument;
    *word = cpu_here() + 1;
}

// A native thread faults on one CPU; a handler on another maps the page.
void faults_cross(void)
{
    cap_t endpoint = object_make(KIND_ENDPOINT, SMALL_BITS), attached;
    cap_t reply = object_make(KIND_REPLY, SMALL_BITS);
    cap_t frame = object_make(KIND_FRAME, PAGE_BITS);
    must(rt_cap_copy(frame, RIGHT_ALL, &attached), "copy");
    must(frame_attach(attached, rt_own_space.cap), "attach");
    // The tables that the answers need.
    must(rt_space_map(&rt_own_space, attached, FAULT_VADDR, 0, 1, PROT_READ | PROT_WRITE), "map");
    must(frame_unmap(attached, FAULT_VADDR, 1), "unmap");
    for (unsigned i = 0; i < 4 * cpu_count; i++) {
        struct worker worker;
        worker_make(&worker, &(struct rt_thread_config){ .cpu = cpu_nth(i), .fault = endpoint });
        worker_begin(&worker, touch, FAULT_VADDR);
        struct ipc_words words;
        struct ipc_result got = ipc_recv(endpoint, reply, &words);
        EXPECT_OK(got.status);
        EXPECT_EQUAL(tag_label(got.tag), FAULT_PAGE);
        EXPECT_EQUAL(words.word[0], FAULT_VADDR);
        EXPECT_OK(frame_map(attached, FAULT_VADDR, 0, 1, PROT_READ | PROT_WRITE).status);
        EXPECT_OK(ipc_reply0(reply, 0));
        WAIT(!worker.busy);
        EXPECT_EQUAL(*(volatile uint64_t *)FAULT_VADDR, cpu_nth(i) + 1);
        EXPECT_OK(frame_unmap(attached, FAULT_VADDR, 1));
        worker_delete(&worker);
    }
    rt_cap_delete(attached);
    rt_object_delete(frame);
    rt_object_delete(reply);
    rt_object_delete(endpoint);
}
