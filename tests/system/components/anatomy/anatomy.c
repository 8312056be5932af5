// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Prints how much of its memory each component of a system has in use, "used NAME BYTES", and ends
// the machine.  The others run this program too, and only wait.
#include "../host.h"

#include <proto/system_client.h>
#include <rt/print.h>
#include <rt/string.h>

#include <gen/rt_stubs.h>

#define COMPONENTS 62u

static uint32_t used_print(cap_t system, unsigned number)
{
    struct system_component_args args = { (uint16_t)number };
    struct system_component_results results = {};
    uint32_t code = system_component(system, &args, &results);
    if (code == WIRE_OK) {
        char name[SYSTEM_NAME_MAX + 1] = { 0 };
        memcpy(name, results.name, results.name_count);
        rt_print("used %s %lu\n", name, results.used);
    }
    return code;
}

int component_main(const struct component_info *info)
{
    const struct component_grant *system = component_grant(GRANT_CALL, "system");
    (void)info;
    while (!system) {
        rt_ignore(notification_wait(COMPONENT_SLOT_NOTIFICATION).status);
    }
    host_begin();
    for (unsigned i = 0; i < COMPONENTS && used_print(system->slot, i) == WIRE_OK; i++) {}
    struct system_power_args power = { 0 };
    rt_ignore((struct rt_status){ system_power(system->slot, &power) });
    return 1;
}
