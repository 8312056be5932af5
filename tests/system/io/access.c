// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a device reaches: what is mapped in its space, and nothing else.
#include "groups.h"
#include "world.h"

#include <abi/thread.h>

#define SEED_MINE   1u
#define SEED_SECRET 2u
#define TABLE_BITS  12u
#define TABLE_SLOTS 64u
#define LARGE_PAGES 512u
#define GAPS        16u

void both_ways(void)
{
    struct scene scene;
    scene_begin(&scene, PROT_READ | PROT_WRITE);
    pattern_fill(scene.memory.words, SEED_MINE);
    edu_read(scene.edu, IOVA, EDU_BYTES);
    pattern_fill(scene.memory.words, SEED_SECRET);
    edu_write(scene.edu, IOVA, EDU_BYTES);
    EXPECT_EQUAL(pattern_count(scene.memory.words, SEED_MINE), EDU_WORDS);
    EXPECT_QUIET(scene.edu);
    scene_end(&scene);
}

// Try both directions at an address; the secret must not be in the device afterwards.
static void attack(struct edu *edu, uint64_t address)
{
    edu_fill(edu, SEED_MINE);
    edu_write(edu, address, EDU_BYTES);
    EXPECT_REFUSED(edu, address, FAULT_WRITE);
    edu_read(edu, address, EDU_BYTES);
    EXPECT_REFUSED(edu, address, FAULT_READ);
    EXPECT_EQUAL(edu_count(edu, SEED_SECRET), 0);
}

void nothing_at_first(void)
{
    struct memory memory;
    memory_new(&memory, 1);
    pattern_fill(memory.words, SEED_SECRET);
    edu_write(&edus[0], memory_paddr(&memory), EDU_BYTES);  // nobody has it yet
    EXPECT_EQUAL(pattern_count(memory.words, SEED_SECRET), EDU_WORDS);
    edu_read(&edus[0], memory_paddr(&memory), EDU_BYTES);
    edu_begin(&edus[0]);
    EXPECT_EQUAL(edu_count(&edus[0], SEED_SECRET), 0);
    attack(&edus[0], memory_paddr(&memory));
    EXPECT_EQUAL(pattern_count(memory.words, SEED_SECRET), EDU_WORDS);
    edu_end(&edus[0]);
    memory_delete(&memory);
}

// By its physical address, and by the address that it has in another domain.
void others_memory(void)
{
    struct scene scene;
    struct rt_space other;
    struct memory memory;
    scene_begin(&scene, PROT_READ | PROT_WRITE);
    domain_new(&other);
    memory_new(&memory, 1);
    memory_attach(&memory, &other, RIGHT_READ | RIGHT_WRITE);
    EXPECT_OK(rt_space_map(&other, memory.attached, 2 * IOVA, 0, 1, PROT_READ | PROT_WRITE));
    pattern_fill(memory.words, SEED_SECRET);
    attack(scene.edu, memory_paddr(&memory));
    attack(scene.edu, 2 * IOVA);
    EXPECT_EQUAL(pattern_count(memory.words, SEED_SECRET), EDU_WORDS);
    memory_delete(&memory);
    rt_space_delete(&other);
    scene_end(&scene);
}

// A table of capabilities at a known address: that of a frame which was there before.
static cap_t table_at(cap_t untyped, uint64_t *paddr)
{
    cap_t slot = rt_slot_alloc();
    EXPECT_OK(untyped_retype(untyped, KIND_FRAME | TABLE_BITS << 8, 0, CSPACE, slot, 1));
    struct frame_paddr_result result = frame_paddr(slot);
    EXPECT_OK(result.status);
    *paddr = result.paddr;
    EXPECT_OK(captable_delete(CSPACE, slot));
    EXPECT_OK(untyped_retype(untyped, KIND_CAPTABLE | TABLE_BITS << 8, 0, CSPACE, slot, 1));
    for (unsigned i = 1; i < TABLE_SLOTS; i += 2) {
        EXPECT_OK(captable_copy(slot, i, CSPACE, ROOT_SLOT_THREAD, RIGHT_READ));
    }
    return slot;
}

static void table_expect(cap_t table)
{
    for (unsigned i = 1; i < TABLE_SLOTS; i++) {
        struct captable_identify_result result = captable_identify(table, i);
        EXPECT_OK(result.status);
        EXPECT_EQUAL(result.kind_rights, i % 2 ? KIND_THREAD | RIGHT_READ << 8 : 0u);
    }
}

// Where RAM has no Untyped there is the kernel, or what it has handed out otherwise.
static unsigned gaps_find(uint64_t gaps[GAPS])
{
    unsigned count = 0;
    for (unsigned i = 0; i < machine->untyped_count && count < GAPS; i++) {
        uint64_t end = machine->untyped[i].base + (1ull << machine->untyped[i].bits);
        bool follows = machine->untyped[i].device;
        for (unsigned j = 0; j < machine->untyped_count; j++) {
            follows |= machine->untyped[j].base == end;
        }
        if (!follows && end < 1ull << 31) {
            gaps[count++] = end;
        }
    }
    return count;
}

void kernel_memory(void)
{
    struct scene scene;
    cap_t untyped = 0;
    uint64_t paddr = 0, gaps[GAPS];
    scene_begin(&scene, PROT_READ | PROT_WRITE);
    EXPECT_OK(rt_untyped_alloc(TABLE_BITS, &untyped));
    cap_t table = table_at(untyped, &paddr);
    attack(scene.edu, paddr);
    table_expect(table);
    unsigned count = gaps_find(gaps);
    EXPECT(count);
    for (unsigned i = 0; i < count; i++) {
        attack(scene.edu, gaps[i]);
    }
    rt_cap_delete(table);
    rt_object_delete(untyped);
    scene_end(&scene);
}

void unmapped_addresses(void)
{
    static const uint64_t addresses[] = { 0,          PAGE_SIZE, IOVA - PAGE_SIZE, IOVA + PAGE_SIZE,
                                          1ull << 31, 0xfffff000 };
    struct scene scene;
    scene_begin(&scene, PROT_READ | PROT_WRITE);
    pattern_fill(scene.memory.words, SEED_SECRET);
    for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        attack(scene.edu, addresses[i]);
    }
    EXPECT_EQUAL(pattern_count(scene.memory.words, SEED_SECRET), EDU_WORDS);
    scene_end(&scene);
}

// Half of it is inside the page that is mapped.
void part_of_an_access(void)
{
    struct scene scene;
    scene_begin(&scene, PROT_READ | PROT_WRITE);
    edu_fill(scene.edu, SEED_MINE);
    edu_write(scene.edu, IOVA + PAGE_SIZE / 2, EDU_BYTES);
    EXPECT_REFUSED(scene.edu, IOVA + PAGE_SIZE, FAULT_WRITE);
    edu_read(scene.edu, IOVA + PAGE_SIZE / 2, EDU_BYTES);
    EXPECT_REFUSED(scene.edu, IOVA + PAGE_SIZE, FAULT_READ);
    scene_end(&scene);
}

void read_only(void)
{
    struct scene scene;
    scene_begin(&scene, PROT_READ);
    pattern_fill(scene.memory.words, SEED_SECRET);
    edu_read(scene.edu, IOVA, EDU_BYTES);
    EXPECT_QUIET(scene.edu);
    EXPECT_EQUAL(edu_count(scene.edu, SEED_SECRET), EDU_WORDS);
    edu_fill(scene.edu, SEED_MINE);
    edu_write(scene.edu, IOVA, EDU_BYTES);
    EXPECT_REFUSED(scene.edu, IOVA, FAULT_WRITE);
    EXPECT_EQUAL(pattern_count(scene.memory.words, SEED_SECRET), EDU_WORDS);
    scene_end(&scene);
}

void large_page(void)
{
    struct scene scene;
    struct memory memory;
    const uint64_t inside = (LARGE_PAGES - 1) * PAGE_SIZE, vaddr = 4 * IOVA;
    scene_begin(&scene, PROT_READ | PROT_WRITE);
    memory_new(&memory, LARGE_PAGES);
    memory_attach(&memory, &scene.space, RIGHT_READ | RIGHT_WRITE);
    EXPECT_OK(rt_space_map(&scene.space, memory.attached, vaddr, 0, LARGE_PAGES,
                           PROT_READ | PROT_WRITE | PROT_LARGE));
    edu_fill(scene.edu, SEED_MINE);
    edu_write(scene.edu, vaddr + inside, EDU_BYTES);
    EXPECT_QUIET(scene.edu);
    EXPECT_EQUAL(pattern_count(&memory.words[inside / 8], SEED_MINE), EDU_WORDS);
    attack(scene.edu, vaddr + LARGE_PAGES * PAGE_SIZE);
    EXPECT_OK(aspace_unmap(scene.space.cap, vaddr, LARGE_PAGES));
    attack(scene.edu, vaddr + inside);
    memory_delete(&memory);
    scene_end(&scene);
}

// From one domain to another; read-only in both then.
void copied_mappings(void)
{
    struct scene scene;
    struct rt_space other;
    scene_begin(&scene, PROT_READ | PROT_WRITE);
    domain_new(&other);
    cap_t attached = 0;
    EXPECT_OK(rt_cap_copy(scene.memory.own.frame, RIGHT_READ | RIGHT_WRITE, &attached));
    EXPECT_OK(frame_attach(attached, other.cap));
    EXPECT_OK(rt_space_map(&other, attached, IOVA + PAGE_SIZE, 0, 1, PROT_READ));  // for the tables
    pattern_fill(scene.memory.words, SEED_SECRET);
    edu_write(scene.edu, IOVA, 8);
    EXPECT_OK(aspace_copy(scene.space.cap, other.cap, IOVA, 1, COPY_READ_ONLY).status);
    EXPECT_QUIET(scene.edu);
    edu_write(scene.edu, IOVA, EDU_BYTES);
    EXPECT_REFUSED(scene.edu, IOVA, FAULT_WRITE);
    edu_detach(scene.edu);
    edu_attach(scene.edu, other.cap);
    // In this order: QEMU refuses a write by a read-only translation that it remembers without a
    // word.
    edu_write(scene.edu, IOVA + 8, 8);
    EXPECT_REFUSED(scene.edu, IOVA, FAULT_WRITE);
    edu_read(scene.edu, IOVA + 8, 8);
    EXPECT_QUIET(scene.edu);
    EXPECT_EQUAL(pattern_count(scene.memory.words, SEED_SECRET), EDU_WORDS - 1);
    rt_cap_delete(attached);
    rt_space_delete(&other);
    scene_end(&scene);
}
