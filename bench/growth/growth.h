// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the measured code (paths.S) and the program agree on.
#pragma once

#include "../bounds/arena.h"

#define SLOT_GO_CLIENT    100  // notifications that the threads wait for
#define SLOT_GO_SIGNALLER 101
#define SLOT_GO_YIELDER   102
#define SLOT_GO_OTHER     103
#define SLOT_SIGNALLED    104
#define SLOT_TIMED        105
#define NOTIFICATIONS     6
#define SLOT_CALLED       110  // endpoints
#define SLOT_FAULTS       111
#define SLOT_WAITED       112
#define ENDPOINTS         3
#define SLOT_REPLY        120  // Replies
#define SLOT_FAULT_REPLY  121
#define REPLIES           2

#ifndef __ASSEMBLER__
# define WORKER(name) extern const char growth_##name[];
WORKER(client)
WORKER(server)
WORKER(faulter)
WORKER(handler)
WORKER(signaller)
WORKER(waiter)
WORKER(yielder)
WORKER(other)
WORKER(spinner)
WORKER(timed)
WORKER(sender)
# undef WORKER

// Take one of those that wait at SLOT_WAITED.
uint64_t growth_receive(void);
// Invocations; the status is returned, the words are not changed.
# define MEASURED(name) \
  uint64_t growth_##name(uint64_t slot, uint64_t tag, const struct ipc_words *words);
MEASURED(copy)
MEASURED(mint)
MEASURED(delete)
MEASURED(retype)
MEASURED(destroy)
MEASURED(map)
MEASURED(set_priority)
MEASURED(timer_arm)
MEASURED(timer_cancel)
MEASURED(revoke)
# undef MEASURED
#endif
