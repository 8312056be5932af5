// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The time test: budgets, priorities, lent time and clients that abuse it.
// tests/system/test_time.py boots it. Words of the command line: "test=TEXT" runs the checks whose
// names contain TEXT; "counted" says that time is counted in instructions, so that limits can be
// tight.
#include "groups.h"
#include "world.h"

#include <rt/start.h>

const char rt_task_name[] = "time";

static const struct check checks[] = {
    CHECK(share_of_one),
    CHECK(share_of_two),
    CHECK(budget_in_pieces),
    CHECK(timeout_to_endpoint),
    CHECK(timeout_to_notification),
    CHECK(replenished_without_handler),
    CHECK(order_by_priority),
    CHECK(order_among_equals),
    CHECK(order_at_constant_cost),
    CHECK(ceilings_hold),
    CHECK(senders_by_priority),
    CHECK(donation_to_passive),
    CHECK(fault_lends_nothing),
    CHECK(donation_nested),
    CHECK(donation_ends_at_active),
    CHECK(donation_nested_exhausted),
    CHECK(peer_died),
    CHECK(peer_died_while_served),
    CHECK(endpoint_outlives_server),
    CHECK(cancel_returns_time),
    CHECK(cancel_nested),
    CHECK(fallback_gone_keeps_loan),
    CHECK(min_budget_waits),
    CHECK(min_budget_matters),
    CHECK(min_budget_of_slices),
    CHECK(min_budget_beyond),
    CHECK(fallback_goes_on),
    CHECK(fallback_is_bounded),
    CHECK(hostile_small_budgets),
    CHECK(hostile_with_min_budget),
    CHECK(hostile_unbinds),
    CHECK(hostile_destroys),
    CHECK(hostile_cancels),
    CHECK(hostile_suspends),
    CHECK(hostile_through_proxy),
    CHECK(hostile_dies),
};

int main(const struct root_info *info)
{
    world_init(info);
    check_run(info, checks, sizeof(checks) / sizeof(checks[0]));
    return check_summary() ? 0 : 1;
}
