// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What each client of a server may have there at once of something that there is a fixed number of:
// as many as any other, whatever the others have.  Makes no system call.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SVC_CREDIT_CLIENTS 64u

struct svc_credit {
    uint32_t limit;  // of each client
    uint32_t used[SVC_CREDIT_CLIENTS];
};

// One more for the client with this badge; false: it has all that it may have.
bool svc_credit_take(struct svc_credit *credit, uint64_t badge);

// One less.  What was not taken cannot be given back: that is ignored.
void svc_credit_give(struct svc_credit *credit, uint64_t badge);
