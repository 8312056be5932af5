// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The root test: a root task that tries every system call and operation, with good and bad
// arguments, and in the end gives everything back.  tests/system/test_roottest.py boots it and
// reads what it says. A word "test=TEXT" on the command line runs only the tests whose names
// contain TEXT.
#include "agent.h"
#include "dying.h"
#include "groups.h"

#include <rt/panic.h>
#include <rt/slots.h>
#include <rt/space.h>
#include <rt/start.h>
#include <rt/string.h>

const char rt_task_name[] = "roottest";

static const struct test_group *const groups[] = {
    &every_tests,  &untyped_tests, &captable_tests,      &frame_tests,   &aspace_tests,
    &thread_tests, &vector_tests,  &endpoint_tests,      &irq_tests,     &io_tests,
    &ports_tests,  &syscall_tests, &sched_context_tests, &message_tests, &capmsg_tests,
    &time_tests,   &fault_tests,   &guest_tests,         &batch_tests,   &revoke_tests,
    &timer_tests,  &program_tests,
};

static char wanted[64];

// The value of "test=" on the command line.
static void wanted_parse(const char *line)
{
    for (; *line; line++) {
        if (strncmp(line, "test=", 5) != 0) {
            continue;
        }
        for (unsigned i = 0; i + 1 < sizeof(wanted) && line[5 + i] > ' '; i++) {
            wanted[i] = line[5 + i];
        }
        return;
    }
}

// All objects deleted, all slots empty again, every Untyped whole.
static bool leaks_check(uint64_t slots_before)
{
    rt_space_trim(&rt_own_space);
    uint64_t objects = rt_memory_objects();
    uint64_t slots = rt_slots_in_use() - slots_before;
    cap_t torn = rt_memory_check();
    rt_print("LEAKS objects %lu slots %lu untyped %lu\n", objects, slots, torn);
    return objects == 0 && slots == 0 && torn == 0;
}

int main(const struct root_info *info)
{
    uint64_t slots = rt_slots_in_use();
    wanted_parse(info->cmdline);
    program_tests_init(info);
    fixtures_make();
    settle_init();
    dying_init();
    for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        test_group_run(groups[i], wanted);
    }
    dying_end();
    settle_end();
    fixtures_delete();
    bool whole = leaks_check(slots);
    return test_summary() && whole ? 0 : 1;
}
