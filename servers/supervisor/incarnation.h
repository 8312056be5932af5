// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Making and ending incarnations of components.
#pragma once

#include "supervisor.h"

// Make the component's next incarnation, which does not run yet.  An error says what the kernel
// refused (or LIMIT: the home is too small); nothing is left behind then.
struct rt_status incarnation_make(struct component *component);

// Let it run.
struct rt_status incarnation_run(struct component *component);

// End it, whatever it does; every byte and slot of it is free afterwards.  What it reached beyond
// itself stays: regions as they are, its callers get PEER_DIED.
void incarnation_end(struct component *component);

// Make one object, or `count` of them, in the component's home.
struct rt_status home_make(struct component *component, uint64_t kind_bits, cap_t table, cap_t slot,
                           uint64_t count);

// Map pages of an attached frame into the component's space, with page tables of its home.
struct home_mapping {
    cap_t attached;
    uint64_t vaddr, page, pages;
    unsigned prot;
};
struct rt_status home_map(struct component *component, struct home_mapping mapping);

// Derive a capability of a frame into a slot of the component's block and attach it to its space.
struct rt_status home_attach(struct component *component, cap_t frame, cap_t to, unsigned rights);

// Fill in the grants of a new incarnation and give it their capabilities (grants.c).
struct rt_status grants_give(struct component *component, struct component_info *info);
// The slot of a component's table in which the capability of a grant stands; 0: it has none.
uint64_t grant_slot(const struct system_component *is, unsigned number);
// First slot of its table that no grant takes.
uint64_t grant_slots_end(const struct system_component *is);
// The badge of a grant's capability as the component's table holds it.
uint64_t grant_badge(const struct system_grant *grant);

// How many slots a grant takes.
unsigned grant_width(const struct system_grant *grant);
// What the capability in one of them is: as captable_identify tells it, or with rights 0, if any
// are right, since nobody else has it.
struct grant_form {
    enum rt_kind kind;
    unsigned rights;
};
struct grant_form grant_form(const struct component *component, unsigned number, unsigned slot);
// Memory of a grant, among the component's pools.
struct pools {
    unsigned first, count;
};
struct pools grant_pools(const struct component *component, unsigned number);
// Whether the component makes objects itself.
bool makes_objects(const struct system_component *is);

// The number of a file of the boot image; module_count where there is none of the name.
unsigned module_find(const char *name);

// A badge says which endpoint it belongs to: the server's index + 1 from here on.  lib/svc keeps
// these bits in the sessions that a server mints.
#define SERVER_SHIFT 56

#define KIND_BITS(kind, bits) ((uint64_t)(kind) | (uint64_t)(bits) << 8)
