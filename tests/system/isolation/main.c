// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The isolation test: a component with a tenth of the CPU gets that, no more by what it does itself
// and no less by what others of lower priority do.  tests/system/test_isolation.py boots it, with
// time counted in instructions ("counted").  "test=TEXT" runs the checks whose names contain TEXT;
// "latency=NUMBER" measures the response to so many interrupts instead.
#include "../check/check.h"
#include "../time/events.h"
#include "component.h"
#include "groups.h"
#include "latency.h"

#include <rt/start.h>

const char rt_task_name[] = "isolation";

static const struct check checks[] = {
    CHECK(own_spins),           CHECK(own_many_threads),  CHECK(own_yields),
    CHECK(own_system_calls),    CHECK(own_faults),        CHECK(own_guests),
    CHECK(own_signals),         CHECK(own_chain),         CHECK(own_kernel_work),
    CHECK(own_pieces),          CHECK(own_late),          CHECK(own_priorities),
    CHECK(own_binds),           CHECK(own_configures),    CHECK(own_recreates),
    CHECK(own_vanishes),        CHECK(own_timers),        CHECK(own_interrupts),
    CHECK(others_work),         CHECK(others_interrupts), CHECK(others_swarm),
    CHECK(others_swarm_steady), CHECK(others_equal),
};

int main(const struct root_info *info)
{
    world_clock_init(info);
    component_init(info);
    watchdog_start();
    uint64_t interrupts = check_number(info, "latency=");
    if (interrupts) {
        latency_run(info, interrupts);
        return 0;
    }
    check_run(info, checks, sizeof(checks) / sizeof(checks[0]));
    return check_summary() ? 0 : 1;
}
