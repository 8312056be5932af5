// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What happens to components: they start, die, are asked whether they live, and are given up.
#pragma once

#include "incident.h"

// Start what is due, ask who is due, and have the timer go off when something is due next.
void tend(void);

// The incarnation of a component has come to its end: record why, take it down, and decide what
// follows.  A component that does not run is left as it is.
void component_died(struct component *component, struct cause cause);

// Its first thread faulted, or its second (`watch`); the message says how.
void component_faulted(struct component *component, bool watch, const struct wire_message *fault);

// Until its next start nobody serves its endpoints: who waits there gets PEER_DIED, who calls there
// BUDGET.
void component_close(const struct component *component);

// What operators may do; false: not in this state.
bool component_stop(struct component *component);
bool component_start(struct component *component);
bool component_kill(struct component *component, bool count_anew);
// Let it carry out some more instructions and die.
bool component_inject(struct component *component, uint64_t instructions);

// Nanoseconds since boot.
uint64_t now(void);
