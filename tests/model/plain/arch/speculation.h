// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The development host as an ISA: nothing is patched.  Contract: hal/speculation.h.
#pragma once

#include <stdint.h>

static inline void *hal_element(const void *base, uint64_t index, uint64_t count, unsigned shift)
{
    (void)count;
    return (void *)((uintptr_t)base + (index << shift));
}

static inline unsigned hal_call(uintptr_t function, void *argument)
{
    return ((unsigned (*)(void *))function)(argument);
}

static inline unsigned hal_call_4(uintptr_t function, void *a, void *b, unsigned c, unsigned d)
{
    return ((unsigned (*)(void *, void *, unsigned, unsigned))function)(a, b, c, d);
}
