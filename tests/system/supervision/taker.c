// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A server that keeps every capability that it is sent, hidden in the place of a Reply that it does
// not need and in what follows it.
#include <rt/component.h>
#include <rt/panic.h>
#include <wire/call.h>

#include <gen/rt_stubs.h>

const char rt_task_name[] = "taker";

int component_main(const struct component_info *info)
{
    struct wire_window window = { COMPONENT_SLOT_CSPACE, COMPONENT_SLOT_REPLIES + 1, 1 };
    if (info->reply_count > 1) {
        rt_ignore(captable_delete(window.table, window.slot));
    } else {
        window = (struct wire_window){ COMPONENT_SLOT_CSPACE, info->free_slot, 4 };
    }
    for (;;) {
        struct wire_message message;
        struct wire_received got = wire_receive(component_need(GRANT_SERVE, NULL)->slot,
                                                COMPONENT_SLOT_REPLIES, &window, &message);
        if (got.code != WIRE_OK) {
            rt_panic("receive: %s", wire_code_text(got.code));
        }
        if (got.notification) {
            rt_ignore(notification_signal(COMPONENT_SLOT_ALIVE));
        } else {
            window.slot += message.cap_count;
            message = (struct wire_message){ .label = message.label };
            wire_reply(COMPONENT_SLOT_REPLIES, &message);
        }
    }
}
