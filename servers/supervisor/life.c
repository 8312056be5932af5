// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The restart policy.
#include "life.h"

static void count_anew(struct life *life)
{
    life->recent = 0;
    life->backoff = 0;
}

static void wake(struct life *life, uint64_t at)
{
    life->state = SYSTEM_STATE_WAITING;
    life->wake_at = at;
}

void life_began(struct life *life, const struct system_component *is, uint64_t now)
{
    life->state = SYSTEM_STATE_RUNNING;
    life->generation++;
    life->asked = false;
    life->ping_at = now + is->heartbeat;
}

// Too many deaths: give it up, or with its group try once more.
static bool escalate(struct life *life, const struct system_component *is, uint64_t now)
{
    life->state = SYSTEM_STATE_FAILED;
    if (!is->group || (life->group_at && now - life->group_at <= is->window)) {
        return false;
    }
    return true;
}

static uint64_t backoff_take(struct life *life, const struct system_component *is)
{
    uint64_t pause = life->backoff ? life->backoff : is->backoff;
    life->backoff = pause <= is->backoff_max / 2 ? pause * 2 : is->backoff_max;
    return pause;
}

bool life_ended(struct life *life, const struct system_component *is, enum system_reason reason,
                uint64_t now)
{
    life->deaths++;
    life->reason = reason;
    if (reason == SYSTEM_REASON_OPERATOR) {
        wake(life, now);
        return false;
    }
    if (reason == SYSTEM_REASON_GROUP) {
        life_again(life, now);
        return false;
    }
    if (!is->restart) {
        life->state = SYSTEM_STATE_FAILED;
        return false;
    }
    if (now - life->died_at > is->window) {
        count_anew(life);
    }
    life->died_at = now;
    if (++life->recent > is->limit) {
        return escalate(life, is, now);
    }
    wake(life, now + backoff_take(life, is));
    return false;
}

void life_finished(struct life *life)
{
    life->state = SYSTEM_STATE_DONE;
}

void life_wanted(struct life *life, uint64_t now)
{
    count_anew(life);
    life->group_at = 0;
    wake(life, now);
}

void life_again(struct life *life, uint64_t now)
{
    count_anew(life);
    life->group_at = now;
    wake(life, now);
}

void life_stopped(struct life *life)
{
    life->state = SYSTEM_STATE_STOPPED;
}

void life_answered(struct life *life)
{
    life->asked = false;
}

enum life_event life_due(struct life *life, const struct system_component *is, uint64_t now)
{
    if (now < life_next(life, is)) {
        return LIFE_NONE;
    }
    if (life->state == SYSTEM_STATE_WAITING) {
        return LIFE_START;
    }
    if (life->asked) {
        return LIFE_MISSED;
    }
    life->asked = true;
    life->ping_at = now + is->heartbeat;
    return LIFE_ASK;
}

uint64_t life_next(const struct life *life, const struct system_component *is)
{
    if (life->state == SYSTEM_STATE_WAITING) {
        return life->wake_at;
    }
    if (life->state == SYSTEM_STATE_RUNNING && is->heartbeat) {
        return life->ping_at;
    }
    return UINT64_MAX;
}
