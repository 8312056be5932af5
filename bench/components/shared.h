// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The region of the driver and the server: clocks.
#pragma once

#include <stdint.h>

struct times {
    volatile uint64_t began;  // the server's first instruction of component_main
    volatile uint64_t fault;  // just before the server faults
};

// The amount with which the server dies.
#define DEADLY UINT64_MAX
