// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Time that is lent with a call, and how it comes back.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>

#define CLIENT 100u  // priorities
#define SERVER 110u
#define DONE   1u  // event

static uint64_t work(void)
{
    return moment;
}

static void client_of(struct client *client, cap_t endpoint, unsigned calls)
{
    client_make(client, &(struct client_config){ .priority = CLIENT,
                                                 .calls = calls,
                                                 .event = DONE,
                                                 .budget = 20 * moment,
                                                 .endpoint = endpoint });
}

// A server without a context of its own works on its client's.
void donation_to_passive(void)
{
    struct server server;
    struct client client;
    events_clear();
    server_make(&server, &(struct server_config){ .priority = SERVER, .work = work() });
    uint64_t fallback = context_used(server.fallback);
    client_of(&client, server.endpoint, 3);
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_EQUAL(client.answered, 3);
    EXPECT(context_used(client.thread.context) >= 2 * work());
    EXPECT_EQUAL(context_used(server.fallback), fallback);
    client_delete(&client);
    server_delete(&server);
}

// Touches a page that is never mapped, again and again: the handler's answer resumes it.
static void faulter(uint64_t address)
{
    *(volatile uint8_t *)address = 0;
}

// The handler of a fault works on its own time, never on that of who faulted.
void fault_lends_nothing(void)
{
    struct server handler;
    struct rt_thread thread;
    server_make(&handler, &(struct server_config){ .priority = SERVER, .work = work() });
    uint64_t fallback = context_used(handler.fallback);
    struct rt_status status = rt_thread_new(
        &thread,
        &(struct rt_thread_config){
            .entry = faulter, .argument = 8, .priority = CLIENT, .fault = handler.endpoint });
    EXPECT(rt_ok(status) && rt_ok(rt_thread_start(&thread)));
    time_pass(5 * work());
    EXPECT(context_used(handler.fallback) - fallback >= 2 * work());
    EXPECT(context_used(thread.context) < work());
    rt_thread_delete(&thread);
    server_delete(&handler);
}

// A calls B calls C: the time of A goes all the way and comes back.
void donation_nested(void)
{
    struct server b, c;
    struct client a;
    events_clear();
    server_make(&c, &(struct server_config){ .priority = SERVER + 10, .work = work() });
    server_make(&b, &(struct server_config){ .priority = SERVER, .next = c.endpoint });
    uint64_t fallbacks = context_used(b.fallback) + context_used(c.fallback);
    client_of(&a, b.endpoint, 3);
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_EQUAL(a.answered, 3);
    EXPECT_EQUAL(b.next_status, ERR_OK);
    EXPECT(context_used(a.thread.context) >= 2 * work());
    EXPECT_EQUAL(context_used(b.fallback) + context_used(c.fallback), fallbacks);
    client_delete(&a);
    server_delete(&b);
    server_delete(&c);
}

// A server with a context of its own works on that one.
void donation_ends_at_active(void)
{
    struct server b, c;
    struct client a;
    events_clear();
    server_make(&c,
                &(struct server_config){ .priority = SERVER + 10, .active = true, .work = work() });
    server_make(&b, &(struct server_config){ .priority = SERVER, .next = c.endpoint });
    client_of(&a, b.endpoint, 3);
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_EQUAL(a.answered, 3);
    EXPECT(context_used(c.thread.context) >= 2 * work());
    EXPECT_COUNTED(context_used(a.thread.context) < work());
    client_delete(&a);
    server_delete(&b);
    server_delete(&c);
}

// What A lent ends at C: B learns it from its call, A from its own; both servers go on and serve
// again.
void donation_nested_exhausted(void)
{
    struct server b, c;
    struct client poor, rich;
    events_clear();
    server_make(&c, &(struct server_config){ .priority = SERVER + 10, .work = 5 * work() });
    server_make(&b, &(struct server_config){ .priority = SERVER, .next = c.endpoint });
    client_make(&poor, &(struct client_config){ .priority = CLIENT,
                                                .calls = 1,
                                                .event = DONE,
                                                .budget = work(),
                                                .period = 20 * work(),
                                                .endpoint = b.endpoint });
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_EQUAL(poor.status, ERR_BUDGET);
    EXPECT_EQUAL(b.next_status, ERR_BUDGET);
    c.work = 0;
    client_of(&rich, b.endpoint, 2);
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_EQUAL(rich.answered, 2);
    EXPECT_EQUAL(b.next_status, ERR_OK);
    client_delete(&poor);
    client_delete(&rich);
    server_delete(&b);
    server_delete(&c);
}

// ---- servers that die --------------------------------------------------------------------------
// The server is gone, then its Reply: the caller gets PEER_DIED and has its time back.
void peer_died(void)
{
    struct server server;
    struct client client;
    events_clear();
    server_make(&server, &(struct server_config){ .priority = SERVER });
    server.busy = true;
    client_of(&client, server.endpoint, 1);
    time_pass(moment);
    server_kill(&server);
    time_pass(moment);
    EXPECT_EQUAL(client.done, 0);
    rt_object_delete(server.reply);
    server.reply = 0;
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_EQUAL(client.status, ERR_PEER_DIED);
    client_delete(&client);
    server_delete(&server);
}

// Only the Reply goes, while the server runs on the caller's time: it goes on with its fall-back
// one.
void peer_died_while_served(void)
{
    struct server server;
    struct client client;
    events_clear();
    server_make(&server, &(struct server_config){ .priority = SERVER - 20 });
    server.busy = true;
    client_of(&client, server.endpoint, 1);
    time_pass(moment);
    uint64_t fallback = context_used(server.fallback);
    rt_object_delete(server.reply);
    server.reply = 0;
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_EQUAL(client.status, ERR_PEER_DIED);
    time_pass(moment);
    EXPECT(context_used(server.fallback) > fallback);
    client_delete(&client);
    server_delete(&server);
}

#define CALLERS 3u

// Callers that wait in the queue are served by the next server.
void endpoint_outlives_server(void)
{
    struct server first, second_server;
    struct client clients[CALLERS];
    events_clear();
    server_make(&first, &(struct server_config){ .priority = SERVER });
    server_kill(&first);
    for (unsigned i = 0; i < CALLERS; i++) {
        client_of(&clients[i], first.endpoint, 2);
    }
    time_pass(moment);
    server_make(&second_server,
                &(struct server_config){ .priority = SERVER, .endpoint = first.endpoint });
    time_pass(5 * moment);
    for (unsigned i = 0; i < CALLERS; i++) {
        EXPECT_EQUAL(clients[i].answered, 2);
        client_delete(&clients[i]);
    }
    rt_object_delete(first.reply);
    server_delete(&second_server);
}

// ---- cancel ------------------------------------------------------------------------------------
// The call ends at once and its time is back; the server goes on with its own.
void cancel_returns_time(void)
{
    struct server server;
    struct client client;
    events_clear();
    server_make(&server, &(struct server_config){ .priority = SERVER - 20 });
    server.busy = true;
    client_of(&client, server.endpoint, 2);
    time_pass(moment);
    EXPECT_OK(thread_cancel(client.thread.cap));
    time_pass(moment);
    EXPECT_EQUAL(client.done, 1);
    EXPECT_EQUAL(client.status, ERR_CANCELLED);
    uint64_t used = context_used(client.thread.context), fallback = context_used(server.fallback);
    time_pass(moment);
    EXPECT_EQUAL(context_used(client.thread.context), used);  // it waits in its second call
    EXPECT(context_used(server.fallback) > fallback);
    server.busy = false;
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_EQUAL(client.status, ERR_OK);
    EXPECT_EQUAL(server.unanswered, 1);
    client_delete(&client);
    server_delete(&server);
}

// What was lent further comes back through both.
void cancel_nested(void)
{
    struct server b, c;
    struct client a;
    events_clear();
    server_make(&c, &(struct server_config){ .priority = SERVER - 20 });
    server_make(&b, &(struct server_config){ .priority = SERVER - 30, .next = c.endpoint });
    c.busy = true;
    client_of(&a, b.endpoint, 2);
    time_pass(moment);
    EXPECT_OK(thread_cancel(a.thread.cap));
    time_pass(moment);
    EXPECT_EQUAL(a.done, 1);
    EXPECT_EQUAL(a.status, ERR_CANCELLED);
    c.busy = false;
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_EQUAL(a.status, ERR_OK);
    client_delete(&a);
    server_delete(&b);
    server_delete(&c);
}

// A server whose fall-back context goes while it works on its client's time keeps that.
void fallback_gone_keeps_loan(void)
{
    struct server server;
    struct client client;
    events_clear();
    server_make(&server, &(struct server_config){ .priority = SERVER });
    server.busy = true;
    client_of(&client, server.endpoint, 1);
    time_pass(moment);
    rt_object_delete(server.fallback);
    server.fallback = 0;
    time_pass(moment);
    server.busy = false;
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_EQUAL(client.status, ERR_OK);
    client_delete(&client);
    server_delete(&server);
}
