// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Has what is left of the machine's memory, and uses it up.
#include "making.h"

#include <gen/rt_stubs.h>

const char rt_task_name[] = "rester";

// In pairs, the larger ones first, nothing in any of them; empty slots behind.
static void rest_is_whole(struct report *report, const struct component_grant *grant)
{
    cap_t free = component_info()->free_slot;
    uint64_t all = 0, before = UINT64_MAX;
    for (unsigned i = 0; i < 2 * COMPONENT_UNTYPED_PAIRS; i++) {
        uint64_t bytes = untyped_bytes(grant->slot + i);
        CHECK((bytes != 0) == (i < grant->badge));
        CHECK(bytes <= before && (i % 2 == 0 || bytes == before));
        CHECK(!bytes || untyped_whole(grant->slot + i, free));
        before = bytes;
        all += bytes;
    }
    CHECK(all == grant->bytes);
    report->bytes = all;
}

int component_main(const struct component_info *info)
{
    struct report *report = (struct report *)component_need(GRANT_REGION, "report")->address;
    const struct component_grant *grant = component_need(GRANT_UNTYPED, "all");
    cap_t slot = info->free_slot;
    rest_is_whole(report, grant);
    for (unsigned i = 0; i < grant->badge; i++) {
        struct pool pool = { grant->slot + i, 0 };
        CHECK(rt_ok(pool_make(&pool, KIND_FRAME, PAGE_BITS, slot++, 1)));
        CHECK(rt_ok(pool_make(&pool, KIND_CAPTABLE, PAGE_BITS, slot++, 1)));
    }
    report->finished = info->generation;
    for (;;) {
        rt_ignore(notification_wait(COMPONENT_SLOT_NOTIFICATION).status);
    }
}
