// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// invoke and invoke_batch.
#include "agent.h"
#include "groups.h"

#include <rt/map.h>

static struct rt_mapping memory;

static struct batch_entry *entries(void)
{
    return memory.base;
}

static void entry_set(unsigned index, cap_t slot, unsigned op, struct ipc_words words)
{
    struct batch_entry *entry = &entries()[index];
    entry->slot = slot;
    entry->tag = TAG(op, op_length(op), 0);
    for (unsigned i = 0; i < MSG_REG_WORDS; i++) {
        entry->words[i] = words.word[i];
    }
}

static void batch_refuses(void)
{
    EXPECT_OK(rt_map_new(1, PROT_READ | PROT_WRITE, &memory));
    cap_t frame = memory.attached;
    EXPECT_ERR(SYS_invoke_batch, rt_invoke_batch(frame, 8, 1).status, ERR_ALIGN, 1);
    EXPECT_ERR(SYS_invoke_batch, rt_invoke_batch(frame, PAGE_SIZE, 1).status, ERR_RANGE, 1);
    EXPECT_ERR(SYS_invoke_batch, rt_invoke_batch(frame, 0 - 64ull, 1).status, ERR_RANGE, 1);
    EXPECT_OK(rt_invoke_batch(frame, 0, 0).status);
    rt_map_delete(&memory);
}

static void batch_runs_in_order(void)
{
    cap_t table = make(KIND_CAPTABLE);
    EXPECT_OK(rt_map_new(1, PROT_READ | PROT_WRITE, &memory));
    for (unsigned i = 1; i < TABLE_SLOTS; i++) {
        entry_set(i - 1, table, OP_CAPTABLE_COPY,
                  WORDS(i, CSPACE, i == 1 ? ROOT_SLOT_THREAD : memory.frame, RIGHT_READ));
    }
    struct rt_batch_result result = rt_invoke_batch(memory.attached, 0, TABLE_SLOTS - 1);
    EXPECT_OK(result.status);
    EXPECT_EQUAL(result.done, TABLE_SLOTS - 1);
    EXPECT_EQUAL(captable_identify(table, 1).kind_rights & 0xff, KIND_THREAD);
    EXPECT_EQUAL(captable_identify(table, TABLE_SLOTS - 1).kind_rights & 0xff, KIND_FRAME);
    rt_object_delete(table);
    rt_map_delete(&memory);
}

// The first error ends it: what stands before is done, what stands behind is not.
static void batch_stops_at_an_error(void)
{
    cap_t table = make(KIND_CAPTABLE);
    EXPECT_OK(rt_map_new(1, PROT_READ | PROT_WRITE, &memory));
    struct ipc_words words = WORDS(1, CSPACE, ROOT_SLOT_THREAD, RIGHT_READ);
    entry_set(0, table, OP_CAPTABLE_COPY, words);
    entry_set(1, table, OP_CAPTABLE_COPY, words);
    words.word[0] = 2;
    entry_set(2, table, OP_CAPTABLE_COPY, words);
    struct rt_batch_result result = rt_invoke_batch(memory.attached, 0, 3);
    EXPECT_ERR(OP_CAPTABLE_COPY, result.status, ERR_OCCUPIED, 1);
    EXPECT_EQUAL(result.done, 1);
    EXPECT_EQUAL(captable_identify(table, 2).kind_rights, 0);
    rt_object_delete(table);
    rt_map_delete(&memory);
}

// Capabilities are looked up anew: an entry can delete what the next one names.
static void batch_looks_up_anew(void)
{
    cap_t table = make(KIND_CAPTABLE);
    cap_t copy = derive(table, RIGHT_ALL);
    EXPECT_OK(rt_map_new(1, PROT_READ | PROT_WRITE, &memory));
    entry_set(0, CSPACE, OP_CAPTABLE_DELETE, WORDS(copy));
    entry_set(1, copy, OP_CAPTABLE_DELETE, WORDS(1));
    struct rt_batch_result result = rt_invoke_batch(memory.attached, 0, 2);
    EXPECT_ERR(OP_CAPTABLE_DELETE, result.status, ERR_SLOT, 0);
    EXPECT_EQUAL(result.done, 1);
    rt_slots_free(copy, 1);
    rt_map_delete(&memory);
    rt_object_delete(table);
}

// A batch that is longer than its frame ends there.
static void batch_ends_with_its_frame(void)
{
    EXPECT_OK(rt_map_new(1, PROT_READ | PROT_WRITE, &memory));
    entry_set(63, CSPACE, OP_CAPTABLE_DELETE, WORDS(empty_slot()));
    struct rt_batch_result result = rt_invoke_batch(memory.attached, PAGE_SIZE - 64, UINT64_MAX);
    EXPECT_ERR(SYS_invoke_batch, result.status, ERR_RANGE, 1);
    EXPECT_EQUAL(result.done, 1);
    rt_map_delete(&memory);
}

// A batch can remove its own memory.
static void batch_survives_its_frame(void)
{
    EXPECT_OK(rt_map_new(1, PROT_READ | PROT_WRITE, &memory));
    cap_t copy = derive(memory.frame, RIGHT_READ);
    entry_set(0, CSPACE, OP_CAPTABLE_DELETE, WORDS(copy));
    entry_set(1, CSPACE, OP_CAPTABLE_DELETE, WORDS(empty_slot()));
    EXPECT_ERR(SYS_invoke_batch, rt_invoke_batch(copy, 0, 2).status, ERR_SLOT, 0);
    rt_slots_free(copy, 1);
    rt_map_delete(&memory);
}

static void invoke_refuses(void)
{
    struct ipc_words words = { 0 };
    EXPECT_ERR(SYS_invoke, rt_invoke(empty_slot(), 0, &words), ERR_SLOT, 0);
    EXPECT_ERR(SYS_invoke, rt_invoke(CSPACE, TAG(OP_CAPTABLE_DELETE, 0, 0), &words), ERR_LENGTH, 1);
    EXPECT_ERR(SYS_invoke, rt_invoke(CSPACE, TAG(OP_THREAD_RESUME, 0, 0), &words), ERR_OP, 1);
}

GROUP(batch, TEST(batch_refuses), TEST(batch_runs_in_order), TEST(batch_stops_at_an_error),
      TEST(batch_looks_up_anew), TEST(batch_ends_with_its_frame), TEST(batch_survives_its_frame),
      TEST(invoke_refuses));
