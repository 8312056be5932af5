// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A server of 64 KiB, which dies when it is asked to.
#include "shared.h"

#include <proto/counter.h>
#include <rt/clock.h>

#include <svc/serve.h>

#define KIB 1024u

const char rt_task_name[] = "server";

// What makes the file as large as a real one: constants, and data that is copied for each
// incarnation.
static const unsigned char constants[44 * KIB] = { 1 };
static unsigned char data[16 * KIB] = { 1 };

static struct times *times;

static uint32_t serve_add(const struct wire_peer *peer, const struct counter_add_args *args,
                          struct counter_add_results *results)
{
    (void)peer;
    if (args->amount == DEADLY) {
        times->fault = rt_clock();
        __builtin_trap();
    }
    results->value = args->amount;
    return WIRE_OK;
}

static uint32_t serve_read(const struct wire_peer *peer, struct counter_read_results *results)
{
    const volatile unsigned char *ballast = constants;
    volatile unsigned char *own = data;
    (void)peer;
    results->value = (uint64_t)ballast[sizeof(constants) / 2] + own[sizeof(data) / 2]++;
    return WIRE_OK;
}

static const struct counter_server handlers = { .add = serve_add, .read = serve_read };

static bool serve(const struct wire_peer *peer, const struct wire_message *request,
                  struct wire_message *answer)
{
    return counter_serve(&handlers, peer, request, answer);
}

int component_main(const struct component_info *info)
{
    static svc_serve *const services[] = { serve };
    const struct svc server = { .service_count = 1, .services = services };
    (void)info;
    times = (struct times *)component_need(GRANT_REGION, "times")->address;
    times->began = rt_clock();
    svc_run(&server);
}
