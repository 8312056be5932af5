// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Domains and devices: apart from each other, finite, recycled.
#include "groups.h"
#include "world.h"

#include <abi/thread.h>

#define SEED_A        1u
#define SEED_B        2u
#define ASPACE_BITS   13u
#define CYCLES        70000u
#define DOMAINS_LEAST 200u
#define DOMAINS_MOST  1024u
#define DEVICES_MOST  256u
#define BUSES_MOST    256u
#define SPARE_BUS     0x40u

// The same address in two domains is two pages.
void two_devices(void)
{
    struct scene scene;
    struct rt_space other;
    struct memory memory;
    scene_begin(&scene, PROT_READ | PROT_WRITE);
    edu_begin(&edus[1]);
    domain_new(&other);
    memory_new(&memory, 1);
    memory_attach(&memory, &other, RIGHT_READ | RIGHT_WRITE);
    EXPECT_OK(rt_space_map(&other, memory.attached, IOVA, 0, 1, PROT_READ | PROT_WRITE));
    edu_fill(&edus[0], SEED_A);
    edu_fill(&edus[1], SEED_B);
    edu_attach(&edus[1], other.cap);
    edu_write(&edus[0], IOVA, EDU_BYTES);
    edu_write(&edus[1], IOVA, EDU_BYTES);
    EXPECT_EQUAL(pattern_count(scene.memory.words, SEED_A), EDU_WORDS);
    EXPECT_EQUAL(pattern_count(memory.words, SEED_B), EDU_WORDS);
    EXPECT_OK(aspace_unmap(other.cap, IOVA, 1));
    edu_read(&edus[0], IOVA, EDU_BYTES);
    EXPECT_QUIET(&edus[0]);
    edu_read(&edus[1], IOVA, EDU_BYTES);
    EXPECT_REFUSED(&edus[1], IOVA, FAULT_READ);
    EXPECT_QUIET(&edus[0]);
    edu_end(&edus[1]);
    memory_delete(&memory);
    rt_space_delete(&other);
    scene_end(&scene);
}

// When one is detached the other goes on.
void two_in_one_domain(void)
{
    struct scene scene;
    scene_begin(&scene, PROT_READ | PROT_WRITE);
    edu_begin(&edus[1]);
    edu_fill(&edus[1], SEED_B);
    edu_attach(&edus[1], scene.space.cap);
    EXPECT_ERROR(aspace_attach(scene.space.cap, edus[1].device), ERR_STATE, 1);
    pattern_fill(scene.memory.words, SEED_A);
    edu_read(&edus[0], IOVA, EDU_BYTES);
    edu_detach(&edus[0]);
    EXPECT_ERROR(io_device_detach(edus[0].device), ERR_STATE, 0);
    edu_write(&edus[1], IOVA, EDU_BYTES);
    EXPECT_EQUAL(pattern_count(scene.memory.words, SEED_B), EDU_WORDS);
    edu_write(&edus[0], IOVA, EDU_BYTES);
    EXPECT_REFUSED(&edus[0], IOVA, FAULT_WRITE);
    EXPECT_QUIET(&edus[1]);
    rt_space_delete(&scene.space);
    edus[1].space = 0;
    edu_write(&edus[1], IOVA, EDU_BYTES);
    EXPECT_REFUSED(&edus[1], IOVA, FAULT_WRITE);
    EXPECT_EQUAL(pattern_count(scene.memory.words, SEED_B), EDU_WORDS);
    edu_end(&edus[1]);
    scene_end(&scene);
}

// More than there are ids, each with a device attached.
void domains_are_recycled(void)
{
    cap_t untyped = 0, space = rt_slot_alloc();
    struct rt_status status = RT_OK;
    edu_begin(&edus[0]);
    EXPECT_OK(rt_untyped_alloc(ASPACE_BITS, &untyped));
    for (unsigned i = 0; i < CYCLES && rt_ok(status); i++) {
        status = untyped_retype(untyped, KIND_ADDRESS_SPACE | ASPACE_BITS << 8, 0, CSPACE, space,
                                1);
        if (rt_ok(status)) {
            status = io_control_domain(ROOT_SLOT_IO_CONTROL, space);
        }
        if (rt_ok(status)) {
            status = aspace_attach(space, edus[0].device);
        }
        if (rt_ok(status)) {
            status = captable_delete(CSPACE, space);
        }
    }
    EXPECT_OK(status);
    rt_cap_delete(space);
    rt_object_delete(untyped);
    edu_end(&edus[0]);
}

// Up to the last id; then one is free again.
void domains_are_limited(void)
{
    static struct rt_space spaces[DOMAINS_MOST];
    struct rt_status status = RT_OK;
    unsigned count = 0;
    for (; count < DOMAINS_MOST && rt_ok(status); count++) {
        EXPECT_OK(rt_space_new(&spaces[count]));
        status = io_control_domain(ROOT_SLOT_IO_CONTROL, spaces[count].cap);
    }
    EXPECT_ERROR(status, ERR_LIMIT, 0);
    EXPECT(count > DOMAINS_LEAST);
    rt_space_delete(&spaces[0]);
    EXPECT_OK(io_control_domain(ROOT_SLOT_IO_CONTROL, spaces[count - 1].cap));
    for (unsigned i = 1; i < count; i++) {
        rt_space_delete(&spaces[i]);
    }
}

// Devices on other buses until there is no room for a bus; then for one device more on it.
static unsigned devices_make(cap_t *slots, unsigned most, unsigned first, unsigned step)
{
    for (unsigned i = 0; i < most; i++) {
        slots[i] = rt_slot_alloc();
        struct rt_status status = io_control_device(ROOT_SLOT_IO_CONTROL, first + i * step, CSPACE,
                                                    slots[i]);
        if (!rt_ok(status)) {
            EXPECT_ERROR(status, ERR_LIMIT, 0);
            rt_slots_free(slots[i], 1);
            return i;
        }
    }
    return most;
}

void buses_are_limited(void)
{
    static cap_t slots[BUSES_MOST];
    cap_t more;
    for (unsigned round = 0; round < 3; round++) {
        unsigned first = (SPARE_BUS + round) << 8;
        unsigned count = devices_make(slots, BUSES_MOST / 2, first, 0x100);
        EXPECT(count >= 4 && count < BUSES_MOST / 2);
        EXPECT_EQUAL(devices_make(&more, 1, first + 1, 0), 1);  // on a bus that has one
        rt_cap_delete(slots[0]);
        EXPECT_EQUAL(devices_make(slots, 1, first + count * 0x100, 0), 0);
        rt_cap_delete(more);
        EXPECT_EQUAL(devices_make(slots, 1, first + count * 0x100, 0), 1);
        for (unsigned i = 0; i < count; i++) {
            rt_cap_delete(slots[i]);
        }
    }
}

void devices_are_limited(void)
{
    static cap_t slots[DEVICES_MOST];
    unsigned count = devices_make(slots, DEVICES_MOST, SPARE_BUS << 8, 1);
    EXPECT(count >= 32 && count < DEVICES_MOST);
    rt_cap_delete(slots[count / 2]);
    EXPECT_EQUAL(devices_make(&slots[count / 2], 1, 0, 0), 1);
    for (unsigned i = 0; i < count; i++) {
        rt_cap_delete(slots[i]);
    }
}

// What the IOMMU can translate, but never beyond user space.
void addresses_are_limited(void)
{
    struct scene scene;
    uint64_t end = check_word(machine, "wide") ? USER_END : 1ull << 39;
    scene_begin(&scene, PROT_READ | PROT_WRITE);
    cap_t frame = scene.memory.attached;
    EXPECT_OK(rt_space_map(&scene.space, frame, end - PAGE_SIZE, 0, 1, PROT_READ));
    EXPECT_ERROR(rt_space_map(&scene.space, frame, end, 0, 1, PROT_READ), ERR_RANGE, 1);
    EXPECT_ERROR(aspace_unmap(scene.space.cap, end, 1), ERR_RANGE, 1);
    EXPECT_ERROR(aspace_unmap(scene.space.cap, end - PAGE_SIZE, 2), ERR_RANGE, 2);
    EXPECT_ERROR(aspace_protect(scene.space.cap, end, 1, PROT_READ), ERR_RANGE, 1);
    EXPECT_ERROR(aspace_copy(ROOT_SLOT_ASPACE, scene.space.cap, end, 1, 0).status, ERR_RANGE, 2);
    EXPECT_OK(aspace_unmap(scene.space.cap, PAGE_SIZE, end / PAGE_SIZE - 1));
    scene_end(&scene);
}
