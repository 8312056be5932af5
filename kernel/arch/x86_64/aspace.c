// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Root tables and the translation buffers of all CPUs.  Contract: hal/aspace.h.
//
// Whoever changes translations has the kernel lock, asks the CPUs that have the space loaded to
// forget them, and waits.  A CPU in user mode is interrupted (flush_stub in entry.S), one that
// waits for the lock looks while it waits (lock_wait), and no other can have the space loaded.
#include "arch.h"
#include "vtd.h"
#include "x86.h"

#include <arch/percpu.h>
#include <hal/aspace.h>
#include <hal/cpu.h>

#define KERNEL_HALF   256
#define ROOT_ENTRIES  512
#define FLUSH_SINGLES 32  // more pages than this: everything

struct hal_aspace hal_aspace_kernel;
const uint64_t *aspace_shared;

// Entries of the kernel's half in use: those below `low` and from `high` on.
static unsigned low, high;

static void shared_measure(void)
{
    for (high = ROOT_ENTRIES; aspace_shared[high - 1]; high--) {}
    for (low = high; low > KERNEL_HALF && !aspace_shared[low - 1]; low--) {}
}

void hal_aspace_init(struct hal_aspace *hal, uint64_t root[512])
{
    if (!high) {
        shared_measure();
    }
    for (unsigned i = KERNEL_HALF; i < low; i++) {
        root[i] = aspace_shared[i];
    }
    for (unsigned i = high; i < ROOT_ENTRIES; i++) {
        root[i] = aspace_shared[i];
    }
    hal->cr3 = (uint64_t)root - KERNEL_DIRECT_BASE;
}

// What is asked for, of CPUs that have `cr3` loaded.  Guarded by the kernel lock; those who are
// asked read it while the one who asks waits.
static struct {
    uint64_t cr3;
    uint64_t vaddr, pages;  // none: leave the space altogether
} request;

static void flush_here(uint64_t vaddr, uint64_t pages)
{
    if (pages > FLUSH_SINGLES) {
        cr3_write(cr3_read());
        return;
    }
    do {
        __asm__ volatile("invlpg (%0)" : : "r"(vaddr) : "memory");
        vaddr += PAGE_SIZE;
    } while (--pages);
}

void flush_serve(void)
{
    struct hal_percpu *percpu = THIS_CPU->self;
    if (!__atomic_load_n(&percpu->flush_wanted, __ATOMIC_ACQUIRE)) {
        return;
    }
    if (percpu->cr3 == request.cr3) {
        if (request.pages) {
            flush_here(request.vaddr, request.pages);
        } else {
            percpu->cr3 = hal_aspace_kernel.cr3;
            cr3_write(percpu->cr3);
        }
    }
    __atomic_store_n(&percpu->flush_wanted, false, __ATOMIC_RELEASE);
}

void flush_interrupt(void)
{
    flush_serve();
    apic_eoi();
}

// Whether the CPU must be waited for.
static bool flush_ask(struct hal_percpu *other)
{
    if (other == THIS_CPU->self || other->cr3 != request.cr3) {
        return false;
    }
    __atomic_store_n(&other->flush_wanted, true, __ATOMIC_RELEASE);
    apic_send(other->apic_id, VECTOR_FLUSH);
    return true;
}

static void flush_await(const struct hal_percpu *other)
{
    while (__atomic_load_n(&other->flush_wanted, __ATOMIC_ACQUIRE)) {
        hal_pause();
    }
}

void hal_aspace_flush(struct hal_aspace *hal, uint64_t vaddr, uint64_t pages)
{
    if (hal->domain) {
        vtd_flush(hal, vaddr, pages);
        return;
    }
    request.cr3 = hal->cr3;
    request.vaddr = vaddr;
    request.pages = pages;
    bool asked = false;
    for (unsigned i = 0; i < hal_cpu_count; i++) {
        asked |= flush_ask(hal_percpu_at(i));
    }
    if (hal->cr3 == THIS_CPU->cr3) {
        flush_here(vaddr, pages);
    }
    for (unsigned i = 0; asked && i < hal_cpu_count; i++) {
        flush_await(hal_percpu_at(i));
    }
}

void hal_aspace_leave(unsigned number)
{
    struct hal_percpu *other = hal_percpu_at(number);
    request.cr3 = other->cr3;
    request.pages = 0;
    if (flush_ask(other)) {
        flush_await(other);
    }
}
