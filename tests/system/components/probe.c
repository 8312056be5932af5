// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Looks at the system through the supervisor's protocol and ends the machine.
#include <proto/system_client.h>
#include <rt/component.h>
#include <rt/print.h>

#include <gen/rt_stubs.h>

static void put(struct rt_sink *sink, char c)
{
    (void)sink;
    rt_ignore(io_ports_out(component_need(GRANT_PORTS, "uart")->slot, 0x3f8, 1, (unsigned char)c));
}
static struct rt_sink line = { put };

int component_main(const struct component_info *info)
{
    rt_print_sink_set(&line);
    rt_print("probe generation %lu at %lx\n", info->generation, info->image);
    cap_t system = component_need(GRANT_CALL, "system")->slot;
    struct system_resources_results r;
    uint32_t code = system_resources(system, &r);
    rt_print("code %u memory %lu slots %lu time %lu\n", code, r.memory, r.slots, r.time);
    struct system_power_args power = { 0 };
    code = system_power(system, &power);
    return 1;
}
