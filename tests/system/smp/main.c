// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The test of several CPUs.  tests/system/test_smp.py boots it.  Words of the command line:
// "test=TEXT" runs the checks whose names contain TEXT.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>
#include <rt/print.h>
#include <rt/space.h>
#include <rt/start.h>

const char rt_task_name[] = "smp";

static const struct check checks[] = {
    CHECK(runs_on_its_cpu),
    CHECK(all_run_at_once),
    CHECK(running_thread_moves),
    CHECK(ready_thread_moves),
    CHECK(blocked_thread_moves),
    CHECK(thread_moves_itself),
    CHECK(threads_move_each_other),
    CHECK(passive_server_goes_to_its_caller),
    CHECK(active_server_stays),
    CHECK(moving_server_answers),
    CHECK(lent_time_moves),
    CHECK(signals_cross),
    CHECK(signals_wake_elsewhere),
    CHECK(faults_cross),
    CHECK(guest_answered_elsewhere),
    CHECK(kick_reaches_running),
    CHECK(kick_reaches_ready),
    CHECK(kick_races_with_traps),
    CHECK(suspend_stops_running),
    CHECK(suspend_stops_callers),
    CHECK(priority_changes_elsewhere),
    CHECK(cancel_reaches_blocked),
    CHECK(destroy_running),
    CHECK(destroyed_leaves_nothing),
    CHECK(destroy_callers),
    CHECK(destroy_each_other),
    CHECK(revoke_cspace_of_running),
    CHECK(destroy_space_of_running),
    CHECK(unmap_stops_access),
    CHECK(protect_stops_writes),
    CHECK(harvest_loses_nothing),
    CHECK(vector_follows_thread),
    CHECK(vector_read_elsewhere),
    CHECK(bases_follow_thread),
    CHECK(registers_of_stopped),
    CHECK(budgets_per_cpu),
    CHECK(timeout_elsewhere),
    CHECK(new_budget_counts_at_once),
};

int main(const struct root_info *info)
{
    world_init(info);
    check_run(info, checks, sizeof(checks) / sizeof(checks[0]));
    bool good = check_summary();
    rt_space_trim(&rt_own_space);
    cap_t left = rt_memory_check();
    if (left) {
        rt_print("FAIL memory: the Untyped in slot %lu is not whole\n", left);
    }
    return good && !left ? 0 : 1;
}
