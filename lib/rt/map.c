// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Mappings in the own address space.  Owns the addresses from RT_MAP_START on; leaves an unmapped
// page behind each mapping.
#include "map.h"

#include "memory.h"
#include "panic.h"
#include "ranges.h"

#include <gen/rt_stubs.h>

static struct rt_ranges addresses;
static bool ready;

static struct rt_ranges *map_addresses(void)
{
    if (!ready) {
        rt_ranges_add(&addresses, RT_MAP_START, RT_MAP_SIZE);
    }
    ready = true;
    return &addresses;
}

static uint64_t span(uint64_t pages)
{
    return (pages + 1) << PAGE_BITS;
}

struct rt_status rt_map_frame(cap_t frame, uint64_t pages, unsigned prot,
                              struct rt_mapping *mapping)
{
    uint64_t base = 0;
    cap_t attached = 0;
    uint64_t align = pages >= 512 ? PAGE_SIZE * 512 : PAGE_SIZE;
    if (!rt_ranges_find(map_addresses(), span(pages), align, &base)) {
        return rt_refuse(ERR_LIMIT, 0);
    }
    struct rt_status status = rt_cap_copy(frame, prot & PROT_RIGHTS, &attached);
    if (!rt_ok(status)) {
        return status;
    }
    status = frame_attach(attached, rt_own_space.cap);
    if (rt_ok(status)) {
        status = rt_space_map(&rt_own_space, attached, base, 0, pages, prot);
    }
    if (!rt_ok(status)) {
        rt_cap_delete(attached);
        return status;
    }
    rt_ranges_remove(map_addresses(), base, span(pages));
    *mapping = (struct rt_mapping){ (void *)base, pages, 0, attached };
    return RT_OK;
}

struct rt_status rt_map_new(uint64_t pages, unsigned prot, struct rt_mapping *mapping)
{
    cap_t frame = 0;
    unsigned bits = rt_frame_bits(pages);
    struct rt_status status = rt_object_new(KIND_FRAME, bits, &frame);
    if (!rt_ok(status)) {
        return status;
    }
    status = rt_map_frame(frame, 1ull << (bits - PAGE_BITS), prot, mapping);
    if (!rt_ok(status)) {
        rt_object_delete(frame);
    } else {
        mapping->frame = frame;
    }
    return status;
}

void rt_map_delete(struct rt_mapping *mapping)
{
    if (!mapping->pages) {
        rt_panic("a mapping is deleted twice");
    }
    rt_cap_delete(mapping->attached);
    if (mapping->frame) {
        rt_object_delete(mapping->frame);
    }
    rt_ranges_add(map_addresses(), (uint64_t)mapping->base, span(mapping->pages));
    *mapping = (struct rt_mapping){ 0 };
}
