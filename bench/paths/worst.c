// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The operations whose work grows with what they are given.  Each is one system call of the path
// `worst`; what counts is the longest stretch of it with interrupts off.
#include "scenarios.h"

#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/print.h>
#include <rt/slots.h>

#include <gen/rt_stubs.h>

#define ENDPOINT_BITS         6
#define TABLE_BITS            18  // 4,096 slots
#define TABLE_SLOTS           4096u
#define LARGE_BITS            24  // 16 MiB
#define BLOCKED               24u
#define REGIONS               64u  // of an address space, a page table each
#define REGION_PAGES          32u
#define REGION_BYTES          0x200000ull
#define SPACE_START           0x530000000000ull
#define FRAME_BITS            (PAGE_BITS + 11)
#define READ_WRITE            (PROT_READ | PROT_WRITE)
#define KIND_BITS(kind, bits) ((uint64_t)(kind) | (uint64_t)(bits) << 8)

static struct ipc_words worst(cap_t self, uint64_t tag, struct ipc_words words, const char *what)
{
    must((struct rt_status){ measured_worst(self, tag, &words) }, what);
    return words;
}

static void worst_delete(cap_t slot, const char *what)
{
    worst(ROOT_SLOT_CSPACE, TAG(OP_CAPTABLE_DELETE, 1, 0), (struct ipc_words){ { slot } }, what);
}

// --- capabilities -------------------------------------------------------------------------------

static void table_fill(cap_t table, cap_t from)
{
    for (unsigned slot = 1; slot < TABLE_SLOTS; slot++) {
        must(captable_copy(table, slot, ROOT_SLOT_CSPACE, from, RIGHT_ALL), "filling a table");
    }
}

static void worst_capabilities(void)
{
    cap_t table = object_new(KIND_CAPTABLE, TABLE_BITS);
    cap_t endpoint = object_new(KIND_ENDPOINT, ENDPOINT_BITS);
    table_fill(table, endpoint);
    worst(ROOT_SLOT_CSPACE, TAG(OP_CAPTABLE_REVOKE, 1, 0), (struct ipc_words){ { endpoint } },
          "revoking many capabilities");
    table_fill(table, endpoint);
    worst_delete(table, "deleting a full table");
    rt_object_forget(table);
    rt_object_delete(endpoint);
}

// A full table of objects, destroyed with the Untyped that they were made from.
static void worst_objects(void)
{
    cap_t memory = object_new(KIND_UNTYPED, LARGE_BITS);
    cap_t table = object_new(KIND_CAPTABLE, TABLE_BITS);
    worst(memory, TAG(OP_UNTYPED_RETYPE, 5, 0),
          (struct ipc_words){
              { KIND_BITS(KIND_ENDPOINT, ENDPOINT_BITS), 0, table, 1, TABLE_SLOTS - 1 } },
          "making many objects");
    worst_delete(memory, "destroying an Untyped full of objects");
    rt_object_forget(memory);
    rt_object_delete(table);
}

static void worst_memory(enum rt_kind kind, unsigned bits)
{
    cap_t memory = object_new(KIND_UNTYPED, LARGE_BITS);
    cap_t slot = rt_slot_alloc();
    worst(memory, TAG(OP_UNTYPED_RETYPE, 5, 0),
          (struct ipc_words){ { KIND_BITS(kind, bits), 0, ROOT_SLOT_CSPACE, slot, 1 } },
          "making a large object");
    worst_delete(slot, "destroying a large object");
    rt_slots_free(slot, 1);
    rt_object_delete(memory);
}

// --- address spaces -----------------------------------------------------------------------------

static void space_fill(struct rt_space *space, cap_t attached)
{
    for (unsigned i = 0; i < REGIONS; i++) {
        must(rt_space_map(space, attached, SPACE_START + i * REGION_BYTES,
                          (uint64_t)i * REGION_PAGES, REGION_PAGES, READ_WRITE),
             "filling an address space");
    }
}

static void worst_space(void)
{
    struct rt_space space;
    cap_t attached = 0;
    uint64_t pages = REGIONS * (REGION_BYTES >> PAGE_BITS);
    cap_t frame = object_new(KIND_FRAME, FRAME_BITS);
    must(rt_space_new(&space), "an address space");
    must(rt_cap_copy(frame, READ_WRITE, &attached), "deriving a frame");
    must(frame_attach(attached, space.cap), "attaching a frame");
    space_fill(&space, attached);
    worst(space.cap, TAG(OP_ADDRESS_SPACE_HARVEST, 2, 0),
          (struct ipc_words){ { SPACE_START, 2048 } }, "harvesting");
    worst(space.cap, TAG(OP_ADDRESS_SPACE_PROTECT, 3, 0),
          (struct ipc_words){ { SPACE_START, pages, PROT_READ } }, "protecting");
    worst(space.cap, TAG(OP_ADDRESS_SPACE_UNMAP, 2, 0),
          (struct ipc_words){ { PAGE_SIZE, (USER_END >> PAGE_BITS) - 1 } }, "unmapping everything");
    space_fill(&space, attached);
    worst_delete(attached, "deleting an attached frame");
    rt_slots_free(attached, 1);
    must(rt_cap_copy(frame, READ_WRITE, &attached), "deriving a frame");
    must(frame_attach(attached, space.cap), "attaching a frame");
    space_fill(&space, attached);
    worst_delete(space.cap, "destroying a large address space");
    rt_space_trim(&space);
    rt_object_forget(space.cap);
    rt_cap_delete(attached);
    rt_object_delete(frame);
}

// --- endpoints ----------------------------------------------------------------------------------

static struct worker blocked[BLOCKED];

static void worst_endpoint(void)
{
    cap_t endpoint = object_new(KIND_ENDPOINT, ENDPOINT_BITS);
    for (unsigned i = 0; i < BLOCKED; i++) {
        worker_new(&blocked[i], &(struct worker_config){ .entry = worker_blocker,
                                                         .priority = PRIORITY_LOW + i % 4 });
        worker_give(&blocked[i], WORKER_ENDPOINT, endpoint, RIGHT_SEND);
        worker_start(&blocked[i]);
    }
    workers_settle();
    struct ipc_words result = worst(endpoint, TAG(OP_ENDPOINT_CANCEL_ALL, 1, 0),
                                    (struct ipc_words){ { ERR_CANCELLED } },
                                    "cancelling many senders");
    if (result.word[0] != BLOCKED) {
        rt_panic("%lu senders were cancelled, not %u", result.word[0], BLOCKED);
    }
    workers_settle();
    worst_delete(endpoint, "deleting an endpoint with many senders");
    rt_object_forget(endpoint);
    for (unsigned i = 0; i < BLOCKED; i++) {
        worker_delete(&blocked[i]);
    }
}

void scenario_worst(void)
{
    worst_capabilities();
    worst_objects();
    worst_memory(KIND_FRAME, LARGE_BITS);
    worst_memory(KIND_CAPTABLE, 22);
    worst_space();
    worst_endpoint();
}
