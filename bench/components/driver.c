// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Measures what it costs to make a component and to make it again, in instructions where the clock
// counts them.  Prints a line "PITH-BENCH NAME NUMBER" for each and ends the machine.
#include "shared.h"

#include <proto/counter_client.h>
#include <proto/system_client.h>
#include <rt/clock.h>
#include <rt/component.h>
#include <rt/panic.h>
#include <rt/print.h>
#include <rt/serial.h>
#include <rt/string.h>

#define ROUNDS 16u
#define CALLS  1000u
#define SERVER "server"

const char rt_task_name[] = "driver";

static struct times *times(void)
{
    return (struct times *)component_need(GRANT_REGION, "times")->address;
}

static cap_t system_cap(void)
{
    return component_need(GRANT_CALL, "system")->slot;
}

static void must(uint32_t code, const char *what)
{
    if (code != WIRE_OK) {
        rt_panic("%s: %u", what, code);
    }
}

static uint16_t server_number(void)
{
    for (struct system_component_args args = { 0 };; args.number++) {
        struct system_component_results results = {};
        must(system_component(system_cap(), &args, &results), "no server");
        if (results.name_count == strlen(SERVER) && !memcmp(results.name, SERVER, strlen(SERVER))) {
            return args.number;
        }
    }
}

static uint64_t longer(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

// From its fault to the next incarnation's first answer.
static uint64_t restart(void)
{
    cap_t server = component_need(GRANT_CALL, SERVER)->slot;
    struct counter_add_args deadly = { 1, DEADLY };
    struct counter_add_results added;
    struct counter_read_results read;
    if (counter_add(server, &deadly, &added) != WIRE_KERNEL + ERR_PEER_DIED) {
        rt_panic("the server did not die");
    }
    must(counter_read(server, &read), "the first answer");
    return rt_clock() - times()->fault;
}

// From the order to start it to its program's first instruction.
static uint64_t spawn(uint16_t number)
{
    struct system_control_args stop = { number, SYSTEM_COMMAND_STOP };
    struct system_control_args start = { number, SYSTEM_COMMAND_START };
    must(system_control(system_cap(), &stop), "stop");
    uint64_t before = rt_clock();
    must(system_control(system_cap(), &start), "start");
    return times()->began - before;
}

// A call through generated code to a server of lib/svc and back, by the call.
static uint64_t call(void)
{
    cap_t server = component_need(GRANT_CALL, SERVER)->slot;
    uint64_t before = rt_clock();
    for (unsigned i = 0; i < CALLS; i++) {
        struct counter_read_results read;
        must(counter_read(server, &read), "read");
    }
    return (rt_clock() - before) / CALLS;
}

int component_main(const struct component_info *info)
{
    uint64_t restarted = 0;
    uint64_t spawned = 0;
    uint16_t number = server_number();
    (void)info;
    for (unsigned i = 0; i < ROUNDS; i++) {
        restarted = longer(restarted, restart());
        spawned = longer(spawned, spawn(number));
    }
    rt_serial_use(component_need(GRANT_PORTS, "uart")->slot);
    rt_print("PITH-BENCH restart.component %lu\n", restarted);
    rt_print("PITH-BENCH spawn.component %lu\n", spawned);
    rt_print("PITH-BENCH svc.call %lu\n", call());
    struct system_power_args off = { 0 };
    return (int)system_power(system_cap(), &off);
}
