// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// An array that grows while paths are watched.  Distinct lines are found by sorting.
#include "log.h"

#include <stdlib.h>

#define LINE_BITS  6
#define UPPER_HALF (1ull << 63)

struct event {
    const struct insn *insn;  // NULL: an access by the instruction before
    bool again;
    struct access access;
};

static struct event *events;
static size_t count, room;
static uint64_t *lines;  // room for two per event
static size_t line_count;

static void fail(void)
{
    fputs("pathcount: error: out of memory for the log\n", stderr);
    exit(1);
}

static struct event *event_add(void)
{
    if (count == room) {
        room = room ? room * 2 : 4096;
        events = realloc(events, room * sizeof(*events));
        lines = realloc(lines, room * 2 * sizeof(*lines));
        if (!events || !lines) {
            fail();
        }
    }
    return &events[count++];
}

size_t log_position(void)
{
    return count;
}

void log_insn(const struct insn *insn, bool again)
{
    *event_add() = (struct event){ .insn = insn, .again = again };
}

void log_access(const struct access *access)
{
    *event_add() = (struct event){ .access = *access };
}

void log_reset(void)
{
    count = 0;
}

// --- summary ------------------------------------------------------------------------------------

static void lines_add(uint64_t address, uint64_t bytes)
{
    uint64_t first = address >> LINE_BITS;
    uint64_t end = (address + bytes - 1) >> LINE_BITS;
    lines[line_count++] = first;
    if (end != first) {
        lines[line_count++] = end;
    }
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

static uint64_t lines_distinct(void)
{
    if (!line_count) {
        return 0;
    }
    qsort(lines, line_count, sizeof(*lines), compare);
    uint64_t distinct = 1;
    for (size_t i = 1; i < line_count; i++) {
        distinct += lines[i] != lines[i - 1];
    }
    return distinct;
}

static uint64_t code_lines(size_t first)
{
    line_count = 0;
    for (size_t i = first; i < count; i++) {
        if (events[i].insn && !events[i].again) {
            lines_add(events[i].insn->place, events[i].insn->size);
        }
    }
    return lines_distinct();
}

static uint64_t data_lines(size_t first)
{
    line_count = 0;
    for (size_t i = first; i < count; i++) {
        if (!events[i].insn && !events[i].access.io) {
            lines_add(events[i].access.paddr, events[i].access.bytes);
        }
    }
    return lines_distinct();
}

static void count_event(struct log_summary *summary, const struct event *event)
{
    if (!event->insn) {
        summary->accesses++;
    } else if (event->again) {
        summary->rep++;
    } else {
        summary->insns++;
        summary->user += event->insn->vaddr < UPPER_HALF;
        summary->kinds[event->insn->kind]++;
    }
}

struct log_summary log_summarise(size_t first)
{
    struct log_summary summary = { .insns = 0 };
    for (size_t i = first; i < count; i++) {
        count_event(&summary, &events[i]);
    }
    summary.lines_code = code_lines(first);
    summary.lines_data = data_lines(first);
    return summary;
}

// --- listing ------------------------------------------------------------------------------------

void log_list(FILE *file, const char *name, size_t first)
{
    fprintf(file, "path %s\n", name);
    for (size_t i = first; i < count; i++) {
        const struct event *event = &events[i];
        if (event->insn) {
            fprintf(file, "%c %lx %s\n", event->again ? 'r' : 'i', event->insn->vaddr,
                    event->insn->text ? event->insn->text : "");
        } else {
            fprintf(file, "%c %lx %lx %u\n", event->access.store ? 'W' : 'R', event->access.vaddr,
                    event->access.paddr, event->access.bytes);
        }
    }
}
