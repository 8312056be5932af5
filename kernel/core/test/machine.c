// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// See machine.h.  Registers are words in memory; a fast path that resumes a thread ends the system
// call with a jump, as hardware ends it with a return to user mode.
#include "machine.h"

#include <sys/mman.h>

#define POOL_BITS 21u  // of the Untyped that tests make objects from

struct machine machine;
jmp_buf machine_end;
bool machine_vector_live;

static struct {
    jmp_buf left;                                 // a system call ended by resuming a thread
    struct arch_context *contexts[MACHINE_CPUS];  // that each CPU would resume
    uint64_t timers[MACHINE_CPUS];
    bool running;                    // it can be trusted
    struct cap *table;               // the root task's
    uint64_t first_slot, next_slot;  // of what tests make
    uint64_t bell, never;            // notifications
    uint64_t bell_handler;
    uint64_t pool;    // slot of the Untyped
    uint64_t offset;  // in it: what is not taken
} host;

struct arch_context *host_context;
uint64_t host_words[MSG_REG_WORDS];
uint64_t host_clock;
unsigned machine_number;
bool machine_lock_wanted;
unsigned hal_cpu_count = 1;
static struct cpu cpus[MACHINE_CPUS];
struct hal_aspace hal_aspace_kernel;

// ---- what the core asks of hardware -------------------------------------------------------------

struct cpu *machine_cpu(unsigned number)
{
    return &cpus[number];
}

void hal_boot(const struct boot_info *info, unsigned number)
{
    (void)info;
    assert_int_equal(number, machine_number);
}

void hal_boot_others(void)
{
    machine.others = true;
}

void hal_cpu_interrupt(unsigned number)
{
    machine.interrupted |= 1u << number;
}

void hal_aspace_leave(unsigned number)
{
    assert_int_not_equal(number, machine_number);
    machine.aspace_left |= 1u << number;
}

void hal_context_init(struct arch_context *context)
{
    *context = (struct arch_context){ 0 };
}

void hal_context_set_guest(struct arch_context *context, bool guest)
{
    context->guest = guest;
}

void hal_context_restart(struct arch_context *context)
{
    context->restarts++;
}

void hal_context_restart_light(struct arch_context *context, uint64_t number)
{
    assert_int_equal(context->code, number);
    context->restarts++;
}

void hal_context_read(struct arch_context *context, struct thread_regs *regs)
{
    *regs = (struct thread_regs){ .rip = context->ip,
                                  .rax = context->code,
                                  .rdi = context->slot,
                                  .rsi = context->tag,
                                  .rbx = context->words[0] };
}

void hal_context_write(struct arch_context *context, const struct thread_regs *regs)
{
    context->ip = regs->rip;
    context->code = regs->rax;
    context->slot = regs->rdi;
    context->tag = regs->rsi;
    context->words[0] = regs->rbx;
}

void hal_context_forget(struct arch_context *context)
{
    if (host_context == context) {
        host_context = NULL;
    }
}

unsigned hal_vector_bytes(void)
{
    return HAL_VECTOR_MAX;
}

void hal_vector_init(void *area)
{
    memset(area, 0, HAL_VECTOR_MAX);
}

void hal_vector_switch(void *area, bool keep_live)
{
    machine.vector_kept = keep_live;
    machine_vector_live = area || keep_live;
    if (area) {
        machine.vector_area = area;
    }
}

void hal_vector_sync(void *area)
{
    if (machine.vector_area == area) {
        memset(area, 0x77, HAL_VECTOR_MAX);  // what its registers hold
    }
}

void hal_vector_forget(unsigned number, void *area)
{
    machine.vector_forgot = number;
    if (machine.vector_area == area) {
        machine.vector_area = NULL;
    }
}

bool hal_vector_valid(const void *area)
{
    (void)area;
    return !machine.invalid;
}

void hal_aspace_init(struct hal_aspace *hal, uint64_t root[512])
{
    hal->root = root;
}

void hal_aspace_flush(struct hal_aspace *hal, uint64_t vaddr, uint64_t pages)
{
    (void)hal;
    (void)vaddr;
    (void)pages;
    machine.flushes++;
}

void hal_timer_arm(uint64_t deadline)
{
    machine.timer = deadline;
}

bool hal_interrupt_window(void)
{
    return machine.windows && --machine.windows == 0;
}

bool hal_irq_exists(unsigned irq)
{
    return irq && irq < MACHINE_IRQS;
}

bool hal_irq_route(unsigned irq, unsigned cpu)
{
    if (machine.no_vectors && cpu != HAL_IRQ_NOWHERE) {
        return false;
    }
    machine.irq_cpu[irq] = cpu;
    return true;
}

uint64_t hal_irq_message(unsigned irq, uint32_t *data)
{
    *data = irq;
    return 0xfee00000 | machine.irq_cpu[irq] << 12;
}

uint64_t hal_irq_dropped(void)
{
    return machine.dropped;
}

bool hal_irq_configure(unsigned irq, unsigned flags, uint32_t source)
{
    (void)source;
    machine.irq_flags[irq] = flags;
    machine.irq_masked[irq] = true;
    return true;
}

void hal_irq_mask(unsigned irq)
{
    machine.irq_masked[irq] = true;
}

void hal_irq_unmask(unsigned irq)
{
    machine.irq_masked[irq] = false;
}

uint32_t hal_port_in(uint16_t port, unsigned width)
{
    return machine.port ^ (uint32_t)port << 16 ^ width;
}

void hal_port_out(uint16_t port, unsigned width, uint32_t value)
{
    machine.ports_out = (uint64_t)width << 48 | (uint64_t)port << 32 | value;
}

bool hal_port_reserved(uint16_t first, uint32_t count)
{
    return first <= 0x20 && first + count > 0x20;
}

void hal_console_put(char c)
{
    machine.console = c;
}

static NORETURN void machine_stop(const char *what)
{
    if (!machine.panic_expected) {
        host.running = false;
        fail_msg("the core stops: %s", what);
    }
    machine.panic = what;
    longjmp(machine_end, 1);
}

void hal_power_off(unsigned status)
{
    machine.power_status = status;
    machine_stop("power off");
}

void hal_reset(void)
{
    machine_stop("reset");
}

void hal_panic(const char *file, int line, const char *what)
{
    (void)file;
    (void)line;
    machine_stop(what);
}

// ---- how a fast path ends -----------------------------------------------------------------------

static NORETURN void machine_resume(struct arch_context *to, const struct hal_aspace *aspace,
                                    uint64_t badge, uint64_t tag)
{
    hal_context_set_result(to, ERR_OK);
    hal_context_set_message(to, badge, tag);
    hal_switch(to, aspace);
    machine.left = LEFT_PASS;
    longjmp(host.left, 1);
}

void hal_pass(struct arch_context *from, struct arch_context *to, const struct hal_aspace *aspace,
              uint64_t badge, uint64_t tag)
{
    (void)from;
    hal_save_words(to);
    machine_resume(to, aspace, badge, tag);
}

void hal_pass_guest(struct arch_context *from, struct arch_context *to,
                    const struct hal_aspace *aspace, uint64_t badge, uint64_t tag)
{
    memcpy(to->words, from->words, sizeof(to->words));
    machine_resume(to, aspace, badge, tag);
}

void hal_pass_from_guest(struct arch_context *from, struct arch_context *to,
                         const struct hal_aspace *aspace, uint64_t badge, uint64_t tag)
{
    (void)from;
    memcpy(to->words, host_words, tag_length(tag) * sizeof(*host_words));
    machine_resume(to, aspace, badge, tag);
}

void hal_resume(void)
{
    machine.left = LEFT_RESUME;
    longjmp(host.left, 1);
}

void hal_syscall_slow(uint64_t slot, uint64_t tag, uint64_t third, uint64_t number,
                      struct arch_context *context)
{
    hal_save_words(context);
    *context = (struct arch_context){ .guest = context->guest,
                                      .code = number,
                                      .slot = slot,
                                      .tag = tag,
                                      .third = third,
                                      .ip = context->ip,
                                      .restarts = context->restarts,
                                      .words = { host_words[0], host_words[1], host_words[2],
                                                 host_words[3], host_words[4], host_words[5] } };
    kernel_syscall(context);
    machine.left = LEFT_SLOW;
    longjmp(host.left, 1);
}

// ---- the machine --------------------------------------------------------------------------------

static uint64_t physical(const void *memory)
{
    return (uintptr_t)memory - KERNEL_DIRECT_BASE;
}

void machine_describe(void)
{
    if (!machine.memory) {
        uint8_t *memory = mmap(NULL, 2 * MACHINE_BYTES, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(memory != MAP_FAILED);
        machine.memory = memory + (-(uintptr_t)memory & (MACHINE_BYTES - 1));
    }
    machine = (struct machine){ .memory = machine.memory };
    machine_vector_live = false;
    uint64_t base = physical(machine.memory);
    machine.info = (struct boot_info){
        .magic = BOOT_INFO_MAGIC,
        .major = BOOT_INFO_MAJOR,
        .minor = BOOT_INFO_MINOR,
        .size = sizeof(struct boot_info),
        .clock_hz = MACHINE_CLOCK,
        .phys_bits = 48,
        .memory_count = 2,
        .memory = { { base, 2 * PAGE_SIZE, BOOT_MEMORY_ROOT, 0 },
                    { base + 2 * PAGE_SIZE, MACHINE_BYTES - 2 * PAGE_SIZE, BOOT_MEMORY_FREE, 0 } },
        .root_segment_count = 1,
        .root_segments = { { .vaddr = 0x400000,
                             .base = base,
                             .size = PAGE_SIZE,
                             .rights = BOOT_SEGMENT_READ | BOOT_SEGMENT_EXECUTE } },
        .module_count = 1,
        .modules = { { "module", base + PAGE_SIZE, 10 } },
        .root_entry = 0x400000,
    };
}

void machine_on(unsigned number)
{
    host.contexts[machine_number] = host_context;
    host.timers[machine_number] = machine.timer;
    machine_number = number;
    host_context = host.contexts[number];
    machine.timer = host.timers[number];
}

void machine_boot(void)
{
    // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): machine_describe has set it
    memset(machine.memory, 0x5a, MACHINE_BYTES);
    host_clock = 1000000;
    host_context = NULL;
    machine_number = 0;
    machine_lock_wanted = false;
    memset(cpus, 0, sizeof(cpus));
    memset(host.contexts, 0, sizeof(host.contexts));
    memset(host.timers, 0xff, sizeof(host.timers));
    forest_roots.root = NULL;
    host.running = true;
    kernel_boot(&machine.info, 0);
    for (unsigned i = 1; i < hal_cpu_count; i++) {
        machine_on(i);
        kernel_boot(&machine.info, i);
    }
    machine_on(0);
}

struct cap *slot_cap(uint64_t slot)
{
    return &host.table[slot];
}

// The RAM that objects are made from: the first Untyped that is large enough.
static void pool_find(void)
{
    host.table = current()->cspace;
    const struct root_info *root = (const struct root_info *)slot_cap(ROOT_SLOT_INFO)->address;
    host.first_slot = host.next_slot = root->free_slot;
    for (uint64_t slot = root->untyped_slot; slot < root->free_slot; slot++) {
        const struct cap *cap = slot_cap(slot);
        if (!(cap->flags & CAP_DEVICE) && cap->bits >= POOL_BITS) {
            host.pool = slot;
            host.offset = 0;
            return;
        }
    }
    fail_msg("no memory for what tests make");
}

static void bell_make(void)
{
    host.bell_handler = slots_new(1);
    host.bell = make(KIND_NOTIFICATION, 6);
    host.never = make(KIND_NOTIFICATION, 6);
    assert_int_equal(INVOKE(ROOT_SLOT_IRQ_CONTROL, KIND_IRQ_CONTROL, 0, BELL_IRQ, 0,
                            ROOT_SLOT_CSPACE, host.bell_handler),
                     ERR_OK);
    assert_int_equal(INVOKE(host.bell_handler, KIND_IRQ_HANDLER, 0, host.bell), ERR_OK);
    assert_int_equal(INVOKE0(host.bell_handler, KIND_IRQ_HANDLER, 1), ERR_OK);
}

static int setup(unsigned count)
{
    hal_cpu_count = count;
    machine_describe();
    machine_boot();
    pool_find();
    bell_make();
    return 0;
}

int machine_setup(void **state)
{
    (void)state;
    return setup(1);
}

int machine_setup_pair(void **state)
{
    (void)state;
    return setup(MACHINE_CPUS);
}

// The other CPUs do what they were asked to do.
static void others_look(void)
{
    for (unsigned i = 1; i < hal_cpu_count; i++) {
        machine_on(i);
        kernel_resched();
    }
    machine_on(0);
}

// Empty a slot of the root task's table, as the kernel does it once nobody preempts.
static void slot_delete(uint64_t slot)
{
    machine.windows = 0;
    enum err error = cap_delete(&host.table[slot]);
    while (error == ERR_RETRY || error == ERR_PREEMPTED) {
        others_look();
        error = cap_delete(&host.table[slot]);
    }
    assert_int_equal(error, ERR_OK);
    assert_true(cap_empty(&host.table[slot]));
}

int machine_teardown(void **state)
{
    (void)state;
    if (!host.running) {
        return 0;
    }
    machine_on(0);
    check_invariants();
    for (uint64_t slot = host.first_slot; slot < host.next_slot; slot++) {
        slot_delete(slot);
    }
    assert_int_equal(cap_drain(), ERR_OK);
    assert_null(host.table[host.pool].objects.root);
    sched_exit(hal_cpu());  // whoever was woken
    check_invariants();
    return 0;
}

void machine_forget(void)
{
    host.running = false;
}

// ---- system calls -------------------------------------------------------------------------------

struct thread *current(void)
{
    return hal_cpu()->current;
}

// Back in user mode: an interrupt that the CPU sent to itself arrives.
static void interrupts_arrive(void)
{
    while (machine.interrupted & 1u << machine_number) {
        machine.interrupted &= ~(1u << machine_number);
        kernel_resched();
    }
}

static void enter_fast(struct arch_context *context, enum machine_syscall number, uint64_t slot,
                       uint64_t tag, uint64_t third)
{
    if (number == SYS_call) {
        kernel_fast_call(slot, tag, third, 0, context);
    } else if (number == SYS_reply_recv) {
        kernel_fast_reply_recv(slot, tag, third, 0, context);
    } else if (number == SYS_send) {
        kernel_fast_send(slot, tag, third, 0, context);
    }
}

// As entry code does.
static void enter_once(struct arch_context *context)
{
    const struct arch_context in = *context;
    machine.left = LEFT_NOT;
    if (setjmp(host.left)) {
        return;
    }
    if (machine.fast) {
        memcpy(host_words, in.words, sizeof(host_words));
        enter_fast(context, (enum machine_syscall)in.code, in.slot, in.tag, in.third);
    }
    if (in.code >= SYS_signal) {
        kernel_syscall_light(context, in.code);
    } else {
        kernel_syscall(context);
    }
}

static void enter(struct arch_context *context)
{
    enter_once(context);
    interrupts_arrive();
}

// NOLINTNEXTLINE(readability-function-size): one register each
bool sys_once(enum machine_syscall number, uint64_t slot, uint64_t tag, uint64_t third,
              struct words words)
{
    struct arch_context *context = &current()->context;
    uint64_t before = context->restarts;
    assert_ptr_equal(context, host_context);
    current()->restarted = false;  // whatever was preempted before was given up
    context->code = number;
    context->slot = slot;
    context->tag = tag;
    context->third = third;
    memcpy(context->words, words.word, sizeof(context->words));
    enter(context);
    return context->restarts != before;
}

// NOLINTNEXTLINE(readability-function-size): one register each
uint64_t sys(enum machine_syscall number, uint64_t slot, uint64_t tag, uint64_t third,
             struct words words)
{
    struct thread *thread = current();
    struct arch_context *context = &thread->context;
    bool restarted = sys_once(number, slot, tag, third, words);
    while (restarted && current() == thread) {
        uint64_t before = context->restarts;
        enter(context);
        restarted = context->restarts != before;
    }
    return context->code;
}

static void trap_once(struct hal_trap what)
{
    struct arch_context *context = &current()->context;
    machine.left = LEFT_NOT;
    if (setjmp(host.left)) {
        return;
    }
    if (machine.fast && what.label == FAULT_PAGE) {
        kernel_fast_fault(context, &what);
    }
    kernel_trap(context, &what);
}

void trap(struct hal_trap what)
{
    trap_once(what);
    interrupts_arrive();
}

static void guest_call_once(uint64_t number, struct words words)
{
    struct arch_context *context = &current()->context;
    context->code = number;
    memcpy(context->words, words.word, sizeof(context->words));
    machine.left = LEFT_NOT;
    if (setjmp(host.left)) {
        return;
    }
    if (machine.fast) {
        kernel_fast_guest(context);
    }
    kernel_syscall_guest(context);
}

void guest_call(uint64_t number, struct words words)
{
    guest_call_once(number, words);
    interrupts_arrive();
}

void pass(uint64_t ticks)
{
    host_clock += ticks;
    for (unsigned fired = 0; machine.timer <= host_clock; fired++) {
        assert_true(fired < 1000);
        kernel_timer();
        interrupts_arrive();
    }
}

void rest(void)
{
    assert_ptr_equal(current()->cspace, host.table);
    SYS(SYS_wait, host.bell);
}

void ring(void)
{
    kernel_interrupt(BELL_IRQ);
    interrupts_arrive();
    assert_non_null(current());
    assert_int_equal(current()->priority, PRIORITIES - 1);
    assert_int_equal(INVOKE0(host.bell_handler, KIND_IRQ_HANDLER, 1), ERR_OK);
}

void wait_forever(void)
{
    SYS(SYS_wait, host.never);
}

void interrupt_soon(void)
{
    machine.windows = 1;
    hal_cpu()->work = PREEMPT_WORK;
}

// ---- what tests make ----------------------------------------------------------------------------

uint64_t slots_new(unsigned count)
{
    uint64_t slot = host.next_slot;
    host.next_slot += count;
    assert_true(host.next_slot <= ROOT_CSPACE_SLOTS);
    return slot;
}

uint64_t make(enum kind kind, unsigned bits)
{
    uint64_t size = 1ull << bits, slot = slots_new(1);
    host.offset = (host.offset + size - 1) & ~(size - 1);
    assert_int_equal(INVOKE(host.pool, KIND_UNTYPED, 0, kind | (uint64_t)bits << 8, host.offset,
                            ROOT_SLOT_CSPACE, slot, 1),
                     ERR_OK);
    host.offset += size;
    return slot;
}

void remove_slot(uint64_t slot)
{
    assert_int_equal(INVOKE(ROOT_SLOT_CSPACE, KIND_CAPTABLE, 3, slot), ERR_OK);
}

uint64_t copy_slot(uint64_t slot, unsigned rights)
{
    uint64_t to = slots_new(1);
    assert_int_equal(INVOKE(ROOT_SLOT_CSPACE, KIND_CAPTABLE, 0, to, ROOT_SLOT_CSPACE, slot, rights),
                     ERR_OK);
    return to;
}

uint64_t mint_slot(uint64_t slot, unsigned rights, uint64_t badge)
{
    uint64_t to = slots_new(1);
    assert_int_equal(INVOKE(ROOT_SLOT_CSPACE, KIND_CAPTABLE, 1, to, ROOT_SLOT_CSPACE, slot, rights,
                            badge),
                     ERR_OK);
    return to;
}

uint64_t context_new(uint64_t budget, uint64_t period)
{
    uint64_t context = make(KIND_SCHED_CONTEXT, SCHED_CONTEXT_BITS);
    assert_int_equal(
        INVOKE(context, KIND_SCHED_CONTEXT, 0, ROOT_SLOT_SCHED_CONTROL, budget, period), ERR_OK);
    return context;
}

struct actor actor_new(unsigned priority, uint64_t budget, uint64_t fault, unsigned flags)
{
    struct actor actor = { .cap = make(KIND_THREAD, THREAD_BITS) };
    uint64_t frame = make(KIND_FRAME, PAGE_BITS);
    actor.thread = thread_of(slot_cap(actor.cap));
    actor.buffer = (struct message_buffer *)slot_cap(frame)->address;
    assert_int_equal(INVOKE(actor.cap, KIND_THREAD, 0, ROOT_SLOT_CSPACE, ROOT_SLOT_ASPACE, fault, 0,
                            flags),
                     ERR_OK);
    assert_int_equal(INVOKE(actor.cap, KIND_THREAD, 1, 0, frame, 0), ERR_OK);
    assert_int_equal(INVOKE(actor.cap, KIND_THREAD, 11, priority, priority), ERR_OK);
    if (budget != NO_BUDGET) {
        uint64_t period = budget ? 10 * budget : SLICE;
        actor.context = context_new(budget ? budget : SLICE, period);
        assert_int_equal(INVOKE(actor.context, KIND_SCHED_CONTEXT, 1, actor.cap, SCHED_OWN),
                         ERR_OK);
    }
    return actor;
}

void actor_resume(const struct actor *actor)
{
    assert_int_equal(INVOKE0(actor->cap, KIND_THREAD, 2), ERR_OK);
}

void actor_begin(const struct actor *actor)
{
    actor_resume(actor);
    rest();
    assert_ptr_equal(current(), actor->thread);
}

void actor_receive(const struct actor *actor, uint64_t endpoint, uint64_t reply)
{
    uint64_t start = actor->context ? 0 : context_new(SLICE, SLICE);
    if (start) {
        assert_int_equal(INVOKE(start, KIND_SCHED_CONTEXT, 1, actor->cap, SCHED_OWN), ERR_OK);
    }
    actor_begin(actor);
    sys(SYS_recv, endpoint, 0, reply, WORDS(0));
    assert_int_equal(actor->thread->state, THREAD_BLOCKED_RECV);
    ring();
    if (start) {
        assert_int_equal(INVOKE0(start, KIND_SCHED_CONTEXT, 2), ERR_OK);
    }
}

void fallback_bind(struct actor *actor)
{
    actor->fallback = context_new(SLICE, SLICE);
    assert_int_equal(INVOKE(actor->fallback, KIND_SCHED_CONTEXT, 1, actor->cap, SCHED_FALLBACK),
                     ERR_OK);
}
