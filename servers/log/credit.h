// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a writer may still write: lines, of which it gets some back as time passes.  Makes no system
// call; log.c calls it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CREDIT_BURST 64u                   // lines at once
#define CREDIT_TIME  (1000000000ull / 32)  // nanoseconds in which one comes back

struct credit {
    uint64_t since;  // the time from which on what was used has not come back
    uint64_t used;
};

// Use one line's credit at a time (nanoseconds, never backwards); false: there is none left.
bool credit_use(struct credit *credit, uint64_t now);
