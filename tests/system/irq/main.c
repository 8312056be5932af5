// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The interrupt test: lines, messages, storms.  tests/system/test_irq.py boots it with the devices
// it needs. Words of the command line: those of the time test.
#include "groups.h"
#include "world.h"

#include <rt/start.h>

const char rt_task_name[] = "irq";

static const struct check checks[] = {
    CHECK(message_arrives),    CHECK(message_once_until_ack),
    CHECK(message_masked),     CHECK(message_routed),
    CHECK(message_late),       CHECK(msix_entries_arrive),
    CHECK(line_level),         CHECK(line_edge),
    CHECK(line_routed),        CHECK(every_vector_unowned),
    CHECK(every_vector_owned), CHECK(vectors_recycled),
    CHECK(control_needed),     CHECK(storm_of_edges),
    CHECK(storm_of_level),     CHECK(storm_of_messages),
    CHECK(storm_of_timer),     CHECK(windows_and_messages),
    CHECK(windows_and_edges),  CHECK(windows_and_levels),
};

// On a machine with several CPUs.
static const struct check cpu_checks[] = {
    CHECK(cpu_messages),
    CHECK(cpu_lines),
    CHECK(cpu_vectors),
    CHECK(cpu_storm),
};

// Where an IOMMU remaps interrupts.
static const struct check remapped_checks[] = {
    CHECK(message_arrives),
    CHECK(message_once_until_ack),
    CHECK(message_masked),
    CHECK(msix_entries_arrive),
    CHECK(line_level),
    CHECK(line_edge),
    CHECK(line_routed),
    CHECK(vectors_recycled),
    CHECK(storm_of_edges),
    CHECK(storm_of_level),
    CHECK(windows_and_edges),
    CHECK(windows_and_levels),
    CHECK(remapped_device_needed),
    CHECK(remapped_foreign),
    CHECK(remapped_routed),
    CHECK(remapped_storm),
};
#define RUN(info, list) check_run(info, list, sizeof(list) / sizeof((list)[0]))

int main(const struct root_info *info)
{
    irq_world_init(info);
    if (edu_device) {
        RUN(info, remapped_checks);
    } else if (info->cpu_count > 1) {
        RUN(info, cpu_checks);
    } else {
        RUN(info, checks);
    }
    return check_summary() ? 0 : 1;
}
