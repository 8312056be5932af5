// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Reads what a virtual machine monitor hands over by PVH (Xen, public/arch-x86/hvm/start_info.h).
#include "handoff.h"
#include "phys.h"
#include "string.h"

#define PVH_MAGIC       0x336ec578
#define PVH_MAX_ENTRIES 4096  // of the memory map; more is taken for rubbish

struct pvh_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, cmdline, rsdp;
    uint64_t memory;  // this and the rest since version 1
    uint32_t memory_count, reserved;
};

struct pvh_module {
    uint64_t base, size, cmdline, reserved;
};

struct pvh_memory {
    uint64_t base, size;
    uint32_t type, reserved;
};

static const char *pvh_read_memory(const struct pvh_info *info, struct memory_map *map)
{
    uint32_t count = info->memory_count;
    if (info->version < 1 || count == 0) {
        return "it holds no memory map";
    }
    if (count > PVH_MAX_ENTRIES) {
        return "its memory map has too many entries";
    }
    const uint8_t *entries = phys_reach(info->memory, count * sizeof(struct pvh_memory));
    if (!entries) {
        return "its memory map lies outside of memory";
    }
    for (enum memory_pass pass = 0; pass < MEMORY_PASSES; pass++) {
        for (uint32_t i = 0; i < count; i++) {
            struct pvh_memory entry;
            memcpy(&entry, entries + i * sizeof(entry), sizeof(entry));
            memory_add_e820(map, pass, entry.base, entry.size, entry.type);
        }
    }
    return 0;
}

static const char *pvh_read_module(const struct pvh_info *info, struct handoff *handoff)
{
    struct pvh_module module;
    const void *list = phys_reach(info->modules, sizeof(module));
    if (!list) {
        return "its list of modules lies outside of memory";
    }
    memcpy(&module, list, sizeof(module));
    handoff->image_base = module.base;
    handoff->image_size = module.size;
    return 0;
}

const char *pvh_read(uint64_t address, struct handoff *handoff)
{
    struct pvh_info info;
    const void *there = phys_reach(address, sizeof(info));
    if (!there) {
        return "it lies outside of memory";
    }
    memcpy(&info, there, sizeof(info));
    if (info.magic != PVH_MAGIC) {
        return "its magic number is missing";
    }
    const char *why = info.module_count ? pvh_read_module(&info, handoff) : 0;
    if (why) {
        return why;
    }
    if (info.cmdline && !phys_copy_string(info.cmdline, handoff->cmdline, BOOT_CMDLINE_BYTES)) {
        return "its command line lies outside of memory";
    }
    handoff->rsdp = info.rsdp;
    return pvh_read_memory(&info, &handoff->map);
}
