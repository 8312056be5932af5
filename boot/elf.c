// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Reads ELF files: pure functions over their bytes, none of which are trusted.
#include "elf.h"

#include "phys.h"
#include "string.h"

#include <stdbool.h>

#define ELF_CLASS_64    2
#define ELF_DATA_LITTLE 1
#define ELF_VERSION     1
#define ELF_TYPE_EXEC   2
#define ELF_TYPE_DYN    3
#define ELF_MACHINE_X86 62
#define PHDR_LOAD       1
#define PHDR_INTERP     3
#define MAX_PHDRS       64

struct elf_header {
    uint8_t magic[4], class, data, version, abi[9];
    uint16_t type, machine;
    uint32_t version2;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_phdr {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
_Static_assert(sizeof(struct elf_header) == 64 && sizeof(struct elf_phdr) == 56, "gABI");

static const char *header_check(const struct elf_header *h, uint64_t size)
{
    if (memcmp(h->magic, "\177ELF", sizeof(h->magic)) != 0) {
        return "not an ELF file";
    }
    if (h->class != ELF_CLASS_64) {
        return "not a 64-bit ELF file";
    }
    if (h->data != ELF_DATA_LITTLE) {
        return "not a little-endian ELF file";
    }
    if (h->version != ELF_VERSION || h->version2 != ELF_VERSION) {
        return "of an unknown ELF version";
    }
    if (h->machine != ELF_MACHINE_X86) {
        return "made for another machine than x86_64";
    }
    if (h->type == ELF_TYPE_DYN) {
        return "position-independent (link it static and at a fixed address)";
    }
    if (h->type != ELF_TYPE_EXEC) {
        return "not an executable ELF file";
    }
    if (h->phnum == 0) {
        return "without program headers";
    }
    if (h->phentsize != sizeof(struct elf_phdr) || h->phnum > MAX_PHDRS) {
        return "with program headers of an odd size or number";
    }
    if (h->phoff > size || h->phnum * sizeof(struct elf_phdr) > size - h->phoff) {
        return "with program headers beyond its end";
    }
    return 0;
}

static const char *segment_check(const struct elf_phdr *p, uint64_t size, uint64_t low,
                                 uint64_t high)
{
    if (p->filesz && (p->offset > size || p->filesz > size - p->offset)) {
        return "with a segment beyond its end";
    }
    if (p->filesz > p->memsz) {
        return "with a segment that is larger in the file than in memory";
    }
    if (p->vaddr % PAGE_SIZE) {
        return "with a segment that does not start at a page";
    }
    if (p->vaddr < low || p->vaddr > high || p->memsz > high - p->vaddr) {
        return "with a segment outside of its part of the address space";
    }
    if ((p->flags & ELF_WRITE) && (p->flags & ELF_EXECUTE)) {
        return "with a segment that is writable and executable";
    }
    if (!(p->flags & ELF_READ)) {
        return "with a segment that is not readable";
    }
    return 0;
}

static const char *segment_add(struct elf_program *program, const struct elf_phdr *p)
{
    if (program->count == ELF_MAX_SEGMENTS) {
        return "with too many segments";
    }
    if (program->count) {
        const struct elf_segment *last = &program->segments[program->count - 1];
        if (p->vaddr < page_up(last->vaddr + last->bytes)) {
            return "with segments that overlap, share a page or are not in order";
        }
    }
    program->segments[program->count++] = (struct elf_segment){
        .vaddr = p->vaddr,
        .bytes = p->memsz,
        .file_offset = p->filesz ? p->offset : 0,
        .file_bytes = p->filesz,
        .rights = p->flags & (ELF_READ | ELF_WRITE | ELF_EXECUTE),
    };
    return 0;
}

static bool entry_is_code(const struct elf_program *program)
{
    for (uint32_t i = 0; i < program->count; i++) {
        const struct elf_segment *s = &program->segments[i];
        if (program->entry >= s->vaddr && program->entry - s->vaddr < s->bytes) {
            return s->rights & ELF_EXECUTE;
        }
    }
    return false;
}

const char *elf_read(const void *file, uint64_t size, uint64_t low, uint64_t high,
                     struct elf_program *program)
{
    struct elf_header header;
    if (size < sizeof(header)) {
        return "too short for an ELF file";
    }
    memcpy(&header, file, sizeof(header));
    const char *why = header_check(&header, size);
    *program = (struct elf_program){ .entry = header.entry };
    for (uint32_t i = 0; !why && i < header.phnum; i++) {
        struct elf_phdr phdr;
        memcpy(&phdr, (const uint8_t *)file + header.phoff + i * sizeof(phdr), sizeof(phdr));
        if (phdr.type == PHDR_INTERP) {
            return "linked dynamically (link it static)";
        }
        if (phdr.type != PHDR_LOAD || phdr.memsz == 0) {
            continue;
        }
        why = segment_check(&phdr, size, low, high);
        if (!why) {
            why = segment_add(program, &phdr);
        }
    }
    if (why) {
        return why;
    }
    if (program->count == 0) {
        return "without anything to load";
    }
    return entry_is_code(program) ? 0 : "with an entry point outside of its code";
}
