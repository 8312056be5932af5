// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Slot allocator: one bit a slot, first fit from where the last search ended.
#include "slots.h"

#include "panic.h"

#define WORD_BITS 64u

static uint64_t taken[RT_SLOTS_MOST / WORD_BITS];
static uint64_t slot_count, in_use, hint;

static bool slot_taken(uint64_t slot)
{
    return taken[slot / WORD_BITS] >> (slot % WORD_BITS) & 1;
}

static void slot_flip(uint64_t slot)
{
    taken[slot / WORD_BITS] ^= 1ull << (slot % WORD_BITS);
}

void rt_slots_init(uint64_t first, uint64_t count)
{
    slot_count = count < RT_SLOTS_MOST ? count : RT_SLOTS_MOST;
    for (uint64_t slot = 0; slot < first && slot < slot_count; slot++) {
        slot_flip(slot);
    }
    in_use = first;
    hint = first;
}

// First slot of a run of `count` empty ones that begins in [from, to), or 0.
static cap_t find_run(uint64_t from, uint64_t to, uint64_t count)
{
    uint64_t run = 0;
    for (uint64_t slot = from; slot < slot_count && slot - run < to; slot++) {
        run = slot_taken(slot) ? 0 : run + 1;
        if (run == count) {
            return slot + 1 - count;
        }
    }
    return 0;
}

cap_t rt_slots_alloc(uint64_t count)
{
    cap_t first = count ? find_run(hint, slot_count, count) : 0;
    if (!first && count) {
        first = find_run(0, hint, count);
    }
    if (!first) {
        return 0;
    }
    for (uint64_t i = 0; i < count; i++) {
        slot_flip(first + i);
    }
    in_use += count;
    hint = first + count;
    return first;
}

cap_t rt_slot_alloc(void)
{
    return rt_slots_alloc(1);
}

void rt_slots_free(cap_t first, uint64_t count)
{
    for (uint64_t slot = first; slot < first + count; slot++) {
        if (slot >= slot_count || !slot_taken(slot)) {
            rt_panic("slot %lu is freed but not in use", slot);
        }
        slot_flip(slot);
    }
    in_use -= count;
    hint = first < hint ? first : hint;
}

uint64_t rt_slots_in_use(void)
{
    return in_use;
}
