// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What holds for every operation: no capability, an operation of another kind, a wrong number of
// arguments, an object that is being destroyed.
#include "dying.h"
#include "groups.h"

struct row {
    unsigned op, length;
    enum rt_kind kind;
};

#define ROW(KIND, kind, number, name, arguments, results) \
 { KIND_##KIND << 8 | (number), arguments, KIND_##KIND },
static const struct row rows[] = { OP_TABLE(ROW) };
#define ROWS (sizeof(rows) / sizeof(rows[0]))

#define SPARE_IRQ    11u
#define SPARE_PORTS  0x80u
#define SPARE_DEVICE 0x0100u

static struct rt_status invoke_length(const struct row *row, cap_t self, unsigned length)
{
    struct ipc_words words = { 0 };
    return rt_invoke(self, TAG(row->op, length, 0), &words);
}

static void empty_slot_refused(void)
{
    for (unsigned i = 0; i < ROWS; i++) {
        EXPECT_ERR(rows[i].op, invoke_length(&rows[i], empty_slot(), rows[i].length), ERR_SLOT, 0);
        EXPECT_ERR(rows[i].op, invoke_length(&rows[i], SLOT_OUTSIDE, rows[i].length), ERR_SLOT, 0);
        EXPECT_ERR(rows[i].op, invoke_length(&rows[i], 0, rows[i].length), ERR_SLOT, 0);
    }
}

static void other_kind_refused(void)
{
    for (unsigned i = 0; i < ROWS; i++) {
        EXPECT_ERR(rows[i].op, invoke_length(&rows[i], wrong_kind(rows[i].kind), rows[i].length),
                   ERR_OP, 1);
    }
}

static bool kind_exists(enum rt_kind kind)
{
    return kind != KIND_IO_DEVICE || have_devices();
}

// An object of each kind that has operations, for good or for as long as sample_end is not called.
static cap_t sample_make(enum rt_kind kind)
{
    cap_t slot = 0;
    switch (kind) {
    case KIND_IRQ_CONTROL: return ROOT_SLOT_IRQ_CONTROL;
    case KIND_IO_CONTROL: return ROOT_SLOT_IO_CONTROL;
    case KIND_POWER_CONTROL: return ROOT_SLOT_POWER_CONTROL;
    case KIND_SCHED_CONTROL: return ROOT_SLOT_SCHED_CONTROL;
    case KIND_IRQ_HANDLER:
        slot = rt_slot_alloc();
        EXPECT_OK(irq_control_get(ROOT_SLOT_IRQ_CONTROL, SPARE_IRQ, 0, CSPACE, slot));
        return slot;
    case KIND_IO_PORTS:
        slot = rt_slot_alloc();
        EXPECT_OK(io_control_ports(ROOT_SLOT_IO_CONTROL, SPARE_PORTS, 1, CSPACE, slot));
        return slot;
    case KIND_IO_DEVICE:
        slot = rt_slot_alloc();
        EXPECT_OK(io_control_device(ROOT_SLOT_IO_CONTROL, SPARE_DEVICE, CSPACE, slot));
        return slot;
    case KIND_UNTYPED:
    case KIND_CAPTABLE:
    case KIND_FRAME:
    case KIND_PAGETABLE:
    case KIND_ADDRESS_SPACE:
    case KIND_THREAD:
    case KIND_SCHED_CONTEXT:
    case KIND_ENDPOINT:
    case KIND_REPLY:
    case KIND_NOTIFICATION:
    case KIND_TIMER: return make(kind);
    case KIND_EMPTY:
    case KIND_COUNT: break;
    }
    return 0;
}

static void sample_end(enum rt_kind kind, cap_t sample)
{
    if (kind == KIND_IRQ_HANDLER || kind == KIND_IO_PORTS || kind == KIND_IO_DEVICE) {
        rt_cap_delete(sample);
    } else if (sample >= ROOT_SLOT_FIRST) {
        rt_object_delete(sample);
    }
}

// Too many arguments, and too few where there are any: neither does anything.
static void length_refused(void)
{
    for (unsigned i = 0; i < ROWS; i++) {
        if (!kind_exists(rows[i].kind)) {
            continue;
        }
        cap_t sample = sample_make(rows[i].kind);
        EXPECT_ERR(rows[i].op, invoke_length(&rows[i], sample, rows[i].length + 1), ERR_LENGTH, 1);
        EXPECT_ERR(rows[i].op, invoke_length(&rows[i], sample, MSG_MAX_WORDS), ERR_LENGTH, 1);
        if (rows[i].length) {
            EXPECT_ERR(rows[i].op, invoke_length(&rows[i], sample, rows[i].length - 1), ERR_LENGTH,
                       1);
        }
        sample_end(rows[i].kind, sample);
    }
}

// Numbers that no kind's table has.
static void unknown_operation_refused(void)
{
    for (enum rt_kind kind = KIND_UNTYPED; kind < KIND_COUNT; kind++) {
        if (!kind_exists(kind)) {
            continue;
        }
        cap_t sample = sample_make(kind);
        struct ipc_words words = { 0 };
        EXPECT_ERR(SYS_invoke, rt_invoke(sample, TAG(kind << 8 | OP_PER_KIND, 0, 0), &words),
                   ERR_OP, 1);
        EXPECT_ERR(SYS_invoke, rt_invoke(sample, TAG(1ull << 40, 0, 0), &words), ERR_OP, 1);
        sample_end(kind, sample);
    }
}

// ---- objects that are being destroyed ----------------------------------------------------------
static enum rt_kind dying_kind;

// The wrong number of arguments keeps a living object safe.
static void probe_operations(cap_t victim)
{
    for (unsigned i = 0; i < ROWS; i++) {
        if (rows[i].kind == dying_kind) {
            test_hit(rows[i].op, invoke_length(&rows[i], victim, rows[i].length + 1));
        }
    }
}

static bool operations_seen(void)
{
    for (unsigned i = 0; i < ROWS; i++) {
        if (rows[i].kind == dying_kind && !test_was_hit(rows[i].op, ERR_DEAD, 0)) {
            return false;
        }
    }
    return true;
}

static bool kind_has_operations(enum rt_kind kind)
{
    for (unsigned i = 0; i < ROWS; i++) {
        if (rows[i].kind == kind) {
            return true;
        }
    }
    return false;
}

static void dying_refused(void)
{
    struct dying dying = { .probe = probe_operations, .done = operations_seen };
    for (enum rt_kind kind = KIND_UNTYPED; kind < KIND_COUNT; kind++) {
        if (!kind_has_operations(kind) || !kind_exists(kind)) {
            continue;
        }
        dying_kind = kind;
        if (kind == KIND_UNTYPED) {
            EXPECT(dying_observe_untyped(&dying));
            continue;
        }
        cap_t sample = sample_make(kind);
        EXPECT(dying_observe(&dying, sample));
        sample_end(kind, sample);
    }
}

GROUP(every, TEST(empty_slot_refused), TEST(other_kind_refused), TEST(length_refused),
      TEST(unknown_operation_refused), TEST(dying_refused));
