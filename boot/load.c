// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Owns the way from the boot image to memory.  Relies on image.c and elf.c for all checks; main.c
// calls.
#include "load.h"

#include "image.h"
#include "phys.h"
#include "serial.h"
#include "string.h"

#define KERNEL_FILE "kernel"
#define ROOT_FILE   "root"
#define KERNEL_HIGH (~0ull - PAGE_SIZE + 1)
#define ROOT_LOW    PAGE_SIZE                            // the page of address 0 stays empty
#define ROOT_HIGH   (0x0000800000000000ull - PAGE_SIZE)  // so that SYSRET never sees the hole

static _Noreturn void refuse_file(const char *file, const char *why)
{
    serial_text("pith loader: error: boot image: file \"");
    serial_text(file);
    serial_text("\": ");
    serial_text(why);
    serial_text("\n");
    serial_stop();
}

void load_open(struct load *load, uint64_t base, uint64_t size)
{
    if (size == 0) {
        refuse("boot image", "missing (give one as initrd or first module)");
    }
    load->image = phys_reach(base, size);
    if (!load->image) {
        refuse("boot image", "lies outside of memory");
    }
    load->image_base = base;
    load->image_size = size;
    const char *file;
    const char *why = image_check(load->image, size, &file);
    if (why && file) {
        refuse_file(file, why);
    }
    if (why) {
        refuse("boot image", why);
    }
}

// Finds and checks a program of the image.
static const uint8_t *program_open(const struct load *load, const char *name, uint64_t low,
                                   uint64_t high, struct elf_program *program)
{
    const struct image_entry *entry = image_find(load->image, name);
    if (!entry) {
        refuse_file(name, "is missing");
    }
    const char *why = image_check_file(load->image, entry);
    if (why) {
        refuse_file(name, why);
    }
    const uint8_t *file = load->image + entry->offset;
    why = elf_read(file, entry->size, low, high, program);
    if (why) {
        refuse_file(name, why);
    }
    return file;
}

static uint64_t take_or_refuse(struct load *load, const char *name, uint64_t bytes, uint64_t align,
                               uint32_t kind)
{
    uint64_t base = memory_take(load->map, bytes, align, kind);
    if (!base) {
        refuse_file(name, "too little memory to load it");
    }
    return base;
}

// Copies a segment and clears the rest of its last page.
static void segment_fill(uint64_t base, const uint8_t *file, const struct elf_segment *segment)
{
    uint8_t *to = phys_pointer(base);
    memcpy(to, file + segment->file_offset, segment->file_bytes);
    memset(to + segment->file_bytes, 0, page_up(segment->bytes) - segment->file_bytes);
}

static uint64_t segment_end(const struct elf_segment *segment)
{
    return page_up(segment->vaddr + segment->bytes);
}

void load_kernel(struct load *load, struct kernel_image *kernel)
{
    struct elf_program *program = &kernel->program;
    const uint8_t *file = program_open(load, KERNEL_FILE, KERNEL_IMAGE_BASE, KERNEL_HIGH, program);
    uint64_t first = program->segments[0].vaddr;
    uint64_t span = segment_end(&program->segments[program->count - 1]) - first;
    kernel->base = take_or_refuse(load, KERNEL_FILE, span, PAGE_HUGE, BOOT_MEMORY_KERNEL);
    for (uint32_t i = 0; i < program->count; i++) {
        const struct elf_segment *segment = &program->segments[i];
        segment_fill(kernel->base + (segment->vaddr - first), file, segment);
    }
}

static uint32_t segment_rights(uint32_t rights)
{
    return (rights & ELF_READ ? BOOT_SEGMENT_READ : 0) |
           (rights & ELF_WRITE ? BOOT_SEGMENT_WRITE : 0) |
           (rights & ELF_EXECUTE ? BOOT_SEGMENT_EXECUTE : 0);
}

void load_root(struct load *load)
{
    struct elf_program program;
    const uint8_t *file = program_open(load, ROOT_FILE, ROOT_LOW, ROOT_HIGH, &program);
    if (program.count > BOOT_MAX_SEGMENTS) {
        refuse_file(ROOT_FILE, "with too many segments");
    }
    for (uint32_t i = 0; i < program.count; i++) {
        const struct elf_segment *segment = &program.segments[i];
        uint64_t size = page_up(segment->bytes);
        uint64_t base = take_or_refuse(load, ROOT_FILE, size, PAGE_SIZE, BOOT_MEMORY_ROOT);
        segment_fill(base, file, segment);
        load->info->root_segments[i] = (struct boot_segment){
            .vaddr = segment->vaddr,
            .base = base,
            .size = size,
            .rights = segment_rights(segment->rights),
        };
    }
    load->info->root_segment_count = program.count;
    load->info->root_entry = program.entry;
}

// Where a module may stay as it is: whole pages, in RAM that nobody else has a claim on.
static bool module_stays(const struct load *load, uint64_t base, uint64_t bytes)
{
    return base % PAGE_SIZE == 0 && memory_is(load->map, base, base + page_up(bytes), MEMORY_IMAGE);
}

static uint64_t module_place(struct load *load, const struct image_entry *entry)
{
    uint64_t base = load->image_base + entry->offset;
    uint64_t bytes = page_up(entry->size);
    if (module_stays(load, base, entry->size)) {
        memory_convert(load->map, base, base + bytes, MEMORY_IMAGE, BOOT_MEMORY_MODULE);
    } else {
        base = take_or_refuse(load, entry->name, bytes, PAGE_SIZE, BOOT_MEMORY_MODULE);
        memcpy(phys_pointer(base), load->image + entry->offset, entry->size);
    }
    memset(phys_pointer(base + entry->size), 0, bytes - entry->size);
    return base;
}

static bool is_module(const struct load *load, const struct image_entry *entry)
{
    return entry != image_find(load->image, KERNEL_FILE) &&
           entry != image_find(load->image, ROOT_FILE);
}

void load_modules(struct load *load)
{
    const struct image_header *header = (const void *)load->image;
    const struct image_entry *entries = image_entries(load->image);
    for (uint32_t i = 0; i < header->count; i++) {
        if (!is_module(load, &entries[i])) {
            continue;
        }
        const char *why = image_check_file(load->image, &entries[i]);
        if (why) {
            refuse_file(entries[i].name, why);
        }
        struct boot_module *module = &load->info->modules[load->info->module_count++];
        memcpy(module->name, entries[i].name, sizeof(module->name));
        module->base = module_place(load, &entries[i]);
        module->size = entries[i].size;
    }
}

bool load_map_kernel(const struct kernel_image *kernel, struct paging *paging)
{
    const struct elf_program *program = &kernel->program;
    for (uint32_t i = 0; i < program->count; i++) {
        const struct elf_segment *segment = &program->segments[i];
        uint64_t base = kernel->base + (segment->vaddr - program->segments[0].vaddr);
        struct memory_region range = { .base = base, .end = base + page_up(segment->bytes) };
        uint32_t rights = (segment->rights & ELF_WRITE ? PAGING_WRITE : 0) |
                          (segment->rights & ELF_EXECUTE ? PAGING_EXECUTE : 0);
        if (!paging_map(paging, segment->vaddr, range, PAGE_SIZE, rights)) {
            return false;
        }
        if (segment->rights & ELF_WRITE) {
            continue;
        }
        if (!paging_map(paging, KERNEL_DIRECT_BASE + base, range, PAGE_SIZE, 0)) {
            return false;
        }
    }
    return true;
}
