// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// From the loader's description to the root task: the only code that makes objects without an
// Untyped.
//
// Everything the kernel makes for it comes from one Untyped of its own, as retype would make it;
// the rest of the free memory becomes Untypeds too.  Only the frames of its segments and of the
// modules, which lie where the loader put them, have no parent.
#include "aspace.h"
#include "captable.h"
#include "cpu.h"
#include "entry.h"
#include "io.h"
#include "irq.h"
#include "sched.h"
#include "thread.h"

#include <hal/cpu.h>
#include <hal/iommu.h>

#include <abi/rootinfo.h>

#define ROOT_TABLES           24  // page tables in the root task's stock
#define ROOT_BITS             20  // log2 of the Untyped that its first objects are made from
#define ROOT_PERIOD_HZ        100
#define BOOT_UNTYPED_MAX_BITS 46
#define ROOT_INFO_PAGES       ((sizeof(struct root_info) + PAGE_SIZE - 1) / PAGE_SIZE)

static struct {
    const struct boot_info *info;
    struct boot_memory memory[BOOT_MAX_MEMORY];  // what is still free
    struct captable *table;
    struct root_info *root;
    struct thread *thread;
    uint64_t reserve, next;  // the Untyped of the first objects: its address, what is not taken
    uint32_t next_slot;
} boot;

// Cut the Untyped of the first objects out of the last free region that has room; what alignment
// wastes is less than its size.
static uint64_t boot_reserve(void)
{
    const uint64_t size = 1ull << ROOT_BITS;
    for (unsigned i = boot.info->memory_count; i-- > 0;) {
        struct boot_memory *memory = &boot.memory[i];
        uint64_t base = memory->size < size ? 0
                                            : (memory->base + memory->size - size) & ~(size - 1);
        if (memory->kind == BOOT_MEMORY_FREE && memory->size >= size && base >= memory->base) {
            memory->size = base - memory->base;
            return base + KERNEL_DIRECT_BASE;
        }
    }
    kernel_panic(__FILE__, __LINE__, "not enough memory for the root task");
}

// The next 2^bits bytes of it, zeroed.
static uint64_t boot_take(unsigned bits)
{
    uint64_t size = 1ull << bits;
    uint64_t address = (boot.next + size - 1) & ~(size - 1);
    boot.next = address + size;
    if (boot.next > boot.reserve + (1ull << ROOT_BITS)) {
        kernel_panic(__FILE__, __LINE__, "the root task's first objects need more memory");
    }
    for (uint64_t *word = (uint64_t *)address; word < (uint64_t *)boot.next; word++) {
        *word = 0;
    }
    return address;
}

static struct cap *boot_slot(uint32_t slot)
{
    if (slot >= boot.table->count) {
        kernel_panic(__FILE__, __LINE__,
                     "too many modules or memory regions for the root task's table");
    }
    return &captable_slots(boot.table)[slot];
}

static struct cap *boot_fill(uint32_t slot, enum kind kind, uint64_t address, unsigned bits)
{
    struct cap *cap = boot_slot(slot);
    cap->kind = (uint8_t)kind;
    cap->rights = RIGHT_ALL;
    cap->flags = CAP_ORIGINAL;
    cap->bits = (uint8_t)bits;
    cap->address = address;
    return cap;
}

// An original without a parent.
static struct cap *boot_cap(uint32_t slot, enum kind kind, uint64_t address, unsigned bits)
{
    struct cap *cap = boot_fill(slot, kind, address, bits);
    cap_insert_child(cap, NULL);
    return cap;
}

// An object made from the Untyped of the first objects.
static struct cap *boot_object(uint32_t slot, enum kind kind, unsigned bits)
{
    struct cap *cap = boot_fill(slot, kind, boot_take(bits), bits);
    cap->aux = kind == KIND_FRAME ? 1u << (bits - PAGE_BITS) : 0;
    cap_insert_original(cap, boot_slot(ROOT_SLOT_UNTYPED));
    object_init(cap);
    return cap;
}

static struct cap *boot_frame(uint32_t slot, uint64_t address, uint64_t pages)
{
    struct cap *cap = boot_cap(slot, KIND_FRAME, address, 0);
    cap->aux = (uint32_t)pages;
    return cap;
}

// An invocation as the root task could make it.
static void boot_invoke(enum err (*operation)(struct invocation *inv), struct cap *self,
                        struct invocation inv)
{
    enum err error;
    inv.thread = boot.thread;
    inv.self = self;
    while ((error = operation(&inv)) == ERR_PREEMPTED) {}
    if (error) {
        kernel_panic(__FILE__, __LINE__,
                     "the root task does not fit: overlapping or too many segments");
    }
}

// Attach a frame to the root task's space through a derived capability in the next free slot, and
// map it.
static void boot_map(struct cap *frame, uint64_t vaddr, unsigned prot)
{
    struct cap *attached = boot_slot(boot.next_slot++);
    cap_derive(attached, frame, RIGHT_ALL);
    boot_invoke(op_frame_attach, attached, (struct invocation){ .words = { ROOT_SLOT_ASPACE } });
    boot_invoke(op_frame_map, attached,
                (struct invocation){ .words = { vaddr, 0, frame->aux, prot } });
}

// The table comes first: its own capability and that of the Untyped it was made from are in it.
static void boot_table(void)
{
    const unsigned bits = CAP_BITS + 31u - (unsigned)__builtin_clz(ROOT_CSPACE_SLOTS);
    boot.reserve = boot.next = boot_reserve();
    struct cap table = { .kind = KIND_CAPTABLE, .bits = (uint8_t)bits, .address = boot_take(bits) };
    captable_init(&table);
    boot.table = captable_of(&table);
    boot_cap(ROOT_SLOT_UNTYPED, KIND_UNTYPED, boot.reserve, ROOT_BITS);
    struct cap *cap = boot_fill(ROOT_SLOT_CSPACE, KIND_CAPTABLE, table.address, bits);
    cap_insert_original(cap, boot_slot(ROOT_SLOT_UNTYPED));
    boot.next_slot = ROOT_SLOT_FIRST;
}

static void boot_space(void)
{
    struct cap *space = boot_slot(ROOT_SLOT_ASPACE);
    for (unsigned i = 0; i < ROOT_TABLES; i++) {
        uint32_t slot = boot.next_slot++;
        boot_object(slot, KIND_PAGETABLE, PAGE_BITS);
        boot_invoke(op_aspace_stock, space,
                    (struct invocation){ .words = { ROOT_SLOT_CSPACE, slot, 1 } });
    }
}

static void boot_info_page(void)
{
    const struct boot_info *info = boot.info;
    struct root_info *root = boot.root;
    root->magic = ROOT_INFO_MAGIC;
    root->major = ROOT_INFO_MAJOR;
    root->minor = ROOT_INFO_MINOR;
    root->size = sizeof(struct root_info);
    root->features = (PITH_DEBUG ? ROOT_FEATURE_DEBUG : 0) |
                     (hal_iommu_domains() ? ROOT_FEATURE_IOMMU : 0);
    root->clock_hz = info->clock_hz;
    root->boot_clock = info->boot_tsc;
    root->vector_bytes = hal_vector_bytes();
    root->cpu_count = hal_cpu_count;
    root->acpi_rsdp = info->acpi_rsdp;
    root->pci_ecam = info->pci_ecam;
    root->hpet_base = info->hpet_base;
    root->pci_bus_first = info->pci_bus_first;
    root->pci_bus_last = info->pci_bus_last;
    for (unsigned i = 0; i < BOOT_CMDLINE_BYTES; i++) {
        root->cmdline[i] = info->cmdline[i];
    }
}

// Segments: an original and an attached capability each.  Modules: an original each.
static void boot_programs(void)
{
    const struct boot_info *info = boot.info;
    boot.root->segment_slot = boot.next_slot;
    boot.root->segment_count = info->root_segment_count;
    for (unsigned i = 0; i < info->root_segment_count; i++) {
        const struct boot_segment *segment = &info->root_segments[i];
        unsigned prot = segment->rights & PROT_RIGHTS;
        struct cap *frame = boot_frame(boot.next_slot++, segment->base + KERNEL_DIRECT_BASE,
                                       segment->size >> PAGE_BITS);
        boot_map(frame, segment->vaddr, prot | PROT_READ);
    }
    boot.root->module_slot = boot.next_slot;
    boot.root->module_count = info->module_count;
    for (unsigned i = 0; i < info->module_count; i++) {
        const struct boot_module *module = &info->modules[i];
        boot_frame(boot.next_slot++, module->base + KERNEL_DIRECT_BASE,
                   (module->size + PAGE_SIZE - 1) >> PAGE_BITS);
        boot.root->modules[i] = *module;
    }
}

// Cut [base, end) into naturally aligned powers of two.
static void boot_untyped(uint64_t base, uint64_t end, bool device)
{
    struct root_info *root = boot.root;
    while (base < end && root->untyped_count < ROOT_MAX_UNTYPED) {
        unsigned bits = base ? (unsigned)__builtin_ctzll(base) : 63;
        unsigned fits = 63u - (unsigned)__builtin_clzll(end - base);
        bits = bits < fits ? bits : fits;
        bits = bits < BOOT_UNTYPED_MAX_BITS ? bits : BOOT_UNTYPED_MAX_BITS;
        struct cap *cap = boot_cap(boot.next_slot++, KIND_UNTYPED, base + KERNEL_DIRECT_BASE, bits);
        cap->flags |= device ? CAP_DEVICE : 0;
        root->untyped[root->untyped_count++] = (struct root_untyped){ .base = base,
                                                                      .bits = bits,
                                                                      .device = device };
        base += 1ull << bits;
    }
}

// The kernel's own, or handed out otherwise.
static bool boot_taken(enum boot_memory_kind kind)
{
    return kind != BOOT_MEMORY_DEVICE && kind != BOOT_MEMORY_FIRMWARE;
}

// Free RAM, then the address space that is no memory for the kernel: whatever the map does not
// mention, devices, what firmware keeps.
static void boot_memory(void)
{
    const struct boot_info *info = boot.info;
    boot.root->untyped_slot = boot.next_slot;
    for (unsigned i = 0; i < info->memory_count; i++) {
        if (boot.memory[i].kind == BOOT_MEMORY_FREE) {
            boot_untyped(boot.memory[i].base, boot.memory[i].base + boot.memory[i].size, false);
        }
    }
    uint64_t end = 0;
    uint64_t limit = 1ull << info->phys_bits;
    for (unsigned i = 0; i < info->memory_count; i++) {
        if (!boot_taken(info->memory[i].kind)) {
            continue;
        }
        boot_untyped(end, info->memory[i].base, true);
        end = info->memory[i].base + info->memory[i].size;
    }
    boot_untyped(end, limit, true);
}

static void boot_controls(void)
{
    boot_cap(ROOT_SLOT_SCHED_CONTROL, KIND_SCHED_CONTROL, 0, 0);
    boot.root->cpu_slot = boot.next_slot;
    for (unsigned i = 1; i < hal_cpu_count; i++) {
        boot_cap(boot.next_slot++, KIND_SCHED_CONTROL, 0, 0)->aux = i;
    }
    boot_cap(ROOT_SLOT_IRQ_CONTROL, KIND_IRQ_CONTROL, 0, 0);
    boot_cap(ROOT_SLOT_IO_CONTROL, KIND_IO_CONTROL, 0, 0);
    boot_cap(ROOT_SLOT_POWER_CONTROL, KIND_POWER_CONTROL, 0, 0);
}

static void boot_thread(void)
{
    boot_object(ROOT_SLOT_ASPACE, KIND_ADDRESS_SPACE, ASPACE_BITS);
    struct thread *thread = boot.thread = thread_of(boot_object(ROOT_SLOT_THREAD, KIND_THREAD,
                                                                THREAD_BITS));
    struct cap *cap = boot_object(ROOT_SLOT_SCHED_CONTEXT, KIND_SCHED_CONTEXT, SCHED_CONTEXT_BITS);
    struct sched_context *sched = sched_context_of(cap);
    sched->slice = true;
    sched_context_simple(sched);
    sched->budget = sched->period = boot.info->clock_hz / ROOT_PERIOD_HZ;
    sched->refills[0] = (struct refill){ .time = 0, .amount = sched->budget };
    sched->bound = thread;
    thread->own = sched;
    thread->flags |= THREAD_ACTIVE;
    thread->priority = thread->ceiling = PRIORITIES - 1;
    thread_give(thread, THREAD_CSPACE, boot_slot(ROOT_SLOT_CSPACE));
    thread_give(thread, THREAD_ASPACE, boot_slot(ROOT_SLOT_ASPACE));
    struct thread_regs regs = { .rip = boot.info->root_entry,
                                .rsp = ROOT_STACK_VADDR + ROOT_STACK_BYTES,
                                .rdi = ROOT_INFO_VADDR };
    hal_context_write(&thread->context, &regs);
}

static struct cap *boot_pages(uint32_t slot, uint64_t vaddr, uint64_t pages, unsigned prot)
{
    unsigned bits = PAGE_BITS;
    while (PAGE_SIZE << (bits - PAGE_BITS) < pages << PAGE_BITS) {
        bits++;
    }
    struct cap *frame = boot_object(slot, KIND_FRAME, bits);
    boot_map(frame, vaddr, prot);
    return frame;
}

// All CPUs, so that each can be given something to do before it has come.
static void boot_cpus(void)
{
    for (unsigned i = 0; i < hal_cpu_count; i++) {
        struct cpu *cpu = hal_cpu_at(i);
        cpu->number = (uint8_t)i;
        cpu->ready_top = READY_NONE;
        cpu->timer = UINT64_MAX;
        cpu->floor = READY_NONE;
        alarm_init(cpu);
    }
}

void kernel_boot(const struct boot_info *info, unsigned number)
{
    hal_boot(info, number);
    if (number) {
        sched_poked(hal_cpu());
        sched_exit(hal_cpu());
        return;
    }
    boot.info = info;
    boot_cpus();
    if (info->magic != BOOT_INFO_MAGIC || info->major != BOOT_INFO_MAJOR) {
        kernel_panic(__FILE__, __LINE__, "boot_info of another version");
    }
    for (unsigned i = 0; i < info->memory_count; i++) {
        boot.memory[i] = info->memory[i];
    }
    irq_init();
    io_init();
    boot_table();
    boot_thread();
    boot_space();
    boot.root = (struct root_info *)boot_pages(ROOT_SLOT_INFO, ROOT_INFO_VADDR, ROOT_INFO_PAGES,
                                               PROT_READ)
                    ->address;
    boot_pages(ROOT_SLOT_STACK, ROOT_STACK_VADDR, ROOT_STACK_BYTES >> PAGE_BITS,
               PROT_READ | PROT_WRITE);
    boot_pages(ROOT_SLOT_BUFFER, ROOT_BUFFER_VADDR, 1, PROT_READ | PROT_WRITE);
    boot_info_page();
    boot_controls();
    thread_give(boot.thread, THREAD_BUFFER, boot_slot(ROOT_SLOT_BUFFER));
    boot_programs();
    boot_memory();
    boot.root->free_slot = boot.next_slot;
    boot.root->kernel_clock = hal_clock();
    sched_wake(boot.thread);
    sched_exit(hal_cpu());
    hal_boot_others();
}
