// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Reads what a boot loader hands over by Multiboot2 (specification 2.0, section 3.6): a list of
// tags.  Under UEFI it holds the firmware's own memory map, which tells more than the one that the
// boot loader makes of it, and is taken where both are there.
#include "handoff.h"
#include "phys.h"
#include "string.h"

#define INFO_MAX_BYTES 0x100000
#define TAG_ALIGN      8u

enum tag_type {
    TAG_END = 0,
    TAG_CMDLINE = 1,
    TAG_MODULE = 3,
    TAG_MEMORY = 6,
    TAG_RSDP_1 = 14,
    TAG_RSDP_2 = 15,
    TAG_EFI_MEMORY = 17,
};

struct tag {
    uint32_t type, size;  // size counts these two
};

struct tag_module {
    struct tag tag;
    uint32_t base, end;
};

struct tag_memory {
    struct tag tag;
    uint32_t entry_size, entry_version;
};

struct memory_entry {
    uint64_t base, size;
    uint32_t type, reserved;
};

struct efi_entry {
    uint32_t type, pad;
    uint64_t base, virtual_base, pages, attributes;
};

static uint32_t entry_least(uint32_t type)
{
    return type == TAG_MEMORY ? sizeof(struct memory_entry) : sizeof(struct efi_entry);
}

static void entry_add(struct memory_map *map, enum memory_pass pass, uint32_t type, const void *p)
{
    if (type == TAG_MEMORY) {
        struct memory_entry entry;
        memcpy(&entry, p, sizeof(entry));
        memory_add_e820(map, pass, entry.base, entry.size, entry.type);
    } else {
        struct efi_entry entry;
        memcpy(&entry, p, sizeof(entry));
        memory_add_efi(map, pass, entry.base, entry.pages, entry.type);
    }
}

// Both kinds of map are a header and entries of a stated size, which may grow in later versions.
static const char *tag_read_memory(const struct tag *tag, struct memory_map *map)
{
    const struct tag_memory *memory = (const void *)tag;
    if (!tag || tag->size < sizeof(*memory)) {
        return "it holds no memory map";
    }
    uint32_t size = memory->entry_size;
    if (size < entry_least(tag->type)) {
        return "the entries of its memory map are too small";
    }
    uint32_t count = (tag->size - (uint32_t)sizeof(*memory)) / size;
    const uint8_t *entries = (const uint8_t *)(memory + 1);
    for (enum memory_pass pass = 0; pass < MEMORY_PASSES; pass++) {
        for (uint32_t i = 0; i < count; i++) {
            entry_add(map, pass, tag->type, entries + (uint64_t)i * size);
        }
    }
    return 0;
}

static void tag_read_module(const struct tag *tag, struct handoff *handoff)
{
    const struct tag_module *module = (const void *)tag;
    if (handoff->image_size || tag->size < sizeof(*module) || module->end <= module->base) {
        return;
    }
    handoff->image_base = module->base;
    handoff->image_size = module->end - module->base;
}

static void tag_read_cmdline(const struct tag *tag, struct handoff *handoff)
{
    uint32_t bytes = tag->size - (uint32_t)sizeof(*tag);
    if (bytes > BOOT_CMDLINE_BYTES - 1) {
        bytes = BOOT_CMDLINE_BYTES - 1;
    }
    memcpy(handoff->cmdline, tag + 1, bytes);
    handoff->cmdline[bytes] = 0;
}

// The newer root pointer wins, whichever comes first.
static void tag_read_rsdp(const struct tag *tag, struct handoff *handoff)
{
    uint32_t bytes = tag->size - (uint32_t)sizeof(*tag);
    if (bytes > HANDOFF_RSDP_BYTES) {
        bytes = HANDOFF_RSDP_BYTES;
    }
    if (bytes <= handoff->rsdp_copy_bytes) {
        return;
    }
    memcpy(handoff->rsdp_copy, tag + 1, bytes);
    handoff->rsdp_copy_bytes = bytes;
}

struct memory_tags {
    const struct tag *plain, *efi;
};

static void tag_read(const struct tag *tag, struct handoff *handoff, struct memory_tags *memory)
{
    switch (tag->type) {
    case TAG_CMDLINE: tag_read_cmdline(tag, handoff); break;
    case TAG_MODULE: tag_read_module(tag, handoff); break;
    case TAG_RSDP_1:
    case TAG_RSDP_2: tag_read_rsdp(tag, handoff); break;
    case TAG_MEMORY: memory->plain = tag; break;
    case TAG_EFI_MEMORY: memory->efi = tag; break;
    default: break;
    }
}

const char *multiboot2_read(uint64_t address, struct handoff *handoff)
{
    if (address % TAG_ALIGN) {
        return "it is not aligned";
    }
    const uint32_t *total = phys_reach(address, 2 * sizeof(uint32_t));
    if (!total || *total < 2 * sizeof(uint32_t) || *total > INFO_MAX_BYTES) {
        return "its size makes no sense";
    }
    uint32_t size = *total;
    const uint8_t *info = phys_reach(address, size);
    if (!info) {
        return "it lies outside of memory";
    }
    struct memory_tags memory = { 0 };
    for (uint32_t at = 8; size - at >= sizeof(struct tag);) {
        const struct tag *tag = (const void *)(info + at);
        if (tag->size < sizeof(*tag) || tag->size > size - at) {
            return "a tag is longer than the whole";
        }
        if (tag->type == TAG_END) {
            break;
        }
        tag_read(tag, handoff, &memory);
        uint32_t step = (tag->size + TAG_ALIGN - 1) & ~(TAG_ALIGN - 1);
        at = step < size - at ? at + step : size;
    }
    return tag_read_memory(memory.efi ? memory.efi : memory.plain, &handoff->map);
}
