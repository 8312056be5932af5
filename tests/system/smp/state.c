// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a thread has in registers of the hardware follows it: vector registers, bases; and others
// read it wherever it was.
#include "groups.h"
#include "world.h"

#include <rt/map.h>
#include <rt/memory.h>

#define MOVES        often(60u)
#define RIVALS       8u
#define BASE_LOOKS   64u
#define XMM_OFFSET   160u  // Intel SDM vol. 1, 10.5.1: the legacy region of an XSAVE area
#define XMM_BYTES    16u
#define REGISTER_R12 0x1212121212121212ull

// ---- vector registers --------------------------------------------------------------------------
struct holder {
    struct rt_thread thread;
    uint64_t seed;
    volatile uint64_t rounds, wrong;
};

// Fill all registers, then look at them for ever.  RDI: seed, then rounds, wrong.
__asm__(".text\n"
        "hold_vectors:\n"
        "    movq (%rdi), %rax\n"
        "    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
        "    leaq \\n(%rax), %rcx\n"
        "    movq %rcx, %xmm\\n\n"
        "    .endr\n"
        "1:  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
        "    leaq \\n(%rax), %rcx\n"
        "    movq %xmm\\n, %rdx\n"
        "    cmpq %rcx, %rdx\n"
        "    je 2f\n"
        "    incq 16(%rdi)\n"
        "2:\n"
        "    .endr\n"
        "    incq 8(%rdi)\n"
        "    pause\n"
        "    jmp 1b\n");
void hold_vectors(uint64_t argument);
_Static_assert(offsetof(struct holder, rounds) == offsetof(struct holder, seed) + 8, "order");
_Static_assert(offsetof(struct holder, wrong) == offsetof(struct holder, seed) + 16, "order");

static void holder_make(struct holder *holder, unsigned cpu, uint64_t seed)
{
    *holder = (struct holder){ .seed = seed };
    struct rt_thread_config config = { .entry = hold_vectors,
                                       .argument = (uint64_t)&holder->seed,
                                       .priority = PRIORITY,
                                       .budget = time_slice(),
                                       .flags = THREAD_VECTOR,
                                       .cpu = cpu };
    must(rt_thread_new(&holder->thread, &config), "holder");
    must(rt_thread_start(&holder->thread), "holder");
}

static void holder_runs(struct holder *holder)
{
    uint64_t rounds = holder->rounds;
    WAIT(holder->rounds > rounds + 1);
    EXPECT_EQUAL(holder->wrong, 0);
}

// Moved while its registers are live, among others that use theirs.
void vector_follows_thread(void)
{
    static struct holder holder, rivals[RIVALS];
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        holder_make(&rivals[cpu], cpu, 0x1000ull * (cpu + 2));
    }
    holder_make(&holder, 0, 0x77770000);
    holder_runs(&holder);
    for (unsigned i = 0; i < MOVES; i++) {
        context_move(holder.thread.context, cpu_nth(i * 3 + 1));
        if (i % 3) {
            holder_runs(&holder);
        }
    }
    holder_runs(&holder);
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        holder_runs(&rivals[cpu]);
        rt_thread_delete(&rivals[cpu].thread);
    }
    rt_thread_delete(&holder.thread);
}

static void expect_vectors(const struct holder *holder, struct rt_mapping *area)
{
    EXPECT_OK(thread_read_vector(holder->thread.cap, area->frame, 0).status);
    for (unsigned i = 0; i < 16; i++) {
        const char *at = (const char *)area->base + XMM_OFFSET + i * XMM_BYTES;
        EXPECT_EQUAL(*(const uint64_t *)(const void *)at, holder->seed + i);
    }
}

// It stands behind a more important one, its registers still in the hardware there.
static void holder_stands(struct holder *holder, struct spinner *above)
{
    spinner_make(above, 1, PRIORITY + 1);
    EXPECT(spinner_runs(above));
    uint64_t rounds = holder->rounds;
    moment_pass();
    EXPECT_EQUAL(holder->rounds, rounds);
}

static void read_suspended(struct holder *holder, struct rt_mapping *area)
{
    EXPECT_OK(thread_suspend(holder->thread.cap));
    expect_vectors(holder, area);
    EXPECT_OK(thread_write_vector(holder->thread.cap, area->frame, 0));
    EXPECT_OK(thread_resume(holder->thread.cap));
}

static void read_ready(struct holder *holder, struct rt_mapping *area)
{
    static struct spinner above;
    holder_stands(holder, &above);
    expect_vectors(holder, area);
    expect_vectors(holder, area);
    spinner_delete(&above);
}

static void move_ready(struct holder *holder, struct rt_mapping *area)
{
    static struct spinner above;
    (void)area;
    holder_stands(holder, &above);
    context_move(holder->thread.context, cpu_nth(2));
    holder_runs(holder);
    spinner_delete(&above);
}

// Registers that are still in another CPU are fetched: of a thread that is suspended there, that is
// ready behind another one, and that goes on elsewhere.  A new thread each time: nothing has been
// saved of it before.
void vector_read_elsewhere(void)
{
    static void (*const ways[])(struct holder *, struct rt_mapping *) = { read_suspended,
                                                                          read_ready, move_ready };
    static struct holder holder;
    struct rt_mapping area;
    if (cpu_count < 2) {
        return;
    }
    must(rt_map_new(1, PROT_READ | PROT_WRITE, &area), "area");
    for (unsigned i = 0; i < MOVES / 4; i++) {
        holder_make(&holder, 1, 0x5500ull * (i + 1));
        holder_runs(&holder);
        ways[i % 3](&holder, &area);
        holder_runs(&holder);
        rt_thread_delete(&holder.thread);
    }
    rt_map_delete(&area);
}

// ---- bases -------------------------------------------------------------------------------------
static volatile bool stop;
static volatile uint64_t rounds, wrong;

// Other ones again and again, so that old ones would be noticed.
static void hold_bases(uint64_t seed)
{
    uint64_t got_fs, got_gs;
    for (uint64_t number = 0; !stop; number++) {
        uint64_t fs = (seed << 32) + 16 * number, gs = fs + 8;
        __asm__ volatile("wrfsbase %0\n\twrgsbase %1" : : "r"(fs), "r"(gs));
        for (unsigned i = 0; i < BASE_LOOKS; i++) {
            __asm__ volatile("pause\n\trdfsbase %0\n\trdgsbase %1" : "=r"(got_fs), "=r"(got_gs));
            wrong += got_fs != fs || got_gs != gs;
        }
        if (++rounds % 64 == 0) {
            rt_null();
        }
    }
}

// It goes before the others where it comes to, so that it runs at once; the root task, which is on
// CPU 0, does not wait for it there.
static void mover_moves(struct worker *mover)
{
    bool first = cpu_count > 2;
    EXPECT_OK(thread_set_priority(mover->thread.cap, PRIORITY + first, 255));
    for (unsigned i = 0; i < MOVES; i++) {
        uint64_t before = rounds;
        context_move(mover->thread.context, first ? 1 + i % (cpu_count - 1) : cpu_nth(i));
        WAIT(rounds > before + 10);
    }
}

void bases_follow_thread(void)
{
    struct worker workers[RIVALS + 1];
    stop = false;
    rounds = wrong = 0;
    for (unsigned i = 0; i <= cpu_count; i++) {
        worker_on(&workers[i], cpu_nth(i + 1));
        worker_begin(&workers[i], hold_bases, i + 3);
    }
    mover_moves(&workers[0]);
    stop = true;
    for (unsigned i = 0; i <= cpu_count; i++) {
        WAIT(!workers[i].busy);
        worker_delete(&workers[i]);
    }
    EXPECT_EQUAL(wrong, 0);
}

// ---- registers ---------------------------------------------------------------------------------
__asm__(".text\n"
        "show_register:\n"
        "    movq $0x33, %rbx\n"
        "1:  movq %r12, (%rdi)\n"
        "    incq 8(%rdi)\n"
        "    pause\n"
        "    jmp 1b\n"
        "show_register_end:\n");
void show_register(uint64_t argument);
extern const char show_register_end[];

void registers_of_stopped(void)
{
    static volatile uint64_t shown[2];
    for (unsigned i = 0; i < MOVES / 4; i++) {
        struct rt_thread thread;
        struct rt_thread_config config = { .entry = show_register,
                                           .argument = (uint64_t)shown,
                                           .priority = PRIORITY,
                                           .cpu = cpu_nth(i) };
        shown[0] = shown[1] = 0;
        must(rt_thread_new(&thread, &config), "thread");
        must(rt_thread_start(&thread), "thread");
        WAIT(shown[1] > 3);
        EXPECT_ERROR(thread_write_regs(thread.cap), ERR_STATE, 0);
        EXPECT_OK(thread_suspend(thread.cap));
        EXPECT_OK(thread_read_regs(thread.cap));
        struct thread_regs *regs = (struct thread_regs *)rt_buffer()->words;
        EXPECT(regs->rip >= (uint64_t)show_register && regs->rip < (uint64_t)show_register_end);
        EXPECT_EQUAL(regs->rbx, 0x33);
        EXPECT_EQUAL(regs->r12, 0);
        regs->r12 = REGISTER_R12;
        EXPECT_OK(thread_write_regs(thread.cap));
        EXPECT_OK(thread_resume(thread.cap));
        WAIT(shown[0] == REGISTER_R12);
        rt_thread_delete(&thread);
    }
}
