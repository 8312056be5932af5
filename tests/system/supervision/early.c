// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Changes its table with its first instructions and dies, again and again: on another CPU than the
// supervisor, which is to find nothing wrong with that.
#include <proto/system_client.h>
#include <rt/component.h>
#include <rt/print.h>
#include <rt/serial.h>

#include <gen/rt_stubs.h>

#define LIVES 16u  // as many incidents are kept

const char rt_task_name[] = "early";

// Deaths for another reason than the one that it gave.
static unsigned wrong_deaths(cap_t system)
{
    unsigned wrong = 0;
    for (uint32_t i = 0; i < LIVES; i++) {
        struct system_incident_args args = { i };
        struct system_incident_results results = {};
        wrong += system_incident(system, &args, &results) != WIRE_OK ||
                 results.reason != SYSTEM_REASON_EXCEPTION;
    }
    return wrong;
}

int component_main(const struct component_info *info)
{
    rt_ignore(captable_copy(COMPONENT_SLOT_CSPACE, info->slot_count - 1, COMPONENT_SLOT_CSPACE,
                            COMPONENT_SLOT_NOTIFICATION, RIGHT_ALL));
    if (info->generation <= LIVES) {
        __builtin_trap();
    }
    rt_serial_use(component_need(GRANT_PORTS, "uart")->slot);
    cap_t system = component_need(GRANT_CALL, "system")->slot;
    unsigned wrong = wrong_deaths(system);
    rt_print("SUMMARY lives %u failed %u\n", LIVES, wrong);
    struct system_power_args power = { wrong != 0 };
    return (int)system_power(system, &power);
}
