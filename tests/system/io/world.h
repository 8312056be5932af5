// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the checks of devices have around them: QEMU's edu devices (docs/specs/edu.txt of QEMU),
// found by their configuration space, and I/O address spaces with memory in them.
#pragma once

#include "../check/check.h"
#include "../devices/edu.h"

#include <rt/map.h>
#include <rt/memory.h>
#include <rt/slots.h>
#include <rt/space.h>

#define CSPACE    ROOT_SLOT_CSPACE
#define EDUS      2u
#define EDU_BYTES 4088u  // of its buffer: it refuses the last byte of 4096
#define IOVA      0x10000000ull
#define EDU_WORDS (EDU_BYTES / 8)

struct edu {
    struct edu_device own;
    cap_t device;        // IoDevice
    cap_t notification;  // signalled by its faults, with `badge`
    cap_t badged;
    uint64_t badge;
    cap_t space;  // attached to, or 0
};
extern struct edu edus[EDUS];
extern const struct root_info *machine;

// Make its capability and bind a notification to its faults; give both back.
void edu_begin(struct edu *edu);
void edu_end(struct edu *edu);

void edu_attach(struct edu *edu, cap_t space);
void edu_detach(struct edu *edu);

// The device reads from, or writes to, the address that it sees; returns when it has tried.
void edu_read(struct edu *edu, uint64_t address, uint64_t bytes);
void edu_write(struct edu *edu, uint64_t address, uint64_t bytes);

// It raises an interrupt by writing `data` to `address` (PCI 3.0, 6.8.1: MSI with 64 bits).
void edu_message(struct edu *edu, uint64_t address, uint32_t data);

// Expect that it was told of a refused access to the page of `address`, FAULT_READ or FAULT_WRITE,
// and of no other.
void edu_expect_refused(struct edu *edu, uint64_t address, unsigned access, const char *where);
// Expect that nothing was refused.
void edu_expect_quiet(struct edu *edu, const char *where);

#define EXPECT_REFUSED(edu, address, access) edu_expect_refused(edu, address, access, CHECK_HERE)
#define EXPECT_QUIET(edu)                    edu_expect_quiet(edu, CHECK_HERE)

// An address space of I/O kind.
void domain_new(struct rt_space *space);

// Memory mapped here, and attached to a space through `attached`, a capability with `rights`.
struct memory {
    struct rt_mapping own;
    cap_t attached;
    volatile uint64_t *words;
};
void memory_new(struct memory *memory, uint64_t pages);
void memory_attach(struct memory *memory, struct rt_space *space, unsigned rights);
void memory_delete(struct memory *memory);
// Its physical address.
uint64_t memory_paddr(const struct memory *memory);

// A pattern that no other seed gives anywhere, word by word; how many words have it.
void pattern_fill(volatile uint64_t *words, uint64_t seed);
unsigned pattern_count(const volatile uint64_t *words, uint64_t seed);

// One page of memory in one space at IOVA, with a device attached: what most checks begin with.
struct scene {
    struct edu *edu;
    struct rt_space space;
    struct memory memory;
};
void scene_begin(struct scene *scene, unsigned prot);
void scene_end(struct scene *scene);

// The device's buffer becomes the pattern of `seed`; how many words of that pattern are in it.
// Through a space of their own; whatever the device was attached to it is attached to afterwards.
void edu_fill(struct edu *edu, uint64_t seed);
unsigned edu_count(struct edu *edu, uint64_t seed);
