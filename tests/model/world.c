// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Setting up the core and taking steps with it; compare.c holds it against the model.  Relies on
// host.c.
//
// Memory that no object occupies is poisoned for the address sanitizer between steps, so that who
// still uses it is found.
#include "world.h"

#include "compare.h"
#include "model.h"

#include <hal/cpu.h>

#include <kernel/captable.h>
#include <kernel/check.h>
#include <kernel/cpu.h>
#include <kernel/endpoint.h>
#include <kernel/entry.h>
#include <kernel/forest.h>
#include <kernel/preempt.h>
#include <kernel/reply.h>
#include <kernel/sched.h>
#include <kernel/thread.h>

#include <sanitizer/asan_interface.h>
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_ALIGN (2ull << 20)

// Traps among the operations: one in so many.
#define TRAP_ODDS 16

struct world world;
uint64_t *world_tally;

static struct cpu cpus[HOST_CPUS];

static struct {
    uint64_t random;
    unsigned preempt;
    bool restarted;
    bool put_off;
    bool interrupt;                            // the timer's is being handled
    bool free;                                 // several CPUs, no model
    struct arch_context *contexts[HOST_CPUS];  // that each would resume
    uint8_t pending[HOST_CPUS];                // steps that its interrupt has waited for
    const struct operation *operation;
    struct thread *thread;  // that takes the step
    jmp_buf fast;
} step;

// ---- preemption ---------------------------------------------------------------------------------

static uint64_t step_random(uint64_t below)
{
    step.random ^= step.random >> 12;
    step.random ^= step.random << 25;
    step.random ^= step.random >> 27;
    return (step.random * 0x2545f4914f6cdd1dull >> 16) % below;
}

static bool usable(const struct cap *cap)
{
    return cap && !cap_empty(cap) && !(cap->flags & CAP_MARKED);
}

// What an entry of a batch writes to the message buffer, would a restart read it as an entry?
static bool batch_over_buffer(const struct thread *thread, const struct cap *frame)
{
    return thread->buffer && frame->kind == KIND_FRAME &&
           (uintptr_t)thread->buffer - frame->address < (uint64_t)frame->aux << PAGE_BITS;
}

// Would the thread come back at once and find its capabilities again?  The model knows nothing of
// others in between, nor of operations whose caller is gone.
static bool restartable(void)
{
    const struct thread *thread = step.thread;
    const struct sched_context *used = host_cpu->sched;
    // Not while time is accounted for: nobody looks whether that is interrupted.
    if (host_cpu->stamp || !used || (used->waiting && !used->alarm.set) ||
        thread_at(model.current)->retry) {
        return false;
    }
    // It goes on with the same context: otherwise it is charged between.
    if (host_cpu->current != thread || thread->state != THREAD_READY || thread->sched != used ||
        used->waiting) {
        return false;
    }
    const struct thread *next = host_cpu->next;
    if (host_cpu->floor > thread->priority || host_cpu->ready_top > thread->priority ||
        (next && next->priority > thread->priority)) {
        return false;
    }
    uint64_t number = step.operation->number, slot = thread->context.slot;
    if (number != S_invoke && number != S_invoke_batch) {
        return true;
    }
    // Who was woken by an entry of a batch would be queued now, before whom a later entry queues.
    if (number == S_invoke_batch && next) {
        return false;
    }
    const struct invocation *inv = &thread->invocation;
    if (slot >= thread->cspace_count || !usable(thread->cspace + slot) || !usable(inv->self)) {
        return false;
    }
    if (number == S_invoke && inv->self != thread->cspace + slot) {
        return false;
    }
    if (number == S_invoke_batch && batch_over_buffer(thread, thread->cspace + slot)) {
        return false;
    }
    if (inv->self->kind != K_CAPTABLE) {
        return true;
    }
    const struct cap *removed = captable_slot(inv->self, inv->words[0]);
    return removed &&
           (!cap_empty(removed) || tag_label(step.operation->tag) != (K_CAPTABLE << 8 | 4));
}

bool hal_interrupt_window(void)
{
    host_cpu->work = PREEMPT_WORK;  // look again at the next point
    if (step.interrupt) {
        return step.preempt && !step_random(step.preempt);
    }
    if (step.restarted) {
        return true;  // it is still pending
    }
    if (!step.preempt || step_random(step.preempt) || !(step.free || restartable())) {
        return false;
    }
    return step.restarted = true;
}

// ---- the beginning ------------------------------------------------------------------------------

static struct cap *first_slot(enum model_first_slot slot)
{
    return &world.table[slot];
}

static void first_cap(enum model_first_slot slot, struct cap cap)
{
    cap.rights = RIGHT_ALL;
    *first_slot(slot) = cap;
    cap_insert_child(first_slot(slot), NULL);
}

static void first_thread(uint64_t budget, uint64_t period)
{
    struct sched_context *context = &world.context;
    struct thread *thread = world_thread();
    struct cap object = { .kind = KIND_THREAD, .address = (uintptr_t)thread };
    thread_init(&object);
    object.address = (uintptr_t)context;
    sched_context_init(&object);
    context->budget = budget;
    context->period = period;
    context->slice = budget == period;
    context->refills[0] = (struct refill){ .time = host_clock, .amount = budget };
    sched_context_simple(context);
    context->bound = thread;
    thread->own = context;
    thread->flags |= THREAD_ACTIVE;
    thread->priority = FIRST_PRIORITY;
    thread->ceiling = 255;
    thread_give(thread, THREAD_CSPACE, &world.original);
    sched_wake(thread);
    sched_exit(host_cpu);
}

// At the same distance from a multiple of a large page as the model's.
static void *arena_make(void)
{
    static uint8_t *memory;
    if (!memory) {
        memory = mmap(NULL, 2 * ARENA_ALIGN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                      -1, 0);
    }
    if (memory == MAP_FAILED) {
        world_fail("no memory for the arena");
    }
    return memory + (-(uintptr_t)memory & (ARENA_ALIGN - 1)) + ARENA;
}

static void core_reset(unsigned preempt, uint64_t budget, uint64_t period)
{
    memset(&world, 0, sizeof(world));
    memset(&step, 0, sizeof(step));
    world.arena = arena_make();
    __asan_unpoison_memory_region(world.arena, ARENA_BYTES);
    memset(world.arena, 0x5a, ARENA_BYTES);
    step.preempt = preempt;
    for (unsigned i = 0; i < HOST_CPUS; i++) {
        cpus[i] = (struct cpu){
            .number = (uint8_t)i, .ready_top = READY_NONE, .timer = UINT64_MAX, .floor = READY_NONE
        };
        alarm_init(&cpus[i]);
        host_cpus[i] = &cpus[i];
    }
    host_cpu = &cpus[0];
    host_timer = UINT64_MAX;
    host_context = NULL;
    host_interrupted = host_paused = 0;
    world.original = (struct cap){ .kind = KIND_CAPTABLE,
                                   .rights = RIGHT_ALL,
                                   .flags = 0,
                                   .bits = CAP_BITS + 6,
                                   .address = (uintptr_t)world.table };
    cap_insert_child(&world.original, NULL);
    captable_init(&world.original);
    cap_derive(first_slot(FIRST_CSPACE), &world.original, RIGHT_ALL);
    first_cap(FIRST_RAM, (struct cap){ .kind = KIND_UNTYPED,
                                       .bits = ARENA_BITS,
                                       .address = (uintptr_t)world.arena });
    first_cap(FIRST_CONTROL, (struct cap){ .kind = KIND_SCHED_CONTROL });
    first_cap(FIRST_PORTS, (struct cap){ .kind = KIND_IO_PORTS, .aux = FIRST_PORT_RANGE });
    first_cap(FIRST_DEVICE, (struct cap){ .kind = KIND_UNTYPED,
                                          .flags = CAP_DEVICE,
                                          .bits = DEVICE_BITS,
                                          .address = DEVICE });
    first_thread(budget, period);
}

#define FIRST_SLICE  50000u
#define FIRST_BUDGET 40000u

void world_reset(unsigned preempt, bool idle)
{
    host_clock = 1000000;
    core_reset(preempt, idle ? FIRST_BUDGET : FIRST_SLICE, FIRST_SLICE);
    model_reset(host_clock, idle ? FIRST_BUDGET : FIRST_SLICE, FIRST_SLICE);
    model.ram_offset = (uintptr_t)world.arena - ARENA;
    compare();
}

// ---- steps --------------------------------------------------------------------------------------

static uint8_t kinds[PLACES], bits[PLACES], hot[PLACES];

// Whether somebody waits at what a capability names; of a frame: whether it is attached.
static bool cap_hot(const struct model_cap *cap)
{
    switch (cap->kind) {
    case K_FRAME: return cap->space;
    case K_REPLY: return reply_at(cap->address)->caller;
    case K_THREAD: return thread_at(cap->address)->state == STOPPED;
    case K_ENDPOINT:
        for (uint64_t i = 0; i < PAGES; i++) {
            const struct model_thread *thread = &model.threads[i];
            if (thread->live && thread->state == RECEIVING && thread->endpoint == cap->address) {
                return true;
            }
        }
        return false;
    default: return false;
    }
}

// Budgets are short beside what passes between two steps.
#define SHORT_SLICE 60000u

const struct generate_view *world_view(void)
{
    static struct generate_view view;
    const struct model_cap *table = thread_inside(thread_at(model.current), IN_CSPACE);
    if (!table->kind) {
        table = &model.caps[FIRST_ORIGINAL];
    }
    const struct model_context *context = context_at(thread_at(model.current)->context);
    uint64_t used = model.now - model.since, amount = context->refills[0].amount;
    view = (struct generate_view){ .kinds = kinds,
                                   .bits = bits,
                                   .hot = hot,
                                   .now = host_clock,
                                   .slice = SHORT_SLICE,
                                   .left = used < amount ? amount - used : 0,
                                   .lent = context->reply,
                                   .first = model.current == FIRST_THREAD,
                                   .count = 1u << (table->bits - SLOT_BITS) };
    view.keep = table->address == FIRST_TABLE ? FIRST_FREE : 1;
    for (unsigned i = 1; i < view.count; i++) {
        kinds[i] = model_slot(table, i)->kind;
        bits[i] = model_slot(table, i)->bits;
        hot[i] = cap_hot(model_slot(table, i));
    }
    return &view;
}

// What the caller writes to its message buffer and to the frame of a batch.
static void step_memory(const struct operation *operation)
{
    const struct model_thread *thread = thread_at(model.current);
    struct message_buffer *buffer = operation->number <= S_reply ? model_buffer(thread) : NULL;
    if (buffer) {
        memcpy(buffer->caps, operation->caps, sizeof(operation->caps));
        buffer->window_table = operation->window_table;
        buffer->window_slot = operation->window_slot;
        buffer->window_count = operation->window_count;
        for (unsigned i = 0; i < MSG_MAX_WORDS; i++) {
            buffer->words[i] = operation->random + i;
        }
        memcpy(step.thread->buffer, buffer, sizeof(*buffer));
    }
    struct model_cap *frame;
    uint64_t size = operation->entries * sizeof(struct batch_entry);
    if (operation->number != S_invoke_batch ||
        model_lookup_kind(thread, operation->slot, K_FRAME, 0, 0, &frame)) {
        return;
    }
    void *ram = model_ram(frame, operation->tag, size, 0);
    if (!size || !ram || operation->tag % 8) {
        return;
    }
    memcpy(ram, operation->batch, size);
    memcpy(world.arena + ((uint8_t *)ram - (uint8_t *)model.ram), ram, size);
}

// The first thread never blocks, so that somebody always runs.
static void unblock(uint64_t *number, uint64_t *slot, uint64_t third)
{
    static const uint8_t unblocked[] = { [S_call] = S_nb_send,
                                         [S_reply_recv] = S_reply,
                                         [S_send] = S_nb_send,
                                         [S_recv] = S_nb_recv,
                                         [S_wait] = S_poll };
    if (*number < S_nb_send || *number == S_recv || *number == S_wait) {
        *slot = *number == S_reply_recv ? third : *slot;
        *number = unblocked[*number];
    }
}

static void step_registers(const struct operation *operation)
{
    struct arch_context *context = &step.thread->context;
    struct model_regs *regs = &thread_at(model.current)->regs;
    uint64_t number = operation->number, slot = operation->slot, third = operation->third;
    if (model.current == FIRST_THREAD) {
        unblock(&number, &slot, third);
    }
    *regs = (struct model_regs){ number, slot, operation->tag, { 0 } };
    memcpy(regs->words, operation->words, sizeof(regs->words));
    context->code = number;
    context->slot = slot;
    context->tag = operation->tag;
    context->third = third;
    memcpy(context->words, operation->words, sizeof(context->words));
}

static void step_prepare(const struct operation *operation)
{
    step_memory(operation);
    step_registers(operation);
}

static void poison(void)
{
    __asan_poison_memory_region(world.arena, ARENA_BYTES);
    for (uint64_t i = 0; i < PLACES; i++) {
        const struct model_cap *cap = &model.caps[i];
        if (cap->kind && cap->original && cap->kind != K_UNTYPED && !cap->device &&
            cap->kind != K_IO_PORTS && cap->address >= ARENA && cap->address < MEMORY_END) {
            __asan_unpoison_memory_region(world.arena + (cap->address - ARENA), 1ull << cap->bits);
        }
    }
}

static void tally_pass(const struct thread *to)
{
    uint64_t number = step.operation->number;
    unsigned call = to->flags & THREAD_ACTIVE ? TALLY_call_keeps : TALLY_call_lends;
    unsigned reply = to->flags & THREAD_ACTIVE ? TALLY_reply_other : TALLY_reply_returns;
    world_tally[number == S_call ? call : number == S_send ? (unsigned)TALLY_send : reply]++;
}

// The fast paths end here.  A context that is left has its words saved, which hardware would not
// do, so that it can be compared.
void hal_pass(struct arch_context *from, struct arch_context *to, const struct hal_aspace *aspace,
              uint64_t badge, uint64_t tag)
{
    tally_pass((const struct thread *)(const void *)to);
    hal_save_words(from);
    hal_save_words(to);
    hal_context_set_result(to, ERR_OK);
    hal_context_set_message(to, badge, tag);
    hal_switch(to, aspace);
    longjmp(step.fast, 1);
}

static NORETURN void guest_pass(struct arch_context *to, const struct hal_aspace *aspace,
                                uint64_t badge, uint64_t tag)
{
    memcpy(to->words, host_words, tag_length(tag) * sizeof(*host_words));
    hal_context_set_result(to, ERR_OK);
    hal_context_set_message(to, badge, tag);
    hal_switch(to, aspace);
    longjmp(step.fast, 1);
}

void hal_pass_from_guest(struct arch_context *from, struct arch_context *to,
                         const struct hal_aspace *aspace, uint64_t badge, uint64_t tag)
{
    (void)from;
    world_tally[TALLY_fault]++;
    guest_pass(to, aspace, badge, tag);
}

void hal_pass_guest(struct arch_context *from, struct arch_context *to,
                    const struct hal_aspace *aspace, uint64_t badge, uint64_t tag)
{
    memcpy(host_words, from->words, sizeof(host_words));
    world_tally[TALLY_guest]++;
    guest_pass(to, aspace, badge, tag);
}

void hal_resume(void)
{
    bool maps = tag_label(step.operation->tag) & GUEST_MAP;
    world_tally[maps ? TALLY_reply_maps : TALLY_reply_other]++;
    hal_save_words(&step.thread->context);
    longjmp(step.fast, 1);
}

void hal_syscall_slow(uint64_t slot, uint64_t tag, uint64_t third, uint64_t number,
                      struct arch_context *context)
{
    context->code = number;
    hal_context_set_arguments(context, slot, tag, third);
    hal_save_words(context);
    kernel_syscall(context);
    longjmp(step.fast, 1);
}

// System calls that leave the message words in their registers.
static void core_light(struct arch_context *context)
{
    kernel_syscall_light(context, context->code);
    hal_save_words(context);
}

// As entry code does.
static void core_enter(struct arch_context *context)
{
    uint64_t slot = context->slot, tag = context->tag, third = context->third,
             number = context->code;
    if (setjmp(step.fast)) {
        return;
    }
    if (step.thread->flags & THREAD_GUEST) {
        kernel_fast_guest(context);
        kernel_syscall_guest(context);
        return;
    }
    memcpy(host_words, context->words, sizeof(host_words));
    memset(context->words, 0xee, sizeof(context->words));
    if (number == S_call) {
        kernel_fast_call(slot, tag, third, 0, context);
    } else if (number == S_reply_recv) {
        kernel_fast_reply_recv(slot, tag, third, 0, context);
    } else if (number == S_send) {
        kernel_fast_send(slot, tag, third, 0, context);
    } else if (number >= S_signal) {
        core_light(context);
    } else {
        hal_syscall_slow(slot, tag, third, number, context);
    }
}

// A preempted answer with a mapping keeps in the words of its call what is left to do, and the fast
// path in its tag.
static void forget_progress(const struct operation *operation)
{
    struct arch_context *context = &step.thread->context;
    bool answers = tag_label(operation->tag) & GUEST_MAP &&
                   (operation->number == S_reply || operation->number == S_reply_recv);
    bool received = step.thread->state != THREAD_BLOCKED_RECV && !context->code &&
                    operation->number == S_reply_recv && model.current != FIRST_THREAD;
    if (answers && !received) {
        context->tag = operation->tag;
    }
    if (answers && !received && context->restarts) {
        context->words[2] = operation->words[2];
        context->words[3] = operation->words[3];
    }
}

static void tally_result(const struct operation *operation)
{
    if (operation->number == S_invoke && !step.thread->context.code &&
        tag_label(operation->tag) == (K_FRAME << 8 | 2)) {
        world_tally[TALLY_mapped]++;
    }
}

// Interrupts that the core sent to its own CPU.
static void core_interrupts(void)
{
    while (host_interrupted & 1) {
        host_interrupted = 0;
        kernel_resched();
    }
}

static void core_syscall(void)
{
    struct arch_context *context = &step.thread->context;
    context->restarts = 0;
    do {
        uint64_t before = context->restarts;
        step.restarted = false;
        core_enter(context);
        core_interrupts();
        if (step.restarted && context->restarts == before) {
            world_fail("preempted, but not restarted");
        }
        step.put_off = !step.restarted && context->restarts != before;
        world_tally[TALLY_preempted] += step.restarted;
    } while (step.restarted);
}

static void core_trap(const struct hal_trap *trap)
{
    if (setjmp(step.fast)) {
        return;
    }
    if (trap->label == FAULT_PAGE) {
        kernel_fast_fault(&step.thread->context, trap);
    }
    kernel_trap(&step.thread->context, trap);
}

static void step_trap(const struct operation *operation)
{
    struct hal_trap trap = { .label = operation->random % 3 ? FAULT_PAGE : FAULT_EXCEPTION };
    struct model_trap same = { .label = trap.label };
    if (trap.label == FAULT_PAGE) {
        same.address = trap.address = operation->words[0];
        same.access = trap.access = FAULT_READ;
    } else {
        same.vector = trap.vector = 6;
        same.error = trap.error = operation->words[1];
    }
    core_trap(&trap);
    core_interrupts();
    model_trap(&same);
}

bool world_traps(const struct operation *operation)
{
    return operation->random / 16 % TRAP_ODDS == 0;
}

// ---- time ---------------------------------------------------------------------------------------

#define MOST_INTERRUPTS 1000u  // at one time
#define MANY_INTERRUPTS 30u    // within one step
#define LATE_ODDS       8u     // one interrupt in so many comes late
#define LATE_TICKS      3000u

static void timer_interrupt(void)
{
    model.now = host_clock;
    host_timer = UINT64_MAX;
    step.interrupt = true;
    kernel_timer();
    int floor = host_cpu->floor;
    core_interrupts();
    step.interrupt = false;
    model_interrupt(floor);
    compare_who();
}

// The thread that runs goes on in user mode, or nobody runs, and the timer goes off when it is due.
static void time_passes(const struct operation *operation)
{
    uint64_t until = host_clock + operation->ticks;
    bool pending = model.current && step_random(LATE_ODDS) == 0;  // until after the next call
    for (unsigned n = 0, same = 0; !pending && (host_timer <= until || !model.current); n++) {
        if (host_timer == UINT64_MAX || same++ == MOST_INTERRUPTS) {
            world_fail(same ? "the timer goes off again and again" : "nobody will ever run again");
        }
        if (host_timer > host_clock) {
            bool late = step_random(LATE_ODDS) == 0;
            host_clock = host_timer + (late ? step_random(LATE_TICKS) : 0);
            until = until > host_clock && n < MANY_INTERRUPTS ? until : host_clock;
            same = 0;
        }
        timer_interrupt();
    }
    model.now = host_clock = until;
}

bool world_step(const struct operation *operation)
{
    step.put_off = false;
    step.operation = operation;
    step.random = operation->random * 0x9e3779b97f4a7c15ull + 1;
    step.thread = host_cpu->current;
    const struct model_thread *thread = thread_at(model.current);
    bool retry = thread->retry;
    if (!model.current || &step.thread->context != host_context) {
        world_fail("nobody runs");
    }
    __asan_unpoison_memory_region(world.arena, ARENA_BYTES);
    if (retry) {
        core_syscall();
        model_syscall(thread->third);
    } else if (model.current != FIRST_THREAD && world_traps(operation)) {
        step_prepare(operation);
        step_trap(operation);
    } else {
        step_prepare(operation);
        core_syscall();
        forget_progress(operation);
        model_syscall(operation->third);
        tally_result(operation);
    }
    if (step.put_off && !thread->retry) {
        return false;
    }
    if (!step.put_off && thread->retry) {
        world_fail("the call is not made again");
    }
    compare_who();
    time_passes(operation);
    compare();
    poison();
    if (operation->random % 32 == 0) {
        check_invariants();
    } else {
        check_cpus();  // who runs, or could, has a budget
    }
    for (unsigned i = 0; i < EVENTS; i++) {
        world_tally[TALLY_slice + i] += model.events[i];
        model.events[i] = 0;
    }
    return true;
}

// ---- several CPUs -------------------------------------------------------------------------------

#define FREE_DELAY 6u  // steps that an interrupt may wait for
#define FREE_TICKS 40000u

void world_reset_free(unsigned preempt)
{
    host_clock = 1000000;
    hal_cpu_count = HOST_CPUS;
    core_reset(preempt, 1000000, 1000000);
    step.free = true;
    first_cap(FIRST_FREE, (struct cap){ .kind = KIND_SCHED_CONTROL, .aux = 1 });
    step.contexts[0] = host_context;
}

static void cpu_enter(unsigned number)
{
    step.contexts[host_cpu->number] = host_context;
    host_cpu = host_cpus[number];
    host_context = step.contexts[number];
}

static void cpu_resched(void)
{
    unsigned number = host_cpu->number;
    host_interrupted &= ~(1u << number);
    host_paused &= ~(1u << number);
    step.pending[number] = 0;
    kernel_resched();
}

// What hardware would make the CPU do first.
static void cpu_interrupts(uint64_t random)
{
    unsigned number = host_cpu->number, bit = 1u << number;
    if (host_interrupted & bit && (random % 2 || step.pending[number]++ >= FREE_DELAY)) {
        cpu_resched();
    }
    if (host_clock >= host_cpu->timer) {
        kernel_timer();
    }
    while (host_paused & bit) {
        cpu_resched();
    }
    if (!host_cpu->current != !host_context ||
        (host_context && host_context != &host_cpu->current->context)) {
        world_fail("CPU %u resumes another thread than the one that is current", number);
    }
}

static bool cap_hot_free(const struct cap *cap)
{
    switch (cap->kind) {
    case KIND_FRAME: return cap->flags & CAP_ATTACHED;
    case KIND_REPLY: return reply_caller(reply_of(cap));
    case KIND_THREAD: return thread_of(cap)->state == THREAD_STOPPED;
    case KIND_ENDPOINT: return endpoint_of(cap)->receivers;
    default: return false;
    }
}

const struct generate_view *world_view_free(uint64_t random)
{
    static struct generate_view seen;
    host_clock += random / 8 % FREE_TICKS;
    cpu_enter((unsigned)(random % HOST_CPUS));
    cpu_interrupts(random / 2);
    step.thread = host_cpu->current;
    if (!step.thread || step.thread->context.restarts) {
        return NULL;
    }
    const struct cap *table = step.thread->cspace ? step.thread->cspace : world.table;
    seen = (struct generate_view){ .kinds = kinds, .bits = bits, .hot = hot, .now = host_clock };
    seen.count = step.thread->cspace ? step.thread->cspace_count : FIRST_SLOTS;
    seen.keep = table == world.table ? FIRST_FREE + 1 : 1;
    seen.first = step.thread == world_thread();
    for (unsigned i = 1; i < seen.count; i++) {
        bool usable_now = usable(&table[i]) && !(table[i].flags & CAP_EMBRYO);
        kinds[i] = table[i].kind;
        bits[i] = table[i].bits;
        hot[i] = usable_now && cap_hot_free(&table[i]);
    }
    return &seen;
}

static void free_registers(const struct operation *operation)
{
    struct arch_context *context = &step.thread->context;
    struct message_buffer *buffer = step.thread->buffer;
    struct operation changed = *operation;
    if (step.thread == world_thread()) {
        unblock(&changed.number, &changed.slot, changed.third);
    }
    if (buffer) {
        memcpy(buffer->caps, operation->caps, sizeof(operation->caps));
        buffer->window_table = operation->window_table;
        buffer->window_slot = operation->window_slot;
        buffer->window_count = operation->window_count;
    }
    context->code = changed.number;
    context->slot = changed.slot;
    context->tag = operation->tag;
    context->third = operation->third;
    memcpy(context->words, operation->words, sizeof(context->words));
}

void world_step_free(const struct operation *operation)
{
    static const struct operation again = { 0 };
    if (!step.thread) {
        return;
    }
    world_tally[TALLY_elsewhere] += host_cpu->number;
    world_tally[TALLY_displaced] += step.thread->place == PLACE_DISPLACED;
    step.operation = operation ? operation : &again;
    step.random = step.operation->random * 0x9e3779b97f4a7c15ull + host_clock;
    step.restarted = false;
    step.thread->context.restarts = 0;
    if (operation) {
        free_registers(operation);
    }
    if (operation && step.thread != world_thread() && world_traps(operation)) {
        struct hal_trap trap = { .label = operation->random % 3 ? FAULT_PAGE : FAULT_EXCEPTION };
        core_trap(&trap);
    } else {
        core_enter(&step.thread->context);
    }
    if (step.random % 8 == 0) {
        check_invariants();
    }
}

// What other CPUs have to do first, so that this one can go on.
static void others(void)
{
    for (unsigned i = HOST_CPUS; i-- > 0;) {
        cpu_enter(i);
        if (host_interrupted & 1u << i) {
            host_interrupted &= ~(1u << i);
            kernel_resched();
        }
    }
}

void world_end(void)
{
    struct invocation inv = { .thread = world_thread() };
    struct cap original = world.original;
    __asan_unpoison_memory_region(world.arena, ARENA_BYTES);
    step.preempt = 0;
    inv.self = &original;
    for (uint64_t slot = FIRST_RAM; slot < FIRST_SLOTS; slot++) {
        inv.words[0] = slot;
        enum err error;
        do {
            error = op_captable_delete(&inv);
            others();
        } while (error == ERR_PREEMPTED || error == ERR_RETRY);
        if (error || !cap_empty(&world.table[slot])) {
            world_fail("slot %lu cannot be emptied at the end", slot);
        }
    }
    while (cap_drain()) {
        others();
    }
    if (forest_roots.root) {
        world_fail("an Untyped is left at the end");
    }
    check_invariants();
}
