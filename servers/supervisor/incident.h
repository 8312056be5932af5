// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Post-mortems: why incarnations ended, the last few of them.
#pragma once

#include "supervisor.h"

#define INCIDENTS          16u
#define INCIDENT_REGISTERS 18u
#define INCIDENT_DEPTH     14u

struct incident {
    unsigned component;
    enum system_reason reason;
    uint64_t generation, time;  // nanoseconds since boot
    uint64_t detail, detail2;
    uint64_t image;
    uint64_t registers[INCIDENT_REGISTERS];
    uint64_t backtrace[INCIDENT_DEPTH];
    unsigned depth;
    unsigned words_bytes;
    char words[COMPONENT_WORDS_TEXT];
};

// Why an incarnation ends, as the fault's message says.
struct cause {
    enum system_reason reason;
    uint64_t detail, detail2;
    bool watch;  // it is the second thread that faulted
};

// Record an incarnation that still exists but does not run.
void incident_record(struct component *component, struct cause cause);

// Incidents so far, and one of them by its number; NULL where it is not kept any more.
uint32_t incident_count(void);
const struct incident *incident_get(uint32_t number);

// The function in which an address of a backtrace lies; NULL: none is known.  `offset` is from its
// beginning.
const char *incident_symbol(const struct incident *incident, unsigned frame, uint32_t *offset);
