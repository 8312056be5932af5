// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Two CPUs on the whole core, which a test lets run in turn: who is asked to look again, and what
// waits until it has.
#include "machine.h"

enum operation {
    SUSPEND = 3,
    KICK = 5,
    READ_REGS,
    WRITE_REGS,
    READ_VECTOR,
    WRITE_VECTOR,
    PRIORITY = 11,
};

static uint64_t control(unsigned cpu)
{
    const struct root_info *root = (const struct root_info *)slot_cap(ROOT_SLOT_INFO)->address;
    return cpu ? root->cpu_slot + cpu - 1 : ROOT_SLOT_SCHED_CONTROL;
}

static void put_on(const struct actor *actor, unsigned cpu)
{
    OK(INVOKE(actor->context, KIND_SCHED_CONTEXT, 0, control(cpu), SLICE, SLICE));
}

// A thread of the other CPU, which waits for that to look.
static struct actor actor_there(unsigned priority, unsigned flags)
{
    struct actor actor = actor_new(priority, 0, 0, flags);
    put_on(&actor, 1);
    actor_resume(&actor);
    return actor;
}

// The other CPU does what it was asked to do.
static void other_looks(void)
{
    assert_int_equal(machine_number, 0);
    assert_true(machine.interrupted & 2);
    machine.interrupted = 0;
    machine_on(1);
    kernel_resched();
}

static void here(void)
{
    machine_on(0);
}

// A thread that runs on the other CPU.
static struct actor actor_runs_there(unsigned flags)
{
    struct actor actor = actor_there(100, flags);
    other_looks();
    assert_ptr_equal(current(), actor.thread);
    here();
    return actor;
}

// An operation that has to be tried again.
static void expect_retry(uint64_t slot, unsigned number)
{
    assert_true(sys_once(SYS_invoke, slot, TAG(OPERATION(KIND_THREAD, number), 0, 0), 0, WORDS(0)));
}

// ---- waking and stopping ------------------------------------------------------------------------

static void test_boot(void **state)
{
    (void)state;
    assert_true(machine.others);
    const struct root_info *root = (const struct root_info *)slot_cap(ROOT_SLOT_INFO)->address;
    assert_int_equal(root->cpu_count, 2);
    assert_int_equal(slot_cap(control(1))->kind, KIND_SCHED_CONTROL);
    machine_on(1);
    assert_null(current());
}

static void test_a_thread_runs_where_its_context_says(void **state)
{
    (void)state;
    struct actor actor = actor_there(100, 0);
    assert_int_equal(machine.interrupted, 2);
    assert_int_equal(actor.thread->place, PLACE_QUEUED);
    struct actor second = actor_there(120, 0);  // it has been asked already
    other_looks();
    assert_ptr_equal(current(), second.thread);
    here();
    machine.interrupted = 0;
    struct actor third = actor_there(110, 0);  // not more urgent than the one that runs
    assert_int_equal(machine.interrupted, 0);
    assert_int_equal(third.thread->place, PLACE_QUEUED);
    struct actor fourth = actor_there(130, 0);
    assert_int_equal(machine.interrupted, 2);
    other_looks();
    assert_ptr_equal(current(), fourth.thread);
    wait_forever();
    assert_ptr_equal(current(), second.thread);
}

static void test_suspension_of_a_thread_that_runs_elsewhere(void **state)
{
    (void)state;
    struct actor actor = actor_runs_there(0);
    REFUSED(INVOKE0(actor.cap, KIND_THREAD, READ_REGS), ERR_STATE);
    expect_retry(actor.cap, SUSPEND);
    assert_int_equal(actor.thread->place, PLACE_DISPLACED);
    expect_retry(actor.cap, READ_REGS);
    expect_retry(actor.cap, WRITE_REGS);
    assert_true(sys_once(SYS_invoke, actor.cap, TAG(OPERATION(KIND_THREAD, 0), 5, 0), 0, WORDS(0)));
    other_looks();
    assert_null(current());
    here();
    OK(INVOKE0(actor.cap, KIND_THREAD, SUSPEND));
    OK(INVOKE0(actor.cap, KIND_THREAD, READ_REGS));
    assert_int_equal(actor.thread->place, PLACE_NONE);
}

// It comes into the kernel before its CPU has looked: that did not happen.
static void test_a_thread_that_was_stopped_on_its_way_in(void **state)
{
    (void)state;
    struct actor actor = actor_runs_there(0);
    uint64_t note = make(KIND_NOTIFICATION, 6);
    expect_retry(actor.cap, SUSPEND);
    machine_on(1);
    assert_true(sys_once(SYS_signal, note, 0, 0, WORDS(0)));
    assert_null(current());
    assert_int_equal(actor.thread->state, THREAD_SUSPENDED);
    here();
    assert_int_equal(notification_of(slot_cap(note))->word, 0);
    actor_resume(&actor);
    other_looks();
    assert_ptr_equal(current(), actor.thread);
    SYS(SYS_signal, note);
    here();
    assert_int_equal(notification_of(slot_cap(note))->word, 1);
    expect_retry(actor.cap, SUSPEND);
    machine_on(1);
    assert_true(sys_once(SYS_invoke, note, 0, 0, WORDS(0)));
    assert_null(current());
}

static void test_a_trap_of_a_thread_that_was_stopped(void **state)
{
    (void)state;
    uint64_t endpoint = make(KIND_ENDPOINT, 6);
    struct actor actor = actor_new(100, 0, endpoint, 0);
    put_on(&actor, 1);
    actor_resume(&actor);
    other_looks();
    here();
    expect_retry(actor.cap, SUSPEND);
    machine_on(1);
    trap((struct hal_trap){ .label = FAULT_PAGE });
    assert_null(current());
    assert_int_equal(actor.thread->state, THREAD_SUSPENDED);
    assert_null(endpoint_of(slot_cap(endpoint))->senders.root);
}

static void test_a_guest_that_was_stopped_on_its_way_in(void **state)
{
    (void)state;
    struct actor guest = actor_runs_there(THREAD_GUEST);
    expect_retry(guest.cap, SUSPEND);
    machine_on(1);
    uint64_t before = guest.thread->context.restarts;
    guest_call(5, WORDS(0));
    assert_int_equal(guest.thread->context.restarts, before + 1);
    assert_int_equal(guest.thread->state, THREAD_SUSPENDED);
}

static void test_the_end_of_a_thread_that_runs_elsewhere(void **state)
{
    (void)state;
    struct actor actor = actor_runs_there(0);
    struct words words = WORDS(actor.cap);
    uint64_t tag = TAG(OPERATION(KIND_CAPTABLE, 3), 1, 0);
    assert_true(sys_once(SYS_invoke, ROOT_SLOT_CSPACE, tag, 0, words));
    other_looks();
    assert_null(current());
    here();
    assert_false(sys_once(SYS_invoke, ROOT_SLOT_CSPACE, tag, 0, words));
    assert_true(cap_empty(slot_cap(actor.cap)));
}

static void test_the_end_of_the_address_space_of_a_thread_that_runs_elsewhere(void **state)
{
    (void)state;
    struct actor actor = actor_new(100, 0, 0, 0);
    uint64_t space = make(KIND_ADDRESS_SPACE, ASPACE_BITS);
    OK(INVOKE(actor.cap, KIND_THREAD, 0, ROOT_SLOT_CSPACE, space, 0, 0, 0));
    put_on(&actor, 1);
    actor_resume(&actor);
    other_looks();
    here();
    remove_slot(space);
    assert_int_equal(machine.aspace_left, 2);
    assert_ptr_equal(actor.thread->translation, &hal_aspace_kernel);
}

static void test_the_end_of_the_time_of_a_thread_that_runs_elsewhere(void **state)
{
    (void)state;
    struct actor actor = actor_runs_there(0);
    host_clock += 300;
    OK(INVOKE0(actor.context, KIND_SCHED_CONTEXT, 3));
    assert_int_equal(current()->context.words[0], 300);  // not counted yet
    OK(INVOKE0(actor.context, KIND_SCHED_CONTEXT, 2));
    other_looks();
    assert_null(current());
    here();
    assert_int_equal(actor.thread->state, THREAD_READY);
}

// ---- moving -------------------------------------------------------------------------------------

static void test_a_ready_thread_moves(void **state)
{
    (void)state;
    struct actor actor = actor_new(100, 0, 0, 0);
    actor_resume(&actor);
    put_on(&actor, 1);
    other_looks();
    assert_ptr_equal(current(), actor.thread);
}

static void test_a_thread_that_runs_moves(void **state)
{
    (void)state;
    struct actor actor = actor_runs_there(0);
    put_on(&actor, 0);
    assert_int_equal(actor.thread->place, PLACE_DISPLACED);
    other_looks();
    assert_null(current());
    assert_int_equal(machine.interrupted, 0);  // root is more urgent
    here();
    assert_int_equal(actor.thread->place, PLACE_QUEUED);
    rest();
    assert_ptr_equal(current(), actor.thread);
}

static void test_a_thread_moves_to_a_cpu_that_is_idle(void **state)
{
    (void)state;
    struct actor one = actor_runs_there(0);
    struct actor two = actor_there(90, 0);
    machine_on(1);
    put_on(&two, 0);  // of itself
    here();
    rest();
    assert_ptr_equal(current(), two.thread);
    wait_forever();
    assert_null(current());
    machine.interrupted = 0;
    machine_on(1);
    assert_ptr_equal(current(), one.thread);
    put_on(&one, 0);
    assert_null(current());
    assert_int_equal(machine.interrupted, 1);
    here();
    kernel_resched();
    assert_ptr_equal(current(), one.thread);
}

// There and back before its CPU has looked.
static void test_a_thread_that_can_stay(void **state)
{
    (void)state;
    struct actor actor = actor_runs_there(0);
    put_on(&actor, 0);
    put_on(&actor, 1);
    other_looks();
    assert_ptr_equal(current(), actor.thread);
    assert_int_equal(actor.thread->place, PLACE_NONE);
}

static void test_priority_of_a_thread_elsewhere(void **state)
{
    (void)state;
    struct actor one = actor_runs_there(0), two = actor_there(90, 0);
    machine.interrupted = 0;
    OK(INVOKE(two.cap, KIND_THREAD, PRIORITY, 110, 110));
    other_looks();
    assert_ptr_equal(current(), two.thread);
    here();
    OK(INVOKE(one.cap, KIND_THREAD, PRIORITY, 120, 120));
    other_looks();
    assert_ptr_equal(current(), one.thread);
}

// ---- messages and signals -----------------------------------------------------------------------

static void test_a_call_to_another_cpu_and_its_answer(void **state)
{
    (void)state;
    uint64_t endpoint = make(KIND_ENDPOINT, 6), reply = make(KIND_REPLY, 6);
    struct actor server = actor_runs_there(0), client = actor_new(100, 0, 0, 0);
    machine_on(1);
    sys(SYS_recv, endpoint, 0, reply, WORDS(0));
    assert_null(current());
    here();
    machine.fast = true;
    actor_begin(&client);
    sys(SYS_call, endpoint, TAG(3, 1, 0), 0, WORDS(7));
    assert_int_equal(machine.left, LEFT_SLOW);
    assert_null(current());
    other_looks();
    assert_ptr_equal(current(), server.thread);
    assert_int_equal(current()->context.words[0], 7);
    machine.interrupted = 0;
    sys(SYS_reply_recv, endpoint, TAG(4, 1, 0), reply, WORDS(8));
    assert_int_equal(machine.left, LEFT_SLOW);
    assert_null(current());
    assert_int_equal(machine.interrupted, 1);
    here();
    kernel_resched();
    assert_ptr_equal(current(), client.thread);
    assert_int_equal(current()->context.words[0], 8);
}

static void test_lent_time_goes_where_it_belongs(void **state)
{
    (void)state;
    uint64_t endpoint = make(KIND_ENDPOINT, 6), reply = make(KIND_REPLY, 6);
    struct actor server = actor_new(120, NO_BUDGET, 0, 0);
    actor_receive(&server, endpoint, reply);
    struct actor client = actor_runs_there(0);
    machine_on(1);
    machine.fast = true;
    sys(SYS_call, endpoint, 0, 0, WORDS(0));
    assert_int_equal(machine.left, LEFT_PASS);
    assert_ptr_equal(current(), server.thread);  // on the CPU of the client
    here();
    put_on(&client, 0);  // and with its time to another
    other_looks();
    assert_null(current());
    here();
    rest();
    assert_ptr_equal(current(), server.thread);
}

// The fast answer is left alone while its CPU has something to look at.
static void test_an_answer_with_something_to_look_at(void **state)
{
    (void)state;
    uint64_t endpoint = make(KIND_ENDPOINT, 6), reply = make(KIND_REPLY, 6);
    struct actor server = actor_new(120, 0, 0, 0), client = actor_new(100, 0, 0, 0);
    put_on(&server, 1);
    put_on(&client, 1);
    actor_resume(&server);
    other_looks();
    machine.fast = true;
    sys(SYS_recv, endpoint, 0, reply, WORDS(0));
    here();
    actor_resume(&client);
    other_looks();
    sys(SYS_call, endpoint, 0, 0, WORDS(0));
    assert_int_equal(machine.left, LEFT_PASS);
    here();
    struct actor third = actor_there(130, 0);
    machine_on(1);
    sys(SYS_reply_recv, endpoint, 0, reply, WORDS(0));
    assert_int_equal(machine.left, LEFT_SLOW);
    assert_ptr_equal(current(), third.thread);
    assert_int_equal(client.thread->place, PLACE_QUEUED);
}

static void test_a_signal_to_another_cpu(void **state)
{
    (void)state;
    uint64_t note = make(KIND_NOTIFICATION, 6);
    struct actor actor = actor_runs_there(0);
    machine_on(1);
    SYS(SYS_wait, note);
    assert_null(current());
    here();
    machine.interrupted = 0;
    OK(SYS(SYS_signal, note));
    other_looks();
    assert_ptr_equal(current(), actor.thread);
    assert_int_equal(current()->context.slot, 1);
}

static void test_a_kick_of_a_guest_that_runs_elsewhere(void **state)
{
    (void)state;
    uint64_t endpoint = make(KIND_ENDPOINT, 6);
    struct actor guest = actor_new(100, 0, endpoint, THREAD_GUEST);
    put_on(&guest, 1);
    actor_resume(&guest);
    other_looks();
    here();
    OK(INVOKE0(guest.cap, KIND_THREAD, KICK));
    other_looks();
    assert_null(current());
    assert_int_equal(guest.thread->state, THREAD_BLOCKED_SEND);
    assert_int_equal(guest.thread->trap.label, GUEST_KICK);
}

// A budget that a call waits for is the other CPU's timer's business.
static void test_a_budget_waits_on_its_own_cpu(void **state)
{
    (void)state;
    struct actor actor = actor_new(100, NO_BUDGET, 0, 0);
    uint64_t context = context_new(4000, 40000);
    OK(INVOKE(context, KIND_SCHED_CONTEXT, 0, control(1), 4000, 40000));
    OK(INVOKE(context, KIND_SCHED_CONTEXT, 1, actor.cap, SCHED_OWN));
    actor_resume(&actor);
    other_looks();
    host_clock += 4000;
    kernel_timer();
    assert_null(current());
    here();
    struct sched_context *object = sched_context_of(slot_cap(context));
    assert_true(object->waiting);
    OK(INVOKE0(actor.cap, KIND_THREAD, SUSPEND));
    actor_resume(&actor);
    assert_int_equal(actor.thread->place, PLACE_NONE);
    machine_on(1);
    pass(40000);
    assert_ptr_equal(current(), actor.thread);
    here();
}

static void test_somebody_woken_elsewhere_without_time(void **state)
{
    (void)state;
    uint64_t note = make(KIND_NOTIFICATION, 6);
    struct actor actor = actor_new(100, NO_BUDGET, 0, 0);
    uint64_t context = context_new(4000, 40000);
    OK(INVOKE(context, KIND_SCHED_CONTEXT, 0, control(1), 4000, 40000));
    OK(INVOKE(context, KIND_SCHED_CONTEXT, 1, actor.cap, SCHED_OWN));
    actor_resume(&actor);
    other_looks();
    host_clock += 4000;
    SYS(SYS_wait, note);  // it ends with the wait
    here();
    uint64_t armed = machine.timer;
    OK(SYS(SYS_signal, note));
    assert_true(sched_context_of(slot_cap(context))->waiting);
    assert_int_equal(machine.timer, armed);  // not this CPU's
    other_looks();
    assert_int_not_equal(machine.timer, armed);
    assert_null(current());
}

// The clock of another CPU may be a little behind.
static void test_clocks_that_differ(void **state)
{
    (void)state;
    struct actor actor = actor_runs_there(0);
    host_clock += 500;
    put_on(&actor, 1);  // counted until here
    uint64_t used = sched_context_of(slot_cap(actor.context))->used;
    assert_int_equal(used, 500);
    host_clock -= 20;
    OK(INVOKE0(actor.context, KIND_SCHED_CONTEXT, 3));
    assert_int_equal(current()->context.words[0], used);
    machine_on(1);
    wait_forever();
    assert_int_equal(sched_context_of(slot_cap(actor.context))->used, used);
}

static void test_somebody_waits_for_the_lock(void **state)
{
    (void)state;
    machine_on(0);
    hal_cpu()->work = 0;
    machine_lock_wanted = true;
    assert_false(preempt_point(PREEMPT_WORK - 1));
    assert_true(preempt_point(1));
    machine_lock_wanted = false;
    assert_false(preempt_point(PREEMPT_WORK));
}

// A limit is that of the CPU where the time is to be: what was admitted elsewhere does not help.
static void test_time_moves_to_a_cpu_with_a_limit(void **state)
{
    (void)state;
    uint64_t limited = mint_slot(control(1), RIGHT_ALL, 500000), context = context_new(4000, 8000);
    OK(INVOKE(context, KIND_SCHED_CONTEXT, 0, limited, 4000, 8000));
    assert_int_equal(hal_cpu_at(1)->admitted, 500000);
    uint64_t second = context_new(4000, 8000);
    REFUSED(INVOKE(second, KIND_SCHED_CONTEXT, 0, limited, 4000, 8000), err_blame(ERR_LIMIT, 1));
    OK(INVOKE(context, KIND_SCHED_CONTEXT, 0, control(0), 4000, 8000));
    assert_int_equal(hal_cpu_at(1)->admitted, 0);
    OK(INVOKE(second, KIND_SCHED_CONTEXT, 0, limited, 4000, 8000));
}

// A batch comes to an entry that has to be tried again.
static void test_a_batch_that_has_to_wait_for_another_cpu(void **state)
{
    (void)state;
    struct actor actor = actor_runs_there(0);
    uint64_t frame = make(KIND_FRAME, PAGE_BITS);
    struct batch_entry *entry = (struct batch_entry *)slot_cap(frame)->address;
    entry->slot = actor.cap;
    entry->tag = TAG(OPERATION(KIND_THREAD, SUSPEND), 0, 0);
    assert_true(sys_once(SYS_invoke_batch, frame, 0, 1, WORDS(0)));
    assert_true(current()->restarted);
    other_looks();
    here();
    OK(sys(SYS_invoke_batch, frame, 0, 1, WORDS(0)));
    assert_int_equal(actor.thread->state, THREAD_SUSPENDED);
}

// The timer goes off before the CPU has looked.
static void test_the_timer_of_a_cpu_with_something_to_look_at(void **state)
{
    (void)state;
    struct actor one = actor_runs_there(0), two = actor_there(110, 0);
    machine_on(1);
    kernel_timer();
    assert_ptr_equal(current(), two.thread);
    assert_int_equal(one.thread->place, PLACE_QUEUED);
}

// And what the timer does is put off once more.
static void test_a_timer_that_is_put_off_before_the_cpu_has_looked(void **state)
{
    (void)state;
    struct actor actor = actor_runs_there(0);
    expect_retry(actor.cap, SUSPEND);
    machine_on(1);
    host_clock += SLICE;
    machine.windows = 1;
    kernel_timer();
    assert_int_equal(machine.windows, 0);
    check_invariants();
    kernel_resched();
    assert_null(current());
    here();
    assert_int_equal(actor.thread->place, PLACE_NONE);
    OK(INVOKE0(actor.cap, KIND_THREAD, SUSPEND));
}

// Another CPU gets something to wait for that comes earlier than its timer.
static void test_time_that_comes_elsewhere(void **state)
{
    (void)state;
    uint64_t note = make(KIND_NOTIFICATION, 6);
    struct actor actor = actor_new(100, NO_BUDGET, 0, 0);
    uint64_t context = context_new(4000, 40000);
    OK(INVOKE(context, KIND_SCHED_CONTEXT, 0, control(1), 4000, 40000));
    OK(INVOKE(context, KIND_SCHED_CONTEXT, 1, actor.cap, SCHED_OWN));
    actor_resume(&actor);
    other_looks();
    host_clock += 4000;
    SYS(SYS_wait, note);
    host_clock += 10000;
    pass(0);
    assert_int_equal(machine.timer, UINT64_MAX);
    here();
    machine.interrupted = 0;
    OK(SYS(SYS_signal, note));
    other_looks();
    assert_int_not_equal(machine.timer, UINT64_MAX);
    host_clock += 40000;
    pass(0);
    assert_ptr_equal(current(), actor.thread);
    here();
}

// Others go on copying while a revocation is interrupted, but not faster than it goes on; after
// some waiting they go on even if it does not.
static void test_copies_wait_for_a_revocation(void **state)
{
    (void)state;
    enum {
        MANY = 40,
        SOME = 16
    };
    uint64_t endpoint = make(KIND_ENDPOINT, 6), other = make(KIND_ENDPOINT, 6);
    uint64_t to = slots_new(SOME), copy = TAG(OPERATION(KIND_CAPTABLE, 0), 4, 0);
    struct actor actor = actor_runs_there(0);
    for (unsigned i = 0; i < MANY; i++) {
        (void)copy_slot(endpoint, RIGHT_ALL);
    }
    machine.windows = 1;
    hal_cpu()->work = 0;
    assert_true(sys_once(SYS_invoke, ROOT_SLOT_CSPACE, TAG(OPERATION(KIND_CAPTABLE, 4), 1, 0), 0,
                         WORDS(endpoint)));
    machine_on(1);
    unsigned made = 0;
    while (!sys_once(SYS_invoke, ROOT_SLOT_CSPACE, copy, 0,
                     WORDS(to + made, ROOT_SLOT_CSPACE, other, RIGHT_ALL))) {
        OK(current()->context.code);
        assert_true(++made < SOME);
    }
    assert_true(made > 0);
    actor.buffer->caps[0] = other;
    unsigned waits = 0;
    while (sys_once(SYS_nb_send, other, TAG(0, 0, 1), 0, WORDS(0))) {
        assert_true(++waits < MANY);
    }
    assert_true(waits > 0);
    REFUSED(current()->context.code, ERR_AGAIN);  // nobody receives
    here();
    OK(INVOKE(ROOT_SLOT_CSPACE, KIND_CAPTABLE, 4, endpoint));
}

// ---- vector registers ---------------------------------------------------------------------------

static void test_vector_registers_follow_their_thread(void **state)
{
    (void)state;
    struct actor actor = actor_runs_there(THREAD_VECTOR);
    assert_int_equal(actor.thread->vector_cpu, 1);
    put_on(&actor, 0);
    machine_on(1);
    kernel_resched();
    assert_null(hal_cpu_at(1)->vector_thread);  // they were given back with it
    assert_int_equal(machine.vector_forgot, 1);
    here();
    rest();
    assert_ptr_equal(current(), actor.thread);
    assert_int_equal(actor.thread->vector_cpu, 0);
}

// They are still in the other CPU when it is to run here: that has to give them back first.
static void test_vector_registers_left_behind(void **state)
{
    (void)state;
    uint64_t note = make(KIND_NOTIFICATION, 6);
    struct actor actor = actor_runs_there(THREAD_VECTOR);
    uint64_t frame = make(KIND_FRAME, PAGE_BITS);
    machine_on(1);
    SYS(SYS_wait, note);
    assert_null(current());
    assert_ptr_equal(hal_cpu()->vector_thread, actor.thread);
    here();
    assert_true(sys_once(SYS_invoke, actor.cap, TAG(OPERATION(KIND_THREAD, READ_VECTOR), 2, 0), 0,
                         WORDS(frame, 0)));
    other_looks();
    here();
    OK(INVOKE(actor.cap, KIND_THREAD, READ_VECTOR, frame, 0));
    put_on(&actor, 0);
    OK(SYS(SYS_signal, note));
    rest();
    assert_ptr_equal(current(), actor.thread);
}

static void stage_left_behind(struct actor *actor, uint64_t note)
{
    *actor = actor_runs_there(THREAD_VECTOR);
    machine_on(1);
    SYS(SYS_wait, note);
    here();
    put_on(actor, 0);
    machine.interrupted = 0;
}

static void expect_left_behind(const struct actor *actor)
{
    assert_int_equal(actor->thread->place, PLACE_DISPLACED);
    other_looks();
    assert_null(hal_cpu()->vector_thread);
    assert_int_equal(actor->thread->place, PLACE_QUEUED);
    here();
    kernel_resched();
    assert_ptr_equal(current(), actor->thread);
}

static void test_vector_registers_fetched_by_a_choice(void **state)
{
    (void)state;
    uint64_t note = make(KIND_NOTIFICATION, 6);
    struct actor actor;
    stage_left_behind(&actor, note);
    OK(SYS(SYS_signal, note));
    rest();
    assert_null(current());
    expect_left_behind(&actor);
}

static void test_vector_registers_fetched_by_a_hand_off(void **state)
{
    (void)state;
    uint64_t note = make(KIND_NOTIFICATION, 6);
    struct actor actor, low = actor_new(50, 0, 0, 0);
    stage_left_behind(&actor, note);
    actor_begin(&low);
    SYS(SYS_signal, note);
    assert_ptr_equal(current(), low.thread);
    expect_left_behind(&actor);
}

static void test_vector_registers_fetched_by_a_yield(void **state)
{
    (void)state;
    uint64_t note = make(KIND_NOTIFICATION, 6);
    struct actor actor, peer = actor_new(100, 0, 0, 0);
    stage_left_behind(&actor, note);
    actor_begin(&peer);
    SYS(SYS_signal, note);
    assert_ptr_equal(current(), peer.thread);
    SYS(SYS_yield, 0);
    assert_ptr_equal(current(), peer.thread);
    assert_int_equal(actor.thread->place, PLACE_DISPLACED);
    other_looks();
    here();
    SYS(SYS_yield, 0);
    assert_ptr_equal(current(), actor.thread);
}

static void test_vector_state_of_a_thread_that_is_let_go(void **state)
{
    (void)state;
    struct actor actor = actor_runs_there(THREAD_VECTOR);
    uint64_t frame = make(KIND_FRAME, PAGE_BITS);
    expect_retry(actor.cap, SUSPEND);
    assert_true(sys_once(SYS_invoke, actor.cap, TAG(OPERATION(KIND_THREAD, WRITE_VECTOR), 2, 0), 0,
                         WORDS(frame, 0)));
    other_looks();
    here();
    OK(INVOKE(actor.cap, KIND_THREAD, WRITE_VECTOR, frame, 0));
}

// A guest's registers stay with its handler no longer than that lives, on whatever CPU.
static void test_the_end_of_a_handler_elsewhere(void **state)
{
    (void)state;
    uint64_t endpoint = make(KIND_ENDPOINT, 6);
    struct actor handler = actor_runs_there(0);
    struct actor guest = actor_new(90, 0, endpoint, THREAD_GUEST | THREAD_VECTOR);
    put_on(&guest, 1);
    actor_resume(&guest);
    machine_on(1);
    sys(SYS_recv, endpoint, 0, 0, WORDS(0));
    assert_ptr_equal(current(), guest.thread);
    guest_call(1, WORDS(0));
    assert_ptr_equal(current(), handler.thread);
    wait_forever();
    here();
    assert_ptr_equal(hal_cpu_at(1)->vector_guest, guest.thread);
    remove_slot(handler.cap);
    assert_null(hal_cpu_at(1)->vector_guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_PAIR(test_boot),
        TEST_PAIR(test_a_thread_runs_where_its_context_says),
        TEST_PAIR(test_suspension_of_a_thread_that_runs_elsewhere),
        TEST_PAIR(test_a_thread_that_was_stopped_on_its_way_in),
        TEST_PAIR(test_a_trap_of_a_thread_that_was_stopped),
        TEST_PAIR(test_a_guest_that_was_stopped_on_its_way_in),
        TEST_PAIR(test_the_end_of_a_thread_that_runs_elsewhere),
        TEST_PAIR(test_the_end_of_the_address_space_of_a_thread_that_runs_elsewhere),
        TEST_PAIR(test_the_end_of_the_time_of_a_thread_that_runs_elsewhere),
        TEST_PAIR(test_a_ready_thread_moves),
        TEST_PAIR(test_a_thread_that_runs_moves),
        TEST_PAIR(test_a_thread_moves_to_a_cpu_that_is_idle),
        TEST_PAIR(test_a_thread_that_can_stay),
        TEST_PAIR(test_priority_of_a_thread_elsewhere),
        TEST_PAIR(test_a_call_to_another_cpu_and_its_answer),
        TEST_PAIR(test_lent_time_goes_where_it_belongs),
        TEST_PAIR(test_an_answer_with_something_to_look_at),
        TEST_PAIR(test_a_signal_to_another_cpu),
        TEST_PAIR(test_a_kick_of_a_guest_that_runs_elsewhere),
        TEST_PAIR(test_a_budget_waits_on_its_own_cpu),
        TEST_PAIR(test_somebody_woken_elsewhere_without_time),
        TEST_PAIR(test_clocks_that_differ),
        TEST_PAIR(test_somebody_waits_for_the_lock),
        TEST_PAIR(test_time_moves_to_a_cpu_with_a_limit),
        TEST_PAIR(test_a_batch_that_has_to_wait_for_another_cpu),
        TEST_PAIR(test_the_timer_of_a_cpu_with_something_to_look_at),
        TEST_PAIR(test_a_timer_that_is_put_off_before_the_cpu_has_looked),
        TEST_PAIR(test_time_that_comes_elsewhere),
        TEST_PAIR(test_copies_wait_for_a_revocation),
        TEST_PAIR(test_vector_registers_follow_their_thread),
        TEST_PAIR(test_vector_registers_left_behind),
        TEST_PAIR(test_vector_registers_fetched_by_a_choice),
        TEST_PAIR(test_vector_registers_fetched_by_a_hand_off),
        TEST_PAIR(test_vector_registers_fetched_by_a_yield),
        TEST_PAIR(test_vector_state_of_a_thread_that_is_let_go),
        TEST_PAIR(test_the_end_of_a_handler_elsewhere),
    };
    return cmocka_run_group_tests_name("smp", tests, NULL, NULL);
}
