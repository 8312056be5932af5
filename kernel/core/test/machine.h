// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A machine for the whole core on the development host: it boots a root task as real hardware does,
// and then does what a test says in the name of the current thread.  Beneath lies the host's
// stand-in for an ISA (tests/model/host); interrupts, the clock and vector registers are a test's
// to set, and what the core does to hardware can be looked at.
#pragma once

#include <hal/aspace.h>
#include <hal/context.h>
#include <hal/cpu.h>

#include <kernel/aspace.h>
#include <kernel/captable.h>
#include <kernel/check.h>
#include <kernel/cpu.h>
#include <kernel/endpoint.h>
#include <kernel/entry.h>
#include <kernel/forest.h>
#include <kernel/guest.h>
#include <kernel/irq.h>
#include <kernel/notification.h>
#include <kernel/preempt.h>
#include <kernel/reply.h>
#include <kernel/sched.h>
#include <kernel/sched_context.h>
#include <kernel/thread.h>

#include <abi/bootinfo.h>
#include <abi/rootinfo.h>

#include <setjmp.h>
#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MACHINE_BITS  23
#define MACHINE_BYTES (1ull << MACHINE_BITS)
#define MACHINE_CLOCK 1000000ull  // ticks per second; the root task's slice is a hundredth
#define MACHINE_IRQS  24u
#define MACHINE_CPUS  2u
#define SLICE         (MACHINE_CLOCK / 100)

enum machine_syscall {
#define SYSCALL(number, name, args, fails, text)       SYS_##name = (number),
#define DEBUG_SYSCALL(number, name, args, fails, text) SYS_##name = (number),
#include <abi/syscalls.def>
#undef SYSCALL
#undef DEBUG_SYSCALL
};

struct machine {
    uint8_t *memory;        // RAM, MACHINE_BYTES
    struct boot_info info;  // what the next boot is given
    // What the test sets.
    unsigned windows;  // preemption points until an interrupt is pending; 0: never
    bool fast;         // system calls take the fast paths, where there are any
    bool invalid;      // vector state is not loadable
    uint32_t port;     // what ports answer
    bool no_vectors;   // no CPU has a vector left
    uint64_t dropped;  // interrupts that nobody owns
    // What the core did.
    uint64_t timer;           // armed deadline
    const void *vector_area;  // whose vector registers were loaded last
    bool vector_kept;         // the last switch left them accessible
    unsigned flushes;         // of translations
    bool others;              // were let in
    unsigned interrupted;     // CPUs that are to look at what changed: a bit each
    unsigned aspace_left;     // CPUs that had to leave an address space
    unsigned vector_forgot;   // CPU that forgot vector registers last
    uint32_t irq_flags[HAL_IRQ_MAX];
    uint32_t irq_cpu[HAL_IRQ_MAX];
    bool irq_masked[HAL_IRQ_MAX];
    char console;
    uint64_t ports_out;  // the last one: port << 32 | value
    unsigned power_status;
    enum {
        LEFT_NOT,
        LEFT_PASS,
        LEFT_SLOW,
        LEFT_RESUME
    } left;  // how the last fast path ended
    bool panic_expected;
    const char *panic;  // what the last panic said
};
extern struct machine machine;

// ---- the machine --------------------------------------------------------------------------------

// A description of a machine with one program and one module, in machine.info.
void machine_describe(void);
// Boot what machine.info describes.
void machine_boot(void);
// Both; for cmocka.
int machine_setup(void **state);
// The same with two CPUs; the second one is idle, its SchedControl in CONTROL(1).
int machine_setup_pair(void **state);
// This CPU is at work from now on.
void machine_on(unsigned number);
// All invariants hold, and whatever the test made can be deleted.
int machine_teardown(void **state);

// Expect `code` to end in a panic, a power-off or a reset, which machine.panic then names.
#define EXPECT_PANIC(text, code)                    \
 do {                                               \
  machine.panic_expected = true;                    \
  if (!setjmp(machine_end)) {                       \
   code;                                            \
   fail_msg("%s:%d: no panic", __FILE__, __LINE__); \
  }                                                 \
  assert_non_null(strstr(machine.panic, text));     \
  machine.panic_expected = false;                   \
 } while (0)
extern jmp_buf machine_end;
// Where a panic left the core in the middle of something: it is not taken down.
void machine_forget(void);

// ---- system calls -------------------------------------------------------------------------------

// The current thread.
struct thread *current(void);

struct words {
    uint64_t word[MSG_REG_WORDS];
};
#define WORDS(...) ((struct words){ { __VA_ARGS__ } })

// The current thread makes a system call, again where it is preempted and is still the current one.
// Returns its result register (of one that blocks: what it held before).
uint64_t sys(enum machine_syscall number, uint64_t slot, uint64_t tag, uint64_t third,
             struct words words);
// The same once: true where it was preempted, to be restarted.
bool sys_once(enum machine_syscall number, uint64_t slot, uint64_t tag, uint64_t third,
              struct words words);
#define SYS(number, slot) sys(number, slot, 0, 0, WORDS(0))

// An invocation: OP(kind, number) with words in a row.
#define OPERATION(kind, number) ((uint64_t)(kind) << 8 | (number))
#define INVOKE(slot, kind, number, ...)                                                          \
 sys(SYS_invoke, slot, TAG(OPERATION(kind, number), sizeof((uint64_t[]){ __VA_ARGS__ }) / 8, 0), \
     0, WORDS(__VA_ARGS__))
#define INVOKE0(slot, kind, number) \
 sys(SYS_invoke, slot, TAG(OPERATION(kind, number), 0, 0), 0, WORDS(0))

// A trap of the current thread.
void trap(struct hal_trap what);
// A guest's system call.
void guest_call(uint64_t number, struct words words);
// Time passes; the timer fires where it is due.
void pass(uint64_t ticks);

// The root task waits for its bell; others run.
void rest(void);
// It rings, by an interrupt: the root task runs again, whoever ran before.
void ring(void);
#define BELL_IRQ 1u
// The current thread waits for something that never comes.
void wait_forever(void);
// The next preemption point of this CPU finds an interrupt pending.
void interrupt_soon(void);

// ---- what tests make (as the root task, or another with its table) ------------------------------

// A fresh slot, or so many.
uint64_t slots_new(unsigned count);
// The capability in a slot of the root task's table.
struct cap *slot_cap(uint64_t slot);
#define OK(status)             assert_int_equal(status, ERR_OK)
#define REFUSED(status, error) assert_int_equal(status, error)
#define TEST(name)             cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)
#define TEST_PAIR(name)        cmocka_unit_test_setup_teardown(name, machine_setup_pair, machine_teardown)

// A new object; its slot.
uint64_t make(enum kind kind, unsigned bits);
void remove_slot(uint64_t slot);
uint64_t copy_slot(uint64_t slot, unsigned rights);
uint64_t mint_slot(uint64_t slot, unsigned rights, uint64_t badge);

// A thread in the root task's table and space, with a buffer, not yet resumed.
struct actor {
    uint64_t cap, context, fallback;  // slots; 0: none
    struct thread *thread;
    struct message_buffer *buffer;
};
#define NO_BUDGET UINT64_MAX
// budget 0: a full slice, NO_BUDGET: without a context.  fault: slot of its handler, or 0.
struct actor actor_new(unsigned priority, uint64_t budget, uint64_t fault, unsigned flags);
void actor_resume(const struct actor *actor);
// The root task resumes it and waits: it runs.
void actor_begin(const struct actor *actor);
// And waits for messages, with a Reply in `reply` (0: none); the root task goes on.  A thread
// without a context is lent one for that.
void actor_receive(const struct actor *actor, uint64_t endpoint, uint64_t reply);
// Give it a fall-back context.
void fallback_bind(struct actor *actor);
// Give a thread a context: budget of `period`.  Returns its slot.
uint64_t context_new(uint64_t budget, uint64_t period);
