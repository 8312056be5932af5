// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The hardware contract (kernel/hal) on the development host, as much of it as the model drives:
// registers are words in memory, translation tables are walked by nobody, the clock stands still
// while the core works.  Called by the core.
#include "world.h"

#include <hal/aspace.h>
#include <hal/context.h>
#include <hal/cpu.h>

#include <string.h>

uint64_t host_clock = 1000000;
struct cpu *host_cpu, *host_cpus[HOST_CPUS];
unsigned hal_cpu_count = 1;
struct arch_context *host_context;
uint64_t host_words[MSG_REG_WORDS];
struct hal_aspace hal_aspace_kernel;

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
    (void)number;
    context->restarts++;
}

void hal_context_read(struct arch_context *context, struct thread_regs *regs)
{
    const uint64_t *words = context->words;
    *regs = (struct thread_regs){ .rip = context->ip,
                                  .rax = context->code,
                                  .rdi = context->slot,
                                  .rsi = context->tag,
                                  .rbx = words[0],
                                  .rbp = words[1],
                                  .r12 = words[2],
                                  .r13 = words[3],
                                  .r14 = words[4],
                                  .r15 = words[5] };
}

void hal_context_write(struct arch_context *context, const struct thread_regs *regs)
{
    const uint64_t words[] = { regs->rbx, regs->rbp, regs->r12, regs->r13, regs->r14, regs->r15 };
    context->code = regs->rax;
    context->slot = regs->rdi;
    context->tag = regs->rsi;
    memcpy(context->words, words, sizeof(words));
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
    (void)area;
    (void)keep_live;
}

void hal_vector_sync(void *area)
{
    (void)area;
}

void hal_vector_forget(unsigned number, void *area)
{
    (void)number;
    (void)area;
}

unsigned host_interrupted, host_paused;

void hal_cpu_interrupt(unsigned number)
{
    host_interrupted |= 1u << number;
    host_paused |= host_cpus[number] == host_cpu ? 1u << number : 0;
}

void hal_aspace_leave(unsigned number)
{
    (void)number;
}

bool hal_vector_valid(const void *area)
{
    (void)area;
    return true;
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
}

uint64_t host_timer;

void hal_timer_arm(uint64_t deadline)
{
    host_timer = deadline;
}

bool hal_irq_exists(unsigned irq)
{
    (void)irq;
    return false;
}

bool hal_irq_route(unsigned irq, unsigned cpu)
{
    (void)irq;
    (void)cpu;
    return true;
}

uint64_t hal_irq_message(unsigned irq, uint32_t *data)
{
    *data = irq;
    return 0;
}

uint64_t hal_irq_dropped(void)
{
    return 0;
}

bool hal_irq_configure(unsigned irq, unsigned flags, uint32_t source)
{
    (void)source;
    (void)irq;
    (void)flags;
    return true;
}

void hal_irq_mask(unsigned irq)
{
    (void)irq;
}

void hal_irq_unmask(unsigned irq)
{
    (void)irq;
}

uint32_t hal_port_in(uint16_t port, unsigned width)
{
    (void)port;
    (void)width;
    return 0;
}

void hal_port_out(uint16_t port, unsigned width, uint32_t value)
{
    (void)port;
    (void)width;
    (void)value;
}

bool hal_port_reserved(uint16_t first, uint32_t count)
{
    (void)first;
    (void)count;
    return true;
}

void hal_console_put(char c)
{
    (void)c;
}

void hal_power_off(unsigned status)
{
    (void)status;
    world_fail("power off");
}

void hal_reset(void)
{
    world_fail("reset");
}

void hal_panic(const char *file, int line, const char *what)
{
    world_fail("%s:%d: %s", file, line, what);
}
