// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Exceptions and interrupts: the descriptor table, and what each one is to the core.  Called by
// entry.S.
#include "arch.h"
#include "x86.h"

#include <arch/percpu.h>
#include <hal/cpu.h>

#include <abi/message.h>
#include <abi/thread.h>

// Error code of a page fault (Intel SDM vol. 3A, 4.7).
#define PAGE_FAULT_PRESENT  0x01
#define PAGE_FAULT_WRITE    0x02
#define PAGE_FAULT_RESERVED 0x08
#define PAGE_FAULT_FETCH    0x10

// DR6: breakpoints 0-3, debug register access, single step, task switch.
#define DR6_REASONS 0xe00full
#define DR6_CLEAR   0xffff0ff0ull
#define DR7_CLEAR   0x400ull

#define GATE_BYTES_EXCEPTION 16
#define GATE_BYTES_INTERRUPT 8
#define GATE_PRESENT         0x8e00u  // interrupt gate
#define GATE_USER            0x6000u  // DPL 3

struct gate {
    uint16_t offset_low, selector, attributes, offset_middle;
    uint32_t offset_high, reserved;
};
_Static_assert(sizeof(struct gate) == 16, "Intel SDM vol. 3A, 6.14.1");

// A page of its own: user mode's translations have it in any case.
static struct gate gates[PAGE_SIZE / sizeof(struct gate)] __attribute__((aligned(PAGE_SIZE)));

static void gate_set(unsigned vector, const char *entry, unsigned attributes)
{
    uint64_t offset = (uint64_t)entry;
    gates[vector] = (struct gate){
        .offset_low = (uint16_t)offset,
        .selector = GDT_KERNEL_CODE,
        .attributes = (uint16_t)(GATE_PRESENT | attributes),
        .offset_middle = (uint16_t)(offset >> 16),
        .offset_high = (uint32_t)(offset >> 32),
    };
}

void trap_load(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = { VECTOR_END * sizeof(gates[0]) - 1, (uint64_t)gates };
    __asm__ volatile("lidt %0" : : "m"(pointer));
    __asm__ volatile("mov %0, %%dr7" : : "r"(DR7_CLEAR));
}

void trap_boot(void)
{
    static const uint8_t stacks[VECTOR_EXTERNAL] = {
        [VECTOR_NMI] = IST_NMI,
        [VECTOR_DEBUG] = IST_DEBUG,
        [VECTOR_DOUBLE] = IST_DOUBLE,
        [VECTOR_MACHINE] = IST_MACHINE,
    };
    for (unsigned i = 0; i < VECTOR_EXTERNAL; i++) {
        gate_set(i, exception_stubs + (uint64_t)i * GATE_BYTES_EXCEPTION,
                 stacks[i] | (i == VECTOR_BREAK ? GATE_USER : 0));
    }
    for (unsigned i = VECTOR_EXTERNAL; i < VECTOR_END; i++) {
        gate_set(i, interrupt_stubs + (uint64_t)(i - VECTOR_EXTERNAL) * GATE_BYTES_INTERRUPT, 0);
    }
    gate_set(VECTOR_FLUSH, flush_stub, 0);
}

static uint32_t page_fault_access(uint64_t error)
{
    uint32_t present = error & PAGE_FAULT_PRESENT ? FAULT_PRESENT : 0;
    if (error & PAGE_FAULT_FETCH) {
        return FAULT_EXECUTE | present;
    }
    return present + (error & PAGE_FAULT_WRITE ? FAULT_WRITE : FAULT_READ);
}

static void page_fault(struct arch_context *context)
{
    if (context->error & PAGE_FAULT_RESERVED) {
        trap_fatal(context);  // the kernel's own tables are wrong
    }
    struct hal_trap trap = {
        .label = FAULT_PAGE,
        .vector = VECTOR_PAGE,
        .error = context->error,
        .address = cr2_read(),
        .access = page_fault_access(context->error),
    };
#if FAST_PATH
    kernel_fast_fault(context, &trap);  // comes back where it refuses
#endif
    kernel_trap(context, &trap);
}

// A trap of user mode.  Some CPUs report a jump outside of the canonical range only when RIP is
// there; IRET must not see that.
void trap_user(struct arch_context *context)
{
    if (context->vector == VECTOR_PAGE) {
        page_fault(context);
        return;
    }
    if (context->rip > USER_END) {
        context->rip = 0;
    }
    struct hal_trap trap = {
        .label = FAULT_EXCEPTION,
        .vector = (uint16_t)context->vector,
        .error = context->error,
    };
    kernel_trap(context, &trap);
}

// Give a #DB of user mode, which arrived on a stack of its own, the looks of any other trap.  The
// error code tells a debugger why.
static struct arch_context *debug_user(const struct arch_context *frame, struct hal_percpu *percpu,
                                       uint64_t dr6)
{
    struct arch_context *context = percpu->current;
    const uint64_t *from = &frame->r15;
    uint64_t *to = &context->r15;
    uint64_t words = (sizeof(*frame) - offsetof(struct arch_context, r15)) / sizeof(uint64_t);
    __asm__ volatile("rep movsq" : "+S"(from), "+D"(to), "+c"(words) : : "memory");
    context->error = dr6 & DR6_REASONS;
    return context;
}

// On the stacks of their own.  A #DB in kernel mode is a leftover of user mode's (a trap held back
// over MOV SS, CVE-2018-8897): the kernel sets no breakpoint, so it is dropped.
struct arch_context *trap_ist(struct arch_context *frame, struct hal_percpu *percpu)
{
    if (frame->vector == VECTOR_NMI) {
        percpu->nmi_count++;
        return NULL;
    }
    if (frame->vector != VECTOR_DEBUG) {
        trap_fatal(frame);
    }
    uint64_t dr6;
    __asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
    __asm__ volatile("mov %0, %%dr6" : : "r"(DR6_CLEAR));
    if (frame->cs & 3) {
        return debug_user(frame, percpu, dr6);
    }
    __asm__ volatile("mov %0, %%dr7" : : "r"(DR7_CLEAR));
    return NULL;
}

void trap_fatal(const struct arch_context *frame)
{
    panic_trap(frame);
}
