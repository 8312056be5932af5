// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// One CPU writes the guest frame as fast as it can, good values and bad ones, while another resumes
// the guest from it, again and again.  What the guest finds in its registers is always one of
// the values written, made harmless.
#include "stress.h"

#include <rt/memory.h>
#include <rt/print.h>

#include <abi/thread.h>

#define FRAME_OFFSET 1024u
#define VALUE_A      0x1111111111111111ull
#define VALUE_B      0x2222222222222222ull
#define BASE_A       0x0000123456789000ull
#define KERNEL       0xffff800000000000ull
#define FLAGS_BAD    0x3000ull  // IOPL
#define FLAGS_IF     0x200ull
#define FLAGS_VM     0x20000ull

// Tells its registers by a system call: flags, bases, and two registers.
__asm__(".text\n"
        "guest_tells:\n"
        "    movl $1, %eax\n"
        "    leaq -128(%rsp), %rsp\n"
        "    pushfq\n"
        "    popq %rdi\n"
        "    rdfsbase %rsi\n"
        "    rdgsbase %rdx\n"
        "    movq %r12, %r10\n"
        "    movq %r15, %r8\n"
        "    movq %rbx, %r9\n"
        "    syscall\n"
        "    ud2\n");
void guest_tells(uint64_t argument);

static struct rt_thread guest;
static struct guest_frame *frame;
static cap_t endpoint;
static volatile uint64_t resumes, wrong, faults, flips;
static uint64_t stack_top;

static void flip_job(uint64_t argument)
{
    (void)argument;
    volatile struct thread_regs *regs = &frame->regs;
    while (stress_goes_on()) {
        bool bad = ++flips % 2;
        uint64_t value = bad ? VALUE_A : VALUE_B;
        regs->rflags = bad ? FLAGS_BAD | FLAGS_VM : FLAGS_IF;
        regs->fs_base = bad ? KERNEL : BASE_A;
        regs->gs_base = bad ? BASE_A : ~0ull / 3;  // not canonical
        regs->r12 = value;
        regs->r15 = value;
        regs->rbx = value;
        regs->rip = flips % 16 == 1 ? KERNEL : (uint64_t)guest_tells;
        regs->rsp = stack_top;
    }
}

static bool value_known(uint64_t value)
{
    return value == VALUE_A || value == VALUE_B || value == 0;
}

static void look(uint64_t label, const struct ipc_words *words)
{
    resumes++;
    if (label == FAULT_PAGE && words->word[0] == 0) {
        faults++;  // the instruction pointer was a bad one
        return;
    }
    wrong += label != GUEST_SYSCALL_LABEL(1) || !(words->word[0] & FLAGS_IF) ||
             words->word[0] & (FLAGS_BAD | FLAGS_VM) ||
             (words->word[1] != 0 && words->word[1] != BASE_A) ||
             (words->word[2] != 0 && words->word[2] != BASE_A) || !value_known(words->word[3]) ||
             !value_known(words->word[4]) || !value_known(words->word[5]);
}

static void resume_job(uint64_t argument)
{
    (void)argument;
    struct ipc_words words;
    rt_ignore(ipc_recv(endpoint, 0, &words).status);
    while (stress_goes_on()) {
        struct ipc_result got = ipc_reply_recv(endpoint, TAG(GUEST_LOAD, 0, 0), guest.cap, &words);
        look(tag_label(got.tag), &words);
    }
}

static void guest_make(void)
{
    endpoint = object_make(KIND_ENDPOINT, SMALL_BITS);
    struct rt_thread_config config = { .entry = guest_tells,
                                       .priority = PRIORITY,
                                       .cpu = cpu_nth(1),
                                       .budget = time_slice(),
                                       .fault = endpoint,
                                       .flags = THREAD_GUEST };
    must(rt_thread_new(&guest, &config), "guest");
    must(thread_set_buffer(guest.cap, 1, guest.memory.attached, FRAME_OFFSET), "frame");
    frame = (struct guest_frame *)(void *)((char *)guest.memory.base + FRAME_OFFSET);
    stack_top = (uint64_t)guest.stack.base + (guest.stack.pages << PAGE_BITS) - 256;
    *frame = (struct guest_frame){ .regs = { .rip = (uint64_t)guest_tells, .rsp = stack_top } };
    must(rt_thread_start(&guest), "guest");
}

void stress_frames(void)
{
    struct worker flipper, resumer;
    resumes = wrong = faults = flips = 0;
    guest_make();
    worker_on(&resumer, cpu_nth(1));
    worker_on(&flipper, cpu_nth(2));
    worker_begin(&resumer, resume_job, 0);
    worker_begin(&flipper, flip_job, 0);
    while (stress_goes_on()) {
        ticks_pass(second / 10);
    }
    WAIT(!resumer.busy && !flipper.busy);
    rt_print("NOTE %lu resumes, %lu of them nowhere, %lu flips\n", resumes, faults, flips);
    EXPECT(resumes && flips);
    EXPECT_EQUAL(wrong, 0);
    worker_delete(&flipper);
    worker_delete(&resumer);
    rt_thread_delete(&guest);
    rt_object_delete(endpoint);
}
