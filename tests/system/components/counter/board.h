// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the clients of the counter tell the one who kills them and the server, in a region that
// survives all of them.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define ADDERS 4u

struct board {
    _Atomic uint64_t stop;  // the clients are to check once more and end
    struct {
        _Atomic uint64_t acknowledged;  // requests whose answer was seen
        _Atomic uint64_t incarnations;
    } adders[ADDERS];
};

// The n-th request adds n: whatever is lost or done twice shows in the sum.
static inline uint64_t board_sum(uint64_t requests)
{
    return requests * (requests + 1) / 2;
}
