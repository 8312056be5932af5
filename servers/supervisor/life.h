// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// When a component is started, asked whether it lives, started again and given up: the restart
// policy.  Makes no system call, so it is tested on the development host.  Times are nanoseconds of
// any one clock.
#pragma once

#include "system.h"

#include <proto/system.h>

struct life {
    enum system_state state;
    enum system_reason reason;  // of the last death
    uint64_t generation;
    uint32_t deaths;    // since boot, for whatever reason
    uint32_t recent;    // that count, without a pause of `window` between them
    uint64_t died_at;   // the last of those
    uint64_t backoff;   // of the next death
    uint64_t group_at;  // when its group was restarted; 0: never
    uint64_t wake_at;   // WAITING: when it starts
    uint64_t ping_at;   // RUNNING: when it is asked next
    bool asked;         // and has not answered
};

enum life_event {
    LIFE_NONE,
    LIFE_START,   // its time has come: make it, then life_began
    LIFE_ASK,     // ask whether it lives
    LIFE_MISSED,  // it was asked and did not answer: end it, then life_ended
};

// It runs.
void life_began(struct life *life, const struct system_component *is, uint64_t now);

// Its incarnation has ended, or could not be made.  A death that an operator wanted does not count
// towards the limit, nor one for the group's sake, with which the count begins anew.  True: it is
// to be restarted with its group; each member's incarnation ends with SYSTEM_REASON_GROUP.
bool life_ended(struct life *life, const struct system_component *is, enum system_reason reason,
                uint64_t now);

// It ended by itself with its work done.
void life_finished(struct life *life);

// An operator wants it to be started at once, with a new count of deaths; or stopped, once its
// incarnation has ended.
void life_wanted(struct life *life, uint64_t now);
// Its group is restarted, and it was not running.  A new count of deaths.
void life_again(struct life *life, uint64_t now);
void life_stopped(struct life *life);

// It answered.
void life_answered(struct life *life);

// What is due now; the event is taken.
enum life_event life_due(struct life *life, const struct system_component *is, uint64_t now);

// When the next event is due; UINT64_MAX: never.
uint64_t life_next(const struct life *life, const struct system_component *is);
