// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Two address spaces speak a protocol through generated code: this root task serves the counter,
// its client is a program of its own (client/client.c).  tests/system/test_proto.py boots it.
#include "../check/check.h"
#include "shared.h"

#include <proto/counter.h>
#include <rt/memory.h>
#include <rt/program.h>
#include <rt/slots.h>
#include <rt/start.h>
#include <wire/call.h>

#define SESSIONS        4u
#define CLIENT_PRIORITY 10u
#define WINDOW_SLOTS    4u

const char rt_task_name[] = "proto";

static const struct root_info *root;

// ---- the counter -------------------------------------------------------------------------------
struct session {
    bool open;
    uint64_t client, value, sequence, amount;  // amount: of the last request
    cap_t cap;                                 // the endpoint with the session's number as badge
};

struct counters {
    struct session sessions[SESSIONS];
    bool mistake;  // give an empty slot once
};

static struct session *session_of(const struct wire_peer *peer)
{
    struct counters *counters = peer->context;
    if (peer->badge == 0 || peer->badge > SESSIONS) {
        return NULL;
    }
    struct session *session = &counters->sessions[peer->badge - 1];
    return session->open ? session : NULL;
}

static struct session *session_for(struct counters *counters, uint64_t client)
{
    struct session *unused = NULL;
    for (unsigned i = 0; i < SESSIONS; i++) {
        struct session *session = &counters->sessions[i];
        if (session->open && session->client == client) {
            return session;
        }
        unused = session->open ? unused : session;
    }
    return unused;
}

static uint32_t serve_open(const struct wire_peer *peer, const struct counter_open_args *args,
                           struct counter_open_results *results)
{
    struct counters *counters = peer->context;
    struct session *session = session_for(counters, args->client);
    if (!session) {
        return COUNTER_ERROR_SESSIONS;
    }
    if (!session->open) {
        *session = (struct session){ .open = true, .client = args->client, .cap = session->cap };
    }
    results->session = counters->mistake ? ROOT_CSPACE_SLOTS - 1 : session->cap;
    results->sequence = session->sequence;
    counters->mistake = false;
    return WIRE_OK;
}

static uint32_t serve_add(const struct wire_peer *peer, const struct counter_add_args *args,
                          struct counter_add_results *results)
{
    struct session *session = session_of(peer);
    if (!session) {
        return COUNTER_ERROR_NO_SESSION;
    }
    bool again = session->sequence != 0 && args->sequence == session->sequence;
    if (again && args->amount != session->amount) {
        return COUNTER_ERROR_DIFFERS;
    }
    if (!again && args->sequence != session->sequence + 1) {
        return COUNTER_ERROR_SEQUENCE;
    }
    if (!again && args->amount > UINT64_MAX - session->value) {
        return COUNTER_ERROR_OVERFLOW;
    }
    session->value += again ? 0 : args->amount;
    session->sequence = args->sequence;
    session->amount = args->amount;
    results->value = session->value;
    return WIRE_OK;
}

static uint32_t serve_read(const struct wire_peer *peer, struct counter_read_results *results)
{
    struct session *session = session_of(peer);
    if (!session) {
        return COUNTER_ERROR_NO_SESSION;
    }
    *results = (struct counter_read_results){ session->value, session->sequence };
    return WIRE_OK;
}

static uint32_t serve_close(const struct wire_peer *peer)
{
    struct session *session = session_of(peer);
    if (!session) {
        return COUNTER_ERROR_NO_SESSION;
    }
    session->open = false;
    return WIRE_OK;
}

static const struct counter_server handlers = {
    .open = serve_open,
    .add = serve_add,
    .read = serve_read,
    .close = serve_close,
};

// ---- serving -----------------------------------------------------------------------------------
struct service {
    cap_t endpoint, reply;
    struct wire_window window;
    struct counters counters;
    bool lies;   // once
    bool gives;  // a capability with what has none
};

static void window_check(const struct wire_window *window)
{
    for (uint64_t i = 0; i < window->count; i++) {
        struct captable_identify_result found = captable_identify(window->table, window->slot + i);
        EXPECT_OK(found.status);
        EXPECT_EQUAL(found.kind_rights, KIND_EMPTY);
    }
}

// Make the answer one that no generated code would give.
static void falsify(struct service *service, const struct wire_message *request,
                    struct wire_message *answer)
{
    if (service->lies && wire_method(request->label) == COUNTER_METHOD_OPEN) {
        answer->label ^= 1ull << WIRE_PROTOCOL_SHIFT;
        service->lies = false;
    }
    if (service->gives && wire_method(request->label) == COUNTER_METHOD_READ) {
        answer->caps[answer->cap_count++] = service->counters.sessions[0].cap;
    }
}

// Serve until the client reports; gives what it said.
static uint64_t serve(struct service *service)
{
    struct wire_message request, answer = {};
    struct wire_received got = wire_receive(service->endpoint, service->reply, &service->window,
                                            &request);
    while (got.code == WIRE_OK && got.badge != REPORT_BADGE) {
        const struct wire_peer peer = { &service->counters, got.badge };
        EXPECT(counter_serve(&handlers, &peer, &request, &answer));
        falsify(service, &request, &answer);
        wire_drop(&service->window, &request);
        got = wire_answer(service->endpoint, service->reply, &service->window, &answer, &request);
    }
    EXPECT_EQUAL(got.code, WIRE_OK);
    window_check(&service->window);
    return request.words[0];
}

static void service_make(struct service *service)
{
    *service = (struct service){};
    EXPECT_OK(rt_object_new(KIND_ENDPOINT, 6, &service->endpoint));
    EXPECT_OK(rt_object_new(KIND_REPLY, 6, &service->reply));
    service->window = (struct wire_window){ ROOT_SLOT_CSPACE, rt_slots_alloc(WINDOW_SLOTS),
                                            WINDOW_SLOTS };
    for (unsigned i = 0; i < SESSIONS; i++) {
        EXPECT_OK(rt_cap_mint(service->endpoint, RIGHT_SEND | RIGHT_GRANT, i + 1,
                              &service->counters.sessions[i].cap));
    }
}

static void service_delete(struct service *service)
{
    for (unsigned i = 0; i < SESSIONS; i++) {
        rt_cap_delete(service->counters.sessions[i].cap);
    }
    rt_slots_free(service->window.slot, WINDOW_SLOTS);
    rt_object_delete(service->reply);
    rt_object_delete(service->endpoint);
}

// Start the client program for a part and serve it; it must be content.
static void client_run(struct service *service, enum client_part part)
{
    struct rt_mapping file;
    struct rt_program client;
    uint64_t bytes = 0;
    cap_t report;
    EXPECT_OK(rt_cap_mint(service->endpoint, RIGHT_ALL, REPORT_BADGE, &report));
    struct rt_program_config config = { .argument = part,
                                        .priority = CLIENT_PRIORITY,
                                        .fault = report };
    EXPECT_OK(rt_module_map(root, "client", &file, &bytes));
    EXPECT_OK(rt_program_load(&client, file.base, bytes, &config));
    EXPECT_OK(rt_program_give(&client, CLIENT_SERVICE, service->endpoint,
                              RIGHT_SEND | RIGHT_GRANT));
    EXPECT_OK(rt_program_give(&client, CLIENT_REPORT, report, RIGHT_ALL));
    EXPECT_OK(rt_program_start(&client));
    EXPECT_EQUAL(serve(service), 0);
    rt_program_delete(&client);
    rt_map_delete(&file);
    rt_cap_delete(report);
}

static void client_uses_all(void)
{
    struct service service;
    service_make(&service);
    client_run(&service, CLIENT_USES);
    service_delete(&service);
}

// What it makes of the server's sessions is its own; another client finds the server as before.
static void client_is_hostile(void)
{
    struct service service;
    service_make(&service);
    client_run(&service, CLIENT_HOSTILE);
    for (unsigned i = 0; i < SESSIONS; i++) {
        service.counters.sessions[i].open = false;
    }
    client_run(&service, CLIENT_USES);
    service_delete(&service);
}

static void server_lies(void)
{
    struct service service;
    service_make(&service);
    service.lies = true;
    client_run(&service, CLIENT_LIED_TO);
    service_delete(&service);
}

static void server_is_mistaken(void)
{
    struct service service;
    service_make(&service);
    service.counters.mistake = true;
    client_run(&service, CLIENT_MISTAKE);
    service_delete(&service);
}

static void server_gives_unasked(void)
{
    struct service service;
    service_make(&service);
    service.gives = true;
    client_run(&service, CLIENT_GIVEN);
    service_delete(&service);
}

static const struct check checks[] = {
    CHECK(client_uses_all),    CHECK(client_is_hostile),    CHECK(server_lies),
    CHECK(server_is_mistaken), CHECK(server_gives_unasked),
};

int main(const struct root_info *info)
{
    root = info;
    check_run(info, checks, sizeof(checks) / sizeof(checks[0]));
    return check_summary() ? 0 : 1;
}
