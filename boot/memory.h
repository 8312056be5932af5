// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The map of physical memory, and the one region of it from which the loader allocates.
//
// The map is a list of regions, sorted, page-aligned, without overlap; neighbours that are alike
// are one region.  Everything here is a pure function of the map.
#pragma once

#include <abi/bootinfo.h>

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_MAX_REGIONS 256
#define MEMORY_LIMIT       (1ull << 46)  // what the kernel's direct map has room for
#define MEMORY_LOW_END     0x100000ull   // the first MiB: firmware's and CPU start-up's

// A kind of the loader's own beside those of enum boot_memory_kind: the boot image, as long as it
// is read.
#define MEMORY_IMAGE 100u

struct memory_region {
    uint64_t base, end;
    uint32_t kind;
    bool ram;
};

struct memory_map {
    struct memory_region regions[MEMORY_MAX_REGIONS];
    uint32_t count;
    bool overflow;              // there were more regions than fit: the map is not to be trusted
    uint64_t arena, arena_end;  // what memory_take() has left
};

// Firmware lists may overlap, and then what is not RAM wins: readers go over them once for each.
enum memory_pass {
    MEMORY_PASS_RAM,
    MEMORY_PASS_REST,
    MEMORY_PASSES
};

// Types of the map that BIOS function E820 returns (ACPI 6.4, 15.1); PVH and Multiboot2 use them.
enum memory_e820 {
    E820_RAM = 1,
    E820_RESERVED,
    E820_ACPI,
    E820_NVS,
    E820_UNUSABLE,
};

// Puts one entry of a firmware map into the map, if it belongs to the pass: RAM rounded inward to
// whole pages, everything else outward.
void memory_add_e820(struct memory_map *map, enum memory_pass pass, uint64_t base, uint64_t size,
                     uint32_t type);

// The same with a type of the UEFI specification (table 7.5 of version 2.9), size in pages.
void memory_add_efi(struct memory_map *map, enum memory_pass pass, uint64_t base, uint64_t pages,
                    uint32_t type);

// Lays a region over the map, whatever was there.  base and end are page-aligned.
void memory_overlay(struct memory_map *map, uint64_t base, uint64_t end, uint32_t kind, bool ram);

// Makes what has one kind within a range have another.
void memory_convert(struct memory_map *map, uint64_t base, uint64_t end, uint32_t from,
                    uint32_t to);

// Whether every byte of the range has the kind.
bool memory_is(const struct memory_map *map, uint64_t base, uint64_t end, uint32_t kind);

// Whether any byte of the range is RAM.
bool memory_has_ram(const struct memory_map *map, uint64_t base, uint64_t end);

// The next stretch that ends above an address: RAM of whatever kinds, or one region of something
// else.  Taking memory between two calls changes no stretch.  False when there is none.
bool memory_next_stretch(const struct memory_map *map, uint64_t after,
                         struct memory_region *stretch);

// Chooses the arena: the largest free region above the first MiB and below four GiB.
void memory_choose_arena(struct memory_map *map);

// Takes pages from the arena and marks them as kind.  align is a power of two, at least a page.
// Returns their address, or 0 when the arena is used up.  The content is not cleared.
uint64_t memory_take(struct memory_map *map, uint64_t bytes, uint64_t align, uint32_t kind);

// End of the highest RAM.
uint64_t memory_ram_end(const struct memory_map *map);

// Writes the map into boot_info.  False when it has more entries than fit there.
bool memory_report(const struct memory_map *map, struct boot_info *info);
