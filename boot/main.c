// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The boot, one step per line.  entry.S calls; the kernel's entry point is the end.
#include "clock.h"
#include "cpu.h"
#include "entry.h"
#include "firmware.h"
#include "handoff.h"
#include "load.h"
#include "paging.h"
#include "phys.h"
#include "serial.h"
#include "smp.h"
#include "string.h"

static struct handoff handoff;
static struct boot_info info;
static uint64_t start_page;  // of the other CPUs

static void handoff_read(uint32_t protocol, uint32_t address)
{
    const char *why = "entered by an unknown protocol";
    if (protocol == PROTOCOL_PVH) {
        why = pvh_read(address, &handoff);
    } else if (protocol == PROTOCOL_MULTIBOOT2) {
        why = multiboot2_read(address, &handoff);
    }
    if (why) {
        refuse(protocol == PROTOCOL_PVH ? "PVH start information" : "Multiboot2 information", why);
    }
}

static void tables_read(struct acpi_fixed *fixed)
{
    const char *table;
    const char *why = firmware_read(&handoff, &info, fixed, &table);
    if (why) {
        refuse(table, why);
    }
}

// What is in use already: the loader, and the boot image.
static void memory_prepare(void)
{
    struct memory_map *map = &handoff.map;
    start_page = smp_choose_page(map);
    uint64_t start = (uintptr_t)loader_start;
    uint64_t end = (uintptr_t)loader_end;
    uint64_t image_end = page_up(handoff.image_base + handoff.image_size);
    memory_convert(map, 0, MEMORY_LOW_END, BOOT_MEMORY_FREE, BOOT_MEMORY_FIRMWARE);
    memory_convert(map, start, end, BOOT_MEMORY_FREE, BOOT_MEMORY_KERNEL);
    if (!memory_is(map, start, end, BOOT_MEMORY_KERNEL)) {
        refuse("memory map", "the loader itself is not in RAM that is free to use");
    }
    memory_convert(map, page_down(handoff.image_base), image_end, BOOT_MEMORY_FREE, MEMORY_IMAGE);
    memory_choose_arena(map);
}

// Where the protocol copied ACPI's root pointer, user space gets a copy too.
static void rsdp_keep(void)
{
    if (info.acpi_rsdp) {
        return;
    }
    uint64_t page = memory_take(&handoff.map, PAGE_SIZE, PAGE_SIZE, BOOT_MEMORY_FIRMWARE);
    if (!page) {
        refuse("memory", "too little to keep a copy of the ACPI root pointer");
    }
    memset(phys_pointer(page), 0, PAGE_SIZE);
    memcpy(phys_pointer(page), handoff.rsdp_copy, handoff.rsdp_copy_bytes);
    info.acpi_rsdp = page;
}

static void clock_prepare(const struct acpi_fixed *fixed)
{
    const char *why = clock_read(fixed, &info);
    if (why) {
        refuse("clock", why);
    }
}

static void image_load(struct kernel_image *kernel)
{
    struct load load = { .map = &handoff.map, .info = &info };
    load_open(&load, handoff.image_base, handoff.image_size);
    load_kernel(&load, kernel);
    load_root(&load);
    load_modules(&load);
    rsdp_keep();
}

// The loader keeps its rights while the kernel takes over: code read-only, the rest not executable.
static bool loader_map(struct paging *paging)
{
    uint64_t start = (uintptr_t)loader_start;
    uint64_t text_end = (uintptr_t)loader_text_end;
    struct memory_region text = { .base = start, .end = text_end };
    struct memory_region data = { .base = text_end, .end = (uintptr_t)loader_end };
    return paging_map(paging, start, text, PAGE_SIZE, PAGING_EXECUTE) &&
           paging_map(paging, text_end, data, PAGE_SIZE, PAGING_WRITE);
}

// What each CPU has for itself.
static bool areas_map(struct paging *paging)
{
    for (uint64_t page = 0; page < info.cpu_count * KERNEL_CPU_BYTES / PAGE_SIZE; page++) {
        if (!(KERNEL_CPU_PAGES >> page % (KERNEL_CPU_BYTES / PAGE_SIZE) & 1)) {
            continue;
        }
        uint64_t base = memory_take(&handoff.map, PAGE_SIZE, PAGE_SIZE, BOOT_MEMORY_KERNEL);
        struct memory_region range = { .base = base, .end = base + PAGE_SIZE };
        if (!base || !paging_map(paging, KERNEL_CPU_BASE + page * PAGE_SIZE, range, PAGE_SIZE,
                                 PAGING_WRITE)) {
            return false;
        }
        memset(phys_pointer(base), 0, PAGE_SIZE);
    }
    return true;
}

static void tables_build(const struct kernel_image *kernel)
{
    struct paging paging;
    bool complete = paging_begin(&paging, &handoff.map) && paging_map_direct(&paging) &&
                    load_map_kernel(kernel, &paging) && areas_map(&paging) && loader_map(&paging);
    if (!complete) {
        refuse("memory", "too little for the kernel's page tables");
    }
    info.kernel_root = paging.root;
}

// Writes down the rest.  What the boot image held besides modules is free now.
static void info_complete(uint64_t boot_tsc)
{
    info.magic = BOOT_INFO_MAGIC;
    info.major = BOOT_INFO_MAJOR;
    info.minor = BOOT_INFO_MINOR;
    info.size = sizeof(info);
    info.boot_tsc = boot_tsc;
    info.phys_bits = cpu_phys_bits();
    memcpy(info.cmdline, handoff.cmdline, sizeof(info.cmdline));
    memory_convert(&handoff.map, 0, MEMORY_LIMIT, MEMORY_IMAGE, BOOT_MEMORY_FREE);
    if (!memory_report(&handoff.map, &info)) {
        refuse("memory map",
               "firmware describes memory in more pieces than boot_info has room for");
    }
}

void loader_main(uint32_t protocol, uint32_t address, uint64_t boot_tsc)
{
    struct acpi_fixed fixed = { 0 };
    struct kernel_image kernel;
    serial_init();
    trap_init();
    cpu_require();
    handoff_read(protocol, address);
    tables_read(&fixed);
    memory_prepare();
    clock_prepare(&fixed);
    smp_start(&info, start_page);
    image_load(&kernel);
    tables_build(&kernel);
    info_complete(boot_tsc);
    smp_enter(&info, kernel.program.entry);
    kernel_enter(info.kernel_root, kernel.program.entry, KERNEL_DIRECT_BASE + (uintptr_t)&info, 0);
}
