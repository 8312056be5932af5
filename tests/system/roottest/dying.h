// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Seeing DEAD: capabilities that are being revoked while somebody uses them.
//
// A worker revokes a capability with thousands of copies, which takes longer than the period of a
// more urgent prober, whose replenishment interrupts it.  What the prober then finds in its hands
// is marked.
#pragma once

#include "fixture.h"

struct dying {
    cap_t victims[2];  // the first and the last copy that was made; the prober uses them
    // Try whatever should answer DEAD on a victim, recording what it answers.  Must do no harm to
    // one that lives and must not block.
    void (*probe)(cap_t victim);
    // Was everything seen?
    bool (*done)(void);
};

// Revoke copies of `sample` again and again until done() says yes or it has been tried often
// enough.
bool dying_observe(struct dying *dying, cap_t sample);

// The same for an Untyped, which cannot be copied: one with many children is deleted.
bool dying_observe_untyped(struct dying *dying);

// Message buffer of the prober, for use in probe().
struct message_buffer *dying_buffer(void);

void dying_init(void);
void dying_end(void);
