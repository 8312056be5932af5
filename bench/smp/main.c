// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Calls and signals on one CPU and between two, for bench/smp.py: each side of each has
// system-call instructions of its own, whose labels the script knows.
#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/start.h>
#include <rt/thread.h>

#include <gen/rt_stubs.h>

const char rt_task_name[] = "bench_smp";

#define ROUNDS     64u
#define PRIORITY   100u
#define SMALL_BITS 6u
#define REST       20000u  // what the other side takes to be waiting again

// SIDE_in: the instruction that enters the kernel; SIDE_out: the one after it.
#define SIDE(name, number)                        \
 __asm__(".text\n.globl " #name "\n" #name ":\n"  \
         "    pushq %rbx\n    pushq %rbp\n"       \
         "    pushq %r12\n    pushq %r13\n"       \
         "    pushq %r14\n    pushq %r15\n"       \
         "    movl $" #number ", %eax\n"          \
         ".globl " #name "_in\n" #name "_in:\n"   \
         "    syscall\n"                          \
         ".globl " #name "_out\n" #name "_out:\n" \
         "    popq %r15\n    popq %r14\n"         \
         "    popq %r13\n    popq %r12\n"         \
         "    popq %rbp\n    popq %rbx\n"         \
         "    ret\n");                            \
 uint64_t name(cap_t slot, uint64_t tag, cap_t third)

// The numbers of abi/syscalls.def, checked below.
SIDE(same_call, 0);
SIDE(same_serve, 1);
SIDE(same_receive, 4);
SIDE(cross_call, 0);
SIDE(cross_serve, 1);
SIDE(cross_receive, 4);
SIDE(cross_signal, 9);
SIDE(cross_wait, 10);
_Static_assert(SYS_call == 0 && SYS_reply_recv == 1 && SYS_recv == 4 && SYS_signal == 9 &&
                   SYS_wait == 10,
               "SIDE has them as text");

static cap_t endpoints[2], replies[2], notification, done;

static void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status)) {
        rt_panic("%s: error %lx", what, status.word);
    }
}

static cap_t make(enum rt_kind kind)
{
    cap_t slot = 0;
    must(rt_object_new(kind, SMALL_BITS, &slot), "object");
    return slot;
}

static void serve_same(uint64_t argument)
{
    (void)argument;
    (void)same_receive(endpoints[0], 0, replies[0]);
    for (;;) {
        (void)same_serve(endpoints[0], 0, replies[0]);
    }
}

static void serve_cross(uint64_t argument)
{
    (void)argument;
    (void)cross_receive(endpoints[1], 0, replies[1]);
    for (;;) {
        (void)cross_serve(endpoints[1], 0, replies[1]);
    }
}

static void wait_cross(uint64_t argument)
{
    (void)argument;
    for (;;) {
        (void)cross_wait(notification, 0, 0);
    }
}

static void rest(void)
{
    for (unsigned i = 0; i < REST; i++) {
        __asm__ volatile("pause");
    }
}

static void client(uint64_t argument)
{
    (void)argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        (void)same_call(endpoints[0], 0, 0);
        (void)cross_call(endpoints[1], 0, 0);
        rest();
        (void)cross_signal(notification, 0, 0);
        rest();
    }
    must(notification_signal(done), "end");
    for (;;) {
        rt_ignore(notification_wait(notification).status);
    }
}

static struct rt_thread threads[4];
static unsigned thread_count;

static void thread_begin(void (*entry)(uint64_t), unsigned cpu, uint64_t slice)
{
    struct rt_thread *thread = &threads[thread_count++];
    struct rt_thread_config config = {
        .entry = entry, .priority = PRIORITY, .cpu = cpu, .budget = slice
    };
    must(rt_thread_new(thread, &config), "thread");
    must(rt_thread_start(thread), "thread");
}

// One that runs on its callers' time, and until its first call on a fall-back.
static void server_begin(void (*entry)(uint64_t), uint64_t slice)
{
    struct rt_thread *thread = &threads[thread_count++];
    struct rt_thread_config config = { .entry = entry,
                                       .priority = PRIORITY,
                                       .budget = RT_NO_CONTEXT };
    must(rt_thread_new(thread, &config), "server");
    must(rt_context_new(slice, slice, &thread->context), "context");
    must(sched_context_bind(thread->context, thread->cap, SCHED_FALLBACK), "bind");
    must(rt_thread_start(thread), "server");
}

int main(const struct root_info *info)
{
    if (info->cpu_count < 2) {
        rt_panic("two CPUs are needed, not %u", info->cpu_count);
    }
    for (unsigned i = 0; i < 2; i++) {
        endpoints[i] = make(KIND_ENDPOINT);
        replies[i] = make(KIND_REPLY);
    }
    notification = make(KIND_NOTIFICATION);
    done = make(KIND_NOTIFICATION);
    uint64_t slice = info->clock_hz;
    server_begin(serve_same, slice);
    thread_begin(serve_cross, 1, slice);
    thread_begin(wait_cross, 1, slice);
    thread_begin(client, 0, slice);
    must(notification_wait(done).status, "end");
    return 0;
}
