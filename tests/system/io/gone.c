// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Every way in which a device loses what it could reach: at once, although it has just used it, so
// that an IOMMU remembers how to get there.
#include "groups.h"
#include "world.h"

#include <abi/thread.h>

#define SEED_MINE 1u
#define SEED_KEPT 2u

// A device that has just read and written its page.
static void gone_begin(struct scene *scene)
{
    scene_begin(scene, PROT_READ | PROT_WRITE);
    edu_fill(scene->edu, SEED_MINE);
    edu_write(scene->edu, IOVA, EDU_BYTES);
    edu_read(scene->edu, IOVA, EDU_BYTES);
    EXPECT_EQUAL(pattern_count(scene->memory.words, SEED_MINE), EDU_WORDS);
    EXPECT_QUIET(scene->edu);
    pattern_fill(scene->memory.words, SEED_KEPT);
}

// It can no longer.
static void gone_end(struct scene *scene)
{
    edu_write(scene->edu, IOVA, EDU_BYTES);
    EXPECT_REFUSED(scene->edu, IOVA, FAULT_WRITE);
    edu_read(scene->edu, IOVA, EDU_BYTES);
    EXPECT_REFUSED(scene->edu, IOVA, FAULT_READ);
    EXPECT_EQUAL(pattern_count(scene->memory.words, SEED_KEPT), EDU_WORDS);
    EXPECT_EQUAL(edu_count(scene->edu, SEED_KEPT), 0);
    scene_end(scene);
}

void gone_by_unmap(void)
{
    struct scene scene;
    gone_begin(&scene);
    EXPECT_OK(aspace_unmap(scene.space.cap, IOVA, 1));
    gone_end(&scene);
}

void gone_by_frame_unmap(void)
{
    struct scene scene;
    gone_begin(&scene);
    EXPECT_OK(frame_unmap(scene.memory.attached, IOVA, 1));
    gone_end(&scene);
}

void gone_by_frame_detach(void)
{
    struct scene scene;
    gone_begin(&scene);
    EXPECT_OK(frame_detach(scene.memory.attached));
    gone_end(&scene);
}

// It loses the right to write; what it reads it may.
void gone_by_protect(void)
{
    struct scene scene;
    gone_begin(&scene);
    EXPECT_OK(aspace_protect(scene.space.cap, IOVA, 1, PROT_READ));
    edu_write(scene.edu, IOVA, EDU_BYTES);
    EXPECT_REFUSED(scene.edu, IOVA, FAULT_WRITE);
    EXPECT_EQUAL(pattern_count(scene.memory.words, SEED_KEPT), EDU_WORDS);
    edu_read(scene.edu, IOVA, EDU_BYTES);
    EXPECT_QUIET(scene.edu);
    EXPECT_EQUAL(edu_count(scene.edu, SEED_KEPT), EDU_WORDS);
    scene_end(&scene);
}

// Another page takes the place of the first.
void gone_by_replace(void)
{
    struct scene scene;
    struct memory memory;
    gone_begin(&scene);
    memory_new(&memory, 1);
    memory_attach(&memory, &scene.space, RIGHT_READ | RIGHT_WRITE);
    EXPECT_OK(rt_space_map(&scene.space, memory.attached, IOVA, 0, 1,
                           PROT_READ | PROT_WRITE | PROT_REPLACE));
    edu_write(scene.edu, IOVA, EDU_BYTES);
    EXPECT_QUIET(scene.edu);
    EXPECT_EQUAL(pattern_count(memory.words, SEED_MINE), EDU_WORDS);
    EXPECT_EQUAL(pattern_count(scene.memory.words, SEED_KEPT), EDU_WORDS);
    memory_delete(&memory);
    scene_end(&scene);
}

void gone_with_attached(void)
{
    struct scene scene;
    gone_begin(&scene);
    rt_cap_delete(scene.memory.attached);
    scene.memory.attached = 0;
    gone_end(&scene);
}

// The frame itself is deleted; whoever has the memory next has it for himself.
void gone_with_frame(void)
{
    struct scene scene;
    cap_t untyped = 0, frame = rt_slot_alloc();
    struct memory next = { 0 };
    gone_begin(&scene);
    EXPECT_OK(rt_untyped_alloc(PAGE_BITS, &untyped));
    EXPECT_OK(untyped_retype(untyped, KIND_FRAME | PAGE_BITS << 8, 0, CSPACE, frame, 1));
    EXPECT_OK(rt_cap_copy(frame, RIGHT_READ | RIGHT_WRITE, &next.attached));
    EXPECT_OK(frame_attach(next.attached, scene.space.cap));
    EXPECT_OK(rt_space_map(&scene.space, next.attached, 2 * IOVA, 0, 1, PROT_READ | PROT_WRITE));
    edu_write(scene.edu, 2 * IOVA, EDU_BYTES);
    EXPECT_QUIET(scene.edu);
    EXPECT_OK(captable_delete(CSPACE, frame));
    EXPECT_OK(untyped_retype(untyped, KIND_FRAME | PAGE_BITS << 8, 0, CSPACE, frame, 1));
    EXPECT_OK(rt_map_frame(frame, 1, PROT_READ | PROT_WRITE, &next.own));
    next.words = next.own.base;
    pattern_fill(next.words, SEED_KEPT);
    edu_write(scene.edu, 2 * IOVA, EDU_BYTES);
    EXPECT_REFUSED(scene.edu, 2 * IOVA, FAULT_WRITE);
    EXPECT_EQUAL(pattern_count(next.words, SEED_KEPT), EDU_WORDS);
    memory_delete(&next);
    rt_cap_delete(frame);
    rt_object_delete(untyped);
    scene_end(&scene);
}

// Its page tables are taken from the space.
void gone_with_table(void)
{
    struct scene scene;
    gone_begin(&scene);
    rt_space_trim(&scene.space);
    gone_end(&scene);
}

void gone_by_device_detach(void)
{
    struct scene scene;
    gone_begin(&scene);
    edu_detach(scene.edu);
    gone_end(&scene);
}

void gone_with_space(void)
{
    struct scene scene;
    gone_begin(&scene);
    rt_space_delete(&scene.space);
    scene.edu->space = 0;
    gone_end(&scene);
}

// Nobody is told then.
void gone_with_device(void)
{
    struct scene scene;
    gone_begin(&scene);
    rt_cap_delete(scene.edu->device);
    edu_write(scene.edu, IOVA, EDU_BYTES);
    edu_read(scene.edu, IOVA, EDU_BYTES);
    EXPECT_EQUAL(pattern_count(scene.memory.words, SEED_KEPT), EDU_WORDS);
    EXPECT_ERROR(notification_poll(scene.edu->notification).status, ERR_AGAIN, 0);
    scene.edu->space = 0;
    scene.edu->device = rt_slot_alloc();
    EXPECT_OK(io_control_device(ROOT_SLOT_IO_CONTROL, scene.edu->own.pci.devfn, CSPACE,
                                scene.edu->device));
    EXPECT_OK(io_device_bind(scene.edu->device, scene.edu->badged));
    gone_end(&scene);
}
