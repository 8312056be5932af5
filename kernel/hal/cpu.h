// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Contract: the CPU, its clock, interrupts, ports, the debug UART, power.
#pragma once

#include <abi/bootinfo.h>

#include <stdbool.h>
#include <stdint.h>

struct cpu;

// arch/cpu.h defines inline: uint64_t hal_clock(void), the kernel clock in ticks of
// boot_info.clock_hz; struct cpu *hal_cpu(void), the core's structure of this CPU; struct cpu
// *hal_cpu_at(unsigned number), of another, zeroed before the first use; void hal_pause(void) for
// spin loops; bool hal_lock_wanted(void): another CPU waits for the kernel lock, which entry code
// takes before it calls the core, first come first served, and drops as it leaves; void
// hal_zero(void *at, uint64_t bytes) and hal_copy(void *to, const void *from, uint64_t bytes), of
// whole words, each word once.
#include <arch/cpu.h>

extern unsigned hal_cpu_count;  // CPUs that run the kernel, numbered from 0

// First thing at boot on each CPU: descriptor tables, traps, protection features, local interrupt
// controller; on the first one also what there is once in the machine.  hal_cpu() works from then
// on.
void hal_boot(const struct boot_info *info, unsigned number);

// The first CPU has set up the core: let the others in, which wait before kernel_boot.
void hal_boot_others(void);

// Make a CPU call kernel_resched() soon; this one: before its next instruction in user mode, after
// those of devices that wait and before the timer's.
void hal_cpu_interrupt(unsigned number);

// One-shot timer: kernel_timer() is called once the clock has reached `deadline` (or soon after, at
// once where it has passed). Replaces an earlier one.  UINT64_MAX: none.
void hal_timer_arm(uint64_t deadline);

// Let pending interrupts in for a moment: they are made pending again, not handled, so that they
// are taken before the next instruction in user mode.  True where there was one.  Called from
// preemption points, interrupts off.
bool hal_interrupt_window(void);

// Interrupts by number: lines (x86: global system interrupts of the I/O APICs), then messages (MSI,
// MSI-X).  Guarded by the kernel lock.
#define HAL_IRQ_LINES   256u
#define HAL_IRQ_MAX     1024u
#define HAL_IRQ_NOWHERE UINT32_MAX
#define HAL_IRQ_ANYBODY 0x10000u    // instead of a device's number
bool hal_irq_exists(unsigned irq);  // a line that is not the kernel's own
// A line with IRQ_LEVEL, IRQ_ACTIVE_LOW, which is masked then; or a message, which only the device
// with number `source` can raise from the next route on where an IOMMU remaps interrupts.  False:
// there, a message has to be somebody's.
bool hal_irq_configure(unsigned irq, unsigned flags, uint32_t source);
// Deliver it on a CPU, by a vector of which that CPU has so many (Intel SDM vol. 3A, 10.8), or
// nowhere. What is on its way to where it went before may be lost.  False, with nothing changed,
// where no vector is left.
bool hal_irq_route(unsigned irq, unsigned cpu);
// What its device writes to which (bus) address to raise a message.
uint64_t hal_irq_message(unsigned irq, uint32_t *data);
// Keep it from coming, as far as the hardware can: a line, and a message where an IOMMU remaps
// interrupts.  What comes meanwhile is lost.
void hal_irq_mask(unsigned irq);
void hal_irq_unmask(unsigned irq);
// How many came so far that belonged to nobody.
uint64_t hal_irq_dropped(void);

// I/O ports (x86).  width 1, 2 or 4.
uint32_t hal_port_in(uint16_t port, unsigned width);
void hal_port_out(uint16_t port, unsigned width, uint32_t value);
bool hal_port_reserved(uint16_t first, uint32_t count);  // overlaps the kernel's own ports

void hal_console_put(char c);  // debug UART; drops where there is none
__attribute__((noreturn)) void hal_power_off(unsigned status);
__attribute__((noreturn)) void hal_reset(void);
// Print the panic record (one line, see docs) and stop this CPU.
__attribute__((noreturn)) void hal_panic(const char *file, int line, const char *what);

// Up: what the ISA calls in the core (kernel/entry.h).  All with interrupts off on the kernel
// stack. Where one returns, the ISA resumes the context that was given last to hal_switch.
//   kernel_boot                              once on each CPU, by the entry point of the kernel
//   kernel_syscall, kernel_syscall_light     system calls of native threads
//   kernel_syscall_guest                     system calls of guests
//   kernel_trap                              exceptions in user mode
//   kernel_interrupt, kernel_timer           interrupt lines, the one-shot timer
//   kernel_iommu                             faults that an IOMMU recorded (hal/iommu.h)
//   kernel_resched                           hal_cpu_interrupt
//   kernel_fast_call, kernel_fast_reply_recv, kernel_fast_send, kernel_fast_guest,
//   kernel_fast_fault                        fast paths, which entry code jumps to
//   kernel_panic                             exceptions in the kernel
