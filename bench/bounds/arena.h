// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the worst cases are made of: objects by the ten thousand, all from one Untyped that is
// revoked after each case, made by batches.  They run in one thread, the *driver*, whose capability
// table has 65,536 slots, and name objects by slots that they choose.  Any failure is a panic.
#pragma once

// Slots of the driver's table beside those of enum root_slot.
#define SLOT_OWN_TABLE    1   // ROOT_SLOT_CSPACE
#define SLOT_BATCH        16  // frame: the batch
#define SLOT_ARENA        17  // Untyped of 2 GiB: everything that a case makes
#define SLOT_LARGE        18  // Untyped of 1 GiB
#define SLOT_DONE         19  // notification: nobody below the driver can run
#define SLOT_SERIAL       20
#define SLOT_FIRST        32  // of a case
#define SLOT_ENDPOINT     32
#define SLOT_NOTIFICATION 33
#define SLOT_TABLES       34  // and on
#define SLOT_THREADS      1000
#define SLOT_CONTEXTS     20000
#define SLOT_ENDPOINTS    40000
#define SLOT_REPLIES      45000
#define SLOT_PAGETABLES   50000
#define TABLE_BITS        22
#define TABLE_SLOTS       65536

#define TAG_FULL   0x440      // 64 words, 4 capabilities
#define TAG_DELETE 0x2030001  // delete from a table, one word

#ifndef __ASSEMBLER__
# include <rt/syscall.h>

# include <gen/rt_stubs.h>

# define CAPTABLE_BITS     TABLE_BITS
# define ENDPOINT_BITS     6
# define NOTIFICATION_BITS 6
# define REPLY_BITS        6
# define CONTEXT_BITS      9
# define TIMER_BITS        7
# define THREAD_BITS       12
# define SPACE_BITS        13
# define READ_WRITE        (PROT_READ | PROT_WRITE)
# define BATCH_BYTES       (8ull << 20)

# define PRIORITY_DRIVER 200u
# define PRIORITY_CROWD  100u

_Static_assert(SLOT_OWN_TABLE == ROOT_SLOT_CSPACE, "as in the ABI");
_Static_assert(TAG_DELETE == TAG(OP_CAPTABLE_DELETE, 1, 0), "as in the ABI");
_Static_assert(TAG_FULL == TAG(0, MSG_MAX_WORDS, MSG_MAX_CAPS), "as in the ABI");

void must(struct rt_status status, const char *what);

// Once, first, by the driver: the batch is mapped at `batch`.
void arena_init(struct batch_entry *memory);
// The last 1 KiB of the batch, which a thread can have as its message buffer.
struct message_buffer *arena_buffer(void);
// Objects in consecutive slots of the driver's table, or of the table in slot `table`.
void arena_make(enum rt_kind kind, unsigned bits, cap_t slot, uint64_t count);
void arena_make_in(cap_t table, enum rt_kind kind, unsigned bits, cap_t slot, uint64_t count);
// Destroy everything that was made.
void arena_clear(void);

// A page of a space of its own, in slots from `slot` on; map it there once more in the batch: of
// these entries alone several go by before anybody looks for interrupts.
void page_make(cap_t slot);
void page_map_add(cap_t slot);
// Add an invocation to the batch; carry out what was added, all of which must succeed.
void bulk_add(struct batch_entry entry);
void bulk_run(void);
// The same whatever comes of it; returns how many were carried out.
uint64_t bulk_try(void);

struct crowd {
    const char *entry;
    cap_t first;  // slot of the first thread; its context is SLOT_CONTEXTS - SLOT_THREADS on
    uint64_t count;
    unsigned priority;        // of the first; that of the others is up to `spread` - 1 more
    unsigned spread;          // 0: none
    uint64_t budget, period;  // 0: a time slice
    uint64_t flags;           // THREAD_*
    cap_t fault;
    uint64_t rsp;  // of the first; where not 0 that of the others is one more each
};

// Threads in the driver's own space and on its table, each with a context of its own, not started.
void crowd_make(const struct crowd *crowd);
void crowd_start(const struct crowd *crowd);
// Wait until nobody with less priority than the driver can run.
void settle(void);

# define CROWD(name) extern const char crowd_##name[];
CROWD(sender)
CROWD(receiver)
CROWD(receiver_again)
CROWD(waiter)
CROWD(spinner)
CROWD(idle)
CROWD(server)
CROWD(client)
CROWD(ender)
# undef CROWD

static inline uint64_t clock_now(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}
#endif
