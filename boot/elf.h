// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Static ELF64 executables (System V gABI, chapters 4 and 5).
#pragma once

#include <stdint.h>

#define ELF_MAX_SEGMENTS 16

enum elf_rights {
    ELF_EXECUTE = 1,
    ELF_WRITE = 2,
    ELF_READ = 4
};  // as in p_flags

// A piece of the program's memory: file_bytes from the file, zeros up to bytes.
struct elf_segment {
    uint64_t vaddr;  // page-aligned
    uint64_t bytes;  // not zero
    uint64_t file_offset, file_bytes;
    uint32_t rights;
};

struct elf_program {
    uint64_t entry;
    uint32_t count;  // segments are sorted by address and share no page
    struct elf_segment segments[ELF_MAX_SEGMENTS];
};

// Reads an executable of size bytes whose segments must lie in [low, high), page-aligned bounds.
// Returns a null pointer, or what is wrong with it.
const char *elf_read(const void *file, uint64_t size, uint64_t low, uint64_t high,
                     struct elf_program *program);
