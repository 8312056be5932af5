// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The counter service (proto/counter.idl): counters that survive its death.  All its state is a
// record (record.h) in the region "state", which the supervisor holds; a new incarnation goes on
// with it.  A request takes effect in one store and its answer can be given again, so whichever
// instruction is the last one of an incarnation, what the client asks once more is done once.
#include "record.h"

#include <proto/counter.h>
#include <rt/panic.h>

#include <svc/serve.h>

const char rt_task_name[] = "counter";

_Static_assert(RECORD_CLIENTS == SVC_CLIENTS - 1, "each client component has its places");
_Static_assert(RECORD_NUMBER_BITS <= SVC_SESSION_BITS, "a session's number fits a badge");

static uint32_t serve_open(const struct wire_peer *peer, const struct counter_open_args *args,
                           struct counter_open_results *results)
{
    struct record_session opened;
    uint32_t code = record_open(peer->context, svc_client(peer->badge), args->client, &opened);
    if (code) {
        return code;
    }
    results->sequence = opened.sequence;
    struct rt_status lent = svc_session_lend(peer->badge, opened.session, &results->session);
    return rt_ok(lent) ? WIRE_OK : COUNTER_ERROR_SESSIONS;
}

static uint32_t serve_add(const struct wire_peer *peer, const struct counter_add_args *args,
                          struct counter_add_results *results)
{
    const struct record_session request = { svc_session(peer->badge), args->sequence };
    return record_add(peer->context, svc_client(peer->badge), request, args->amount,
                      &results->value);
}

static uint32_t serve_read(const struct wire_peer *peer, struct counter_read_results *results)
{
    struct record_count count = {};
    uint32_t code = record_read(peer->context, svc_client(peer->badge), svc_session(peer->badge),
                                &count);
    *results = (struct counter_read_results){ count.value, count.sequence };
    return code;
}

static uint32_t serve_close(const struct wire_peer *peer)
{
    return record_close(peer->context, svc_client(peer->badge), svc_session(peer->badge));
}

static const struct counter_server handlers = {
    .open = serve_open,
    .add = serve_add,
    .read = serve_read,
    .close = serve_close,
};

static bool serve(const struct wire_peer *peer, const struct wire_message *request,
                  struct wire_message *answer)
{
    return counter_serve(&handlers, peer, request, answer);
}

int component_main(const struct component_info *info)
{
    (void)info;
    const struct component_grant *state = component_need(GRANT_REGION, "state");
    const char *reason = NULL;
    struct record *record = record_adopt((void *)state->address, state->bytes, &reason);
    if (!record) {
        rt_panic("the region \"state\": %s", reason);
    }
    svc_serve *const services[] = { serve };
    svc_run(&(struct svc){ .service_count = 1, .services = services, .context = record });
}
