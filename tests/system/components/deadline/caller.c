// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Calls with deadlines: one that is not answered ends in time, one that is goes on as without, and
// none after the deadline's end is cancelled.
#include "../host.h"
#include "../system.h"

#include <proto/console_client.h>
#include <rt/clock.h>
#include <rt/print.h>

#include <svc/client.h>

#define KEEPS  2u        // as deaf.c has it
#define LENGTH 1000000u  // nanoseconds
#define LATE   200000u   // of an end that is not late
#define ROUNDS 2000u

static cap_t deaf;

static uint64_t ticks(uint64_t nanoseconds)
{
    return rt_ticks(nanoseconds, component_info()->clock_hz);
}

static void unanswered(void)
{
    struct console_read_results results;
    uint64_t begin = rt_clock();
    svc_deadline_begin(ticks(LENGTH));
    uint32_t code = console_read(deaf, &results);
    bool passed = svc_deadline_passed();
    svc_deadline_end();
    uint64_t took = rt_clock() - begin;
    rt_print("DEADLINE of %lu ticks: code %x after %lu, passed %u\n", ticks(LENGTH), code, took,
             passed);
    WANT(code == WIRE_KERNEL + ERR_CANCELLED && passed);
    WANT(took >= ticks(LENGTH) && took < ticks(LENGTH + LATE));
}

// Deadlines of every length that may pass before, within and after a call that is answered.
static unsigned answered(void)
{
    unsigned passed = 0;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        svc_deadline_begin(i * 16);
        uint32_t code = console_drain(deaf);
        bool late = svc_deadline_passed();
        svc_deadline_end();
        WANT(code == WIRE_OK || (code == WIRE_KERNEL + ERR_CANCELLED && late));
        WANT(console_drain(deaf) == WIRE_OK);
        passed += late;
    }
    return passed;
}

// The calls that were given up still have their Replies: this client has all that it may have.
static void credit_is_used(void)
{
    struct console_read_results results;
    WANT(console_read(deaf, &results) == CONSOLE_ERROR_BUSY);
    WANT(console_drain(deaf) == WIRE_OK);
}

int component_main(const struct component_info *info)
{
    (void)info;
    host_begin();
    deaf = component_need(GRANT_CALL, "deaf")->slot;
    for (unsigned i = 0; i < KEEPS; i++) {
        unanswered();
    }
    credit_is_used();
    unsigned passed = answered();
    rt_print("DEADLINES %u of %u passed\n", passed, ROUNDS);
    WANT(passed > 0 && passed < ROUNDS);
    machine_end(0);
}
