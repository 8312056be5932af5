// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Threads that play a part in a check, and the thread that runs when nobody else can.
#pragma once

#include "../check/check.h"

#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/slots.h>
#include <rt/thread.h>

#define ACTOR_PRIORITY 100u

struct actor {
    struct rt_thread thread;
    cap_t go;  // a notification that it may wait for
};

cap_t make(enum rt_kind kind, unsigned bits);
void must(struct rt_status status, const char *what);

// A thread that runs `entry` once it is resumed; `budget` RT_NO_CONTEXT: without a context.
void actor_make(struct actor *actor, void (*entry)(uint64_t argument), uint64_t argument,
                uint64_t budget);
void actor_start(struct actor *actor);
void actor_delete(struct actor *actor);

// Let a passive thread run on `context` until it waits, then take the context back.
void actor_start_passive(struct actor *actor, cap_t context);

// Wait until all others wait.
void settle(void);
void settle_init(void);

void bind_while_serving(void);
void bind_while_time_is_lent(void);
void answer_moves_its_reply(void);
void lent_time_without_budget(void);
void restart_without_capability(void);
void end_in_all_orders(void);
void end_on_lent_time(void);
