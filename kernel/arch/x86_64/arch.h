// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the files of this directory, and the linker script, offer each other.
#pragma once

#include "x86.h"

#include <arch/context.h>
#include <arch/patch.h>
#include <hal/context.h>

#include <abi/bootinfo.h>

#include <stdbool.h>
#include <stdint.h>

struct hal_percpu;

// Up: kernel/entry.h, the core's side of the contract.
void kernel_boot(const struct boot_info *info, unsigned number);
void kernel_syscall(struct arch_context *context);
void kernel_trap(struct arch_context *context, const struct hal_trap *trap);
void kernel_fast_fault(struct arch_context *context, const struct hal_trap *trap);
void kernel_interrupt(unsigned irq);
void kernel_iommu(void);
void kernel_timer(void);
void kernel_resched(void);

// linker script
extern const char text_start[], text_end[];
extern const char entry_start[],
    entry_end[];  // what of it user mode's translations have, in any case
extern const struct patch patches_start[], patches_end[];
extern const uint32_t
    build_id_note[];  // ELF note: name bytes, descriptor bytes, type, name, descriptor

// patch_boot.c: changes the text to suit the CPU.
void patch_boot(const struct boot_info *info);
extern unsigned patches_in_force;  // PATCH_*
void mitigate_cpu_boot(void);      // of each CPU: what its registers keep in force

// entry.S
void syscall_entry(void);
void syscall_isolated(void);
void idle_entry(void);
extern const char exception_stubs[], interrupt_stubs[], flush_stub[];

// trap.c: called by entry.S
void trap_user(struct arch_context *context);
struct arch_context *trap_ist(struct arch_context *frame, struct hal_percpu *percpu);
__attribute__((noreturn)) void trap_fatal(const struct arch_context *frame);

// boot.c: called by entry.S on each CPU before it takes the lock for the first time.
void boot_start(const struct boot_info *info, unsigned number);

// lock.c: called by entry.S.  Wait until the number in ECX is served.
__attribute__((no_caller_saved_registers)) void lock_wait(void);

// aspace.c: the root table whose upper half all spaces get.
extern const uint64_t *aspace_shared;

// isolate_boot.c: makes that a nearly empty one.
void isolate_boot(void);

// aspace.c: do what another CPU asks for, if it does; the interrupt that says so.
void flush_serve(void);
void flush_interrupt(void);

// panic.c: the record for an exception in the kernel.
__attribute__((noreturn)) void panic_trap(const struct arch_context *frame);

// apic.c
extern volatile uint32_t *apic_registers;  // NULL: x2APIC
void apic_boot(const struct boot_info *info);

// End of interrupt.
static inline void apic_eoi(void)
{
    if (apic_registers) {
        apic_registers[APIC_EOI / 4] = 0;
    } else {
        wrmsr(MSR_X2APIC + APIC_EOI / 16, 0);
    }
}

void apic_send_self(unsigned vector);
void apic_send(uint32_t id, unsigned vector);
void timer_fired(void);  // the interrupt came: calls kernel_timer if the deadline is reached, else
                         // programs the rest

// forget.c: called in place of the load of CR3, with that in R10.
__attribute__((no_caller_saved_registers)) void switch_patched(void);

// irq.c; the latter two are called by entry.S
void irq_boot(const struct boot_info *info);
void interrupt_handle(unsigned vector);
void interrupt_postpone(unsigned vector);

// power.c, vector.c, trap.c
void power_boot(const struct boot_info *info);
__attribute__((noreturn)) void power_panic(void);
void vector_boot(void);
void trap_boot(void);
void trap_load(void);  // on each CPU
