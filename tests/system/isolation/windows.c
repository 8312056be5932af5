// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The time in gaps within a window, as a function of where the window begins, is made of straight
// lines: it is least and most where either end of the window meets an end of a gap.  So these are
// all the windows there are to look at.
#include "windows.h"

// A place that only moves forward, and the time in gaps before it.
struct cursor {
    const struct trace *trace;
    uint32_t index;   // first gap that does not end before the place
    uint64_t before;  // in gaps that do
};

static uint64_t cursor_move(struct cursor *cursor, uint64_t to)
{
    const struct gap *gaps = cursor->trace->gaps;
    while (cursor->index < cursor->trace->count && gaps[cursor->index].end <= to) {
        cursor->before += gaps[cursor->index].end - gaps[cursor->index].begin;
        cursor->index++;
    }
    bool within = cursor->index < cursor->trace->count && gaps[cursor->index].begin < to;
    return cursor->before + (within ? to - gaps[cursor->index].begin : 0);
}

// All windows of which one end lies where a gap begins or ends: `offset` is the distance from the
// window's beginning to that end of the window.
static void windows_at(const struct trace *trace, uint64_t length, uint64_t offset, bool at_end,
                       struct extremes *extremes)
{
    struct cursor first = { .trace = trace }, last = { .trace = trace };
    for (uint32_t i = 0; i < trace->count; i++) {
        uint64_t place = at_end ? trace->gaps[i].end : trace->gaps[i].begin;
        uint64_t begin = place - offset;
        if (place < trace->begin + offset || begin + length > trace->end) {
            continue;
        }
        uint64_t before = cursor_move(&first, begin);
        uint64_t gaps = cursor_move(&last, begin + length) - before;
        extremes->least = gaps < extremes->least ? gaps : extremes->least;
        extremes->most = gaps > extremes->most ? gaps : extremes->most;
    }
}

struct extremes windows_gaps(const struct trace *trace, uint64_t length)
{
    struct cursor whole = { .trace = trace };
    uint64_t first = cursor_move(&whole, trace->begin + length);
    struct extremes extremes = { first, first };
    for (unsigned i = 0; i < 4; i++) {
        windows_at(trace, length, i & 1 ? length : 0, i & 2, &extremes);
    }
    return extremes;
}
