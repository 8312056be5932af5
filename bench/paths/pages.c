// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Operations on as many pages as a table of tables holds and more: mapping as one range and as a
// batch of single pages, and the copy that a fork makes.
#include "scenarios.h"

#include <rt/memory.h>

#include <gen/rt_stubs.h>

#define PAGES       2048u
#define FRAME_BITS  (PAGE_BITS + 11)
#define PLACE       0x520000000000ull
#define TIMES       6u
#define BATCH_PAGES (PAGES * sizeof(struct batch_entry) / PAGE_SIZE)
#define READ_WRITE  (PROT_READ | PROT_WRITE)

// A frame and a space to which it is attached, with page tables for it, nothing mapped.
struct area {
    struct rt_space space;
    cap_t attached;
};

static void area_new(struct area *area, cap_t frame)
{
    must(rt_space_new(&area->space), "an address space");
    must(rt_cap_copy(frame, READ_WRITE, &area->attached), "deriving a frame");
    must(frame_attach(area->attached, area->space.cap), "attaching a frame");
    must(rt_space_map(&area->space, area->attached, PLACE, 0, PAGES, READ_WRITE), "mapping");
    must(frame_unmap(area->attached, PLACE, PAGES), "unmapping");
}

static void area_delete(struct area *area)
{
    rt_cap_delete(area->attached);
    rt_space_delete(&area->space);
}

// --- mapping ------------------------------------------------------------------------------------

static void map_range(const struct area *area)
{
    struct ipc_words words = { { PLACE, 0, PAGES, READ_WRITE, 0, 0 } };
    uint64_t status = measured_map_range(area->attached, TAG(OP_FRAME_MAP, 4, 0), &words);
    must((struct rt_status){ status }, "mapping a range");
    must(frame_unmap(area->attached, PLACE, PAGES), "unmapping");
}

static void batch_fill(struct batch_entry *entries, const struct area *area)
{
    for (unsigned i = 0; i < PAGES; i++) {
        entries[i] = (struct batch_entry){
            .slot = area->attached,
            .tag = TAG(OP_FRAME_MAP, 4, 0),
            .words = { PLACE + i * PAGE_SIZE, i, 1, READ_WRITE },
        };
    }
}

static void map_batch(const struct area *area, cap_t batch)
{
    must((struct rt_status){ measured_map_batch(batch, 0, PAGES) }, "mapping in a batch");
    must(frame_unmap(area->attached, PLACE, PAGES), "unmapping");
}

void scenario_map(void)
{
    struct area area;
    struct rt_mapping batch;
    cap_t frame = object_new(KIND_FRAME, FRAME_BITS);
    area_new(&area, frame);
    must(rt_map_new(BATCH_PAGES, READ_WRITE, &batch), "memory for a batch");
    batch_fill(batch.base, &area);
    for (unsigned i = 0; i < TIMES; i++) {
        map_range(&area);
        map_batch(&area, batch.frame);
    }
    rt_map_delete(&batch);
    area_delete(&area);
    rt_object_delete(frame);
}

// --- fork ---------------------------------------------------------------------------------------

static void fork_copy(const struct area *from, const struct area *to)
{
    struct ipc_words words = { { to->space.cap, PLACE, PAGES, COPY_READ_ONLY, 0, 0 } };
    uint64_t tag = TAG(OP_ADDRESS_SPACE_COPY, 4, 0);
    must((struct rt_status){ measured_fork_copy(from->space.cap, tag, &words) }, "copying");
    must(frame_unmap(to->attached, PLACE, PAGES), "unmapping the copy");
    must(aspace_protect(from->space.cap, PLACE, PAGES, READ_WRITE), "making writable again");
}

void scenario_fork(void)
{
    struct area from, to;
    cap_t frame = object_new(KIND_FRAME, FRAME_BITS);
    area_new(&from, frame);
    area_new(&to, frame);
    must(rt_space_map(&from.space, from.attached, PLACE, 0, PAGES, READ_WRITE), "mapping");
    for (unsigned i = 0; i < TIMES; i++) {
        fork_copy(&from, &to);
    }
    area_delete(&to);
    area_delete(&from);
    rt_object_delete(frame);
}
