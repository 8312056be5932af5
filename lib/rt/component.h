// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The contract between the supervisor and a component: what a component finds when it starts.
//
// RDI holds the address of struct component_info, a page that the component can only read; RSP the
// end of its stack.  Everything that the system description gives it is a grant with a name, in the
// description's words.  One notification of its own, bound to its first thread, carries all that
// is not a message: interrupts, timers, signals of other components, pings.  A new incarnation
// finds the same grants in the same slots.
#pragma once

#include "syscall.h"

#define COMPONENT_MAGIC      0x746e6e706d6f6370ull
#define COMPONENT_MAJOR      1
#define COMPONENT_MINOR      1
#define COMPONENT_NAME_BYTES 24  // with the zero at its end
#define COMPONENT_GRANTS     40

// Fixed slots of a component's table.
enum component_slot {
    COMPONENT_SLOT_CSPACE = 1,    // its own CapTable
    COMPONENT_SLOT_NOTIFICATION,  // its notification: wait, poll
    COMPONENT_SLOT_ALIVE,         // to signal that it lives, after a ping
    COMPONENT_SLOT_REPLIES,       // its Replies, as many as the description says; grants follow
};

// Bits of a component's notification; the others are those of its grants.
#define COMPONENT_PING (1ull << 63)  // the supervisor asks whether it lives

enum component_grant_kind {
    GRANT_SERVE = 1,  // endpoint: receive.  Also a send right with grant, to mint sessions from
    GRANT_CALL,       // endpoint of another component: send, with capabilities; badge: who calls
    GRANT_SIGNAL,     // notification of another component, with its badge: signal
    GRANT_SIGNALLED,  // no capability: `badge` is the bit by which others signal this component
    GRANT_TIMER,      // Timer, bound: signals `badge`
    GRANT_IRQ,        // IrqHandler, bound: signals `badge`
    GRANT_PORTS,      // IoPorts: `address` is the first, `bytes` their number
    GRANT_REGION,     // memory that outlives the component, mapped at `address`
    GRANT_WATCH,      // a second thread, suspended, with the means to watch the first (below)
    GRANT_UNTYPED,    // memory to make objects of: `badge` Untypeds from the slot on (below)
    GRANT_SCHED,      // SchedControl of CPU `address`, up to `badge` millionths of it
    GRANT_MODULE,     // Frame of a file of the boot image, to read and execute: `bytes` long
    GRANT_SPACE,      // its own AddressSpace
    GRANT_CONTEXT,    // SchedContext on CPU `address`, with a budget that stays: bind, consumed
};

// GRANT_WATCH, where the description says `deadlines = true`: a thread of the component's space,
// one priority above the first, on a small budget of its own, that starts at the ELF file's entry
// with RSI = 1.  Its slots, from the grant's on.
enum component_watch {
    WATCH_FIRST,         // the component's first thread: cancel
    WATCH_THREAD,        // the second one: resume
    WATCH_NOTIFICATION,  // what it waits for
    WATCH_TIMER,         // bound to that notification
    WATCH_SLOTS,
};

// GRANT_UNTYPED: memory beside the component's own, of which it makes what it likes; `bytes` in
// all.  It comes in pairs of Untypeds, the larger ones first, the two of a pair equally large and
// next to each other: an Untyped can only be taken back by way of the larger one that it was made
// of, which is the supervisor's.  captable_identify tells the size of each.  When the component
// ends, every object made of them is destroyed, whoever has it.  A given size is one pair; of "the
// rest" there are as many as the machine had left, and the slots behind them are empty.
#define COMPONENT_UNTYPED_PAIRS 4  // of the rest, at most

// GRANT_SPACE: below this the supervisor has mapped what the component is made of, above it nothing
// (to USER_END).
#define COMPONENT_OWN_VADDR 0x400000000000ull

struct component_grant {
    char name[COMPONENT_NAME_BYTES];
    uint32_t kind;
    uint32_t slot;     // 0: nothing but what stands here; of a module: there is none of this name;
                       // of time: there is no such CPU
    uint64_t badge;    // bits in the own notification; how the server knows this client; Untypeds;
                       // millionths of the CPU
    uint64_t address;  // of a region; first port; CPU
    uint64_t bytes;    // of a region, of all Untypeds, of a file; number of ports
    uint64_t rights;   // of a region: PROT_READ, PROT_WRITE
};

struct component_info {
    uint64_t magic;
    uint16_t major, minor;
    uint32_t size;  // of this structure
    char name[COMPONENT_NAME_BYTES];
    uint64_t generation;            // of the incarnation, from 1 on
    uint64_t clock_hz, boot_clock;  // as in struct root_info
    uint64_t image;                 // where address 0 of the ELF file is
    uint64_t stack, stack_bytes;    // lowest address
    uint64_t buffer;                // message buffer of the first thread
    uint64_t watch_buffer;          // of the second one, or 0
    uint64_t heap, heap_bytes;      // memory for the program's own use, zero
    uint64_t words, words_bytes;    // struct component_words: its last words
    uint32_t reply_count;
    uint32_t free_slot, slot_count;  // empty slots of its table: from free_slot below slot_count
    uint32_t grant_count;
    struct component_grant grants[COMPONENT_GRANTS];
};
_Static_assert(sizeof(struct component_info) <= PAGE_SIZE, "one page");

// What a component said last, kept where the supervisor finds it when the component is dead: a ring
// of characters, `written` of which were written in all; the last COMPONENT_WORDS_TEXT are there.
// Any component can write anything here.
#define COMPONENT_WORDS_TEXT 2040
struct component_words {
    uint64_t written;
    char text[COMPONENT_WORDS_TEXT];
};

// ---- for components ----------------------------------------------------------------------------
// The information page of this component.
const struct component_info *component_info(void);

// The grant of a kind by its name (NULL: the first of the kind); NULL where there is none.
const struct component_grant *component_grant(enum component_grant_kind kind, const char *name);
// The same where the component cannot do without it: panics where there is none.
const struct component_grant *component_need(enum component_grant_kind kind, const char *name);

// End this component; the supervisor treats it as its restart policy says.  0: it is done.
__attribute__((noreturn)) void component_exit(int status);

// How component_exit looks to the supervisor: an undefined instruction with this in RAX and the
// status in RDI.
#define COMPONENT_EXIT 0x74697865ull

// The program of the second thread where there is one (GRANT_WATCH); lib/svc has it.
void component_watch(void);

// What a library wants done before component_main; lib/libc has it.
void component_library_begin(const struct component_info *info);

// A component's program.  Returning from it is component_exit.
int component_main(const struct component_info *info);
