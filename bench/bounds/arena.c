// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Objects, batches and crowds of threads.  Owns the arena's place and the batch.
#include "arena.h"

#include <rt/panic.h>
#include <rt/string.h>
#include <rt/thread.h>

#define BATCH_ENTRIES ((BATCH_BYTES - MESSAGE_BUFFER_BYTES) / sizeof(struct batch_entry))
#define SLICE         10000000ull

static struct batch_entry *batch;
static uint64_t batch_count;
static uint64_t arena_used;

void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status)) {
        rt_panic("%s: error %u, argument %u", what, rt_error(status), rt_blamed(status));
    }
}

void arena_init(struct batch_entry *memory)
{
    batch = memory;
}

struct message_buffer *arena_buffer(void)
{
    return (void *)((uint8_t *)batch + BATCH_BYTES - MESSAGE_BUFFER_BYTES);
}

void arena_make_in(cap_t table, enum rt_kind kind, unsigned bits, cap_t slot, uint64_t count)
{
    uint64_t mask = (1ull << bits) - 1;
    arena_used = (arena_used + mask) & ~mask;
    must(untyped_retype(SLOT_ARENA, (uint64_t)kind | (uint64_t)bits << 8, arena_used, table, slot,
                        count),
         "making objects");
    arena_used += count << bits;
}

void arena_make(enum rt_kind kind, unsigned bits, cap_t slot, uint64_t count)
{
    arena_make_in(ROOT_SLOT_CSPACE, kind, bits, slot, count);
}

void arena_clear(void)
{
    must(captable_revoke(ROOT_SLOT_CSPACE, SLOT_ARENA), "destroying everything");
    arena_used = 0;
}

uint64_t bulk_try(void)
{
    struct rt_batch_result result = rt_invoke_batch(SLOT_BATCH, 0, batch_count);
    batch_count = 0;
    return result.done;
}

void bulk_run(void)
{
    uint64_t count = batch_count;
    struct rt_batch_result result = rt_invoke_batch(SLOT_BATCH, 0, count);
    if (!rt_ok(result.status) || result.done != count) {
        rt_panic("entry %lu of a batch of %lu: error %u, argument %u", result.done, count,
                 rt_error(result.status), rt_blamed(result.status));
    }
    batch_count = 0;
}

void bulk_add(struct batch_entry entry)
{
    if (batch_count == BATCH_ENTRIES) {
        bulk_run();
    }
    batch[batch_count++] = entry;
}

// --- threads ------------------------------------------------------------------------------------

static void member_add(const struct crowd *crowd, uint64_t number)
{
    cap_t thread = crowd->first + number;
    cap_t context = thread + SLOT_CONTEXTS - SLOT_THREADS;
    bool guest = crowd->flags & THREAD_GUEST;
    uint64_t budget = crowd->budget ? crowd->budget : SLICE;
    uint64_t period = crowd->period ? crowd->period : budget;
    unsigned priority = crowd->priority + (crowd->spread ? (unsigned)number % crowd->spread : 0);
    bulk_add((struct batch_entry){ .slot = thread,
                                   .tag = TAG(OP_THREAD_CONFIGURE, 5, 0),
                                   .words = { guest ? 0 : ROOT_SLOT_CSPACE, ROOT_SLOT_ASPACE,
                                              crowd->fault, 0, crowd->flags } });
    bulk_add((struct batch_entry){ .slot = thread,
                                   .tag = TAG(OP_THREAD_SET_PRIORITY, 2, 0),
                                   .words = { priority, priority } });
    bulk_add((struct batch_entry){ .slot = thread, .tag = TAG(OP_THREAD_WRITE_REGS, 0, 0) });
    bulk_add((struct batch_entry){ .slot = context,
                                   .tag = TAG(OP_SCHED_CONTEXT_CONFIGURE, 3, 0),
                                   .words = { ROOT_SLOT_SCHED_CONTROL, budget, period } });
    bulk_add((struct batch_entry){
        .slot = context, .tag = TAG(OP_SCHED_CONTEXT_BIND, 2, 0), .words = { thread, SCHED_OWN } });
}

void crowd_make(const struct crowd *crowd)
{
    struct thread_regs regs = { .rip = (uint64_t)crowd->entry, .rsp = crowd->rsp };
    arena_make(KIND_THREAD, THREAD_BITS, crowd->first, crowd->count);
    arena_make(KIND_SCHED_CONTEXT, CONTEXT_BITS, crowd->first + SLOT_CONTEXTS - SLOT_THREADS,
               crowd->count);
    for (uint64_t i = 0; i < crowd->count; i++) {
        if (i == 0 || crowd->rsp) {
            bulk_run();
            regs.rsp = crowd->rsp + i;
            memcpy(rt_buffer()->words, &regs, sizeof(regs));
        }
        member_add(crowd, i);
    }
    bulk_run();
}

void crowd_start(const struct crowd *crowd)
{
    for (uint64_t i = 0; i < crowd->count; i++) {
        bulk_add((struct batch_entry){ .slot = crowd->first + i,
                                       .tag = TAG(OP_THREAD_RESUME, 0, 0) });
    }
    bulk_run();
}

void settle(void)
{
    must(notification_wait(SLOT_DONE).status, "waiting for the others");
}

void page_make(cap_t slot)
{
    arena_make(KIND_ADDRESS_SPACE, SPACE_BITS, slot, 1);
    arena_make(KIND_FRAME, PAGE_BITS, slot + 1, 1);
    arena_make(KIND_PAGETABLE, PAGE_BITS, SLOT_PAGETABLES, 3);
    must(aspace_stock(slot, ROOT_SLOT_CSPACE, SLOT_PAGETABLES, 3), "page tables");
    must(captable_copy(ROOT_SLOT_CSPACE, slot + 2, ROOT_SLOT_CSPACE, slot + 1, RIGHT_ALL),
         "deriving a frame");
    must(frame_attach(slot + 2, slot), "attaching a frame");
}

void page_map_add(cap_t slot)
{
    bulk_add((struct batch_entry){ .slot = slot + 2,
                                   .tag = TAG(OP_FRAME_MAP, 4, 0),
                                   .words = { PAGE_SIZE, 0, 1, READ_WRITE | PROT_REPLACE } });
}
