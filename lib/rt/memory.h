// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Kernel objects made from the root task's Untypeds, and capabilities derived from them. Everything
// made here can be given back, and rt_memory_check proves that it was.
#pragma once

#include "syscall.h"

// Take charge of the Untypeds that the kernel handed to the root task.
void rt_memory_init(const struct root_info *info);

// Make one object of 2^bits bytes from RAM; its original capability stands in *slot.  LIMIT: no
// slot or no memory.
struct rt_status rt_object_new(enum rt_kind kind, unsigned bits, cap_t *slot);

// Make `count` objects, one after the other in memory and in slots from *first.
struct rt_status rt_objects_new(enum rt_kind kind, unsigned bits, uint64_t count, cap_t *first);

// A child Untyped of RAM.
struct rt_status rt_untyped_alloc(unsigned bits, cap_t *slot);

// The same for good: it may be one of those that the kernel handed over, and so larger than any
// child.
struct rt_status rt_untyped_take(unsigned bits, cap_t *slot);

// Delete an object made here, with everything derived from it, and have its memory back.  The slots
// of derived capabilities are empty then, but stay taken: rt_slots_free.
void rt_object_delete(cap_t slot);
// The same for `count` objects in consecutive slots, of which some may be gone already.
void rt_objects_delete(cap_t first, uint64_t count);
// The object was already deleted by other means: give back slot and memory only.
void rt_object_forget(cap_t slot);

// Derive a capability into a slot of its own.
struct rt_status rt_cap_copy(cap_t from, unsigned rights, cap_t *slot);
struct rt_status rt_cap_mint(cap_t from, unsigned rights, uint64_t badge, cap_t *slot);
// Delete a derived capability and free its slot; an empty slot is fine.
void rt_cap_delete(cap_t slot);

// Bytes of RAM that can be had.
uint64_t rt_memory_available(void);
// Objects made here that live.
uint64_t rt_memory_objects(void);
// Prove that every Untyped is whole: no object lives, and a child as large as the Untyped can be
// made in each.  Returns the slot of the first Untyped that is not, or 0.
cap_t rt_memory_check(void);
