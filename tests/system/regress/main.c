// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What once broke the kernel, or could have: objects that end at awkward moments, time that is lent
// and bound at once, an invocation whose capability goes while it is preempted.
// tests/system/test_regress.py boots it; a word "test=TEXT" on the command line runs only the
// checks whose names contain TEXT.
#include "actor.h"

#include <rt/start.h>

const char rt_task_name[] = "regress";

static const struct check checks[] = {
    CHECK(bind_while_serving),         CHECK(bind_while_time_is_lent),
    CHECK(answer_moves_its_reply),     CHECK(lent_time_without_budget),
    CHECK(end_on_lent_time),           CHECK(end_in_all_orders),
    CHECK(restart_without_capability),
};

int main(const struct root_info *info)
{
    settle_init();
    check_run(info, checks, sizeof(checks) / sizeof(checks[0]));
    return check_summary() ? 0 : 1;
}
