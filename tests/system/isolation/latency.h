// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The response of an interrupt's handler while everybody else keeps the kernel busy.
#pragma once

#include <rt/start.h>

// So many interrupts; prints a histogram, see latency.c.
void latency_run(const struct root_info *info, uint64_t interrupts);
