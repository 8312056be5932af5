// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A counter for its client (counter.h).
#include "counter.h"

#include <proto/counter_client.h>
#include <rt/slots.h>

#include <gen/rt_stubs.h>
#include <svc/client.h>

uint32_t counter_client_open(struct counter_client *counter, cap_t service, uint64_t name)
{
    cap_t slot = rt_slot_alloc();
    if (!slot) {
        return WIRE_KERNEL + ERR_LIMIT;
    }
    const struct wire_window window = { COMPONENT_SLOT_CSPACE, slot, 1 };
    struct counter_open_results opened = {};
    uint32_t code = WIRE_OK;
    do {
        code = counter_open(service, &window, &(struct counter_open_args){ name }, &opened);
    } while (svc_again(code));
    if (code) {
        rt_slots_free(slot, 1);
        return code;
    }
    *counter = (struct counter_client){ opened.session, opened.sequence };
    return WIRE_OK;
}

uint32_t counter_client_add(struct counter_client *counter, uint64_t amount, uint64_t *value)
{
    const struct counter_add_args args = { counter->sequence + 1, amount };
    struct counter_add_results results = {};
    uint32_t code = WIRE_OK;
    do {
        code = counter_add(counter->session, &args, &results);
    } while (svc_again(code));
    if (code == WIRE_OK) {
        counter->sequence = args.sequence;
        *value = results.value;
    }
    return code;
}

uint32_t counter_client_read(struct counter_client *counter, uint64_t *value)
{
    struct counter_read_results results = {};
    uint32_t code = WIRE_OK;
    do {
        code = counter_read(counter->session, &results);
    } while (svc_again(code));
    if (code == WIRE_OK) {
        *value = results.value;
    }
    return code;
}

// A server that died may have closed it first: then there is no such session when it is asked
// again.
uint32_t counter_client_close(struct counter_client *counter)
{
    uint32_t code = counter_close(counter->session);
    while (svc_again(code)) {
        code = counter_close(counter->session);
        code = code == COUNTER_ERROR_NO_SESSION ? WIRE_OK : code;
    }
    // It cannot fail: the slot is this component's own, and so is the table.
    rt_ignore(captable_delete(COMPONENT_SLOT_CSPACE, counter->session));
    rt_slots_free(counter->session, 1);
    *counter = (struct counter_client){};
    return code;
}
