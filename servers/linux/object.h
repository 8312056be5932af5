// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the supervisor gave to this container, and the kernel objects made of it.
#pragma once

#include <rt/component.h>

#include <gen/rt_stubs.h>

#define OBJECT_SMALL_BITS 12  // threads, page tables
#define OBJECT_LARGE_BITS 13  // address spaces

extern cap_t object_space;  // the server's own address space

// Take what the description grants: banks of pages (page.h), the rest for objects.  Panics where it
// is less than a container needs.
void object_init(const struct component_info *info);
// Make a bank that is known: its frame, which is clear then, mapped at its place here.
void object_bank_make(unsigned number);

// Make an object of 2^bits bytes (at most OBJECT_LARGE_BITS): its slot, or 0: no memory or no slot.
cap_t object_new(enum rt_kind kind, unsigned bits);
// Delete it, with everything derived from it.
void object_delete(cap_t slot, unsigned bits);

// Derive a capability into a slot of its own; 0: no slot left.
cap_t object_copy(cap_t from, unsigned rights);
void object_drop(cap_t slot);

// A page of the bank's frame as the kernel asks for RAM: a capability attached to this space.
cap_t object_bank_here(unsigned bank);
// The same for any memory of a bank: where it begins in the frame, and *frame.
uint64_t object_place(const void *here, cap_t *frame);
