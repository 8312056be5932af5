// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The fast paths on the whole core: what takes them, what the general path has to do, and that both
// do the same.
#include "machine.h"

#define CLIENT_PRIORITY 100u
#define SERVER_PRIORITY 110u

enum operation {
    SET_BUFFER = 1,
    KICK = 5,
};

static uint64_t endpoint, reply;
static struct actor client, server;

// The server waits, the client runs.  Budgets as in actor_new.
static void stage(uint64_t server_budget, unsigned client_flags, unsigned server_flags)
{
    endpoint = make(KIND_ENDPOINT, 6);
    reply = make(KIND_REPLY, 6);
    client = actor_new(CLIENT_PRIORITY, 0, endpoint, client_flags);
    server = actor_new(SERVER_PRIORITY, server_budget, 0, server_flags);
    actor_receive(&server, endpoint, reply);
}

static void go(void)
{
    machine.fast = true;
    actor_begin(&client);
}

static uint64_t call(unsigned length)
{
    return sys(SYS_call, endpoint, TAG(7, length, 0), 0, WORDS(1, 2, 3, 4, 5, 6));
}

static uint64_t answer(uint64_t label, unsigned length)
{
    return sys(SYS_reply_recv, endpoint, TAG(label, length, 0), reply, WORDS(9, 8, 7, 6, 5, 4));
}

#define EXPECT_LEFT(way, thread_of_actor)                \
 do {                                                    \
  assert_int_equal(machine.left, way);                   \
  assert_ptr_equal(current(), (thread_of_actor).thread); \
 } while (0)

// ---- call and reply_recv ------------------------------------------------------------------------

static void test_long_messages_both_ways(void **state)
{
    (void)state;
    stage(NO_BUDGET, 0, 0);
    go();
    client.buffer->words[9] = 99;
    call(10);
    EXPECT_LEFT(LEFT_PASS, server);
    assert_int_equal(server.buffer->words[9], 99);
    assert_int_equal(current()->context.tag, TAG(7, 10, 0));
    assert_int_equal(current()->context.words[5], 6);
    server.buffer->words[63] = 63;
    answer(0, 64);
    EXPECT_LEFT(LEFT_PASS, client);
    assert_int_equal(client.buffer->words[63], 63);
    assert_int_equal(current()->context.words[0], 9);
}

static void test_long_messages_that_do_not_fit(void **state)
{
    (void)state;
    stage(NO_BUDGET, 0, 0);
    go();
    REFUSED(call(65), err_blame(ERR_LENGTH, 1));
    EXPECT_LEFT(LEFT_SLOW, client);
    OK(INVOKE(server.cap, KIND_THREAD, SET_BUFFER, 0, 0, 0));
    call(10);
    EXPECT_LEFT(LEFT_SLOW, server);
    assert_int_equal(tag_length(current()->context.tag), MSG_REG_WORDS);
    REFUSED(answer(0, 10), err_blame(ERR_BUFFER, 1));
    EXPECT_LEFT(LEFT_SLOW, server);
    answer(0, 1);
    EXPECT_LEFT(LEFT_PASS, client);
    OK(INVOKE(client.cap, KIND_THREAD, SET_BUFFER, 0, 0, 0));
    REFUSED(call(7), err_blame(ERR_BUFFER, 1));
}

static void test_vector_registers_take_the_general_path(void **state)
{
    (void)state;
    stage(NO_BUDGET, 0, THREAD_VECTOR);
    go();
    call(1);
    EXPECT_LEFT(LEFT_SLOW, server);
    assert_ptr_equal(machine.vector_area, server.thread->vector);
    answer(0, 1);
    EXPECT_LEFT(LEFT_SLOW, client);  // out of the server's vector registers
    assert_false(machine_vector_live);
}

static void test_vector_client_takes_the_general_path(void **state)
{
    (void)state;
    stage(NO_BUDGET, THREAD_VECTOR, 0);
    go();
    call(1);
    EXPECT_LEFT(LEFT_SLOW, server);
    assert_false(machine_vector_live);
    answer(0, 1);
    EXPECT_LEFT(LEFT_SLOW, client);
    assert_true(machine_vector_live);
}

static void test_a_slice_that_ends_takes_the_general_path(void **state)
{
    (void)state;
    stage(0, 0, 0);
    go();
    host_clock += SLICE;
    call(1);
    EXPECT_LEFT(LEFT_SLOW, server);
    host_clock += SLICE;
    answer(0, 1);
    EXPECT_LEFT(LEFT_SLOW, client);
}

static void test_the_answer_to_somebody_with_time_of_his_own(void **state)
{
    (void)state;
    stage(0, 0, 0);
    go();
    call(1);
    EXPECT_LEFT(LEFT_PASS, server);
    answer(3, 2);
    EXPECT_LEFT(LEFT_PASS, client);
    assert_int_equal(current()->context.tag, TAG(3, 2, 0));
}

// ---- faults -------------------------------------------------------------------------------------

static struct hal_trap page_fault(void)
{
    return (struct hal_trap){ .label = FAULT_PAGE, .address = 0x1230, .access = FAULT_WRITE };
}

static void test_a_fault_and_its_answer(void **state)
{
    (void)state;
    stage(0, 0, 0);
    go();
    trap(page_fault());
    EXPECT_LEFT(LEFT_PASS, server);
    assert_int_equal(current()->context.tag, TAG(FAULT_PAGE, 3, 0));
    assert_int_equal(current()->context.words[0], 0x1230);
    answer(0, 0);
    EXPECT_LEFT(LEFT_RESUME, client);
    trap(page_fault());
    answer(1, 0);  // it is not to go on
    assert_int_equal(machine.left, LEFT_SLOW);
    assert_int_equal(client.thread->state, THREAD_SUSPENDED);
}

static void test_a_fault_needs_a_reply(void **state)
{
    (void)state;
    endpoint = make(KIND_ENDPOINT, 6);
    client = actor_new(CLIENT_PRIORITY, 0, endpoint, 0);
    server = actor_new(SERVER_PRIORITY, 0, 0, 0);
    actor_receive(&server, endpoint, 0);
    go();
    trap(page_fault());
    // The handler learns of it, but nobody will ever answer.
    EXPECT_LEFT(LEFT_NOT, server);
    assert_int_equal(current()->context.tag, TAG(FAULT_PAGE, 3, 0));
}

static void test_faults_that_take_the_general_path(void **state)
{
    (void)state;
    stage(0, 0, 0);
    go();
    host_clock += SLICE;  // the time of the one who faults is over
    trap(page_fault());
    EXPECT_LEFT(LEFT_NOT, server);
    OK(sys(SYS_reply, reply, 0, 0, WORDS(0)));
    wait_forever();
    assert_ptr_equal(current(), client.thread);
    trap(page_fault());  // nobody receives
    assert_int_equal(machine.left, LEFT_NOT);
    assert_int_equal(client.thread->state, THREAD_BLOCKED_SEND);
}

static void test_a_fault_to_somebody_without_time(void **state)
{
    (void)state;
    stage(NO_BUDGET, 0, 0);
    fallback_bind(&server);
    go();
    trap(page_fault());
    EXPECT_LEFT(LEFT_NOT, server);  // on its fall-back context
    answer(0, 0);
    EXPECT_LEFT(LEFT_RESUME, client);
    assert_null(server.thread->sched);  // which it does not keep while it waits
}

static void test_a_fault_with_somebody_in_between(void **state)
{
    (void)state;
    stage(0, 0, 0);
    struct actor other = actor_new(CLIENT_PRIORITY - 1, 0, 0, 0);
    OK(INVOKE(server.cap, KIND_THREAD, 11, CLIENT_PRIORITY - 2, SERVER_PRIORITY));
    actor_resume(&other);
    go();
    trap(page_fault());
    EXPECT_LEFT(LEFT_NOT, other);
    wait_forever();
    assert_ptr_equal(current(), server.thread);
    OK(INVOKE(client.cap, KIND_THREAD, 11, CLIENT_PRIORITY - 3, CLIENT_PRIORITY));
    OK(INVOKE(server.cap, KIND_THREAD, 11, CLIENT_PRIORITY - 1, SERVER_PRIORITY));
    OK(INVOKE0(other.cap, KIND_THREAD, 4));  // it is ready again
    answer(0, 0);
    EXPECT_LEFT(LEFT_SLOW, other);
}

static void test_a_vector_thread_faults(void **state)
{
    (void)state;
    stage(0, THREAD_VECTOR, 0);
    go();
    trap(page_fault());
    EXPECT_LEFT(LEFT_NOT, server);
    assert_false(machine_vector_live);
    answer(0, 0);
    EXPECT_LEFT(LEFT_SLOW, client);
    assert_true(machine_vector_live);
}

// ---- guests -------------------------------------------------------------------------------------

static struct guest_frame *guest_frame_of(uint64_t thread)
{
    uint64_t frame = make(KIND_FRAME, PAGE_BITS);
    OK(INVOKE(thread, KIND_THREAD, SET_BUFFER, 1, frame, 0));
    return (struct guest_frame *)slot_cap(frame)->address;
}

static struct guest_frame *guest_frame(void)
{
    return guest_frame_of(client.cap);
}

static uint64_t guest_answer(uint64_t label, struct words words)
{
    return sys(SYS_reply_recv, endpoint, TAG(label, 5, 0), client.cap, words);
}

static void test_a_guest_and_its_answer(void **state)
{
    (void)state;
    stage(0, THREAD_GUEST, 0);
    go();
    guest_call(17, WORDS(1, 2, 3, 4, 5, 6));
    EXPECT_LEFT(LEFT_PASS, server);
    assert_int_equal(tag_label(current()->context.tag), GUEST_SYSCALL_LABEL(17));
    assert_int_equal(current()->context.words[5], 6);
    guest_answer(GUEST_RESULT, WORDS(42));
    EXPECT_LEFT(LEFT_RESUME, client);
    assert_int_equal(current()->context.code, 42);
    guest_call(18, WORDS(0));
    guest_answer(0, WORDS(43));
    EXPECT_LEFT(LEFT_RESUME, client);
    assert_int_equal(current()->context.code, 18);
}

static void test_a_guest_goes_on_as_its_frame_says(void **state)
{
    (void)state;
    stage(0, THREAD_GUEST, 0);
    struct thread_regs *regs = &guest_frame()->regs;
    go();
    guest_call(17, WORDS(0));
    *regs = (struct thread_regs){ .rip = 0x5000, .rax = 44, .rdi = 45 };
    guest_answer(GUEST_LOAD, WORDS(42));
    EXPECT_LEFT(LEFT_RESUME, client);
    assert_int_equal(current()->context.ip, 0x5000);
    assert_int_equal(current()->context.code, 44);
    guest_call(18, WORDS(0));
    regs->rip = 0x6000;
    guest_answer(GUEST_LOAD | GUEST_RESULT, WORDS(43));
    EXPECT_LEFT(LEFT_RESUME, client);
    assert_int_equal(current()->context.ip, 0x6000);
    assert_int_equal(current()->context.code, 43);
    assert_int_equal(current()->context.slot, 45);
}

// The handler may receive with a Reply: a guest's trap frees it.
static void test_a_guest_frees_the_reply(void **state)
{
    (void)state;
    stage(0, THREAD_GUEST, 0);
    go();
    guest_call(17, WORDS(0));
    EXPECT_LEFT(LEFT_PASS, server);
    assert_null(((struct reply *)slot_cap(reply)->address)->thread);
    guest_answer(0, WORDS(0));  // without a Reply from here on
    guest_call(17, WORDS(0));
    EXPECT_LEFT(LEFT_PASS, server);
}

static void test_a_guest_faults(void **state)
{
    (void)state;
    stage(0, THREAD_GUEST, 0);
    const struct guest_frame *frame = guest_frame();
    go();
    trap(page_fault());
    EXPECT_LEFT(LEFT_PASS, server);
    assert_int_equal(frame->address, 0x1230);
    OK(INVOKE(client.cap, KIND_THREAD, SET_BUFFER, 1, 0, 0));
    guest_answer(0, WORDS(0));
    trap(page_fault());
    EXPECT_LEFT(LEFT_PASS, server);
}

static void test_a_guest_that_wants_frames_takes_the_general_path(void **state)
{
    (void)state;
    stage(0, THREAD_GUEST | THREAD_FRAME_SYSCALLS, 0);
    const struct guest_frame *frame = guest_frame();
    go();
    guest_call(19, WORDS(0));
    EXPECT_LEFT(LEFT_NOT, server);
    assert_int_equal(frame->trap, GUEST_SYSCALL);
}

static void test_a_kicked_guest_takes_the_general_path(void **state)
{
    (void)state;
    stage(0, THREAD_GUEST, 0);
    go();
    guest_call(17, WORDS(0));
    OK(INVOKE0(client.cap, KIND_THREAD, KICK));
    guest_answer(0, WORDS(0));
    // It delivers the kick instead of going on.
    assert_int_equal(machine.left, LEFT_SLOW);
    assert_ptr_equal(current(), server.thread);
    assert_int_equal(tag_label(current()->context.tag), GUEST_KICK);
}

static void test_answers_that_are_refused(void **state)
{
    (void)state;
    stage(0, THREAD_GUEST, 0);
    go();
    guest_call(17, WORDS(0));
    REFUSED(guest_answer(GUEST_LOAD, WORDS(0)), err_blame(ERR_BUFFER, 1));
    REFUSED(guest_answer(8, WORDS(0)), err_blame(ERR_RANGE, 1));
    uint64_t weak = copy_slot(client.cap, RIGHT_READ);
    REFUSED(sys(SYS_reply_recv, endpoint, 0, weak, WORDS(0)), err_blame(ERR_RIGHTS, 2));
    REFUSED(sys(SYS_reply_recv, endpoint, 0, server.cap, WORDS(0)), err_blame(ERR_STATE, 2));
    EXPECT_LEFT(LEFT_SLOW, server);
    guest_answer(0, WORDS(0));
    EXPECT_LEFT(LEFT_RESUME, client);
}

// Not by the way: who is no stopped guest keeps its registers, and a long answer changes nothing.
static void test_frames_that_are_not_loaded(void **state)
{
    (void)state;
    stage(0, THREAD_GUEST, 0);
    struct guest_frame *own = guest_frame_of(server.cap), *frame = guest_frame();
    go();
    guest_call(17, WORDS(0));
    uint64_t ip = current()->context.ip, guest_ip = client.thread->context.ip;
    own->regs.rip = frame->regs.rip = 0x7000;
    REFUSED(sys(SYS_reply_recv, endpoint, TAG(GUEST_LOAD, 0, 0), server.cap, WORDS(0)),
            err_blame(ERR_STATE, 2));
    assert_int_equal(current()->context.ip, ip);
    REFUSED(sys(SYS_reply_recv, endpoint, TAG(GUEST_LOAD, 65, 0), client.cap, WORDS(0)),
            err_blame(ERR_LENGTH, 1));
    REFUSED(guest_answer(8 | GUEST_LOAD, WORDS(0)), err_blame(ERR_RANGE, 1));
    assert_int_equal(client.thread->context.ip, guest_ip);
    uint64_t weak = copy_slot(client.cap, RIGHT_READ);
    REFUSED(sys(SYS_reply_recv, endpoint, TAG(GUEST_LOAD, 0, 0), weak, WORDS(0)),
            err_blame(ERR_RIGHTS, 2));
    assert_int_equal(client.thread->context.ip, guest_ip);
}

static void test_a_guest_without_time_is_answered(void **state)
{
    (void)state;
    stage(0, THREAD_GUEST, 0);
    go();
    guest_call(17, WORDS(0));
    OK(INVOKE0(client.context, KIND_SCHED_CONTEXT, 2));
    guest_answer(0, WORDS(0));
    assert_int_equal(machine.left, LEFT_SLOW);
    assert_int_equal(client.thread->state, THREAD_READY);
    assert_null(current());  // nobody can run
}

static void test_the_end_of_a_slice_and_the_answer_to_a_guest(void **state)
{
    (void)state;
    stage(0, THREAD_GUEST, 0);
    go();
    guest_call(17, WORDS(0));
    host_clock += SLICE;
    guest_answer(0, WORDS(0));
    EXPECT_LEFT(LEFT_SLOW, client);
}

// A guest's registers stay live under its handler; somebody else's come in between.
static void test_a_vector_guest(void **state)
{
    (void)state;
    stage(0, THREAD_GUEST | THREAD_VECTOR, 0);
    struct actor other = actor_new(SERVER_PRIORITY + 1, 0, 0, THREAD_VECTOR);
    uint64_t note = make(KIND_NOTIFICATION, 6);
    actor_begin(&other);
    SYS(SYS_wait, note);
    ring();
    go();
    guest_call(17, WORDS(0));
    EXPECT_LEFT(LEFT_PASS, server);
    assert_true(machine_vector_live);
    guest_answer(0, WORDS(0));
    EXPECT_LEFT(LEFT_RESUME, client);
    guest_call(18, WORDS(0));
    SYS(SYS_signal, note);
    assert_ptr_equal(current(), other.thread);
    SYS(SYS_wait, note);
    assert_ptr_equal(current(), server.thread);
    guest_answer(0, WORDS(0));
    EXPECT_LEFT(LEFT_SLOW, client);
    assert_ptr_equal(machine.vector_area, client.thread->vector);
}

// ---- the answer to a guest's fault that maps ----------------------------------------------------

static uint64_t attached;

static struct words mapping(uint64_t vaddr, uint64_t pages)
{
    return WORDS(42, attached, vaddr, pages << 32, PROT_READ);
}

static void stage_mapping(void)
{
    stage(0, THREAD_GUEST, 0);
    attached = copy_slot(make(KIND_FRAME, PAGE_BITS + 1), RIGHT_ALL);
    OK(INVOKE(attached, KIND_FRAME, 0, ROOT_SLOT_ASPACE));
    go();
    trap(page_fault());
    EXPECT_LEFT(LEFT_PASS, server);
}

// Is the page of the root task's space there?
static bool mapped(uint64_t vaddr)
{
    struct aspace *space = (struct aspace *)slot_cap(ROOT_SLOT_ASPACE)->address;
    uint64_t *table = space->root;
    for (unsigned shift = 39; shift > 12; shift -= 9) {
        uint64_t entry = table[vaddr >> shift & 511];
        if (!hal_pte_present(entry)) {
            return false;
        }
        table = (uint64_t *)hal_pte_address(entry);
    }
    return hal_pte_present(table[vaddr >> 12 & 511]);
}

static void test_an_answer_that_maps(void **state)
{
    (void)state;
    stage_mapping();
    guest_answer(GUEST_MAP, mapping(0x600000, 1));
    EXPECT_LEFT(LEFT_RESUME, client);
    assert_true(mapped(0x600000));
    trap(page_fault());
    guest_answer(GUEST_MAP | GUEST_RESULT, mapping(0x601000, 1));
    EXPECT_LEFT(LEFT_RESUME, client);
    assert_true(mapped(0x601000));
    assert_int_equal(current()->context.code, 42);
    trap(page_fault());
    guest_answer(GUEST_MAP, mapping(0x602000, 2));  // more than one page
    EXPECT_LEFT(LEFT_SLOW, client);
    assert_true(mapped(0x603000));
}

static void test_an_answer_that_cannot_map(void **state)
{
    (void)state;
    stage_mapping();
    REFUSED(guest_answer(GUEST_MAP, mapping(0x600001, 1)), err_blame(ERR_ALIGN, 9));
    REFUSED(guest_answer(GUEST_MAP, WORDS(0, 4000, 0x600000, 1ull << 32, PROT_READ)),
            err_blame(ERR_SLOT, 8));
    REFUSED(guest_answer(GUEST_MAP | GUEST_LOAD, mapping(0x600000, 1)), err_blame(ERR_BUFFER, 1));
    REFUSED(sys(SYS_reply_recv, endpoint, TAG(GUEST_MAP, 65, 0), client.cap, mapping(0x600000, 1)),
            err_blame(ERR_LENGTH, 1));
    EXPECT_LEFT(LEFT_SLOW, server);
    assert_false(mapped(0x600000));
    assert_int_equal(client.thread->state, THREAD_STOPPED);
}

static void test_a_mapping_for_somebody_who_is_not_stopped(void **state)
{
    (void)state;
    stage_mapping();
    OK(INVOKE0(client.cap, KIND_THREAD, 3));
    REFUSED(guest_answer(GUEST_MAP, mapping(0x600000, 1)), err_blame(ERR_STATE, 2));
    assert_false(mapped(0x600000));
}

static void test_a_mapping_for_a_guest_without_time(void **state)
{
    (void)state;
    stage_mapping();
    OK(INVOKE0(client.context, KIND_SCHED_CONTEXT, 2));
    guest_answer(GUEST_MAP, mapping(0x600000, 1));
    assert_int_equal(machine.left, LEFT_SLOW);
    assert_true(mapped(0x600000));
    assert_null(current());
}

static void test_a_mapping_at_the_end_of_a_slice(void **state)
{
    (void)state;
    stage_mapping();
    host_clock += SLICE;
    guest_answer(GUEST_MAP | GUEST_RESULT, mapping(0x600000, 1));
    EXPECT_LEFT(LEFT_SLOW, client);
    assert_true(mapped(0x600000));  // once: a second time it would be refused
    assert_int_equal(current()->context.code, 42);
}

static void test_a_mapping_for_a_kicked_guest(void **state)
{
    (void)state;
    stage_mapping();
    OK(INVOKE0(client.cap, KIND_THREAD, KICK));
    guest_answer(GUEST_MAP, mapping(0x600000, 1));
    EXPECT_LEFT(LEFT_SLOW, server);
    assert_int_equal(tag_label(current()->context.tag), GUEST_KICK);
    assert_true(mapped(0x600000));
}

static void test_a_mapping_with_somebody_in_between(void **state)
{
    (void)state;
    stage_mapping();
    struct actor other = actor_new(CLIENT_PRIORITY + 1, 0, 0, 0);
    actor_resume(&other);
    guest_answer(GUEST_MAP, mapping(0x600000, 1));
    EXPECT_LEFT(LEFT_SLOW, other);
    assert_int_equal(client.thread->state, THREAD_READY);
    assert_true(mapped(0x600000));
}

static void test_a_mapping_for_a_vector_guest(void **state)
{
    (void)state;
    stage_mapping();
    client.thread->flags |= THREAD_VECTOR;  // as if it had run before
    guest_answer(GUEST_MAP, mapping(0x600000, 1));
    EXPECT_LEFT(LEFT_SLOW, client);
    assert_true(mapped(0x600000));
}

static void test_a_mapping_by_somebody_on_his_fallback(void **state)
{
    (void)state;
    stage(NO_BUDGET, THREAD_GUEST, 0);
    fallback_bind(&server);
    attached = copy_slot(make(KIND_FRAME, PAGE_BITS + 1), RIGHT_ALL);
    OK(INVOKE(attached, KIND_FRAME, 0, ROOT_SLOT_ASPACE));
    go();
    trap(page_fault());
    EXPECT_LEFT(LEFT_NOT, server);
    guest_answer(GUEST_MAP, mapping(0x600000, 1));
    EXPECT_LEFT(LEFT_SLOW, client);
    assert_true(mapped(0x600000));
}

// ---- send ---------------------------------------------------------------------------------------

static uint64_t send_words(unsigned length)
{
    return sys(SYS_send, endpoint, TAG(5, length, 0), 0, WORDS(1, 2, 3));
}

static void test_a_message_to_somebody_more_urgent(void **state)
{
    (void)state;
    stage(0, 0, 0);
    go();
    send_words(3);
    EXPECT_LEFT(LEFT_PASS, server);
    assert_int_equal(current()->context.words[2], 3);
    assert_null(((struct reply *)slot_cap(reply)->address)->thread);
    sys(SYS_recv, endpoint, 0, 0, WORDS(0));
    assert_ptr_equal(current(), client.thread);
    OK(current()->context.code);
    send_words(1);  // to one without a Reply
    EXPECT_LEFT(LEFT_PASS, server);
}

static void test_messages_that_take_the_general_path(void **state)
{
    (void)state;
    stage(0, 0, 0);
    OK(INVOKE(server.cap, KIND_THREAD, 11, CLIENT_PRIORITY, SERVER_PRIORITY));
    go();
    OK(send_words(1));  // no more urgent than the sender
    EXPECT_LEFT(LEFT_SLOW, client);
    assert_int_equal(server.thread->state, THREAD_READY);
    send_words(1);  // nobody receives: it waits
    EXPECT_LEFT(LEFT_SLOW, server);
    assert_int_equal(client.thread->state, THREAD_BLOCKED_SEND);
}

static void test_a_message_to_somebody_without_time(void **state)
{
    (void)state;
    stage(NO_BUDGET, 0, 0);
    go();
    OK(send_words(1));
    EXPECT_LEFT(LEFT_SLOW, client);
    assert_int_equal(server.thread->state, THREAD_READY);
}

static void test_a_message_to_a_vector_thread(void **state)
{
    (void)state;
    stage(0, 0, THREAD_VECTOR);
    go();
    send_words(1);
    EXPECT_LEFT(LEFT_SLOW, server);
    assert_true(machine_vector_live);
}

static void test_a_message_from_a_vector_thread(void **state)
{
    (void)state;
    stage(0, THREAD_VECTOR, 0);
    go();
    send_words(1);
    EXPECT_LEFT(LEFT_SLOW, server);
    assert_false(machine_vector_live);
}

static void test_a_message_at_the_end_of_a_slice(void **state)
{
    (void)state;
    stage(0, 0, 0);
    go();
    host_clock += SLICE;
    send_words(1);
    EXPECT_LEFT(LEFT_SLOW, server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_long_messages_both_ways),
        TEST(test_long_messages_that_do_not_fit),
        TEST(test_vector_registers_take_the_general_path),
        TEST(test_vector_client_takes_the_general_path),
        TEST(test_a_slice_that_ends_takes_the_general_path),
        TEST(test_the_answer_to_somebody_with_time_of_his_own),
        TEST(test_a_fault_and_its_answer),
        TEST(test_a_fault_needs_a_reply),
        TEST(test_faults_that_take_the_general_path),
        TEST(test_a_fault_to_somebody_without_time),
        TEST(test_a_fault_with_somebody_in_between),
        TEST(test_a_vector_thread_faults),
        TEST(test_a_guest_and_its_answer),
        TEST(test_a_guest_goes_on_as_its_frame_says),
        TEST(test_a_guest_frees_the_reply),
        TEST(test_a_guest_faults),
        TEST(test_a_guest_that_wants_frames_takes_the_general_path),
        TEST(test_a_kicked_guest_takes_the_general_path),
        TEST(test_answers_that_are_refused),
        TEST(test_frames_that_are_not_loaded),
        TEST(test_a_guest_without_time_is_answered),
        TEST(test_the_end_of_a_slice_and_the_answer_to_a_guest),
        TEST(test_a_vector_guest),
        TEST(test_an_answer_that_maps),
        TEST(test_an_answer_that_cannot_map),
        TEST(test_a_mapping_for_somebody_who_is_not_stopped),
        TEST(test_a_mapping_for_a_guest_without_time),
        TEST(test_a_mapping_at_the_end_of_a_slice),
        TEST(test_a_mapping_for_a_kicked_guest),
        TEST(test_a_mapping_with_somebody_in_between),
        TEST(test_a_mapping_for_a_vector_guest),
        TEST(test_a_mapping_by_somebody_on_his_fallback),
        TEST(test_a_message_to_somebody_more_urgent),
        TEST(test_messages_that_take_the_general_path),
        TEST(test_a_message_to_somebody_without_time),
        TEST(test_a_message_to_a_vector_thread),
        TEST(test_a_message_from_a_vector_thread),
        TEST(test_a_message_at_the_end_of_a_slice),
    };
    return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
