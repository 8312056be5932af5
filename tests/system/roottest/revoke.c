// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Revocation and destruction of more than one thing.
#include "agent.h"
#include "groups.h"

#define DEEP 200u

// A chain of derived capabilities goes with its first.
static void revoke_takes_descendants(void)
{
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t run = rt_slots_alloc(DEEP);
    REQUIRE(run);
    for (unsigned i = 0; i < DEEP; i++) {
        EXPECT_OK(captable_copy(CSPACE, run + i, CSPACE, i ? run + i - 1 : endpoint, RIGHT_ALL));
    }
    EXPECT_OK(captable_revoke(CSPACE, endpoint));
    for (unsigned i = 0; i < DEEP; i++) {
        EXPECT_EQUAL(captable_identify(CSPACE, run + i).kind_rights, 0);
    }
    EXPECT_EQUAL(captable_identify(CSPACE, endpoint).kind_rights & 0xff, KIND_ENDPOINT);
    rt_slots_free(run, DEEP);
    rt_object_delete(endpoint);
}

// Deleting a derived capability hands its children to its parent.
static void delete_keeps_children(void)
{
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t child = derive(endpoint, RIGHT_ALL);
    cap_t grandchild = derive(child, RIGHT_ALL);
    rt_cap_delete(child);
    EXPECT_EQUAL(captable_identify(CSPACE, grandchild).kind_rights & 0xff, KIND_ENDPOINT);
    EXPECT_OK(captable_revoke(CSPACE, endpoint));
    EXPECT_EQUAL(captable_identify(CSPACE, grandchild).kind_rights, 0);
    rt_slots_free(grandchild, 1);
    rt_object_delete(endpoint);
}

// Tables in tables in tables: destruction does not recurse.
static void nested_tables_die(void)
{
    cap_t run = rt_slots_alloc(DEEP);
    cap_t outer = make(KIND_CAPTABLE);
    REQUIRE(run);
    cap_t untyped = make_sized(KIND_UNTYPED, 20);
    EXPECT_OK(untyped_retype(untyped, kind_bits(KIND_CAPTABLE, 8), 0, CSPACE, run, DEEP));
    for (unsigned i = DEEP - 1; i > 0; i--) {
        EXPECT_OK(captable_move(run + i - 1, 1, CSPACE, run + i));
    }
    EXPECT_OK(captable_move(outer, 1, CSPACE, run));
    rt_object_delete(outer);
    EXPECT_OK(untyped_retype(untyped, kind_bits(KIND_UNTYPED, 19), 0, CSPACE, run, 2));
    rt_object_delete(untyped);
    rt_slots_free(run, DEEP);
}

// A table that holds its own original, and two that hold each other's: not to be had by move.
static void table_in_itself(void)
{
    cap_t table = make(KIND_CAPTABLE);
    EXPECT_OK(captable_copy(table, 1, CSPACE, table, RIGHT_ALL));
    EXPECT_OK(captable_copy(table, 2, CSPACE, ROOT_SLOT_THREAD, RIGHT_ALL));
    rt_object_delete(table);
}

// Revoking an Untyped destroys what was made of it, threads that run included.
static void untyped_takes_everything(void)
{
    cap_t untyped = make_sized(KIND_UNTYPED, 16);
    cap_t run = rt_slots_alloc(4);
    REQUIRE(run);
    EXPECT_OK(untyped_retype(untyped, kind_bits(KIND_THREAD, 12), 0, CSPACE, run, 1));
    EXPECT_OK(untyped_retype(untyped, kind_bits(KIND_FRAME, 12), 4096, CSPACE, run + 1, 1));
    EXPECT_OK(untyped_retype(untyped, kind_bits(KIND_SCHED_CONTEXT, 9), 8192, CSPACE, run + 2, 1));
    EXPECT_OK(untyped_retype(untyped, kind_bits(KIND_ENDPOINT, 6), 12288, CSPACE, run + 3, 1));
    EXPECT_OK(sched_context_bind(run + 2, run, SCHED_OWN));
    EXPECT_OK(thread_configure(run, CSPACE, ROOT_SLOT_ASPACE, run + 3, 0, 0));
    EXPECT_OK(thread_set_buffer(run, 0, run + 1, 0));
    EXPECT_OK(captable_revoke(CSPACE, untyped));
    for (unsigned i = 0; i < 4; i++) {
        EXPECT_EQUAL(captable_identify(CSPACE, run + i).kind_rights, 0);
    }
    EXPECT_OK(untyped_retype(untyped, kind_bits(KIND_FRAME, 16), 0, CSPACE, run, 1));
    rt_object_delete(untyped);
    rt_slots_free(run, 4);
}

// A thread that deletes itself is gone.
static void thread_deletes_itself(void)
{
    struct agent agent;
    cap_t other = make(KIND_NOTIFICATION);
    agent_make(&agent, &(struct agent_config){ 0 });
    agent_begin_words(&agent, SYS_invoke, CSPACE, TAG(OP_CAPTABLE_DELETE, 1, 0),
                      WORDS(agent.thread.cap));
    settle();
    EXPECT(!agent.job.done);
    EXPECT_EQUAL(captable_identify(CSPACE, agent.thread.cap).kind_rights, 0);
    rt_object_forget(agent.thread.cap);
    agent.thread.cap = 0;
    agent_delete(&agent);
    rt_object_delete(other);
}

GROUP(revoke, TEST(revoke_takes_descendants), TEST(delete_keeps_children), TEST(nested_tables_die),
      TEST(table_in_itself), TEST(untyped_takes_everything), TEST(thread_deletes_itself));
