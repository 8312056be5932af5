// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The loader of programs.  Checks the file before it is used: it may come from anywhere.
#include "program.h"

#include "elf.h"
#include "memory.h"
#include "string.h"

#include <gen/rt_stubs.h>

#define THREAD_BITS 12
#define SLOT_BITS   6
#define FLAGS_IF    0x200ull
#define CSPACE_BITS 14
_Static_assert(RT_PROGRAM_CSPACE_SLOTS << SLOT_BITS == 1u << CSPACE_BITS, "size of the table");

// A piece of the program's memory to be.
struct piece {
    uint64_t vaddr, pages;  // page-aligned
    unsigned prot;
    const void *from;  // what goes to vaddr + skip
    uint64_t skip, bytes;
};

static bool segment_valid(const struct elf_program *segment, uint64_t bytes)
{
    return segment->offset <= bytes && segment->file_size <= bytes - segment->offset &&
           segment->file_size <= segment->memory_size && segment->vaddr >= PAGE_SIZE &&
           segment->vaddr < USER_END && segment->memory_size < USER_END - segment->vaddr;
}

static unsigned segment_prot(const struct elf_program *segment)
{
    return (segment->flags & ELF_SEGMENT_READ ? PROT_READ : 0) |
           (segment->flags & ELF_SEGMENT_WRITE ? PROT_WRITE : 0) |
           (segment->flags & ELF_SEGMENT_EXECUTE ? PROT_EXECUTE : 0);
}

// Copy into the frame through a mapping of our own.
static struct rt_status piece_fill(cap_t frame, const struct piece *piece)
{
    struct rt_mapping here;
    struct rt_status status = rt_map_frame(frame, piece->pages, PROT_READ | PROT_WRITE, &here);
    if (!rt_ok(status)) {
        return status;
    }
    memcpy((char *)here.base + piece->skip, piece->from, piece->bytes);
    rt_map_delete(&here);
    return RT_OK;
}

static struct rt_status piece_load(struct rt_program *program, const struct piece *piece)
{
    struct rt_segment *segment = &program->segments[program->segment_count];
    struct rt_status status = rt_object_new(KIND_FRAME, rt_frame_bits(piece->pages),
                                            &segment->frame);
    if (!rt_ok(status)) {
        return status;
    }
    program->segment_count++;
    if (piece->bytes) {
        status = piece_fill(segment->frame, piece);
    }
    if (rt_ok(status)) {
        status = rt_cap_copy(segment->frame, piece->prot, &segment->attached);
    }
    if (rt_ok(status)) {
        status = frame_attach(segment->attached, program->space.cap);
    }
    if (!rt_ok(status)) {
        return status;
    }
    return rt_space_map(&program->space, segment->attached, piece->vaddr, 0, piece->pages,
                        piece->prot);
}

static struct rt_status segment_load(struct rt_program *program, const unsigned char *file,
                                     uint64_t bytes, const struct elf_program *segment)
{
    if (!segment_valid(segment, bytes) || program->segment_count == RT_PROGRAM_SEGMENTS) {
        return rt_refuse(ERR_RANGE, 0);
    }
    uint64_t start = segment->vaddr & ~(PAGE_SIZE - 1);
    uint64_t end = (segment->vaddr + segment->memory_size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    struct piece piece = {
        .vaddr = start,
        .pages = (end - start) >> PAGE_BITS,
        .prot = segment_prot(segment),
        .from = file + segment->offset,
        .skip = segment->vaddr - start,
        .bytes = segment->file_size,
    };
    return piece_load(program, &piece);
}

static struct rt_status segments_load(struct rt_program *program, const unsigned char *file,
                                      uint64_t bytes)
{
    const struct elf_header *header = (const void *)file;
    if (!elf_header_valid(header, bytes, ELF_TYPE_EXEC)) {
        return rt_refuse(ERR_RANGE, 0);
    }
    const struct elf_program *segments = (const void *)(file + header->program_offset);
    for (unsigned i = 0; i < header->program_count; i++) {
        if (segments[i].type != ELF_PROGRAM_LOAD || !segments[i].memory_size) {
            continue;
        }
        struct rt_status status = segment_load(program, file, bytes, &segments[i]);
        if (!rt_ok(status)) {
            return status;
        }
    }
    return RT_OK;
}

static struct rt_status stack_load(struct rt_program *program)
{
    struct piece stack = {
        .vaddr = RT_PROGRAM_STACK_TOP - (RT_PROGRAM_STACK_PAGES << PAGE_BITS),
        .pages = RT_PROGRAM_STACK_PAGES,
        .prot = PROT_READ | PROT_WRITE,
    };
    struct piece buffer = { .vaddr = RT_PROGRAM_BUFFER,
                            .pages = 1,
                            .prot = PROT_READ | PROT_WRITE };
    struct rt_status status = piece_load(program, &stack);
    if (rt_ok(status)) {
        status = piece_load(program, &buffer);
    }
    if (rt_ok(status)) {
        status = rt_map_frame(program->segments[program->segment_count - 1].frame, 1,
                              PROT_READ | PROT_WRITE, &program->buffer_here);
    }
    program->buffer = program->buffer_here.base;
    return status;
}

static struct rt_status thread_make(struct rt_program *program,
                                    const struct rt_program_config *config)
{
    unsigned ceiling = config->ceiling ? config->ceiling : config->priority;
    uint64_t budget = config->budget ? config->budget : RT_SLICE;
    cap_t buffer = program->segments[program->segment_count - 1].attached;
    struct rt_status status = rt_object_new(KIND_THREAD, THREAD_BITS, &program->thread);
    if (rt_ok(status)) {
        status = thread_configure(program->thread, program->cspace, program->space.cap,
                                  config->fault, config->timeout, 0);
    }
    if (rt_ok(status)) {
        status = thread_set_priority(program->thread, config->priority, ceiling);
    }
    if (rt_ok(status)) {
        status = thread_set_buffer(program->thread, 0, buffer, 0);
    }
    if (rt_ok(status) && budget != RT_NO_CONTEXT) {
        status = rt_context_new(budget, config->period ? config->period : budget,
                                &program->context);
    }
    if (rt_ok(status) && program->context) {
        status = sched_context_bind(program->context, program->thread, SCHED_OWN);
    }
    return status;
}

static struct rt_status program_fill(struct rt_program *program, const void *file, uint64_t bytes,
                                     const struct rt_program_config *config)
{
    struct rt_status status = rt_space_new(&program->space);
    if (rt_ok(status)) {
        status = rt_object_new(KIND_CAPTABLE, CSPACE_BITS, &program->cspace);
    }
    if (rt_ok(status)) {
        status = rt_program_give(program, RT_PROGRAM_CSPACE, program->cspace, RIGHT_ALL);
    }
    if (rt_ok(status)) {
        status = segments_load(program, file, bytes);
    }
    if (rt_ok(status)) {
        status = stack_load(program);
    }
    if (rt_ok(status)) {
        status = thread_make(program, config);
    }
    if (!rt_ok(status)) {
        return status;
    }
    struct thread_regs regs = {
        .rip = ((const struct elf_header *)file)->entry,
        .rsp = RT_PROGRAM_STACK_TOP,
        .rflags = FLAGS_IF,
        .rdi = config->argument,
    };
    return rt_thread_set_regs(program->thread, &regs);
}

struct rt_status rt_program_load(struct rt_program *program, const void *file, uint64_t bytes,
                                 const struct rt_program_config *config)
{
    *program = (struct rt_program){ 0 };
    struct rt_status status = program_fill(program, file, bytes, config);
    if (!rt_ok(status)) {
        rt_program_delete(program);
    }
    return status;
}

struct rt_status rt_program_give(struct rt_program *program, uint64_t slot, cap_t from,
                                 unsigned rights)
{
    return captable_copy(program->cspace, slot, ROOT_SLOT_CSPACE, from, rights);
}

struct rt_status rt_program_start(struct rt_program *program)
{
    return thread_resume(program->thread);
}

static void segment_delete(struct rt_segment *segment)
{
    if (segment->attached) {
        rt_cap_delete(segment->attached);
    }
    rt_object_delete(segment->frame);
}

void rt_program_delete(struct rt_program *program)
{
    if (program->thread) {
        rt_object_delete(program->thread);
    }
    if (program->context) {
        rt_object_delete(program->context);
    }
    if (program->buffer_here.pages) {
        rt_map_delete(&program->buffer_here);
    }
    while (program->segment_count) {
        segment_delete(&program->segments[--program->segment_count]);
    }
    if (program->cspace) {
        rt_object_delete(program->cspace);
    }
    if (program->space.cap) {
        rt_space_delete(&program->space);
    }
    *program = (struct rt_program){ 0 };
}

struct rt_status rt_module_map(const struct root_info *info, const char *name,
                               struct rt_mapping *mapping, uint64_t *bytes)
{
    for (unsigned i = 0; i < info->module_count && i < BOOT_MAX_MODULES; i++) {
        if (strncmp(info->modules[i].name, name, BOOT_NAME_BYTES) != 0) {
            continue;
        }
        uint64_t pages = (info->modules[i].size + PAGE_SIZE - 1) >> PAGE_BITS;
        *bytes = info->modules[i].size;
        return rt_map_frame(info->module_slot + i, pages, PROT_READ, mapping);
    }
    return rt_refuse(ERR_LIMIT, 0);
}
