// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Objects of an Untyped, one behind the other.
#include "making.h"

#include <rt/print.h>

#include <gen/rt_stubs.h>

#define TABLE_BITS 12

static uint64_t kind_bits(enum rt_kind kind, unsigned bits)
{
    return (uint64_t)kind | (uint64_t)bits << 8;
}

void report_fact(struct report *report, bool fact, uint32_t line)
{
    if (!fact) {
        rt_print("line %u\n", line);
        report->line = line;
        report->failed++;
    }
}

uint64_t untyped_bytes(cap_t untyped)
{
    struct captable_identify_result found = captable_identify(COMPONENT_SLOT_CSPACE, untyped);
    return rt_ok(found.status) && (found.kind_rights & 0xff) == KIND_UNTYPED ? found.size : 0;
}

struct rt_status pool_make(struct pool *pool, enum rt_kind kind, unsigned bits, cap_t slot,
                           uint64_t count)
{
    uint64_t size = 1ull << bits, offset = (pool->used + size - 1) & ~(size - 1);
    struct rt_status status = untyped_retype(pool->untyped, kind_bits(kind, bits), offset,
                                             COMPONENT_SLOT_CSPACE, slot, count);
    if (rt_ok(status)) {
        pool->used = offset + count * size;
    }
    return status;
}

bool untyped_whole(cap_t untyped, cap_t slots)
{
    uint64_t half = untyped_bytes(untyped) / 2;
    unsigned bits = half ? 63u - (unsigned)__builtin_clzll(half) : 0;
    bool whole = half && rt_ok(untyped_retype(untyped, kind_bits(KIND_UNTYPED, bits), 0,
                                              COMPONENT_SLOT_CSPACE, slots, 2));
    for (unsigned i = 0; i < 2; i++) {
        rt_ignore(captable_delete(COMPONENT_SLOT_CSPACE, slots + i));  // or it was not made
    }
    return whole;
}

struct rt_status place_map(const struct place *place, struct pool *pool, cap_t *tables)
{
    unsigned prot = place->prot;
    for (;;) {
        struct frame_map_result result = frame_map(place->attached, place->vaddr, 0, place->pages,
                                                   prot);
        if (rt_error(result.status) != ERR_TABLES) {
            return result.status;
        }
        struct rt_status status = pool_make(pool, KIND_PAGETABLE, TABLE_BITS, *tables,
                                            result.missing);
        if (rt_ok(status)) {
            status = aspace_stock(place->space, COMPONENT_SLOT_CSPACE, *tables, result.missing);
        }
        if (!rt_ok(status)) {
            return status;
        }
        *tables += result.missing;
        prot |= PROT_REPLACE;
    }
}
