// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Stands in for the compiler's <stdatomic.h>: every access goes to the memory of memory.h, which
// answers with any value that C11 allows.  Only what the ring uses: loads, stores and fences.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum memory_order {
    memory_order_relaxed,
    memory_order_acquire,
    memory_order_release,
    memory_order_seq_cst,  // of fences alone
};

uint64_t memory_load(const volatile void *address, enum memory_order order);
void memory_store(volatile void *address, uint64_t value, enum memory_order order);
void memory_fence(enum memory_order order);

#define atomic_load_explicit(address, order) \
 ((__typeof__((void)0, *(address)))memory_load((address), (order)))
#define atomic_store_explicit(address, value, order) memory_store((address), (value), (order))
#define atomic_thread_fence(order)                   memory_fence(order)
