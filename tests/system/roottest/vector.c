// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Thread: vector state.
#include "agent.h"
#include "groups.h"

#include <rt/string.h>

#define XSTATE_BV_OFFSET 512u  // Intel SDM vol. 1, 13.4: the XSAVE header
#define XCOMP_BV_OFFSET  520u
#define MXCSR_OFFSET     24u

// A frame large enough for the state, mapped.
static struct rt_mapping area;
static cap_t thread;

static void area_make(void)
{
    EXPECT_OK(rt_map_new(4, PROT_READ | PROT_WRITE, &area));
    thread = make(KIND_THREAD);
    EXPECT_OK(thread_configure(thread, 0, 0, 0, 0, THREAD_VECTOR));
}

static void area_end(void)
{
    rt_object_delete(thread);
    rt_map_delete(&area);
}

static void refuse_alike(unsigned op)
{
    struct ipc_words words = WORDS(area.frame, 0);
    refuse_rights(op, thread, words);
    refuse(op, ROOT_SLOT_THREAD, words, ERR_STATE, 0);  // runs, and has no vector state
    refuse_cap(op, thread, words, 1);
    refuse(op, thread, WORDS(area.frame, 32), ERR_ALIGN, 2);
    refuse(op, thread, WORDS(area.frame, area.pages * PAGE_SIZE), ERR_RANGE, 2);
    refuse(op, thread, WORDS(area.frame, area.pages * PAGE_SIZE - 64), ERR_RANGE, 2);
    refuse(op, thread, WORDS(area.frame, 0 - 64ull), ERR_RANGE, 2);
}

static void vector_refuses(void)
{
    area_make();
    refuse_alike(OP_THREAD_READ_VECTOR);
    refuse_alike(OP_THREAD_WRITE_VECTOR);
    area_end();
}

// What was read can be written, and comes back the same.
static void vector_round_trip(void)
{
    area_make();
    struct thread_read_vector_result first = thread_read_vector(thread, area.frame, 0);
    EXPECT_OK(first.status);
    EXPECT(first.bytes >= 576 && first.bytes <= PAGE_SIZE);
    EXPECT_OK(thread_write_vector(thread, area.frame, 0));
    EXPECT_OK(thread_read_vector(thread, area.frame, PAGE_SIZE).status);
    EXPECT_EQUAL((uint64_t)memcmp(area.base, (char *)area.base + PAGE_SIZE, first.bytes), 0);
    area_end();
}

static void corrupt(unsigned offset, uint64_t value)
{
    EXPECT_OK(thread_read_vector(thread, area.frame, 0).status);
    memcpy((char *)area.base + offset, &value, sizeof(value));
    refuse(OP_THREAD_WRITE_VECTOR, thread, WORDS(area.frame, 0), ERR_RANGE, 1);
}

// State that would fault when it is loaded, or that names components that the kernel does not keep.
static void vector_content_is_checked(void)
{
    area_make();
    corrupt(XSTATE_BV_OFFSET, 1ull << 62);
    corrupt(XSTATE_BV_OFFSET, 1ull << 8);
    corrupt(XCOMP_BV_OFFSET, 1ull << 63);
    corrupt(XCOMP_BV_OFFSET + 8, 1);
    corrupt(MXCSR_OFFSET, 0xffffffff00000000ull | 0x80000000u);
    EXPECT_OK(thread_read_vector(thread, area.frame, 0).status);
    EXPECT_OK(thread_write_vector(thread, area.frame, 0));
    area_end();
}

GROUP(vector, TEST(vector_refuses), TEST(vector_round_trip), TEST(vector_content_is_checked));
