// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Finding devices in the configuration space of bus 0 (PCI Express, 7.2.2).
#include "world.h"

#include <rt/panic.h>

#define CONFIG_BITS    20u  // of one bus
#define CONFIG_DEVICE  (1u << 15)
#define DEVICES        32u
#define COMMAND        1u  // in words
#define BAR_0          4u
#define COMMAND_MEMORY 2u
#define COMMAND_MASTER 4u

#define CAPABILITIES 13u
#define MSI_ID       5u
#define MSI_ENABLE   0x10000u

#define EDU_ID    0x11e81234u
#define EDU_RAISE 24u  // in words: raise an interrupt, take it back
#define EDU_CLEAR 25u
#define EDU_BITS  20u  // of its registers

struct edu edus[EDUS];
const struct root_info *machine;

// A frame of device memory, in a slot of its own.
static cap_t device_frame(uint64_t base, unsigned bits)
{
    for (unsigned i = 0; i < machine->untyped_count; i++) {
        const struct root_untyped *untyped = &machine->untyped[i];
        if (!untyped->device || base < untyped->base ||
            base - untyped->base >= 1ull << untyped->bits) {
            continue;
        }
        cap_t slot = rt_slot_alloc();
        struct rt_status status = untyped_retype(machine->untyped_slot + i,
                                                 KIND_FRAME | (uint64_t)bits << 8,
                                                 base - untyped->base, CSPACE, slot, 1);
        if (rt_ok(status)) {
            return slot;
        }
        rt_slots_free(slot, 1);
    }
    return 0;
}

static void edu_open(struct edu *edu, volatile uint32_t *config, unsigned device)
{
    uint64_t base = config[BAR_0] & ~0xfu;
    edu->config = config;
    config[COMMAND] = COMMAND_MEMORY | COMMAND_MASTER;
    edu->source = (uint16_t)(device << 3);
    edu->frame = device_frame(base, EDU_BITS);
    EXPECT(edu->frame);
    EXPECT_OK(rt_map_frame(edu->frame, 1ull << (EDU_BITS - PAGE_BITS), PROT_READ | PROT_WRITE,
                           &edu->mapping));
    edu->registers = edu->mapping.base;
}

bool edus_find(void)
{
    struct rt_mapping mapping;
    unsigned found = 0;
    cap_t frame = device_frame(machine->pci_ecam, CONFIG_BITS);
    if (!frame || !rt_ok(rt_map_frame(frame, 1ull << (CONFIG_BITS - PAGE_BITS),
                                      PROT_READ | PROT_WRITE, &mapping))) {
        return false;
    }
    for (unsigned device = 0; device < DEVICES && found < EDUS; device++) {
        volatile uint32_t *config = (volatile uint32_t *)((uint64_t)mapping.base +
                                                          device * CONFIG_DEVICE);
        if (*config == EDU_ID) {
            edu_open(&edus[found++], config, device);
        }
    }
    return found == EDUS;
}

void edu_message(struct edu *edu, uint64_t address, uint32_t data)
{
    volatile uint32_t *config = edu->config;
    uint32_t at = config[CAPABILITIES] & 0xff;
    while (at && (config[at / 4] & 0xff) != MSI_ID) {
        at = config[at / 4] >> 8 & 0xff;
    }
    EXPECT(at);
    config[at / 4 + 1] = (uint32_t)address;
    config[at / 4 + 2] = (uint32_t)(address >> 32);
    config[at / 4 + 3] = data;
    config[at / 4] |= MSI_ENABLE;
    edu->registers[EDU_RAISE] = 1;
    edu->registers[EDU_CLEAR] = 1;
    config[at / 4] &= ~MSI_ENABLE;
}
