// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// ELF64 as far as a loader of static programs reads it (System V ABI, chapters 4 and 5).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ELF_MAGIC       0x464c457fu  // "\177ELF", little endian
#define ELF_CLASS_64    2
#define ELF_DATA_LITTLE 1
#define ELF_TYPE_EXEC   2
#define ELF_TYPE_DYN    3  // position independent
#define ELF_MACHINE_X86 62

struct elf_header {
    uint32_t magic;
    uint8_t class, data, version, abi;
    uint8_t padding[8];
    uint16_t type, machine;
    uint32_t version2;
    uint64_t entry, program_offset, section_offset;
    uint32_t flags;
    uint16_t size, program_size, program_count, section_size, section_count, names;
};

#define ELF_PROGRAM_LOAD    1
#define ELF_PROGRAM_TLS     7
#define ELF_SEGMENT_EXECUTE 1u
#define ELF_SEGMENT_WRITE   2u
#define ELF_SEGMENT_READ    4u

struct elf_program {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, file_size, memory_size, align;
};

// A relocation with an addend; of the types only the one that a static program has.
struct elf_relocation {
    uint64_t offset, info, addend;
};
// Kinds, in the low half of `info`.
#define ELF_RELOCATION_NONE     0u  // R_X86_64_NONE
#define ELF_RELOCATION_RELATIVE 8u  // R_X86_64_RELATIVE

// Whether a file of `bytes` bytes is one for this machine of this type, with its program headers
// inside.
static inline bool elf_header_valid(const struct elf_header *header, uint64_t bytes, uint16_t type)
{
    return bytes >= sizeof(*header) && header->magic == ELF_MAGIC &&
           header->class == ELF_CLASS_64 && header->data == ELF_DATA_LITTLE &&
           header->type == type && header->machine == ELF_MACHINE_X86 &&
           header->program_size == sizeof(struct elf_program) &&
           header->program_offset % sizeof(uint64_t) == 0 && header->program_offset <= bytes &&
           header->program_count <= (bytes - header->program_offset) / sizeof(struct elf_program);
}

_Static_assert(sizeof(struct elf_header) == 64 && sizeof(struct elf_program) == 56, "as specified");
