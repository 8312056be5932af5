// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A server that answers `drain` at once and `read` never; what it keeps of a client is limited.
#include <proto/console.h>
#include <rt/component.h>

#include <svc/serve.h>

#define KEEPS 2u

static uint32_t serve_read(const struct wire_peer *peer, struct console_read_results *results)
{
    (void)peer, (void)results;
    return svc_keep() ? WIRE_LATER : CONSOLE_ERROR_BUSY;
}

static uint32_t serve_drain(const struct wire_peer *peer)
{
    (void)peer;
    return WIRE_OK;
}

static const struct console_server handlers = { .read = serve_read, .drain = serve_drain };

static bool serve(const struct wire_peer *peer, const struct wire_message *request,
                  struct wire_message *answer)
{
    return console_serve(&handlers, peer, request, answer);
}

int component_main(const struct component_info *info)
{
    (void)info;
    svc_serve *const services[] = { serve };
    svc_run(&(struct svc){ .service_count = 1, .services = services, .keeps = KEEPS });
}
