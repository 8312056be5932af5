// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A counter of the counter service, for its client.  Calls outlive the server: one whose server
// died on the way is made again, and is carried out exactly once.  They outlive the client too: its
// next incarnation opens the counter by the same name and goes on.
#pragma once

#include <rt/component.h>

struct counter_client {
    cap_t session;
    uint64_t sequence;  // of the last request that is known to have been carried out
};

// Open the counter `name` of this component, which begins at zero, or go on with it.  `service` is
// the slot of a GRANT_CALL.  Gives WIRE_OK, an error of the protocol, or WIRE_KERNEL + error
// (LIMIT: no slot is free).  Like all of these: blocks, while the server is dead too.
uint32_t counter_client_open(struct counter_client *counter, cap_t service, uint64_t name);

// Add to it, once.  Ended by a deadline or by whoever gave the service up, the request may have
// been carried out or not: add the same amount again, which does it if it was not, or open anew,
// after which `sequence` tells.
uint32_t counter_client_add(struct counter_client *counter, uint64_t amount, uint64_t *value);

uint32_t counter_client_read(struct counter_client *counter, uint64_t *value);

// Give the counter up, and what it counted.  The client's memory of it is gone whatever this gives.
uint32_t counter_client_close(struct counter_client *counter);
