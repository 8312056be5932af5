// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A server that keeps every capability that it is sent.
#include <rt/component.h>
#include <rt/panic.h>
#include <wire/call.h>

const char rt_task_name[] = "taker";

int component_main(const struct component_info *info)
{
    struct wire_window window = { COMPONENT_SLOT_CSPACE, info->free_slot, 1 };
    for (;;) {
        struct wire_message message;
        struct wire_received got = wire_receive(component_need(GRANT_SERVE, NULL)->slot,
                                                COMPONENT_SLOT_REPLIES, &window, &message);
        if (got.code != WIRE_OK) {
            rt_panic("receive: %s", wire_code_text(got.code));
        }
        if (!got.notification) {
            window.slot += message.cap_count;
            message = (struct wire_message){ .label = message.label };
            wire_reply(COMPONENT_SLOT_REPLIES, &message);
        }
    }
}
