// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The counter service killed after every single instruction of a request's path: after one, after
// two, ..., until the request is answered without a death.  Whenever it dies, the request has the
// answer that it has when nobody dies, and is carried out once.
#include "../host.h"
#include "../system.h"

#include <proto/counter_client.h>
#include <rt/print.h>
#include <rt/slots.h>

#include <client/counter.h>
#include <gen/rt_stubs.h>
#include <svc/client.h>

#define NAME       1u
#define OTHER_NAME 2u

static cap_t service;
static struct counter_client counter;  // whose value must be `value`
static uint64_t value;
static struct counter_client other;  // opened and closed

// Before a request, without an end in it; the request; what must hold then.
struct request {
    const char *name;
    void (*before)(void);
    void (*ask)(void);
    void (*after)(void);
};

static void nothing(void) {}

static void value_check(void)
{
    uint64_t found = 0;
    WANT(counter_client_read(&counter, &found) == WIRE_OK);
    WANT(found == value);
}

static void add(void)
{
    uint64_t amount = counter.sequence + 1, found = 0;
    WANT(counter_client_add(&counter, amount, &found) == WIRE_OK);
    value += amount;
    WANT(found == value);
}

static void open_again(void)
{
    cap_t slot = rt_slot_alloc();
    const struct wire_window window = { COMPONENT_SLOT_CSPACE, slot, 1 };
    struct counter_open_results opened = {};
    uint32_t code = WIRE_OK;
    do {
        code = counter_open(service, &window, &(struct counter_open_args){ NAME }, &opened);
    } while (svc_again(code));
    WANT(code == WIRE_OK);
    WANT(opened.sequence == counter.sequence);
    WANT(rt_ok(captable_delete(COMPONENT_SLOT_CSPACE, slot)));
    rt_slots_free(slot, 1);
}

static void other_open(void)
{
    uint64_t found = 0;
    WANT(counter_client_open(&other, service, OTHER_NAME) == WIRE_OK);
    WANT(other.sequence == 0);
    WANT(counter_client_add(&other, 5, &found) == WIRE_OK);
    WANT(found == 5);
}

static void other_close(void)
{
    WANT(counter_client_close(&other) == WIRE_OK);
}

static const struct request requests[] = {
    { "add", nothing, add, value_check },
    { "read", nothing, value_check, nothing },
    { "open again", nothing, open_again, value_check },
    { "open", nothing, other_open, other_close },
    { "close", other_open, other_close, value_check },
};

#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

// Killed after so many instructions; false: it had fewer to do.
static bool killed_after(const struct request *request, uint16_t server, uint64_t instructions)
{
    request->before();
    uint32_t deaths = system_look(server).deaths;
    system_inject_after(server, instructions);
    request->ask();
    uint32_t died = system_look(server).deaths - deaths;
    WANT(died <= 1);
    if (!died) {
        WANT(system_kill(server));  // what is left of its instructions
    }
    request->after();
    return died;
}

int component_main(const struct component_info *info)
{
    (void)info;
    host_begin();
    service = component_need(GRANT_CALL, "counter")->slot;
    uint16_t server = system_number("counter");
    uint64_t least = host_argument("least", 1), kinds = host_argument("kinds", 0);
    WANT(counter_client_open(&counter, service, NAME) == WIRE_OK);
    kinds = kinds && kinds < REQUESTS ? kinds : REQUESTS;
    for (unsigned i = 0; i < kinds; i++) {
        uint64_t instructions = 1;
        while (killed_after(&requests[i], server, instructions)) {
            instructions++;
        }
        rt_print("STEPS %s: killed after 1 to %lu instructions\n", requests[i].name,
                 instructions - 1);
        WANT(instructions > least);
    }
    rt_print("STEPS done: %u deaths, value %lu after %lu requests\n", system_look(server).deaths,
             value, counter.sequence);
    WANT(value == counter.sequence * (counter.sequence + 1) / 2);
    machine_end(0);
}
