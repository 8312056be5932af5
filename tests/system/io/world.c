// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Devices, spaces and memory for the checks (world.h).
#include "world.h"

#include <rt/abi.h>

#include <abi/thread.h>

#define ASPACE_BITS 13u
#define FILL_IOVA   0x7000000ull

enum edu_register {
    EDU_SOURCE = 0x80,
    EDU_TARGET = 0x88,
    EDU_COUNT = 0x90,
    EDU_COMMAND = 0x98,
    EDU_BUFFER = 0x40000,  // address in the device
};
#define EDU_RUN   1u
#define EDU_TO_US 2u

struct edu edus[EDUS];
const struct root_info *machine;

void edu_begin(struct edu *edu)
{
    edu->device = rt_slot_alloc();
    edu->badge = 0x100ull << (edu - edus);
    EXPECT_OK(io_control_device(ROOT_SLOT_IO_CONTROL, edu->own.pci.devfn, CSPACE, edu->device));
    EXPECT_OK(rt_object_new(KIND_NOTIFICATION, 6, &edu->notification));
    EXPECT_OK(rt_cap_mint(edu->notification, RIGHT_WRITE, edu->badge, &edu->badged));
    EXPECT_OK(io_device_bind(edu->device, edu->badged));
}

void edu_end(struct edu *edu)
{
    edu->space = 0;
    rt_cap_delete(edu->device);
    rt_cap_delete(edu->badged);
    rt_object_delete(edu->notification);
}

void edu_attach(struct edu *edu, cap_t space)
{
    EXPECT_OK(aspace_attach(space, edu->device));
    edu->space = space;
}

void edu_detach(struct edu *edu)
{
    EXPECT_OK(io_device_detach(edu->device));
    edu->space = 0;
}

void edu_message(struct edu *edu, uint64_t address, uint32_t data)
{
    pci_msi_set(&edu->own.pci, address, data);
    edu_raise(&edu->own);
    edu_quiet(&edu->own);
    pci_msi_off(&edu->own.pci);
}

static void edu_set(const struct edu *edu, enum edu_register reg, uint64_t value)
{
    *(volatile uint64_t *)((uint64_t)edu->own.registers + reg) = value;
}

static void edu_move(const struct edu *edu, uint64_t from, uint64_t to, unsigned command,
                     uint64_t bytes)
{
    edu_set(edu, EDU_SOURCE, from);
    edu_set(edu, EDU_TARGET, to);
    edu_set(edu, EDU_COUNT, bytes);
    edu_set(edu, EDU_COMMAND, command | EDU_RUN);
    while (mmio_read(edu->own.registers, EDU_COMMAND) & EDU_RUN) {
        rt_yield();
    }
}

void edu_read(struct edu *edu, uint64_t address, uint64_t bytes)
{
    edu_move(edu, address, EDU_BUFFER, 0, bytes);
}

void edu_write(struct edu *edu, uint64_t address, uint64_t bytes)
{
    edu_move(edu, EDU_BUFFER, address, EDU_TO_US, bytes);
}

void edu_expect_refused(struct edu *edu, uint64_t address, unsigned access, const char *where)
{
    struct notification_result told = notification_wait(edu->notification);
    check_status(told.status, RT_OK, where, "wait");
    check_equal(told.word, edu->badge, where, "badge");
    struct io_device_fault_result fault = io_device_fault(edu->device);
    check_status(fault.status, RT_OK, where, "fault");
    check_equal(fault.address, address & ~(PAGE_SIZE - 1), where, "address");
    check_equal(fault.info & 0xff, access, where, "access");
    check_true(fault.info >> IO_FAULT_REASON_SHIFT != 0, where, "a reason is given");
    check_true(fault.count != 0, where, "it is counted");
}

void edu_expect_quiet(struct edu *edu, const char *where)
{
    struct notification_result told = notification_poll(edu->notification);
    check_status(told.status, rt_refuse(ERR_AGAIN, 0), where, "poll");
    check_equal(io_device_fault(edu->device).count, 0, where, "faults");
}

void domain_new(struct rt_space *space)
{
    EXPECT_OK(rt_space_new(space));
    EXPECT_OK(io_control_domain(ROOT_SLOT_IO_CONTROL, space->cap));
}

void memory_new(struct memory *memory, uint64_t pages)
{
    *memory = (struct memory){ 0 };
    EXPECT_OK(rt_map_new(pages, PROT_READ | PROT_WRITE, &memory->own));
    memory->words = memory->own.base;
}

void memory_attach(struct memory *memory, struct rt_space *space, unsigned rights)
{
    EXPECT_OK(rt_cap_copy(memory->own.frame, rights, &memory->attached));
    EXPECT_OK(frame_attach(memory->attached, space->cap));
}

void memory_delete(struct memory *memory)
{
    if (memory->attached) {
        rt_cap_delete(memory->attached);
    }
    rt_map_delete(&memory->own);
}

uint64_t memory_paddr(const struct memory *memory)
{
    struct frame_paddr_result result = frame_paddr(memory->own.frame);
    EXPECT_OK(result.status);
    return result.paddr;
}

// splitmix64
static uint64_t pattern(uint64_t seed, unsigned i)
{
    uint64_t z = (seed << 32 | i) * 0x9e3779b97f4a7c15ull + 1;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    return z ^ z >> 27;
}

void pattern_fill(volatile uint64_t *words, uint64_t seed)
{
    for (unsigned i = 0; i < EDU_WORDS; i++) {
        words[i] = pattern(seed, i);
    }
}

unsigned pattern_count(const volatile uint64_t *words, uint64_t seed)
{
    unsigned count = 0;
    for (unsigned i = 0; i < EDU_WORDS; i++) {
        count += words[i] == pattern(seed, i);
    }
    return count;
}

void scene_begin(struct scene *scene, unsigned prot)
{
    *scene = (struct scene){ .edu = &edus[0] };
    edu_begin(scene->edu);
    domain_new(&scene->space);
    memory_new(&scene->memory, 1);
    memory_attach(&scene->memory, &scene->space, RIGHT_READ | RIGHT_WRITE);
    EXPECT_OK(rt_space_map(&scene->space, scene->memory.attached, IOVA, 0, 1, prot));
    edu_attach(scene->edu, scene->space.cap);
}

void scene_end(struct scene *scene)
{
    if (scene->space.cap) {
        rt_space_delete(&scene->space);
    }
    memory_delete(&scene->memory);
    edu_end(scene->edu);
}

// Go over to a space with one page in it; say where to come back to.
static cap_t fill_begin(struct scene *scene, struct edu *edu)
{
    cap_t before = edu->space;
    *scene = (struct scene){ .edu = edu };
    domain_new(&scene->space);
    memory_new(&scene->memory, 1);
    memory_attach(&scene->memory, &scene->space, RIGHT_READ | RIGHT_WRITE);
    EXPECT_OK(rt_space_map(&scene->space, scene->memory.attached, FILL_IOVA, 0, 1,
                           PROT_READ | PROT_WRITE));
    if (before) {
        edu_detach(edu);
    }
    edu_attach(edu, scene->space.cap);
    return before;
}

static void fill_end(struct scene *scene, cap_t before)
{
    edu_detach(scene->edu);
    if (before) {
        edu_attach(scene->edu, before);
    }
    rt_space_delete(&scene->space);
    memory_delete(&scene->memory);
}

void edu_fill(struct edu *edu, uint64_t seed)
{
    struct scene scene;
    cap_t before = fill_begin(&scene, edu);
    pattern_fill(scene.memory.words, seed);
    edu_read(edu, FILL_IOVA, EDU_BYTES);
    fill_end(&scene, before);
}

unsigned edu_count(struct edu *edu, uint64_t seed)
{
    struct scene scene;
    cap_t before = fill_begin(&scene, edu);
    edu_write(edu, FILL_IOVA, EDU_BYTES);
    unsigned count = pattern_count(scene.memory.words, seed);
    fill_end(&scene, before);
    return count;
}
