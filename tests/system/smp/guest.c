// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Guests answered and kicked from other CPUs.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>

#define FRAME_OFFSET 1024u
#define CALL_NUMBER  0x1234u
#define LONG_SLICES  100u  // seconds: nothing else makes such a guest look
#define ROUNDS       often(32u)
#define KICKS        often(200u)

// Calls again and again; the result of each goes to the word that it began with.
__asm__(".text\n"
        "guest_calls:\n"
        "    movq %rdi, %rbx\n"
        "1:  movl $0x1234, %eax\n"
        "    movq (%rbx), %rdi\n"
        "    syscall\n"
        "    movq %rax, (%rbx)\n"
        "    jmp 1b\n"
        "guest_spins:\n"
        "    incq (%rdi)\n"
        "    pause\n"
        "    jmp guest_spins\n");
void guest_calls(uint64_t argument);
void guest_spins(uint64_t argument);

struct guest {
    struct rt_thread thread;
    cap_t endpoint;
    volatile uint64_t word;
};

static void guest_make(struct guest *guest, void (*entry)(uint64_t), unsigned cpu,
                       unsigned priority)
{
    *guest = (struct guest){ .endpoint = object_make(KIND_ENDPOINT, SMALL_BITS) };
    struct rt_thread_config config = { .entry = entry,
                                       .argument = (uint64_t)&guest->word,
                                       .priority = priority,
                                       .cpu = cpu,
                                       .budget = cpu ? LONG_SLICES * second : time_slice(),
                                       .fault = guest->endpoint,
                                       .flags = THREAD_GUEST };
    must(rt_thread_new(&guest->thread, &config), "guest");
    must(thread_set_buffer(guest->thread.cap, 1, guest->thread.memory.attached, FRAME_OFFSET),
         "guest frame");
    must(rt_thread_start(&guest->thread), "guest");
}

static void guest_delete(struct guest *guest)
{
    rt_thread_delete(&guest->thread);
    rt_object_delete(guest->endpoint);
}

static uint64_t trap_next(const struct guest *guest, struct ipc_words *words)
{
    struct ipc_result got = ipc_recv(guest->endpoint, 0, words);
    EXPECT_OK(got.status);
    return tag_label(got.tag);
}

// ---- answers -----------------------------------------------------------------------------------
static struct guest guest;
static volatile uint64_t answer_status;

static void answer_job(uint64_t value)
{
    struct ipc_words words = { { value } };
    answer_status = ipc_reply(guest.thread.cap, TAG(GUEST_RESULT, 1, 0), &words).word;
}

// Received on one CPU, answered from another one, run on a third.
void guest_answered_elsewhere(void)
{
    struct worker workers[8];
    struct ipc_words words;
    guest_make(&guest, guest_calls, cpu_nth(1), PRIORITY);
    for (unsigned i = 0; i < cpu_count; i++) {
        worker_on(&workers[i], i);
    }
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        EXPECT_EQUAL(trap_next(&guest, &words), GUEST_SYSCALL_LABEL(CALL_NUMBER));
        EXPECT_EQUAL(words.word[0], i - 1);
        worker_run(&workers[i % cpu_count], answer_job, i);
        EXPECT_EQUAL(answer_status, ERR_OK);
        WAIT(guest.word == i);
    }
    for (unsigned i = 0; i < cpu_count; i++) {
        worker_delete(&workers[i]);
    }
    guest_delete(&guest);
}

// ---- kicks -------------------------------------------------------------------------------------
static void expect_nothing(void)
{
    struct ipc_words words;
    ticks_pass(second / 500);
    EXPECT_ERROR(ipc_nb_recv(guest.endpoint, 0, &words).status, ERR_AGAIN, 0);
}

// However often it was kicked before the kick is delivered, that is once.
void kick_reaches_running(void)
{
    struct ipc_words words;
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        guest_make(&guest, guest_spins, cpu, PRIORITY);
        WAIT(guest.word);
        for (unsigned i = 0; i < ROUNDS; i++) {
            EXPECT_OK(thread_kick(guest.thread.cap));
            EXPECT_EQUAL(trap_next(&guest, &words), GUEST_KICK);
            uint64_t word = guest.word;
            EXPECT_OK(ipc_reply0(guest.thread.cap, 0));
            if (i % 16 == 0) {
                expect_nothing();
            }
            WAIT(guest.word != word);
        }
        guest_delete(&guest);
    }
}

void kick_reaches_ready(void)
{
    struct ipc_words words;
    static struct spinner above;
    if (cpu_count < 2) {
        return;
    }
    spinner_make(&above, 1, PRIORITY + 1);
    EXPECT(spinner_runs(&above));
    guest_make(&guest, guest_spins, 1, PRIORITY);
    EXPECT_OK(thread_kick(guest.thread.cap));
    EXPECT_OK(thread_kick(guest.thread.cap));
    expect_nothing();
    EXPECT_EQUAL(guest.word, 0);
    spinner_delete(&above);
    EXPECT_EQUAL(trap_next(&guest, &words), GUEST_KICK);
    EXPECT_EQUAL(guest.word, 0);
    EXPECT_OK(ipc_reply0(guest.thread.cap, 0));
    WAIT(guest.word);
    expect_nothing();
    guest_delete(&guest);
}

static volatile uint64_t kicks_seen, calls_seen, strange_seen;

static void serve_guest(uint64_t argument)
{
    (void)argument;
    struct ipc_words words;
    struct ipc_result got = ipc_recv(guest.endpoint, 0, &words);
    for (;;) {
        uint64_t label = tag_label(got.tag), answer = 0;
        if (label == GUEST_KICK) {
            kicks_seen++;
        } else if (label == GUEST_SYSCALL_LABEL(CALL_NUMBER) && words.word[0] == calls_seen) {
            words.word[0] = ++calls_seen;
            answer = GUEST_RESULT;
        } else {
            strange_seen++;
        }
        got = ipc_reply_recv(guest.endpoint, TAG(answer, 1, 0), guest.thread.cap, &words);
    }
}

// One kick after the other, each to be delivered before the next is made, while the guest calls as
// fast as it can: as many arrive as were made, and no call is lost or made twice.
void kick_races_with_traps(void)
{
    struct worker worker;
    kicks_seen = calls_seen = strange_seen = 0;
    guest_make(&guest, guest_calls, cpu_nth(1), PRIORITY);
    worker_on(&worker, cpu_nth(2));
    worker_begin(&worker, serve_guest, 0);
    for (uint64_t i = 1; i <= KICKS; i++) {
        EXPECT_OK(thread_kick(guest.thread.cap));
        WAIT(kicks_seen >= i);
        EXPECT_EQUAL(kicks_seen, i);
    }
    uint64_t calls = calls_seen;
    WAIT(calls_seen > calls);
    EXPECT_EQUAL(kicks_seen, KICKS);
    EXPECT_EQUAL(strange_seen, 0);
    worker_delete(&worker);
    guest_delete(&guest);
}
