// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Interrupts: the I/O APICs (82093AA datasheet), messages of devices (Intel SDM vol. 3A, 10.11),
// the legacy controllers that are silenced, and the interrupt window. Contract: hal/cpu.h.
//
// Each interrupt goes to one CPU, by a vector of that CPU's.  Guarded by the kernel lock.
#include "arch.h"
#include "vtd.h"
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

#define LINE_REMAPPED(index) ((index) << 17 | 1u << 16)  // high word (VT-d, 5.1.2.1)

#define PIC1     0x20
#define PIC2     0xa0
#define PIC_INIT 0x11
#define PIC_8086 0x01
#define PIC_LINK 2  // line of the first controller that the second hangs on

#define MESSAGE_ADDRESS 0xfee00000ull  // Intel SDM vol. 3A, 10.11

static struct ioapic {
    volatile uint32_t *registers;
    unsigned first, end;  // lines
    uint32_t source;      // whose interrupts its are
} ioapics[BOOT_MAX_IRQCHIPS];
static unsigned ioapic_count;

static struct route {
    uint32_t low;     // line: low word of its entry but for the vector; message: LINE_MASKED or 0
    uint32_t source;  // who can raise it, where the IOMMU can tell
    uint8_t vector;   // 0: it goes nowhere
    uint8_t cpu;
} routes[HAL_IRQ_MAX];

// By CPU.  A vector belongs to one interrupt at most.  Those that are free are taken in the order
// in which they were given back, so that what arrives late meets nobody.
static uint16_t vector_irqs[BOOT_MAX_CPUS][256];  // which interrupt plus 1, 0: none
static struct {
    uint8_t first, count;
    uint8_t ring[256];
} vectors_free[BOOT_MAX_CPUS];
static uint64_t dropped;

static unsigned vector_take(unsigned cpu)
{
    if (!vectors_free[cpu].count) {
        return 0;
    }
    vectors_free[cpu].count--;
    return vectors_free[cpu].ring[vectors_free[cpu].first++];
}

static void vector_give(unsigned cpu, unsigned vector)
{
    uint8_t end = (uint8_t)(vectors_free[cpu].first + vectors_free[cpu].count++);
    vectors_free[cpu].ring[end] = (uint8_t)vector;
}

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

static void remap_write(unsigned irq)
{
    const struct route *route = &routes[irq];
    bool nobody = !route->vector || (irq >= HAL_IRQ_LINES && route->low);
    vtd_interrupt_set(irq, nobody ? VTD_NOBODY : route->source, route->vector,
                      hal_percpu_at(route->cpu)->apic_id, route->low & LINE_LEVEL);
}

static void ioapic_write(const struct ioapic *ioapic, unsigned index, uint32_t value)
{
    ioapic->registers[IOAPIC_SELECT] = index;
    ioapic->registers[IOAPIC_WINDOW] = value;
}

// A message is masked in the table of the IOMMU; without one its device alone could do it.
static void line_write(unsigned irq)
{
    const struct ioapic *ioapic = ioapic_of(irq);
    if (!ioapic) {
        remap_write(irq);
    } else {
        ioapic_write(ioapic, IOAPIC_LINE(irq - ioapic->first),
                     routes[irq].low | routes[irq].vector);
    }
}

// Both words, or an entry of the IOMMU's table.  An edge-triggered entry forgets that a delivery to
// the old vector may be outstanding.
static void line_redirect(unsigned irq)
{
    const struct ioapic *ioapic = ioapic_of(irq);
    remap_write(irq);
    if (ioapic) {
        unsigned index = IOAPIC_LINE(irq - ioapic->first);
        ioapic_write(ioapic, index, LINE_MASKED);
        ioapic_write(ioapic, index + 1,
                     vtd.remaps ? LINE_REMAPPED(irq)
                                : hal_percpu_at(routes[irq].cpu)->apic_id << 24);
        line_write(irq);
    }
}

static void ioapic_boot(const struct boot_irqchip *chip)
{
    struct ioapic *ioapic = &ioapics[ioapic_count++];
    unsigned end = chip->first_irq + chip->irqs;
    *ioapic = (struct ioapic){
        .registers = (volatile uint32_t *)(KERNEL_DIRECT_BASE + chip->base),
        .first = chip->first_irq,
        .end = end < HAL_IRQ_LINES ? end : HAL_IRQ_LINES,
        .source = chip->flags & BOOT_IRQCHIP_SOURCE ? chip->source : HAL_IRQ_ANYBODY,
    };
    for (unsigned irq = ioapic->first; irq < ioapic->end; irq++) {
        (void)hal_irq_configure(irq, 0, HAL_IRQ_ANYBODY);
        line_redirect(irq);
    }
}

// A destination has 8 bits.
static void vectors_boot(unsigned cpu)
{
    for (unsigned v = VECTOR_IRQ; v < VECTOR_IRQ_END && hal_percpu_at(cpu)->apic_id < 255; v++) {
        vector_give(cpu, v);
    }
}

void irq_boot(const struct boot_info *info)
{
    pic_silence();
    for (unsigned i = 0; i < hal_cpu_count; i++) {
        vectors_boot(i);
    }
    for (unsigned i = 0; i < info->irqchip_count; i++) {
        if (info->irqchips[i].kind == BOOT_IRQCHIP_IO) {
            ioapic_boot(&info->irqchips[i]);
        }
    }
}

bool hal_irq_exists(unsigned irq)
{
    return ioapic_of(irq);
}

bool hal_irq_configure(unsigned irq, unsigned flags, uint32_t source)
{
    const struct ioapic *ioapic = ioapic_of(irq);
    if (!ioapic) {
        routes[irq].source = source;
        routes[irq].low = 0;
        return source != HAL_IRQ_ANYBODY || !vtd.remaps;
    }
    routes[irq].source = ioapic->source;
    routes[irq].low = LINE_MASKED | (flags & IRQ_LEVEL ? LINE_LEVEL : 0) |
                      (flags & IRQ_ACTIVE_LOW ? LINE_ACTIVE_LOW : 0);
    return true;
}

bool hal_irq_route(unsigned irq, unsigned cpu)
{
    struct route *route = &routes[irq];
    struct route old = *route;
    route->vector = 0;
    if (cpu != HAL_IRQ_NOWHERE) {
        unsigned vector = vector_take(cpu);
        if (!vector) {
            route->vector = old.vector;
            return false;
        }
        route->vector = (uint8_t)vector;
        route->cpu = (uint8_t)cpu;
        vector_irqs[cpu][vector] = (uint16_t)(irq + 1);
    }
    line_redirect(irq);
    if (old.vector) {
        vector_irqs[old.cpu][old.vector] = 0;
        vector_give(old.cpu, old.vector);
    }
    return true;
}

uint64_t hal_irq_message(unsigned irq, uint32_t *data)
{
    *data = vtd.remaps ? 0 : routes[irq].vector;
    if (vtd.remaps) {
        return VTD_MESSAGE(irq);
    }
    return MESSAGE_ADDRESS | hal_percpu_at(routes[irq].cpu)->apic_id << 12;
}

static void line_mask(unsigned irq, uint32_t masked)
{
    if ((routes[irq].low & LINE_MASKED) != masked) {
        routes[irq].low ^= LINE_MASKED;
        line_write(irq);
    }
}

void hal_irq_mask(unsigned irq)
{
    line_mask(irq, LINE_MASKED);
}

void hal_irq_unmask(unsigned irq)
{
    line_mask(irq, 0);
}

uint64_t hal_irq_dropped(void)
{
    return dropped;
}

// The vector of an interrupt, of the kernel's own, or one that a device sent and nobody owns. Only
// this one is in service, so the end of interrupt is its own; that of a spurious one does nothing.
void interrupt_handle(unsigned vector)
{
    unsigned irq = vector_irqs[THIS_CPU->number][vector];
    if (irq) {
        kernel_interrupt(irq - 1);
        apic_eoi();
        return;
    }
    apic_eoi();
    if (vector == VECTOR_TIMER) {
        timer_fired();
    } else if (vector == VECTOR_RESCHED) {
        kernel_resched();
    } else if (vector == VECTOR_IOMMU) {
        kernel_iommu();
    } else if (vector != VECTOR_FLUSH) {
        dropped++;
    }
}

// In the interrupt window: make it pending again, for the moment when user mode lets it in.  A
// level line does so itself.
void interrupt_postpone(unsigned vector)
{
    unsigned irq = vector_irqs[THIS_CPU->number][vector];
    apic_eoi();
    if (!irq || !(routes[irq - 1].low & LINE_LEVEL)) {
        apic_send_self(vector);
    }
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
