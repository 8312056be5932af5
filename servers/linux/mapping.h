// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
#pragma once

#include <rt/abi.h>

// What the kernel is to map.
struct mapping {
    cap_t frame;
    uint64_t address;
    uint32_t page, count;  // in the frame
    unsigned prot;
};
