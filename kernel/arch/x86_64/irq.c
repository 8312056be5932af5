// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Interrupt lines: the I/O APICs (82093AA datasheet), the legacy controllers that are silenced, and
// the interrupt window. Contract: hal/cpu.h.
//
// All lines go to the boot CPU.  Guarded by the kernel lock.
#include "arch.h"
#include "x86.h"

#include <arch/percpu.h>
#include <hal/cpu.h>

#include <abi/message.h>

#define IOAPIC_SELECT     0
#define IOAPIC_WINDOW     4  // in words
#define IOAPIC_LINE(line) (0x10 + 2 * (line))

#define LINE_ACTIVE_LOW 0x02000u
#define LINE_LEVEL      0x08000u
#define LINE_MASKED     0x10000u

#define PIC1     0x20
#define PIC2     0xa0
#define PIC_INIT 0x11
#define PIC_8086 0x01
#define PIC_LINK 2  // line of the first controller that the second hangs on

static struct ioapic {
    volatile uint32_t *registers;
    unsigned first, end;  // lines
} ioapics[BOOT_MAX_IRQCHIPS];
static unsigned ioapic_count;
static unsigned line_count;
static uint32_t lines[IRQ_MAX];  // low word of each line's entry

static void pic_silence(void)
{
    for (unsigned i = 0; i < 2; i++) {
        uint16_t port = i ? PIC2 : PIC1;
        out8(port, PIC_INIT);
        out8(port + 1, (uint8_t)(VECTOR_PIC + 8 * i));
        out8(port + 1, i ? PIC_LINK : 1 << PIC_LINK);
        out8(port + 1, PIC_8086);
        out8(port + 1, 0xff);
    }
}

static const struct ioapic *ioapic_of(unsigned irq)
{
    for (unsigned i = 0; i < ioapic_count; i++) {
        if (irq >= ioapics[i].first && irq < ioapics[i].end) {
            return &ioapics[i];
        }
    }
    return NULL;
}

static void ioapic_write(const struct ioapic *ioapic, unsigned index, uint32_t value)
{
    ioapic->registers[IOAPIC_SELECT] = index;
    ioapic->registers[IOAPIC_WINDOW] = value;
}

static void line_write(unsigned irq, uint32_t low)
{
    const struct ioapic *ioapic = ioapic_of(irq);
    if (!ioapic) {
        return;
    }
    lines[irq] = low;
    ioapic_write(ioapic, IOAPIC_LINE(irq - ioapic->first), low);
}

static void ioapic_boot(const struct boot_irqchip *chip)
{
    struct ioapic *ioapic = &ioapics[ioapic_count++];
    unsigned end = chip->first_irq + chip->irqs;
    *ioapic = (struct ioapic){
        .registers = (volatile uint32_t *)(KERNEL_DIRECT_BASE + chip->base),
        .first = chip->first_irq,
        .end = end < IRQ_MAX ? end : IRQ_MAX,
    };
    for (unsigned irq = ioapic->first; irq < ioapic->end; irq++) {
        ioapic_write(ioapic, IOAPIC_LINE(irq - ioapic->first) + 1, THIS_CPU->apic_id << 24);
        hal_irq_configure(irq, 0);
    }
    if (ioapic->end > line_count) {
        line_count = ioapic->end;
    }
}

void irq_boot(const struct boot_info *info)
{
    pic_silence();
    for (unsigned i = 0; i < info->irqchip_count; i++) {
        if (info->irqchips[i].kind == BOOT_IRQCHIP_IO) {
            ioapic_boot(&info->irqchips[i]);
        }
    }
}

unsigned hal_irq_count(void)
{
    return line_count;
}

bool hal_irq_reserved(unsigned irq)
{
    return !ioapic_of(irq);
}

void hal_irq_configure(unsigned irq, unsigned flags)
{
    line_write(irq, (VECTOR_IRQ + irq) | LINE_MASKED | (flags & IRQ_LEVEL ? LINE_LEVEL : 0) |
                        (flags & IRQ_ACTIVE_LOW ? LINE_ACTIVE_LOW : 0));
}

void hal_irq_mask(unsigned irq)
{
    line_write(irq, lines[irq] | LINE_MASKED);
}

void hal_irq_unmask(unsigned irq)
{
    line_write(irq, lines[irq] & ~LINE_MASKED);
}

// Acknowledge; a level-triggered line would come again at once.
static inline void line_quiet(unsigned irq)
{
    if (lines[irq] & LINE_LEVEL) {
        hal_irq_mask(irq);
    }
    apic_eoi();
}

// A vector that is neither a line nor the timer is spurious: not in service, nothing to
// acknowledge.
void interrupt_handle(unsigned vector)
{
    unsigned irq = vector - VECTOR_IRQ;
    if (irq < IRQ_MAX) {
        line_quiet(irq);
        kernel_interrupt(irq);
    } else if (vector == VECTOR_TIMER) {
        apic_eoi();
        timer_fired();
    } else if (vector == VECTOR_RESCHED) {
        apic_eoi();
        kernel_resched();
    } else if (vector == VECTOR_FLUSH) {
        apic_eoi();  // served already, while this CPU waited for the lock
    }
}

// In the interrupt window: make it pending again, for the moment when user mode lets it in.
void interrupt_postpone(unsigned vector)
{
    unsigned irq = vector - VECTOR_IRQ;
    if (irq < IRQ_MAX) {
        line_quiet(irq);
    } else if (vector == VECTOR_TIMER || vector == VECTOR_RESCHED) {
        apic_eoi();
    } else {
        if (vector == VECTOR_FLUSH) {
            apic_eoi();
        }
        return;
    }
    apic_send_self(vector);
}

// What is let in is made pending again (interrupt_postpone), so that user mode takes it before its
// next instruction.
bool hal_interrupt_window(void)
{
    unsigned taken = 0;
    __asm__ volatile("sti\n\t"
                     "nop\n\t"
                     "cli"
                     : "+a"(taken)
                     :
                     : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc", "memory");
    return taken;
}
