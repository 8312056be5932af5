// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a boot protocol hands over, in one form for all of them.
//
// Readers copy everything: after them, nothing refers to the protocol's own memory but the image.
#pragma once

#include "memory.h"

#include <abi/bootinfo.h>

#include <stdint.h>

#define HANDOFF_RSDP_BYTES 36

struct handoff {
    uint64_t image_base, image_size;        // the boot image; 0 where there is none
    uint64_t rsdp;                          // address of ACPI's root pointer; 0 where not stated
    uint8_t rsdp_copy[HANDOFF_RSDP_BYTES];  // the pointer itself, where the protocol copies it
    uint32_t rsdp_copy_bytes;
    char cmdline[BOOT_CMDLINE_BYTES];
    struct memory_map map;
};

// Reads the information of the Xen PVH ABI (start_info, version 1 of its layout).
// Returns a null pointer, or what is wrong with it.
const char *pvh_read(uint64_t address, struct handoff *handoff);

// Reads the boot information of the Multiboot2 specification, section 3.6.
// Returns a null pointer, or what is wrong with it.
const char *multiboot2_read(uint64_t address, struct handoff *handoff);
