// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A counter of the counter service, which goes on whoever of the two is killed.
#include "monitor.h"

#include <proto/counter.h>

#include <client/counter.h>

#define COUNTER_NAME 1u  // of the monitor's only one

static struct counter_client counter;

void command_count(const struct command_line *line)
{
    uint64_t amount = 1, value = 0;
    if (line->count > 2 ||
        (line->count == 2 && !number_parse(line->words[1], UINT32_MAX, &amount))) {
        out("usage: count [amount]\n");
        return;
    }
    if (!service_answers("counter")) {
        out("count: no component \"counter\" runs\n");
        return;
    }
    uint32_t code = WIRE_OK;
    if (!counter.session) {
        cap_t service = component_need(GRANT_CALL, "counter")->slot;
        code = counter_client_open(&counter, service, COUNTER_NAME);
    }
    if (!code) {
        code = counter_client_add(&counter, amount, &value);
    }
    if (code) {
        out_error("count", "counter", counter_error_text(code));
    } else {
        out("%lu\n", value);
    }
}
