// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The stress of several CPUs: everything at once, for as long as the word "seconds=N" says for each
// check (else one).  Boots as a root task of its own: its end proves that all memory is back.
#include "stress.h"

#include <rt/memory.h>
#include <rt/print.h>
#include <rt/space.h>
#include <rt/start.h>

const char rt_task_name[] = "smp_stress";

#define RESTS 300u

bool stress_in_turn;
static uint64_t length, deadline;

bool stress_goes_on(void)
{
    return clock_now() < deadline;
}

void stress_rest(void)
{
    for (unsigned i = 0; i < RESTS; i++) {
        __asm__ volatile("pause");
    }
}

static void begin(void)
{
    deadline = clock_now() + length;
}

static void moves(void)
{
    begin();
    stress_moves();
}

static void spaces(void)
{
    begin();
    stress_spaces();
}

static void revocation(void)
{
    begin();
    stress_revocation();
}

static void frames(void)
{
    begin();
    stress_frames();
}

static const struct check checks[] = {
    CHECK(moves),
    CHECK(spaces),
    CHECK(revocation),
    CHECK(frames),
};

int main(const struct root_info *info)
{
    world_init(info);
    uint64_t seconds = check_number(info, "seconds=");
    seconds += !seconds;
    length = seconds * second;
    rt_print("NOTE %lu seconds of each check\n", seconds);
    stress_in_turn = check_word(info, "in_turn");
    check_run(info, checks, sizeof(checks) / sizeof(checks[0]));
    bool good = check_summary();
    rt_space_trim(&rt_own_space);
    cap_t left = rt_memory_check();
    if (left) {
        rt_print("FAIL memory: the Untyped in slot %lu is not whole\n", left);
    }
    return good && !left ? 0 : 1;
}
