// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The stage on which capabilities die.
#include "dying.h"

#include "agent.h"

#include <rt/slots.h>

#define CROWD_BITS     19
#define CROWD          (1u << (CROWD_BITS - 6))  // slots of the table of copies
#define TRIES          60
#define PROBE_PRIORITY 200u
#define PROBE_BUDGET   60000ull
#define PROBE_PERIOD   150000ull  // of the first try; each one is longer by PROBE_STEP, so that
#define PROBE_STEP     50000ull   // the prober comes at other moments
#define UNTYPED_BITS   20

static cap_t crowd;  // a table for the copies
static struct dying *stage;
static struct rt_thread prober;
static unsigned tries;

void dying_init(void)
{
    crowd = make_sized(KIND_CAPTABLE, CROWD_BITS);
}

void dying_end(void)
{
    rt_object_delete(crowd);
}

struct message_buffer *dying_buffer(void)
{
    return prober.buffer;
}

static void prober_loop(uint64_t argument)
{
    (void)argument;
    for (;;) {
        for (unsigned i = 0; i < 2; i++) {
            if (stage->victims[i]) {
                stage->probe(stage->victims[i]);
            }
        }
    }
}

// Let `slot` be revoked (or deleted) by an agent while the prober looks on.
static void dying_play(struct dying *dying, unsigned op, cap_t slot)
{
    struct agent worker;
    struct rt_thread_config config = { .entry = prober_loop,
                                       .priority = PROBE_PRIORITY,
                                       .budget = PROBE_BUDGET,
                                       .period = PROBE_PERIOD + tries * PROBE_STEP };
    stage = dying;
    agent_make(&worker, &(struct agent_config){ 0 });
    EXPECT_OK(rt_thread_new(&prober, &config));
    EXPECT_OK(rt_thread_start(&prober));
    EXPECT_OK(agent_invoke(&worker, op, CSPACE, WORDS(slot)));
    rt_thread_delete(&prober);
    agent_delete(&worker);
}

static void crowd_fill(cap_t from)
{
    unsigned failed = 0;
    for (unsigned slot = 1; slot < CROWD; slot++) {
        failed += !rt_ok(captable_copy(crowd, slot, CSPACE, from, RIGHT_ALL));
    }
    EXPECT_EQUAL(failed, 0);
}

static void dying_round(struct dying *dying, cap_t sample)
{
    cap_t parent = derive(sample, RIGHT_ALL);
    dying->victims[0] = derive(parent, RIGHT_ALL);
    crowd_fill(parent);
    dying->victims[1] = derive(parent, RIGHT_ALL);
    dying_play(dying, OP_CAPTABLE_REVOKE, parent);
    rt_slots_free(dying->victims[0], 1);
    rt_slots_free(dying->victims[1], 1);
    rt_cap_delete(parent);
}

bool dying_observe(struct dying *dying, cap_t sample)
{
    for (tries = 0; tries < TRIES && !dying->done(); tries++) {
        dying_round(dying, sample);
    }
    return dying->done();
}

bool dying_observe_untyped(struct dying *dying)
{
    for (tries = 0; tries < TRIES && !dying->done(); tries++) {
        cap_t untyped = make_sized(KIND_UNTYPED, UNTYPED_BITS);
        dying->victims[0] = untyped;
        dying->victims[1] = 0;
        EXPECT_OK(untyped_retype(untyped, kind_bits(KIND_ENDPOINT, 6), 0, crowd, 1, CROWD - 1));
        dying_play(dying, OP_CAPTABLE_DELETE, untyped);
        rt_object_forget(untyped);
    }
    return dying->done();
}
