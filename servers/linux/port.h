// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A serial port to the outside: bytes that wait to be sent, and those that come, exchanged with a
// driver that never makes the server wait.
#pragma once

#include "types.h"

#include <rt/abi.h>

#define PORT_BYTES 8192u

struct port {
    cap_t console;       // 0: there is none; what is sent is dropped
    uint64_t signal;     // bit by which the driver tells that it can go on
    uint64_t received;   // bytes
    uint32_t sent, put;  // counts of bytes of the ring
    uint8_t ring[PORT_BYTES];
    // Of whom the bytes are: more to be sent (how many were put into `to`), room for what comes,
    // and what came.
    uint32_t (*more)(struct port *port, uint8_t *to, uint32_t most);
    uint32_t (*room)(struct port *port);
    void (*came)(struct port *port, const uint8_t *from, uint32_t bytes);
};

// By the names of its grants; that of the signal may have something in front.
void port_open(struct port *port, const char *console, const char *signal);
uint32_t port_room(const struct port *port);
// As many bytes as have room; they go with the next exchange.
uint32_t port_put(struct port *port, const void *from, uint32_t bytes);
// Exchange until nothing moves.  Whoever gets the bytes that came may put some, but not call this.
void port_exchange(struct port *port);
// Wait until all is on the line.
void port_drain(struct port *port);
