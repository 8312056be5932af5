// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Memory as C11 has it, with views: each location keeps all the values that were stored; a thread
// may load any that is not older than what it knows of; a release store carries what its thread
// knows, an acquire load takes it over, and so on for fences ("A promising semantics for
// relaxed-memory concurrency", Kang et al., POPL 2017, without promises, which is RC11).  A store
// that is still in the store buffer of a CPU is one that others do not know of yet.
//
// Each location has one writer, so that its values are stored in one order.
#pragma once

#include <stddef.h>
#include <stdint.h>

// An empty memory; `address` is the one that offsets in traces count from.
void memory_begin(const void *address);

// A thread died and another incarnation begins: whoever starts it knows what the dead one knew.
void memory_inherit(unsigned thread);

// What `from` knows goes with its signal; `to` learns it when it wakes up.
void memory_send(unsigned from, unsigned to);
void memory_receive(unsigned thread);
void memory_forget_signal(unsigned thread);

// A hash of all that can still be seen: times are counted from what every thread knows.
uint64_t memory_hash(uint64_t hash);
