// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// System calls, invocations and batches on the whole core: what is refused, and what happens to who
// is interrupted or ends half-way.
#include "machine.h"

enum captable_operation {
    COPY,
    DELETE = 3,
    REVOKE,
    IDENTIFY,
};

static uint64_t frame;

static struct batch_entry *entries(void)
{
    frame = frame ? frame : make(KIND_FRAME, PAGE_BITS);
    return (struct batch_entry *)slot_cap(frame)->address;
}

static void entry(unsigned index, uint64_t slot, uint64_t operation, unsigned length,
                  struct words words)
{
    struct batch_entry *at = entries() + index;
    at->slot = slot;
    at->tag = TAG(operation, length, 0);
    memcpy(at->words, words.word, sizeof(at->words));
}

static uint64_t batch(uint64_t offset, uint64_t count)
{
    return sys(SYS_invoke_batch, frame, offset, count, WORDS(0));
}

static int setup(void **state)
{
    frame = 0;
    return machine_setup(state);
}

static void test_calls_that_do_not_exist(void **state)
{
    (void)state;
    REFUSED(SYS((enum machine_syscall)(SYS_debug_panic + 1), 0), ERR_OP);
    struct arch_context *context = &current()->context;
    context->code = 1000;
    kernel_syscall(context);
    REFUSED(context->code, ERR_OP);
    uint64_t note = make(KIND_NOTIFICATION, 6);
    REFUSED(INVOKE0(note, KIND_NOTIFICATION, 0), err_blame(ERR_OP, 1));
    REFUSED(INVOKE0(note, KIND_ENDPOINT, 0), err_blame(ERR_OP, 1));
    REFUSED(INVOKE0(ROOT_SLOT_CSPACE, KIND_CAPTABLE, 99), err_blame(ERR_OP, 1));
    REFUSED(INVOKE0(ROOT_SLOT_CSPACE, KIND_CAPTABLE, DELETE), err_blame(ERR_LENGTH, 1));
}

static void test_debug_calls(void **state)
{
    (void)state;
    OK(SYS(SYS_debug_putc, 'x'));
    assert_int_equal(machine.console, 'x');
    OK(SYS(SYS_debug_check, 0));
    OK(SYS(SYS_null, 0));
    EXPECT_PANIC("asked for", SYS(SYS_debug_panic, 0));
}

static void test_identify(void **state)
{
    (void)state;
    uint64_t ports = slots_new(1), table = ROOT_SLOT_CSPACE;
    OK(INVOKE(ROOT_SLOT_IO_CONTROL, KIND_IO_CONTROL, 0, 0x100, 8, table, ports));
    OK(INVOKE(table, KIND_CAPTABLE, IDENTIFY, ports));
    assert_int_equal(current()->context.words[1], 0x100);
    assert_int_equal(current()->context.words[2], 8);
    OK(INVOKE(table, KIND_CAPTABLE, IDENTIFY, ROOT_SLOT_IRQ_CONTROL));
    assert_int_equal(current()->context.words[2], 0);
    uint64_t handler = slots_new(1);
    OK(INVOKE(ROOT_SLOT_IRQ_CONTROL, KIND_IRQ_CONTROL, 0, 9, 0, table, handler));
    OK(INVOKE(table, KIND_CAPTABLE, IDENTIFY, handler));
    assert_int_equal(current()->context.words[2], 9);
    const struct root_info *root = (const struct root_info *)slot_cap(ROOT_SLOT_INFO)->address;
    OK(INVOKE(table, KIND_CAPTABLE, IDENTIFY, root->module_slot));  // pages of no power of two
    assert_int_equal(current()->context.words[2], PAGE_SIZE);
}

// Others go on while a capability is being revoked: those that are marked are as good as gone.
static void test_a_capability_that_is_being_revoked(void **state)
{
    (void)state;
    enum {
        MANY = 40
    };
    uint64_t endpoint = make(KIND_ENDPOINT, 6), first = 0;
    for (unsigned i = 0; i < MANY; i++) {
        uint64_t copy = copy_slot(endpoint, RIGHT_ALL);
        first = first ? first : copy;
    }
    interrupt_soon();
    assert_true(sys_once(SYS_invoke, ROOT_SLOT_CSPACE, TAG(OPERATION(KIND_CAPTABLE, REVOKE), 1, 0),
                         0, WORDS(endpoint)));
    unsigned marked = 0;
    for (unsigned i = 0; i < MANY; i++) {
        if (slot_cap(first + i)->flags & CAP_MARKED) {
            marked++;
            REFUSED(INVOKE(first + i, KIND_ENDPOINT, 0, 0), ERR_DEAD);
        } else {
            OK(INVOKE(first + i, KIND_ENDPOINT, 0, 0));
        }
    }
    assert_in_range(marked, 1, MANY - 1);
    OK(INVOKE(ROOT_SLOT_CSPACE, KIND_CAPTABLE, REVOKE, endpoint));
    assert_true(cap_empty(slot_cap(first)));
}

static void test_batches(void **state)
{
    (void)state;
    enum {
        MANY = 20
    };
    uint64_t to = slots_new(MANY);
    for (unsigned i = 0; i < MANY; i++) {
        entry(i, ROOT_SLOT_CSPACE, OPERATION(KIND_CAPTABLE, COPY), 4,
              WORDS(to + i, ROOT_SLOT_CSPACE, ROOT_SLOT_SCHED_CONTROL, RIGHT_ALL));
    }
    REFUSED(batch(8, 1), err_blame(ERR_ALIGN, 1));
    REFUSED(batch(PAGE_SIZE, 1), err_blame(ERR_RANGE, 1));
    OK(batch(0, 0));
    OK(batch(0, MANY));
    assert_false(cap_empty(slot_cap(to + MANY - 1)));
    assert_int_equal(current()->context.tag, MANY * sizeof(struct batch_entry));
    REFUSED(batch(0, MANY), err_blame(ERR_OCCUPIED, 1));
    assert_int_equal(current()->context.tag, 0);
    assert_int_equal(current()->context.third, MANY);
}

static void test_a_batch_that_is_interrupted(void **state)
{
    (void)state;
    enum {
        MANY = 20
    };
    uint64_t to = slots_new(MANY);
    for (unsigned i = 0; i < MANY; i++) {
        entry(i, ROOT_SLOT_CSPACE, OPERATION(KIND_CAPTABLE, COPY), 4,
              WORDS(to + i, ROOT_SLOT_CSPACE, ROOT_SLOT_SCHED_CONTROL, RIGHT_ALL));
    }
    machine.windows = 1;
    OK(batch(0, MANY));  // no entry is carried out twice: that would be refused
    assert_int_equal(machine.windows, 0);
    assert_false(cap_empty(slot_cap(to + MANY - 1)));
}

static void test_a_thread_that_ends_in_its_own_batch(void **state)
{
    (void)state;
    struct actor actor = actor_new(100, 0, 0, 0);
    entry(0, ROOT_SLOT_CSPACE, OPERATION(KIND_CAPTABLE, DELETE), 1, WORDS(actor.cap));
    entry(1, ROOT_SLOT_CSPACE, OPERATION(KIND_CAPTABLE, DELETE), 1, WORDS(actor.context));
    actor_begin(&actor);
    sys_once(SYS_invoke_batch, frame, 0, 2, WORDS(0));
    assert_null(current());
    assert_true(cap_empty(slot_cap(actor.cap)));
    assert_false(cap_empty(slot_cap(actor.context)));  // it did not come so far
}

static void test_a_thread_that_ends_in_its_own_batch_and_fails(void **state)
{
    (void)state;
    struct actor actor = actor_new(100, 0, 0, 0);
    uint64_t empty = slots_new(1);
    entry(0, ROOT_SLOT_CSPACE, OPERATION(KIND_CAPTABLE, DELETE), 1, WORDS(actor.cap));
    entry(1, empty, 0, 0, WORDS(0));
    actor_begin(&actor);
    interrupt_soon();
    machine.windows = 2;  // not before the first entry
    sys_once(SYS_invoke_batch, frame, 0, 2, WORDS(0));
    assert_null(current());
    ring();
    OK(INVOKE(ROOT_SLOT_CSPACE, KIND_CAPTABLE, DELETE, actor.cap));
    assert_true(cap_empty(slot_cap(actor.cap)));
}

static void test_a_thread_that_ends_by_an_invocation(void **state)
{
    (void)state;
    struct actor actor = actor_new(100, 0, 0, 0);
    actor_begin(&actor);
    sys_once(SYS_invoke, ROOT_SLOT_CSPACE, TAG(OPERATION(KIND_CAPTABLE, DELETE), 1, 0), 0,
             WORDS(actor.cap));
    assert_null(current());
    assert_true(cap_empty(slot_cap(actor.cap)));
}

// ---- queues of several --------------------------------------------------------------------------

static struct actor waiting[3];

// All three wait, in order.
static void stage_queue(enum machine_syscall number, uint64_t slot)
{
    for (unsigned i = 0; i < 3; i++) {
        waiting[i] = actor_new(100, 0, 0, 0);
        actor_begin(&waiting[i]);
        SYS(number, slot);
        ring();
    }
    check_invariants();
}

// The one in the middle is taken out, then the first: the last is served.
static void expect_last_is_served(enum machine_syscall number, uint64_t slot)
{
    for (unsigned i = 2; i-- > 0;) {
        OK(INVOKE0(waiting[i].cap, KIND_THREAD, 4));
        REFUSED(waiting[i].thread->context.code, ERR_CANCELLED);
        check_invariants();
    }
    OK(SYS(number, slot));
    OK(waiting[2].thread->context.code);
    assert_int_equal(waiting[2].thread->state, THREAD_READY);
}

static void test_a_queue_of_receivers(void **state)
{
    (void)state;
    uint64_t endpoint = make(KIND_ENDPOINT, 6);
    stage_queue(SYS_recv, endpoint);
    expect_last_is_served(SYS_nb_send, endpoint);
}

static void test_a_queue_of_waiters(void **state)
{
    (void)state;
    uint64_t note = make(KIND_NOTIFICATION, 6);
    stage_queue(SYS_wait, note);
    expect_last_is_served(SYS_signal, note);
}

// The invariants hold while an object is being made.
static void test_an_object_that_is_not_finished(void **state)
{
    (void)state;
    uint64_t untyped = make(KIND_UNTYPED, 16), to = slots_new(1);
    uint64_t tag = TAG(OPERATION(KIND_UNTYPED, 0), 5, 0);
    struct words words = WORDS(KIND_FRAME | 16u << 8, 0, ROOT_SLOT_CSPACE, to, 1);
    interrupt_soon();
    assert_true(sys_once(SYS_invoke, untyped, tag, 0, words));
    assert_true(slot_cap(to)->flags & CAP_EMBRYO);
    check_invariants();
    OK(sys(SYS_invoke, untyped, tag, 0, words));
    assert_false(slot_cap(to)->flags & CAP_EMBRYO);
}

// ---- time ---------------------------------------------------------------------------------------

static void test_a_thread_that_configures_its_own_time(void **state)
{
    (void)state;
    struct sched_context *context = current()->sched;
    uint64_t used = context->used + host_clock - hal_cpu()->since;
    host_clock += 500;
    OK(INVOKE(ROOT_SLOT_SCHED_CONTEXT, KIND_SCHED_CONTEXT, 0, ROOT_SLOT_SCHED_CONTROL, 5000, 5000));
    assert_int_equal(context->refills[0].amount, 5000);
    assert_int_equal(context->used, used + 500);
    uint64_t limited = mint_slot(ROOT_SLOT_SCHED_CONTROL, RIGHT_ALL, 500000);
    sys_once(SYS_invoke, ROOT_SLOT_SCHED_CONTEXT, TAG(OPERATION(KIND_SCHED_CONTEXT, 0), 3, 0), 0,
             WORDS(limited, 4000, 8000));
    assert_null(current());  // what a limit allows is had a period later
    assert_int_equal(hal_cpu()->admitted, 500000);
    pass(8000);
    assert_int_equal(sched_context_head(context)->amount, 4000);
    assert_int_equal(current()->priority, PRIORITIES - 1);
}

// Who has time of his own besides what he falls back on goes on with that once he is woken.
static void test_time_of_his_own_for_somebody_on_his_fallback(void **state)
{
    (void)state;
    struct actor actor = actor_new(100, NO_BUDGET, 0, 0);
    fallback_bind(&actor);
    actor_begin(&actor);
    assert_ptr_equal(current()->sched, sched_context_of(slot_cap(actor.fallback)));
    ring();
    uint64_t own = context_new(SLICE, SLICE);
    OK(INVOKE(own, KIND_SCHED_CONTEXT, 1, actor.cap, SCHED_OWN));
    rest();
    assert_ptr_equal(current(), actor.thread);
    wait_forever();
    assert_ptr_equal(actor.thread->sched, sched_context_of(slot_cap(own)));
}

// A switch to somebody whose slice ends before the timer would go off.
static void test_a_shorter_slice(void **state)
{
    (void)state;
    uint64_t endpoint = make(KIND_ENDPOINT, 6), reply = make(KIND_REPLY, 6);
    struct actor server = actor_new(110, NO_BUDGET, 0, 0), client = actor_new(100, 0, 0, 0);
    uint64_t context = context_new(4000, 4000);
    OK(INVOKE(context, KIND_SCHED_CONTEXT, 1, server.cap, SCHED_OWN));
    server.context = context;
    actor_receive(&server, endpoint, reply);
    machine.fast = true;
    actor_begin(&client);
    host_clock += 6000;
    pass(0);
    sys(SYS_call, endpoint, 0, 0, WORDS(0));
    assert_int_equal(machine.left, LEFT_PASS);
    assert_ptr_equal(current(), server.thread);
    assert_true(machine.timer <= host_clock + 4000);
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, machine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALL_TEST(test_calls_that_do_not_exist),
        CALL_TEST(test_debug_calls),
        CALL_TEST(test_identify),
        CALL_TEST(test_a_capability_that_is_being_revoked),
        CALL_TEST(test_batches),
        CALL_TEST(test_a_batch_that_is_interrupted),
        CALL_TEST(test_a_thread_that_ends_in_its_own_batch),
        CALL_TEST(test_a_thread_that_ends_in_its_own_batch_and_fails),
        CALL_TEST(test_a_thread_that_ends_by_an_invocation),
        CALL_TEST(test_a_queue_of_receivers),
        CALL_TEST(test_a_queue_of_waiters),
        CALL_TEST(test_an_object_that_is_not_finished),
        CALL_TEST(test_a_thread_that_configures_its_own_time),
        CALL_TEST(test_time_of_his_own_for_somebody_on_his_fallback),
        CALL_TEST(test_a_shorter_slice),
    };
    return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
