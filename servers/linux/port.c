// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Exchanging bytes with a driver.  One that has died is not asked again until its next incarnation
// signals; what it had taken is lost with it.
#include "port.h"

#include <proto/console_client.h>
#include <rt/component.h>
#include <rt/string.h>

// Of the driver whose name ends like this: there is one for each container.
static uint64_t signal_of(const char *end)
{
    const struct component_info *info = component_info();
    for (unsigned i = 0; i < info->grant_count && i < COMPONENT_GRANTS; i++) {
        const struct component_grant *grant = &info->grants[i];
        size_t bytes = strlen(grant->name), most = strlen(end);
        if (grant->kind == GRANT_SIGNALLED && bytes >= most &&
            !strcmp(grant->name + bytes - most, end)) {
            return grant->badge;
        }
    }
    return 0;
}

void port_open(struct port *port, const char *console, const char *signal)
{
    const struct component_grant *call = component_grant(GRANT_CALL, console);
    port->console = call ? call->slot : 0;
    port->signal = call ? signal_of(signal) : 0;
}

uint32_t port_room(const struct port *port)
{
    return PORT_BYTES - (port->put - port->sent);
}

uint32_t port_put(struct port *port, const void *from, uint32_t bytes)
{
    const uint8_t *text = from;
    uint32_t room = port_room(port), count = bytes < room ? bytes : room;
    for (uint32_t i = 0; i < count; i++) {
        port->ring[port->put++ % PORT_BYTES] = text[i];
    }
    return count;
}

// What is to go next, left in the ring: the driver may not take all of it.
static uint32_t port_peek(struct port *port, uint8_t *to)
{
    uint8_t piece[CONSOLE_CHUNK];
    uint32_t waits = port->put - port->sent;
    if (port->more && waits < CONSOLE_CHUNK) {
        (void)port_put(port, piece, port->more(port, piece, CONSOLE_CHUNK - waits));
        waits = port->put - port->sent;
    }
    uint32_t count = waits < CONSOLE_CHUNK ? waits : CONSOLE_CHUNK;
    for (uint32_t i = 0; i < count; i++) {
        to[i] = port->ring[(port->sent + i) % PORT_BYTES];
    }
    return count;
}

// Whether another exchange may move more: what came may have been echoed.
static bool port_exchange_once(struct port *port)
{
    static struct console_exchange_args args;
    static struct console_exchange_results results;
    uint32_t room = port->room(port);
    args.most = room < CONSOLE_CHUNK ? room : CONSOLE_CHUNK;
    args.text_count = port_peek(port, args.text);
    if (console_exchange(port->console, &args, &results) || results.taken > args.text_count ||
        results.text_count > args.most) {
        return false;
    }
    port->sent += results.taken;
    port->received += results.text_count;
    if (results.text_count) {
        port->came(port, results.text, results.text_count);
    }
    return results.text_count || (args.text_count && results.taken == args.text_count);
}

void port_exchange(struct port *port)
{
    if (!port->console) {
        port->sent = port->put;
        return;
    }
    while (port_exchange_once(port)) {}
}

void port_drain(struct port *port)
{
    do {
        port_exchange(port);
    } while (port->console && !console_drain(port->console) && port->put != port->sent);
}
