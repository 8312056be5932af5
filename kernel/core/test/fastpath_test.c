// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// When the fast path refuses and when it commits.  One client, one server, one endpoint, on the
// host's stand-in for the ISA (tests/model/host); whatever leaves the file is a stub that notes it.

// cmocka.h relies on what stands before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "../aspace.h"
#include "../captable.h"
#include "../entry.h"
#include "../guest.h"
#include "../ipc.h"
#include "../sched.h"

#include <string.h>

enum slot {
    SLOT_ENDPOINT = 1,
    SLOT_REPLY,
    SLOTS
};

static struct cpu the_cpu;
static struct thread client, server;
static struct cap client_slots[SLOTS], server_slots[SLOTS];
static struct endpoint endpoint;
static struct reply reply;
static struct notification notification;
static struct sched_context lent, own;
static jmp_buf left;
static const struct arch_context *passed;  // to whom; NULL: the slow path was taken

struct arch_context *host_context;
uint64_t host_words[MSG_REG_WORDS];
uint64_t host_clock;
struct cpu *host_cpu = &the_cpu, *host_cpus[HOST_CPUS] = { &the_cpu };
struct hal_aspace hal_aspace_kernel;

void hal_pass(struct arch_context *from, struct arch_context *to, const struct hal_aspace *aspace,
              uint64_t badge, uint64_t tag)
{
    (void)from;
    (void)aspace;
    (void)badge;
    (void)tag;
    passed = to;
    longjmp(left, 1);
}

void hal_syscall_slow(uint64_t slot, uint64_t tag, uint64_t third, uint64_t number,
                      struct arch_context *context)
{
    (void)slot;
    (void)tag;
    (void)third;
    (void)number;
    (void)context;
    longjmp(left, 1);
}

// ---- what these tests never reach ---------------------------------------------------------------

void hal_resume(void)
{
    longjmp(left, 2);
}

void hal_pass_guest(struct arch_context *from, struct arch_context *to,
                    const struct hal_aspace *aspace, uint64_t badge, uint64_t tag)
{
    hal_pass(from, to, aspace, badge, tag);
}

void hal_pass_from_guest(struct arch_context *from, struct arch_context *to,
                         const struct hal_aspace *aspace, uint64_t badge, uint64_t tag)
{
    hal_pass(from, to, aspace, badge, tag);
}

// NOLINTNEXTLINE(readability-function-size): as the core has it
enum err cap_lookup_kind(struct thread *thread, uint64_t slot, enum kind kind, unsigned rights,
                         unsigned argument, struct cap **cap)
{
    (void)thread;
    (void)slot;
    (void)kind;
    (void)rights;
    *cap = NULL;
    return err_blame(ERR_SLOT, argument);
}

// NOLINTNEXTLINE(readability-non-const-parameter): as the core has it
enum err frame_map(struct cap *frame, uint64_t words[4])
{
    (void)frame;
    (void)words;
    return ERR_STATE;
}

void guest_frame_write(struct thread *guest, const struct hal_trap *trap)
{
    (void)guest;
    (void)trap;
}

void guest_frame_load(struct thread *guest)
{
    (void)guest;
}

bool sched_account_general(struct cpu *on, struct sched_context *next)
{
    (void)on;
    (void)next;
    return false;
}

void sched_assign(struct thread *thread, struct sched_context *context)
{
    (void)thread;
    (void)context;
}

void sched_preempted(struct cpu *cpu, struct thread *thread)
{
    (void)cpu;
    (void)thread;
}

static int setup(void **state)
{
    (void)state;
    memset(&the_cpu, 0, sizeof(the_cpu));
    memset(&client, 0, sizeof(client));
    memset(&server, 0, sizeof(server));
    endpoint = (struct endpoint){ .object_kind = KIND_ENDPOINT };
    reply = (struct reply){ .object_kind = KIND_REPLY };
    notification = (struct notification){ .object_kind = KIND_NOTIFICATION };
    lent = own = (struct sched_context){ .slice = true, .budget = 1u << 20 };
    sched_context_simple(&lent);
    sched_context_simple(&own);
    lent.refills[0].amount = own.refills[0].amount = 1u << 20;
    the_cpu.ready_top = READY_NONE;
    the_cpu.timer = 1;  // armed for something earlier than the end of any budget
    the_cpu.current = &client;
    the_cpu.sched = &lent;
    client_slots[SLOT_ENDPOINT] = server_slots[SLOT_ENDPOINT] = (struct cap){
        .kind = KIND_ENDPOINT, .rights = RIGHT_ALL, .address = (uintptr_t)&endpoint
    };
    server_slots[SLOT_REPLY] = (struct cap){ .kind = KIND_REPLY,
                                             .rights = RIGHT_ALL,
                                             .address = (uintptr_t)&reply };
    client.cspace = client_slots;
    server.cspace = server_slots;
    client.cspace_count = server.cspace_count = SLOTS;
    client.priority = server.priority = 100;
    client.state = THREAD_READY;
    client.sched = client.own = &lent;
    client.flags = THREAD_ACTIVE;
    lent.thread = lent.bound = &client;
    // The server waits.
    server.state = THREAD_BLOCKED_RECV;
    server.reply = &reply;
    reply.thread = &server;
    endpoint_add_receiver(&endpoint, &server);
    passed = NULL;
    return 0;
}

static void call(uint64_t tag)
{
    if (!setjmp(left)) {
        kernel_fast_call(SLOT_ENDPOINT, tag, 0, 0, &client.context);
    }
}

static void answer(void)
{
    passed = NULL;
    if (!setjmp(left)) {
        kernel_fast_reply_recv(SLOT_ENDPOINT, 0, SLOT_REPLY, 0, &server.context);
    }
}

// What stops a call leaves everything as it was.
static void refuse_call(void)
{
    call(0);
    assert_null(passed);
    assert_ptr_equal(the_cpu.current, &client);
    assert_ptr_equal(endpoint.receivers, &server);
    assert_ptr_equal(client.sched, &lent);
    assert_int_equal(server.state, THREAD_BLOCKED_RECV);
}

// The same for an answer.
static void refuse_answer(void)
{
    answer();
    assert_null(passed);
    assert_ptr_equal(the_cpu.current, &server);
    assert_ptr_equal(reply.thread, &client);
    assert_ptr_equal(server.sched, &lent);
}

static void test_time_goes_there_and_back(void **state)
{
    (void)state;
    call(0);
    assert_ptr_equal(passed, &server.context);
    assert_ptr_equal(the_cpu.current, &server);
    assert_ptr_equal(server.sched, &lent);
    assert_null(client.sched);
    assert_int_equal(client.state, THREAD_BLOCKED_REPLY);
    assert_ptr_equal(reply.thread, &client);
    answer();
    assert_ptr_equal(passed, &client.context);
    assert_ptr_equal(client.sched, &lent);
    assert_null(server.sched);
    assert_null(lent.reply);
    assert_null(reply.context);
    assert_ptr_equal(endpoint.receivers, &server);
}

static void test_own_context_is_kept(void **state)
{
    (void)state;
    server.sched = server.own = &own;
    server.flags = THREAD_ACTIVE;
    own.thread = own.bound = &server;
    call(0);
    assert_ptr_equal(passed, &server.context);
    assert_ptr_equal(server.sched, &own);
    assert_ptr_equal(client.sched, &lent);
    assert_ptr_equal(the_cpu.sched, &own);
}

static void test_nobody_is_outranked(void **state)
{
    (void)state;
    the_cpu.ready_top = 101;
    refuse_call();
    the_cpu.ready_top = 100;
    call(0);
    assert_ptr_equal(passed, &server.context);
    the_cpu.ready_top = 101;
    refuse_answer();
}

static void test_rights(void **state)
{
    (void)state;
    client_slots[SLOT_ENDPOINT].rights = RIGHT_ALL & ~RIGHT_SEND;
    refuse_call();
    client_slots[SLOT_ENDPOINT].rights = RIGHT_SEND;
    call(0);
    assert_ptr_equal(passed, &server.context);
    server_slots[SLOT_ENDPOINT].rights = RIGHT_ALL & ~RIGHT_RECEIVE;
    refuse_answer();
}

static void test_minimum_and_marks(void **state)
{
    (void)state;
    const uint64_t rest = lent.refills[0].amount;
    endpoint.min_budget = rest + 1;
    refuse_call();
    host_clock += 100;  // not counted yet
    endpoint.min_budget = rest - 99;
    refuse_call();
    endpoint.min_budget = rest - 100;
    client.gathered = true;
    refuse_call();
    client.gathered = false;
    client.sched = NULL;  // another CPU has just taken it
    call(0);
    assert_null(passed);
    client.sched = &lent;
    call(0);
    assert_ptr_equal(passed, &server.context);
    answer();
    endpoint.min_budget = 0;
    passed = NULL;
    client_slots[SLOT_ENDPOINT].flags |= CAP_MARKED;
    refuse_call();
    client_slots[SLOT_ENDPOINT].flags = 0;
    client.cspace_count = SLOT_ENDPOINT;
    refuse_call();
}

static void test_pending_notification_comes_first(void **state)
{
    (void)state;
    call(0);
    server.notification = &notification;
    server.flags |= THREAD_BOUND;
    notification.bound = &server;
    notification.word = 4;
    refuse_answer();
    notification.word = 0;
    answer();
    assert_ptr_equal(passed, &client.context);
}

static void test_slots_outside_the_table(void **state)
{
    (void)state;
    call(0);
    server.cspace_count = SLOT_REPLY;
    refuse_answer();
    server.cspace_count = SLOT_ENDPOINT;
    refuse_answer();
    server.cspace_count = SLOTS;
    answer();
    assert_ptr_equal(passed, &client.context);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_time_goes_there_and_back), TEST(test_own_context_is_kept),
        TEST(test_nobody_is_outranked),      TEST(test_rights),
        TEST(test_minimum_and_marks),        TEST(test_pending_notification_comes_first),
        TEST(test_slots_outside_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
