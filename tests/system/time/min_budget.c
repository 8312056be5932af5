// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Endpoints that ask for a budget, and servers whose callers' time ends.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>

#define CLIENT 100u  // priorities
#define SERVER 110u
#define DONE   1u  // events
#define TOLD   2u

static uint64_t unit(void)
{
    return moment / 2;
}

// A client with four units in sixteen, of which it burns three before each call.
static void burner_make(struct client *client, cap_t endpoint, unsigned calls)
{
    client_make(client, &(struct client_config){ .priority = CLIENT,
                                                 .calls = calls,
                                                 .event = DONE,
                                                 .budget = 4 * unit(),
                                                 .period = 16 * unit(),
                                                 .pause = 3 * unit(),
                                                 .endpoint = endpoint });
}

// A caller with too little left waits for its replenishment; then the work fits its time.
void min_budget_waits(void)
{
    struct server server;
    struct client client;
    events_clear();
    server_make(&server, &(struct server_config){ .priority = SERVER, .work = 3 * unit() / 2 });
    EXPECT_OK(endpoint_configure(server.endpoint, 2 * unit()));
    uint64_t fallback = context_used(server.fallback), begin = clock_now();
    burner_make(&client, server.endpoint, 6);
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_EQUAL(client.done, 6);
    EXPECT_COUNTED(client.answered == 6);
    EXPECT_COUNTED(context_used(server.fallback) == fallback);
    EXPECT(clock_now() - begin >= 5ul * 16 * unit());
    client_delete(&client);
    server_delete(&server);
}

// Without it the same client's time ends in the middle.
void min_budget_matters(void)
{
    struct server server;
    struct client client;
    events_clear();
    server_make(&server, &(struct server_config){ .priority = SERVER, .work = 3 * unit() / 2 });
    burner_make(&client, server.endpoint, 1);
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_COUNTED(client.status == ERR_BUDGET);
    client_delete(&client);
    server_delete(&server);
}

// A client with a time slice waits at most for its next one.
void min_budget_of_slices(void)
{
    struct server server;
    struct client client;
    events_clear();
    server_make(&server, &(struct server_config){ .priority = SERVER, .work = unit() });
    EXPECT_OK(endpoint_configure(server.endpoint, 2 * unit()));
    client_make(&client, &(struct client_config){ .priority = CLIENT,
                                                  .calls = 20,
                                                  .event = DONE,
                                                  .budget = 4 * unit(),
                                                  .pause = 3 * unit() / 2,
                                                  .endpoint = server.endpoint });
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_EQUAL(client.done, 20);
    EXPECT_COUNTED(client.answered == 20);
    client_delete(&client);
    server_delete(&server);
}

// Who can never have it is refused.
void min_budget_beyond(void)
{
    struct server server;
    struct client client;
    events_clear();
    server_make(&server, &(struct server_config){ .priority = SERVER });
    EXPECT_OK(endpoint_configure(server.endpoint, 4 * unit() + 1));
    burner_make(&client, server.endpoint, 1);
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_EQUAL(client.status, ERR_BUDGET);
    EXPECT_EQUAL(server.served, 0);
    client_delete(&client);
    EXPECT_OK(endpoint_configure(server.endpoint, 4 * unit()));
    burner_make(&client, server.endpoint, 1);
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_EQUAL(client.status, ERR_OK);
    client_delete(&client);
    server_delete(&server);
}

// ---- fall-back ---------------------------------------------------------------------------------
static void poor_make(struct client *client, cap_t endpoint)
{
    client_make(client, &(struct client_config){ .priority = CLIENT,
                                                 .calls = 1,
                                                 .event = DONE,
                                                 .budget = unit() / 4,
                                                 .period = 16 * unit(),
                                                 .endpoint = endpoint });
}

// The client is told, the server's handler is told, the server finishes on its fall-back context.
void fallback_goes_on(void)
{
    struct server server;
    struct client client;
    events_clear();
    server_make(&server, &(struct server_config){
                             .priority = SERVER, .timeout = event_cap(TOLD), .work = 4 * unit() });
    uint64_t fallback = context_used(server.fallback);
    poor_make(&client, server.endpoint);
    EXPECT(event_wait(TOLD, 10 * second));
    EXPECT_EQUAL(server.served, 0);
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_EQUAL(client.status, ERR_BUDGET);
    time_pass(8 * unit());
    EXPECT_EQUAL(server.served, 1);
    EXPECT_EQUAL(server.unanswered, 1);
    EXPECT(context_used(server.fallback) - fallback >= 2 * unit());
    client_delete(&client);
    server_delete(&server);
}

// The fall-back is bounded by its own budget, and comes back.
void fallback_is_bounded(void)
{
    struct server server;
    struct client client;
    events_clear();
    server_make(&server, &(struct server_config){ .priority = SERVER,
                                                  .fallback_budget = unit(),
                                                  .fallback_period = 10 * unit(),
                                                  .work = 4 * unit() });
    uint64_t begin = clock_now();
    poor_make(&client, server.endpoint);
    EXPECT(event_wait(DONE, 10 * second));
    EXPECT_EQUAL(client.status, ERR_BUDGET);
    for (unsigned i = 0; i < 100 && server.served == 0; i++) {
        time_pass(unit());
    }
    EXPECT_EQUAL(server.served, 1);
    EXPECT(clock_now() - begin >= 20 * unit());
    client_delete(&client);
    server_delete(&server);
}
