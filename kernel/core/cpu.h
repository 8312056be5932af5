// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// All state of one CPU in the core.  Guarded by the kernel lock, under which other CPUs use it too.
#pragma once

#include "tree.h"
#include "types.h"

#include <hal/cpu.h>

struct thread;
struct sched_context;

#define PRIORITIES 256
#define READY_NONE (-1)
// Another CPU has changed something here: whatever asks whether somebody else is to run first is
// told so, and the scheduler looks at everything anew.
#define READY_POKED PRIORITIES

struct cpu {
    struct thread *current;       // NULL: idle
    struct thread *next;          // woken last: READY, in no queue yet; NULL outside the kernel
    struct sched_context *sched;  // in use since `since`; NULL: none
    int32_t
        ready_top;  // highest priority with a ready thread (or `floor`), READY_NONE; or READY_POKED
    uint8_t number;
    bool resched;     // something happened that can change who runs
    bool rotate;      // the current thread goes behind its peers
    bool next_first;  // `next` goes before its peers
    bool ended;       // a budget has, since an alarm was seen to
    bool fresh;       // the kernel was entered to choose, and has done nothing else
    uint32_t work;    // since the last preemption point that looked
    uint64_t since;
    uint64_t stamp;  // the clock when the interrupt came that is being handled; 0: none is
    struct thread *vector_thread;  // whose vector registers are in the hardware, NULL: nobody's
    struct thread *vector_guest;   // the same if it is a guest, and its registers may be accessible
    uint64_t timer;                // armed deadline
    uint64_t admitted;  // millionths of this CPU handed out through limited SchedControls
    int32_t floor;  // the timer goes off only for alarms of this priority or a higher one; -1: for
                    // all.  Nobody below is run without a look at them (ready_top is not lower).
    uint64_t ready_bits[PRIORITIES / 64];
    struct thread *ready[PRIORITIES];  // rings, first to run
    struct tree alarms[PRIORITIES];    // alarm.c
    uint64_t earliest[2 * PRIORITIES];
};
#define CPU_BYTES_MAX 0x3000ul  // what the ISA has room for
_Static_assert(sizeof(struct cpu) <= CPU_BYTES_MAX, "size");
