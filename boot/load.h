// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Puts the kernel, the root task and the modules where the kernel expects them.
#pragma once

#include "elf.h"
#include "memory.h"
#include "paging.h"

#include <abi/bootinfo.h>

#include <stdint.h>

// The boot image, checked, and the program that is being loaded from it.
struct load {
    const uint8_t *image;
    uint64_t image_base, image_size;
    struct memory_map *map;
    struct boot_info *info;
};

// The kernel in memory: segment i is at base + (segments[i].vaddr - segments[0].vaddr).
struct kernel_image {
    struct elf_program program;
    uint64_t base;
};

// Each stops with a message where the file is missing, damaged or does not fit into memory.
void load_open(struct load *load, uint64_t base, uint64_t size);
void load_kernel(struct load *load, struct kernel_image *kernel);
void load_root(struct load *load);
void load_modules(struct load *load);

// Maps the kernel's segments, and makes the direct map's alias of its read-only ones read-only.
// False when memory for page tables runs out.
bool load_map_kernel(const struct kernel_image *kernel, struct paging *paging);
