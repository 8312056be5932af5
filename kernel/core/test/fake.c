// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// See fake.h.
#include "fake.h"

#include "../check.h"
#include "../forest.h"

#include <hal/cpu.h>

#include <sys/mman.h>

struct fake fake;

unsigned hal_cpu_count = 1;
static _Alignas(64) struct cap root_table[ROOT_SLOTS];
static struct thread caller;

void kernel_panic(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
    abort();
}

void preempt_work(unsigned work)
{
    (void)work;
}

bool preempt_point(unsigned work)
{
    (void)work;
    fake.preempt_points++;
    if (fake.preempt_every == 0 || fake_random(fake.preempt_every) != 0) {
        return false;
    }
    fake.preempted++;
    return true;
}

// xorshift64*
uint64_t fake_random(uint64_t below)
{
    fake.random ^= fake.random >> 12;
    fake.random ^= fake.random << 25;
    fake.random ^= fake.random >> 27;
    return (fake.random * 0x2545f4914f6cdd1d >> 16) % below;
}

void object_init(struct cap *original)
{
    fake.inits++;
    const uint8_t *memory = (const uint8_t *)original->address;
    bool zeroed = original->kind != KIND_UNTYPED && !(original->flags & CAP_DEVICE);
    for (uint64_t i = 0; zeroed && i < cap_bytes(original); i++) {
        assert_int_equal(memory[i], 0);
    }
    if (original->kind == KIND_CAPTABLE) {
        captable_init(original);
    }
    if (original->kind != KIND_THREAD) {
        return;
    }
    struct fake_thread *thread = (struct fake_thread *)original->address;
    for (unsigned i = 0; i < FAKE_THREAD_SLOTS; i++) {
        thread->slots[i].flags = CAP_INTERNAL;
    }
}

enum err object_destroy_step(struct cap *original)
{
    assert_true(original->flags & CAP_ORIGINAL && original->flags & CAP_MARKED);
    assert_false(original->flags & CAP_EMBRYO);
    assert_int_not_equal(original->kind, KIND_CAPTABLE);
    assert_int_not_equal(original->kind, KIND_UNTYPED);
    if (original->kind != KIND_PAGETABLE) {
        assert_null(original->child);
    }
    if (original->progress < fake.destroy_steps && original->kind != KIND_PAGETABLE) {
        original->progress++;
        return ERR_AGAIN;
    }
    if (original->kind == KIND_THREAD) {
        struct fake_thread *thread = (struct fake_thread *)original->address;
        for (unsigned i = 0; i < FAKE_THREAD_SLOTS; i++) {
            if (cap_delete_derived(&thread->slots[i])) {
                return ERR_PREEMPTED;
            }
        }
    }
    fake.destroyed++;
    return ERR_OK;
}

enum err object_detach(struct cap *cap)
{
    assert_true(cap->flags & CAP_ATTACHED && cap->flags & CAP_MARKED);
    if (cap->aux & 0x80000000u || !fake.preempt_every) {
        cap->aux &= 0x7fffffffu;
        cap->flags &= (uint8_t)~CAP_ATTACHED;
        fake.detached++;
        return ERR_OK;
    }
    cap->aux |= 0x80000000u;  // the first of two steps
    return ERR_PREEMPTED;
}

void object_internal_cleared(struct cap *slot)
{
    assert_true(cap_empty(slot) && slot->flags == CAP_INTERNAL);
    fake.cleared++;
}

void object_check(const struct cap *original)
{
    (void)original;
}

void object_moved(struct cap *to, struct cap *from)
{
    assert_true(to->flags & CAP_ATTACHED && from->kind == to->kind && from->space == to->space);
    fake.moved++;
}

static void root_insert(enum root_slot slot, struct cap cap)
{
    *root_slot(slot) = cap;
    cap_insert_child(root_slot(slot), NULL);
}

void fake_setup(void)
{
    uint8_t *arena = fake.arena;
    if (!arena) {
        uint8_t *memory = mmap(NULL, 2 * ARENA_BYTES, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(memory != MAP_FAILED);
        arena = memory + (-(uintptr_t)memory & (ARENA_BYTES - 1));
    }
    fake = (struct fake){ .arena = arena, .thread = &caller, .random = 88172645463325252ull };
    // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): a failed assertion does not return
    memset(arena, 0x5a, ARENA_BYTES);
    memset(root_table, 0, sizeof(root_table));
    forest_roots.root = NULL;
    fake.thread->cspace = root_table;
    fake.thread->cspace_count = ROOT_SLOTS;
    root_insert(ROOT_TABLE, (struct cap){ .kind = KIND_CAPTABLE,
                                          .rights = RIGHT_ALL,
                                          .bits = 14,
                                          .address = (uintptr_t)root_table });
    captable_init(root_slot(ROOT_TABLE));
    struct cap untyped = {
        .kind = KIND_UNTYPED, .rights = RIGHT_ALL, .bits = ARENA_BITS, .address = (uintptr_t)arena
    };
    root_insert(ROOT_RAM, untyped);
    untyped.flags = CAP_DEVICE;
    untyped.rights = 0;
    untyped.address = 0x123456ull << ARENA_BITS;
    root_insert(ROOT_DEVICE, untyped);
    root_insert(ROOT_IRQ, (struct cap){ .kind = KIND_IRQ_CONTROL, .rights = RIGHT_ALL });
    root_insert(ROOT_SCHED, (struct cap){ .kind = KIND_SCHED_CONTROL, .rights = RIGHT_ALL });
    root_insert(ROOT_PORTS, (struct cap){ .kind = KIND_IO_PORTS,
                                          .rights = RIGHT_ALL,
                                          .aux = 0x100 | 0x100u << 16 });
}

enum err fake_invoke(enum err (*op)(struct invocation *), struct cap *self, struct invocation *inv)
{
    inv->thread = fake.thread;
    inv->self = self;
    enum err err = op(inv);
    unsigned restarts = 0;
    while (err == ERR_PREEMPTED) {
        assert_true(++restarts < 10000000);
        if (fake.check_every == 0 || fake_random(fake.check_every) == 0) {
            fake_check();
        }
        err = cap_empty(self) ? cap_drain() : op(inv);
    }
    return err;
}

enum err fake_retype(uint64_t untyped, enum kind kind, unsigned bits, uint64_t offset,
                     uint64_t slot)
{
    return INVOKE(op_untyped_retype, root_slot(untyped), kind | bits << 8, offset, ROOT_TABLE, slot,
                  1);
}

// Overwrite what no child of a tree occupies in [begin, end), down to Untypeds that can be retyped.
static void poison(const struct tree *tree, uint64_t begin, uint64_t end)
{
    for (struct cap *cap = forest_next(tree, 0); cap; cap = forest_next(tree, cap->address + 1)) {
        memset((uint8_t *)begin, 0x5a, cap->address - begin);
        begin = cap->address + cap_bytes(cap);
        if (cap->kind == KIND_UNTYPED && !(cap->flags & CAP_MARKED) && !cap->progress) {
            poison(&cap->objects, cap->address, begin);
        }
    }
    memset((uint8_t *)begin, 0x5a, end - begin);
}

void fake_check(void)
{
    cap_check();
    const struct cap *ram = forest_next(&forest_roots, (uintptr_t)fake.arena);
    if (ram && ram->address == (uintptr_t)fake.arena && ram->kind == KIND_UNTYPED &&
        !ram->progress) {
        poison(&ram->objects, ram->address, ram->address + ARENA_BYTES);
    }
}

void fake_teardown(void)
{
    fake.preempt_every = 0;
    for (uint64_t slot = ROOT_RAM; slot < ROOT_SLOTS; slot++) {
        assert_int_equal(INVOKE(op_captable_delete, root_slot(ROOT_TABLE), slot), ERR_OK);
    }
    assert_int_equal(cap_drain(), ERR_OK);
    assert_null(forest_roots.root);
    for (uint64_t slot = ROOT_RAM; slot < ROOT_SLOTS; slot++) {
        assert_true(cap_empty(root_slot(slot)));
    }
    assert_null(root_slot(ROOT_TABLE)->child);
}
