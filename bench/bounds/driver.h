// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The start of a program that works on a large scale.
#pragma once

#include <rt/abi.h>

// Run `work` as the driver (arena.h), then power off.  Does not return.
void driver_run(const struct root_info *info, void (*what)(void));
