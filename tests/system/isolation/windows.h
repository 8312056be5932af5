// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Sliding windows over a trace.
#pragma once

#include "trace.h"

#include <stdbool.h>

struct extremes {
    uint64_t least, most;
};

// The least and the most time in gaps within any window of `length` ticks that lies in the trace,
// wherever it begins.  The trace must be longer than that.
struct extremes windows_gaps(const struct trace *trace, uint64_t length);
