// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Numbers that a seed determines (xorshift*, Vigna 2016).
#pragma once

#include <stdint.h>

struct random {
    uint64_t state;
};

// A sequence of its own for each seed.
static inline struct random random_of(uint64_t seed)
{
    return (struct random){ (seed + 1) * 0x9e3779b97f4a7c15ull | 1 };
}

static inline uint64_t random_next(struct random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * 0x2545f4914f6cdd1dull;
}

// 0 to below - 1.
static inline uint64_t random_below(struct random *random, uint64_t below)
{
    return (random_next(random) >> 16) % below;
}
