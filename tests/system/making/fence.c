// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Takes what it is sent, makes a frame of the memory among it, and says what it still has whenever
// it is asked.
#include "making.h"

#include <rt/panic.h>
#include <wire/call.h>

#include <gen/rt_stubs.h>

#define KEPT 16u  // slots: what was sent, and last the frame

const char rt_task_name[] = "fence";

static bool frame_make(cap_t untyped)
{
    struct pool pool = { untyped, 0 };
    uint64_t kind_bits = KIND_FRAME | PAGE_BITS << 8;
    return rt_ok(untyped_retype(pool.untyped, kind_bits, 0, COMPONENT_SLOT_CSPACE,
                                component_info()->free_slot + KEPT - 1, 1));
}

static void bell_give(struct wire_message *answer)
{
    rt_ignore(thread_bind(component_need(GRANT_WATCH, NULL)->slot + WATCH_FIRST, 0));
    answer->caps[answer->cap_count++] = COMPONENT_SLOT_NOTIFICATION;
}

static void look(struct report *report)
{
    uint32_t held = 0;
    for (unsigned i = 0; i < KEPT; i++) {
        cap_t slot = component_info()->free_slot + i;
        held += captable_identify(COMPONENT_SLOT_CSPACE, slot).kind_rights != KIND_EMPTY;
    }
    report->held = held;
    report->looks++;
}

int component_main(const struct component_info *info)
{
    struct report *report = (struct report *)component_need(GRANT_REGION, "report")->address;
    struct wire_window window = { COMPONENT_SLOT_CSPACE, info->free_slot, 4 };
    report->used = 0;
    for (;;) {
        struct wire_message message;
        struct wire_received got = wire_receive(component_need(GRANT_SERVE, NULL)->slot,
                                                COMPONENT_SLOT_REPLIES, &window, &message);
        if (got.code != WIRE_OK) {
            rt_panic("receive: %s", wire_code_text(got.code));
        }
        if (got.notification) {
            look(report);
            continue;
        }
        report->used += message.cap_count && frame_make(window.slot);
        window.slot += message.cap_count;
        message = (struct wire_message){ .label = message.label };
        if (report->bell) {
            bell_give(&message);
        }
        wire_reply(COMPONENT_SLOT_REPLIES, &message);
    }
}
