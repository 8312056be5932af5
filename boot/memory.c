// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Owns the rules by which firmware's lists become one map.  Relies on nothing; the readers of the
// boot protocols fill the map, main.c takes memory from it.
#include "memory.h"

#include "phys.h"

#define ARENA_LIMIT 0x100000000ull

enum efi_memory {
    EFI_LOADER_CODE = 1,
    EFI_BOOT_DATA = 4,
    EFI_CONVENTIONAL = 7,
    EFI_UNUSABLE = 8,
    EFI_ACPI_RECLAIM = 9,
    EFI_ACPI_NVS = 10,
    EFI_MMIO = 11,
    EFI_MMIO_PORTS = 12,
};

static void region_remove(struct memory_map *map, uint32_t index)
{
    map->count--;
    for (uint32_t i = index; i < map->count; i++) {
        map->regions[i] = map->regions[i + 1];
    }
}

static void region_insert(struct memory_map *map, uint32_t index, struct memory_region region)
{
    if (map->count == MEMORY_MAX_REGIONS) {
        map->overflow = true;
        return;
    }
    for (uint32_t i = map->count; i > index; i--) {
        map->regions[i] = map->regions[i - 1];
    }
    map->regions[index] = region;
    map->count++;
}

// The first region that ends above an address.
static uint32_t region_find(const struct memory_map *map, uint64_t address)
{
    uint32_t i = 0;
    while (i < map->count && map->regions[i].end <= address) {
        i++;
    }
    return i;
}

// Makes the address a border: a region that spans it becomes two.
static void region_split(struct memory_map *map, uint64_t address)
{
    uint32_t i = region_find(map, address);
    if (i == map->count || map->regions[i].base >= address) {
        return;
    }
    struct memory_region lower = map->regions[i];
    lower.end = address;
    map->regions[i].base = address;
    region_insert(map, i, lower);
}

static bool region_joins(const struct memory_region *a, const struct memory_region *b)
{
    return a->end == b->base && a->kind == b->kind && a->ram == b->ram;
}

// Joins the region with the one before it, where they are alike.
static void region_join(struct memory_map *map, uint32_t index)
{
    if (index == 0 || index >= map->count) {
        return;
    }
    if (!region_joins(&map->regions[index - 1], &map->regions[index])) {
        return;
    }
    map->regions[index - 1].end = map->regions[index].end;
    region_remove(map, index);
}

void memory_overlay(struct memory_map *map, uint64_t base, uint64_t end, uint32_t kind, bool ram)
{
    if (end > MEMORY_LIMIT) {
        end = MEMORY_LIMIT;
    }
    if (base >= end) {
        return;
    }
    region_split(map, base);
    region_split(map, end);
    uint32_t at = region_find(map, base);
    while (at < map->count && map->regions[at].base < end) {
        region_remove(map, at);
    }
    region_insert(map, at, (struct memory_region){ base, end, kind, ram });
    region_join(map, at + 1);
    region_join(map, at);
}

void memory_convert(struct memory_map *map, uint64_t base, uint64_t end, uint32_t from, uint32_t to)
{
    for (uint64_t at = base; at < end;) {
        uint32_t i = region_find(map, at);
        if (i == map->count || map->regions[i].base >= end) {
            return;
        }
        struct memory_region region = map->regions[i];
        uint64_t first = region.base > base ? region.base : base;
        uint64_t last = region.end < end ? region.end : end;
        if (region.kind == from) {
            memory_overlay(map, first, last, to, region.ram);
        }
        at = last;
    }
}

bool memory_is(const struct memory_map *map, uint64_t base, uint64_t end, uint32_t kind)
{
    for (uint32_t i = region_find(map, base); base < end; i++) {
        if (i == map->count || map->regions[i].base > base || map->regions[i].kind != kind) {
            return false;
        }
        base = map->regions[i].end;
    }
    return true;
}

bool memory_has_ram(const struct memory_map *map, uint64_t base, uint64_t end)
{
    for (uint32_t i = region_find(map, base); i < map->count; i++) {
        if (map->regions[i].base >= end) {
            return false;
        }
        if (map->regions[i].ram) {
            return true;
        }
    }
    return false;
}

bool memory_next_stretch(const struct memory_map *map, uint64_t after,
                         struct memory_region *stretch)
{
    uint32_t i = region_find(map, after);
    if (i == map->count) {
        return false;
    }
    *stretch = map->regions[i];
    while (stretch->ram && ++i < map->count) {
        if (!map->regions[i].ram || map->regions[i].base != stretch->end) {
            break;
        }
        stretch->end = map->regions[i].end;
    }
    return true;
}

static void memory_add(struct memory_map *map, uint64_t base, uint64_t size, uint32_t kind,
                       bool ram)
{
    if (base >= MEMORY_LIMIT || size == 0) {
        return;
    }
    uint64_t end = size < MEMORY_LIMIT - base ? base + size : MEMORY_LIMIT;
    if (ram) {
        memory_overlay(map, page_up(base), page_down(end), kind, ram);
    } else {
        memory_overlay(map, page_down(base), page_up(end), kind, ram);
    }
}

// Memory that firmware keeps is RAM for sure only where firmware says so.
void memory_add_e820(struct memory_map *map, enum memory_pass pass, uint64_t base, uint64_t size,
                     uint32_t type)
{
    if ((type == E820_RAM) != (pass == MEMORY_PASS_RAM)) {
        return;
    }
    uint32_t kind = type == E820_RAM ? BOOT_MEMORY_FREE : BOOT_MEMORY_FIRMWARE;
    memory_add(map, base, size, kind, type == E820_RAM);
}

void memory_add_efi(struct memory_map *map, enum memory_pass pass, uint64_t base, uint64_t pages,
                    uint32_t type)
{
    bool ram = type == EFI_CONVENTIONAL || (type >= EFI_LOADER_CODE && type <= EFI_BOOT_DATA);
    if (ram != (pass == MEMORY_PASS_RAM)) {
        return;
    }
    bool device = type == EFI_MMIO || type == EFI_MMIO_PORTS;
    uint32_t kind = ram ? BOOT_MEMORY_FREE : device ? BOOT_MEMORY_DEVICE : BOOT_MEMORY_FIRMWARE;
    uint64_t size = pages < MEMORY_LIMIT / PAGE_SIZE ? pages * PAGE_SIZE : MEMORY_LIMIT;
    memory_add(map, base, size, kind, ram);
}

void memory_choose_arena(struct memory_map *map)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const struct memory_region *r = &map->regions[i];
        uint64_t base = r->base > MEMORY_LOW_END ? r->base : MEMORY_LOW_END;
        uint64_t end = r->end < ARENA_LIMIT ? r->end : ARENA_LIMIT;
        if (r->kind != BOOT_MEMORY_FREE || base >= end) {
            continue;
        }
        if (end - base <= map->arena_end - map->arena) {
            continue;
        }
        map->arena = base;
        map->arena_end = end;
    }
}

uint64_t memory_take(struct memory_map *map, uint64_t bytes, uint64_t align, uint32_t kind)
{
    uint64_t base = (map->arena + align - 1) & ~(align - 1);
    if (base >= map->arena_end || bytes > map->arena_end - base) {
        return 0;
    }
    uint64_t end = base + page_up(bytes);
    memory_convert(map, base, end, BOOT_MEMORY_FREE, kind);
    map->arena = end;
    return base;
}

uint64_t memory_ram_end(const struct memory_map *map)
{
    for (uint32_t i = map->count; i > 0; i--) {
        if (map->regions[i - 1].ram) {
            return map->regions[i - 1].end;
        }
    }
    return 0;
}

// Lengthens the last entry where the region continues it: boot_info does not tell RAM that
// firmware keeps from address space that it keeps.
static bool report_joins(struct boot_info *info, const struct memory_region *region)
{
    if (info->memory_count == 0) {
        return false;
    }
    struct boot_memory *last = &info->memory[info->memory_count - 1];
    if ((uint32_t)last->kind != region->kind || last->base + last->size != region->base) {
        return false;
    }
    last->size += region->end - region->base;
    return true;
}

bool memory_report(const struct memory_map *map, struct boot_info *info)
{
    info->memory_count = 0;
    for (uint32_t i = 0; i < map->count; i++) {
        const struct memory_region *r = &map->regions[i];
        if (report_joins(info, r)) {
            continue;
        }
        if (info->memory_count == BOOT_MAX_MEMORY) {
            return false;
        }
        info->memory[info->memory_count++] = (struct boot_memory){
            .base = r->base,
            .size = r->end - r->base,
            .kind = (enum boot_memory_kind)r->kind,
        };
    }
    info->ram_end = memory_ram_end(map);
    return !map->overflow;
}
