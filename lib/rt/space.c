// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Address spaces and their page tables.
#include "space.h"

#include "memory.h"

#include <gen/rt_stubs.h>

#define ASPACE_BITS 13
#define TABLE_BITS  12

struct rt_space rt_own_space = { .cap = ROOT_SLOT_ASPACE };

struct rt_status rt_space_new(struct rt_space *space)
{
    *space = (struct rt_space){ 0 };
    return rt_object_new(KIND_ADDRESS_SPACE, ASPACE_BITS, &space->cap);
}

static struct rt_status space_stock(struct rt_space *space, uint64_t count)
{
    cap_t first = 0;
    if (space->run_count == RT_SPACE_TABLES) {
        return rt_refuse(ERR_LIMIT, 0);
    }
    struct rt_status status = rt_objects_new(KIND_PAGETABLE, TABLE_BITS, count, &first);
    if (!rt_ok(status)) {
        return status;
    }
    status = aspace_stock(space->cap, ROOT_SLOT_CSPACE, first, count);
    if (!rt_ok(status)) {
        rt_objects_delete(first, count);
        return status;
    }
    space->runs[space->run_count].first = (uint16_t)first;
    space->runs[space->run_count++].count = (uint16_t)count;
    return RT_OK;
}

// NOLINTNEXTLINE(readability-function-size): those of the operation
struct rt_status rt_space_map(struct rt_space *space, cap_t frame, uint64_t vaddr, uint64_t page,
                              uint64_t pages, unsigned prot)
{
    struct frame_map_result result = frame_map(frame, vaddr, page, pages, prot);
    while (rt_error(result.status) == ERR_TABLES) {
        struct rt_status status = space_stock(space, result.missing);
        if (!rt_ok(status)) {
            return status;
        }
        // What was mapped before the tables ran out is mapped again.
        result = frame_map(frame, vaddr, page, pages, prot | PROT_REPLACE);
    }
    return result.status;
}

void rt_space_trim(struct rt_space *space)
{
    while (space->run_count > 0) {
        space->run_count--;
        rt_objects_delete(space->runs[space->run_count].first, space->runs[space->run_count].count);
    }
}

void rt_space_delete(struct rt_space *space)
{
    rt_space_trim(space);
    rt_object_delete(space->cap);
    space->cap = 0;
}
