// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Reading a component's ELF file.  The file is the boot image's, checked by the loader; still
// nothing in it is believed that could make the supervisor reach beyond it.
#include "image.h"

#define IMAGE_MAX 0x10000000ull  // no component is larger

#define ARENA_START  0x10000000000ull
#define ARENA_TABLES (1ull << 24)  // page tables' reaches to choose from
#define TABLE_REACH  512u          // pages that one page table maps, tables that one above it does
_Static_assert(ARENA_START + (ARENA_TABLES * TABLE_REACH << PAGE_BITS) <=
                   COMPONENT_OWN_VADDR / 8 * 5,
               "there is room for regions behind the last arena");

static uint64_t page_of(uint64_t bytes)
{
    return bytes >> PAGE_BITS;
}

static uint64_t pages_over(uint64_t bytes)
{
    return (bytes + PAGE_SIZE - 1) >> PAGE_BITS;
}

static bool segment_valid(const struct elf_program *segment, uint64_t bytes)
{
    return segment->offset <= bytes && segment->file_size <= bytes - segment->offset &&
           segment->file_size <= segment->memory_size && segment->memory_size <= IMAGE_MAX &&
           segment->vaddr <= IMAGE_MAX && segment->vaddr % PAGE_SIZE == segment->offset % PAGE_SIZE;
}

static bool part_add(struct image *image, const struct elf_program *segment)
{
    if (image->part_count == IMAGE_PARTS || segment->file_size != segment->memory_size) {
        return false;
    }
    image->parts[image->part_count++] = (struct image_part){
        .vaddr = segment->vaddr & ~(PAGE_SIZE - 1),
        .file_page = page_of(segment->offset),
        .pages = pages_over(segment->vaddr % PAGE_SIZE + segment->memory_size),
        .prot = segment->flags & ELF_SEGMENT_EXECUTE ? PROT_READ | PROT_EXECUTE : PROT_READ,
    };
    return true;
}

static bool data_set(struct image *image, const struct elf_program *segment)
{
    if (image->data_pages || segment->flags & ELF_SEGMENT_EXECUTE) {
        return false;
    }
    image->data_vaddr = segment->vaddr & ~(PAGE_SIZE - 1);
    image->data_pages = pages_over(segment->vaddr % PAGE_SIZE + segment->memory_size);
    image->data_start = segment->vaddr;
    image->data_offset = segment->offset;
    image->data_bytes = segment->file_size;
    return true;
}

static bool segment_add(struct image *image, const struct elf_program *segment)
{
    if (segment->type != ELF_PROGRAM_LOAD || segment->memory_size == 0) {
        return true;
    }
    if (!segment_valid(segment, image->bytes)) {
        return false;
    }
    if (page_of(segment->vaddr) < image->pages) {
        return false;  // they ascend, and no page is in two
    }
    image->pages = pages_over(segment->vaddr + segment->memory_size);
    return segment->flags & ELF_SEGMENT_WRITE ? data_set(image, segment) : part_add(image, segment);
}

bool image_read(struct image *image, const void *file, uint64_t bytes)
{
    const struct elf_header *header = file;
    if (!elf_header_valid(header, bytes, ELF_TYPE_DYN)) {
        return false;
    }
    *image = (struct image){ .file = file, .bytes = bytes, .entry = header->entry };
    const struct elf_program *segments = (const void *)(image->file + header->program_offset);
    for (unsigned i = 0; i < header->program_count; i++) {
        if (!segment_add(image, &segments[i])) {
            return false;
        }
    }
    return image->entry < image->pages << PAGE_BITS;
}

struct layout layout_of(const struct image *image, const struct system_component *is)
{
    uint64_t watch = is->deadlines ? LAYOUT_WATCH_PAGES : 0;
    struct layout layout = { .data_page = LAYOUT_BUFFER_PAGE + 1 };
    layout.stack_page = layout.data_page + image->data_pages;
    layout.watch_page = layout.stack_page + is->stack_pages;
    layout.heap_page = layout.watch_page + watch;
    layout.memory_pages = layout.heap_page + is->heap_pages;
    layout.stack_at = 1;  // what lies below is not mapped
    layout.watch_at = layout.stack_at + is->stack_pages + 1;
    layout.info_at = layout.watch_at + watch + 1;
    layout.buffer_at = layout.info_at + 1;
    layout.image_at = layout.buffer_at + 2;
    layout.heap_at = layout.image_at + image->pages + 1;
    layout.regions_at = layout.heap_at + is->heap_pages + 1;
    return layout;
}

uint64_t layout_place(uint64_t pages, uint64_t random)
{
    uint64_t tables = (pages + TABLE_REACH - 1) / TABLE_REACH;
    uint64_t spare = tables * TABLE_REACH - pages;
    uint64_t block = TABLE_REACH;
    while (block < tables) {
        block *= TABLE_REACH;
    }
    uint64_t blocks = block < ARENA_TABLES ? ARENA_TABLES / block : 1;
    uint64_t first = (random >> 40) % blocks * block +
                     (random >> 20 & 0xfffff) % (block - tables + 1);
    return ARENA_START + ((first * TABLE_REACH + (random & 0xfffff) % (spare + 1)) << PAGE_BITS);
}
