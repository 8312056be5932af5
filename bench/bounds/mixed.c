// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Worst cases of messages and batches.
#include "cases.h"

#include <rt/panic.h>
#include <rt/thread.h>

#define LIGHT         100000u
#define HEAVY         2000u  // rounds
#define MESSAGES      60u
#define SLOT_RAM      (SLOT_FIRST + 8)
#define SLOT_RECEIVER 39990u
#define SLOT_WINDOW   60000u

static void add(cap_t slot, uint64_t tag, uint64_t word0, uint64_t word1, uint64_t word2)
{
    bulk_add((struct batch_entry){ .slot = slot, .tag = tag, .words = { word0, word1, word2 } });
}

void case_batch_light(void)
{
    for (unsigned i = 0; i < LIGHT; i++) {
        add(ROOT_SLOT_CSPACE, TAG(OP_CAPTABLE_IDENTIFY, 1, 0), 1 + i % (TABLE_SLOTS - 1), 0, 0);
    }
    bulk_run();
}

// A thread that everything is done to, with vector registers.
static void subject_make(void)
{
    const struct crowd crowd = { .entry = crowd_spinner,
                                 .first = SLOT_THREADS,
                                 .count = 1,
                                 .priority = PRIORITY_CROWD,
                                 .flags = THREAD_VECTOR };
    page_make(SLOT_TABLES);
    arena_make(KIND_FRAME, PAGE_BITS, SLOT_RAM, 1);
    arena_make(KIND_ENDPOINT, ENDPOINT_BITS, SLOT_ENDPOINT, 1);
    arena_make(KIND_NOTIFICATION, NOTIFICATION_BITS, SLOT_NOTIFICATION, 1);
    crowd_make(&crowd);
    add(SLOT_THREADS, TAG(OP_THREAD_READ_VECTOR, 2, 0), SLOT_RAM, 0, 0);
    bulk_run();
}

static void heavy_add(unsigned kind, unsigned i)
{
    switch (kind) {
    case 0:
        bulk_add((struct batch_entry){ .slot = SLOT_THREADS,
                                       .tag = TAG(OP_THREAD_CONFIGURE, 5, 0),
                                       .words = { ROOT_SLOT_CSPACE, ROOT_SLOT_ASPACE, SLOT_ENDPOINT,
                                                  SLOT_NOTIFICATION, THREAD_VECTOR } });
        break;
    case 1: add(SLOT_THREADS, TAG(OP_THREAD_SET_BUFFER, 3, 0), 0, SLOT_RAM, 0); break;
    case 2: add(SLOT_THREADS, TAG(OP_THREAD_READ_VECTOR, 2, 0), SLOT_RAM, 0, 0); break;
    case 3: add(SLOT_THREADS, TAG(OP_THREAD_WRITE_VECTOR, 2, 0), SLOT_RAM, 0, 0); break;
    case 4: add(SLOT_THREADS, TAG(OP_THREAD_WRITE_REGS, 0, 0), 0, 0, 0); break;
    case 5:
        bulk_add((struct batch_entry){ .slot = SLOT_ARENA,
                                       .tag = TAG(OP_UNTYPED_RETYPE, 5, 0),
                                       .words = { KIND_ENDPOINT | ENDPOINT_BITS << 8,
                                                  (1ull << 30) + i * 64ull, ROOT_SLOT_CSPACE,
                                                  SLOT_ENDPOINTS + i, 1 } });
        break;
    default:
        add(SLOT_CONTEXTS, TAG(OP_SCHED_CONTEXT_CONFIGURE, 3, 0), ROOT_SLOT_SCHED_CONTROL, 100000,
            100000);
        break;
    }
}

// Each of them many times in a row, then all of them in turn.
void case_batch_heavy(void)
{
    subject_make();
    for (unsigned kind = 0; kind < 7; kind++) {
        for (unsigned i = 0; i < HEAVY; i++) {
            heavy_add(kind, i);
            page_map_add(SLOT_TABLES);
            page_map_add(SLOT_TABLES);
            page_map_add(SLOT_TABLES);
        }
    }
    bulk_run();
}

// A receiver whose message buffer is the end of the batch.
static struct message_buffer *receiver_make(void)
{
    const struct crowd crowd = { .entry = crowd_receiver_again,
                                 .first = SLOT_RECEIVER,
                                 .count = 1,
                                 .priority = PRIORITY_CROWD };
    arena_make(KIND_ENDPOINT, ENDPOINT_BITS, SLOT_ENDPOINT, 1);
    crowd_make(&crowd);
    must(thread_set_buffer(SLOT_RECEIVER, 0, SLOT_BATCH, BATCH_BYTES - MESSAGE_BUFFER_BYTES),
         "a message buffer");
    crowd_start(&crowd);
    settle();
    return arena_buffer();
}

// The originals that are moved are deep in many trees.
void case_message_full(void)
{
    untypeds_make(false);
    struct message_buffer *to = receiver_make();
    for (unsigned i = 0; i < MESSAGES; i++) {
        struct ipc_words words = { 0 };
        for (unsigned k = 0; k < MSG_MAX_CAPS; k++) {
            rt_buffer()->caps[k] = (SLOT_REPLIES + (i * MSG_MAX_CAPS + k)) | CAP_MOVE;
        }
        to->window_table = ROOT_SLOT_CSPACE;
        to->window_slot = SLOT_WINDOW + i * MSG_MAX_CAPS;
        to->window_count = MSG_MAX_CAPS;
        must(ipc_send(SLOT_ENDPOINT, TAG_FULL, &words), "sending");
        settle();
    }
}
