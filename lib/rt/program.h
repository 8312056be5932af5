// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Programs in address spaces of their own: loaded from an ELF file, with one thread.
#pragma once

#include "thread.h"

#define RT_PROGRAM_SEGMENTS 6

// Where a program finds its stack and message buffer, and how it is started: RDI holds the argument
// word, RSP the end of the stack.  Slot RT_PROGRAM_CSPACE of its table is the table itself.
#define RT_PROGRAM_STACK_TOP    0x0000700000000000ull
#define RT_PROGRAM_STACK_PAGES  4u
#define RT_PROGRAM_BUFFER       0x0000700000010000ull
#define RT_PROGRAM_CSPACE       1u
#define RT_PROGRAM_CSPACE_SLOTS 256u

// A frame with what is in it, mapped in the program.
struct rt_segment {
    cap_t frame;     // original
    cap_t attached;  // derived, attached to the program's space
};

struct rt_program {
    struct rt_space space;
    cap_t cspace;   // its CapTable's original
    cap_t thread;   // its Thread's original
    cap_t context;  // its SchedContext, or 0
    unsigned segment_count;
    struct rt_segment segments[RT_PROGRAM_SEGMENTS + 2];  // of the file, stack, buffer
    struct message_buffer *buffer;                        // its message buffer, mapped here too
    struct rt_mapping buffer_here;
};

// What a new program is to be; as in struct rt_thread_config.
struct rt_program_config {
    uint64_t argument;
    unsigned priority, ceiling;
    uint64_t budget, period;
    cap_t fault, timeout;
};

// Load `file` (an ELF64 executable of `bytes` bytes, as it lies in a module) into a new address
// space with a suspended thread.  The table is empty but for itself: fill it with rt_program_give,
// then rt_program_start.  RANGE: not a program that can be loaded.  Nothing is left behind on an
// error.
struct rt_status rt_program_load(struct rt_program *program, const void *file, uint64_t bytes,
                                 const struct rt_program_config *config);

// Derive `from` (own table) into a slot of the program's table.
struct rt_status rt_program_give(struct rt_program *program, uint64_t slot, cap_t from,
                                 unsigned rights);

struct rt_status rt_program_start(struct rt_program *program);

// Stop it and give everything back.
void rt_program_delete(struct rt_program *program);

// The module of this name, mapped for reading; LIMIT: there is none.
struct rt_status rt_module_map(const struct root_info *info, const char *name,
                               struct rt_mapping *mapping, uint64_t *bytes);
