// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Unit tests of devices (io.c).  The stand-ins at the top are this test's own: one table of slots,
// and an IOMMU that says what each device may do.

// cmocka.h relies on what stands before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <hal/iommu.h>

#include <kernel/io.h>
#include <kernel/notification.h>
#include <kernel/preempt.h>

#include <abi/thread.h>

#include <string.h>

#include <stdio.h>
#include <stdlib.h>

#define SLOTS                  512u
#define SPACES                 2u
#define SLOT_SPACE             1u
#define SLOT_NOTIFICATION      4u
#define SLOT_CONTROL           5u
#define SLOT_DEVICE            8u
#define BUSES                  4u  // that the IOMMU has room for
#define FAULTS                 100u
#define BLAME(error, argument) ((unsigned)ERR_##error | (argument##u) << 8)

static struct cap slots[SLOTS];
static struct aspace *spaces[SPACES];
static struct notification bell;
static struct thread thread;
static struct invocation inv;
static bool preempt;

// The IOMMU.
static unsigned domains;
static struct {
    enum hal_iommu_device state;
    const struct hal_aspace *space;
} units[0x10000];
static unsigned on_bus[256];
static struct hal_iommu_fault faults[FAULTS];
static unsigned fault_first, fault_end;
static bool reporting;
static unsigned reports;

bool preempt_point(unsigned work)
{
    return work && preempt;
}

void kernel_panic(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

unsigned hal_iommu_domains(void)
{
    return domains;
}

unsigned hal_iommu_space(struct hal_aspace *hal, uint64_t root[512], unsigned domain)
{
    assert_int_equal(root[0], 0);
    hal->domain = domain;
    return 3;
}

static unsigned buses(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < 256; i++) {
        count += on_bus[i] != 0;
    }
    return count;
}

bool hal_iommu_device(uint16_t source, enum hal_iommu_device state, const struct hal_aspace *space)
{
    bool new = units[source].state == HAL_IOMMU_NOBODYS &&state != HAL_IOMMU_NOBODYS;
    bool gone = units[source].state != HAL_IOMMU_NOBODYS && state == HAL_IOMMU_NOBODYS;
    if (new && !on_bus[source >> 8] && buses() == BUSES) {
        return false;
    }
    assert_true(!space || state != HAL_IOMMU_NOBODYS);
    on_bus[source >> 8] += new - (unsigned)gone;
    units[source].state = state;
    units[source].space = space;
    return true;
}

bool hal_iommu_fault(struct hal_iommu_fault *fault)
{
    if (fault_first == fault_end) {
        return false;
    }
    *fault = faults[fault_first++];
    return true;
}

void hal_iommu_report(bool on)
{
    reporting = on;
    reports++;
}

// NOLINTNEXTLINE(readability-function-size): as in the core
enum err cap_lookup_kind(struct thread *caller, uint64_t slot, enum kind kind, unsigned rights,
                         unsigned argument, struct cap **cap)
{
    assert_ptr_equal(caller, &thread);
    if (slot >= SLOTS || cap_empty(&slots[slot])) {
        return err_blame(ERR_SLOT, argument);
    }
    *cap = &slots[slot];
    if ((*cap)->kind != kind) {
        return err_blame(ERR_TYPE, argument);
    }
    return ((*cap)->rights & rights) == rights ? ERR_OK : err_blame(ERR_RIGHTS, argument);
}

enum err cap_lookup_empty(struct thread *caller, uint64_t table, uint64_t slot, unsigned argument,
                          struct cap **cap)
{
    assert_ptr_equal(caller, &thread);
    assert_int_equal(table, 0);
    *cap = &slots[slot];
    return cap_empty(*cap) ? ERR_OK : err_blame(ERR_OCCUPIED, argument + 1);
}

void cap_insert_child(struct cap *to, struct cap *parent)
{
    assert_int_equal(to->kind, KIND_IO_DEVICE);
    assert_ptr_equal(parent, &slots[SLOT_CONTROL]);
}

void binding_clear(struct cap *slot)
{
    slot->kind = KIND_EMPTY;
}

enum err binding_set(struct invocation *from, struct cap *slot)
{
    *slot = slots[from->words[0]];
    return ERR_OK;
}

void notification_signal(struct notification *notification, uint64_t badge)
{
    notification->word |= badge;
}

void aspace_set_levels(struct aspace *as, unsigned levels)
{
    as->top = (uint8_t)(levels - 1);
}

static int setup(void **state)
{
    (void)state;
    memset(slots, 0, sizeof(slots));
    memset(units, 0, sizeof(units));
    memset(on_bus, 0, sizeof(on_bus));
    for (unsigned i = 0; i < SPACES; i++) {
        spaces[i] = calloc(1, sizeof(*spaces[i]));
        slots[SLOT_SPACE + i] = (struct cap){ .kind = KIND_ADDRESS_SPACE,
                                              .rights = RIGHT_ALL,
                                              .address = (uintptr_t)spaces[i] };
    }
    slots[SLOT_NOTIFICATION] = (struct cap){
        .kind = KIND_NOTIFICATION, .rights = RIGHT_ALL, .address = (uintptr_t)&bell, .badge = 0x10
    };
    slots[SLOT_CONTROL] = (struct cap){ .kind = KIND_IO_CONTROL, .rights = RIGHT_ALL };
    domains = 16;
    preempt = false;
    reporting = true;
    reports = fault_first = fault_end = 0;
    bell.word = 0;
    io_init();
    return 0;
}

static unsigned call(enum err (*op)(struct invocation *), unsigned self, uint64_t a, uint64_t b,
                     uint64_t c)
{
    inv = (struct invocation){ .thread = &thread, .self = &slots[self], .words = { a, b, c } };
    return op(&inv);
}

static unsigned device_make(uint64_t source, unsigned slot)
{
    return call(op_io_control_device, SLOT_CONTROL, source, 0, slot);
}

static void device_end(unsigned slot)
{
    assert_int_equal(io_device_destroy_step(&slots[slot]), ERR_OK);
    slots[slot] = (struct cap){ 0 };
}

// Everything that a test made goes.
static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SLOTS; i++) {
        if (slots[i].kind == KIND_IO_DEVICE) {
            device_end(i);
        }
    }
    preempt = false;
    for (unsigned i = 0; i < SPACES; i++) {
        assert_null(spaces[i]->devices);
        if (spaces[i]->domain) {
            assert_int_equal(io_space_destroy(spaces[i]), ERR_OK);
        }
        free(spaces[i]);
    }
    assert_int_equal(buses(), 0);
    return 0;
}

static unsigned domain_make(unsigned i)
{
    return call(op_io_control_domain, SLOT_CONTROL, SLOT_SPACE + i, 0, 0);
}

static unsigned attach(unsigned i, unsigned slot)
{
    return call(op_aspace_attach, SLOT_SPACE + i, slot, 0, 0);
}

static void fault_add(uint16_t source, uint64_t address, unsigned count)
{
    for (; count; count--) {
        faults[fault_end++] = (struct hal_iommu_fault){ address, FAULT_READ | 0x600, source };
    }
}

static void faults_deal(void)
{
    while (fault_first != fault_end) {
        io_faults();
    }
    io_faults();
    fault_first = fault_end = 0;
}

static void test_without_iommu(void **state)
{
    (void)state;
    domains = 0;
    assert_int_equal(device_make(1, SLOT_DEVICE), ERR_STATE);
    assert_int_equal(domain_make(0), ERR_STATE);
    assert_int_equal(attach(0, SLOT_DEVICE), ERR_STATE);
}

static void test_device(void **state)
{
    (void)state;
    assert_int_equal(device_make(0x10000, SLOT_DEVICE), BLAME(RANGE, 1));
    assert_int_equal(device_make(0x108, SLOT_CONTROL), BLAME(OCCUPIED, 3));
    assert_int_equal(device_make(0x108, SLOT_DEVICE), ERR_OK);
    assert_int_equal(slots[SLOT_DEVICE].aux >> 16, 0x108);
    assert_int_equal(device_make(0x108, SLOT_DEVICE + 1), BLAME(OCCUPIED, 1));
    assert_int_equal(units[0x108].state, HAL_IOMMU_REPORTED);
    assert_null(units[0x108].space);
    device_end(SLOT_DEVICE);
    assert_int_equal(units[0x108].state, HAL_IOMMU_NOBODYS);
    assert_int_equal(device_make(0x108, SLOT_DEVICE), ERR_OK);
}

// By the IOMMU's buses and by records; what was refused took nothing.
static void test_device_limits(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BUSES; i++) {
        assert_int_equal(device_make(i << 8, SLOT_DEVICE + i), ERR_OK);
    }
    for (unsigned i = 0; i < 2 * IO_DEVICES; i++) {
        assert_int_equal(device_make(BUSES << 8, SLOT_DEVICE + BUSES), ERR_LIMIT);
    }
    for (unsigned i = BUSES; i < IO_DEVICES; i++) {
        assert_int_equal(device_make(i, SLOT_DEVICE + i), ERR_OK);
    }
    assert_int_equal(device_make(IO_DEVICES, SLOT_DEVICE + IO_DEVICES), ERR_LIMIT);
    device_end(SLOT_DEVICE + 7);
    assert_int_equal(device_make(IO_DEVICES, SLOT_DEVICE + IO_DEVICES), ERR_OK);
}

static void test_domain(void **state)
{
    (void)state;
    struct cap frame = { .kind = KIND_FRAME };
    assert_int_equal(call(op_io_control_domain, SLOT_CONTROL, SLOT_NOTIFICATION, 0, 0),
                     BLAME(TYPE, 1));
    spaces[0]->loaded = true;
    assert_int_equal(domain_make(0), BLAME(STATE, 1));
    spaces[0]->loaded = false;
    spaces[0]->tables = &frame;
    assert_int_equal(domain_make(0), BLAME(STATE, 1));
    spaces[0]->tables = NULL;
    spaces[0]->frames.root = &frame.attached;
    assert_int_equal(domain_make(0), BLAME(STATE, 1));
    spaces[0]->frames.root = NULL;
    assert_int_equal(domain_make(0), ERR_OK);
    assert_int_equal(spaces[0]->top, 2);
    assert_int_equal(domain_make(0), BLAME(STATE, 1));
}

// Ids are all different, but for 0 all used, and come back.
static void test_domain_ids(void **state)
{
    (void)state;
    static struct aspace *many[IO_DOMAINS];
    for (unsigned limit = 16; limit <= 2 * IO_DOMAINS; limit *= 32) {
        unsigned most = limit < IO_DOMAINS ? limit : IO_DOMAINS;
        uint64_t seen[IO_DOMAINS] = { 0 };
        domains = limit;
        for (unsigned i = 1; i < most; i++) {
            many[i] = calloc(1, sizeof(struct aspace));
            slots[SLOT_SPACE].address = (uintptr_t)many[i];
            assert_int_equal(domain_make(0), ERR_OK);
            assert_true(many[i]->domain > 0 && many[i]->domain < most);
            assert_int_equal(seen[many[i]->domain]++, 0);
            assert_int_equal(many[i]->domain, many[i]->hal.domain);
        }
        slots[SLOT_SPACE].address = (uintptr_t)spaces[0];
        assert_int_equal(domain_make(0), ERR_LIMIT);
        assert_int_equal(spaces[0]->domain, 0);
        for (unsigned i = 1; i < most; i++) {
            assert_int_equal(io_space_destroy(many[i]), ERR_OK);
            free(many[i]);
        }
    }
}

static void test_attach(void **state)
{
    (void)state;
    assert_int_equal(device_make(0x108, SLOT_DEVICE), ERR_OK);
    assert_int_equal(device_make(0x110, SLOT_DEVICE + 1), ERR_OK);
    assert_int_equal(attach(0, SLOT_DEVICE), ERR_STATE);
    assert_int_equal(call(op_io_device_detach, SLOT_DEVICE, 0, 0, 0), ERR_STATE);
    assert_int_equal(domain_make(0), ERR_OK);
    assert_int_equal(domain_make(1), ERR_OK);
    slots[SLOT_SPACE].rights = RIGHT_READ;
    assert_int_equal(attach(0, SLOT_DEVICE), ERR_RIGHTS);
    slots[SLOT_SPACE].rights = RIGHT_ALL;
    assert_int_equal(attach(0, SLOT_SPACE), BLAME(TYPE, 1));
    assert_int_equal(attach(0, SLOT_DEVICE), ERR_OK);
    assert_int_equal(attach(1, SLOT_DEVICE), BLAME(STATE, 1));
    assert_int_equal(attach(0, SLOT_DEVICE + 1), ERR_OK);
    assert_ptr_equal(units[0x108].space, &spaces[0]->hal);
    assert_int_equal(call(op_io_device_detach, SLOT_DEVICE, 0, 0, 0), ERR_OK);
    assert_null(units[0x108].space);
    assert_int_equal(units[0x108].state, HAL_IOMMU_REPORTED);
    assert_ptr_equal(units[0x110].space, &spaces[0]->hal);
    assert_int_equal(attach(1, SLOT_DEVICE), ERR_OK);
    device_end(SLOT_DEVICE);
    assert_null(units[0x108].space);
    assert_null(spaces[1]->devices);
}

// One device a step, where somebody waits.
static void test_space_destroy(void **state)
{
    (void)state;
    assert_int_equal(domain_make(0), ERR_OK);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(device_make(i, SLOT_DEVICE + i), ERR_OK);
        assert_int_equal(attach(0, SLOT_DEVICE + i), ERR_OK);
    }
    preempt = true;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(io_space_destroy(spaces[0]), ERR_PREEMPTED);
        assert_int_not_equal(spaces[0]->domain, 0);
    }
    assert_int_equal(io_space_destroy(spaces[0]), ERR_OK);
    assert_int_equal(spaces[0]->domain, 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_null(units[i].space);
        assert_int_equal(units[i].state, HAL_IOMMU_REPORTED);
    }
}

static void test_faults(void **state)
{
    (void)state;
    assert_int_equal(device_make(0x108, SLOT_DEVICE), ERR_OK);
    fault_add(0x108, 0x1000, 1);
    faults_deal();
    assert_int_equal(bell.word, 0);
    assert_int_equal(call(op_io_device_bind, SLOT_DEVICE, SLOT_NOTIFICATION, 0, 0), ERR_OK);
    fault_add(0x108, 0x2000, 1);
    faults_deal();
    assert_int_equal(bell.word, 0x10);
    assert_int_equal(call(op_io_device_fault, SLOT_DEVICE, 0, 0, 0), ERR_OK);
    assert_int_equal(inv.results, 3);
    assert_int_equal(inv.words[0], 0x2000);
    assert_int_equal(inv.words[1], FAULT_READ | 0x600);
    assert_int_equal(inv.words[2], 2);
    assert_int_equal(call(op_io_device_fault, SLOT_DEVICE, 0, 0, 0), ERR_OK);
    assert_int_equal(inv.words[0] | inv.words[1] | inv.words[2], 0);
}

// A device that nobody reads is silenced, whatever becomes of it meanwhile, until somebody does.
static void test_silence(void **state)
{
    (void)state;
    assert_int_equal(domain_make(0), ERR_OK);
    assert_int_equal(device_make(0x108, SLOT_DEVICE), ERR_OK);
    fault_add(0x108, 0x1000, IO_UNREAD_MAX - 1);
    faults_deal();
    assert_int_equal(units[0x108].state, HAL_IOMMU_REPORTED);
    fault_add(0x108, 0x1000, 1);
    faults_deal();
    assert_int_equal(units[0x108].state, HAL_IOMMU_SILENT);
    assert_int_equal(attach(0, SLOT_DEVICE), ERR_OK);
    assert_int_equal(units[0x108].state, HAL_IOMMU_SILENT);
    assert_ptr_equal(units[0x108].space, &spaces[0]->hal);
    assert_int_equal(call(op_io_device_fault, SLOT_DEVICE, 0, 0, 0), ERR_OK);
    assert_int_equal(inv.words[2], IO_UNREAD_MAX);
    assert_int_equal(units[0x108].state, HAL_IOMMU_REPORTED);
    assert_ptr_equal(units[0x108].space, &spaces[0]->hal);
}

// A bounded number each time; what is left is asked for.
static void test_some_at_once(void **state)
{
    (void)state;
    assert_int_equal(device_make(0x108, SLOT_DEVICE), ERR_OK);
    fault_add(0x108, 0x1000, 6);
    io_faults();
    assert_true(fault_first > 0 && fault_first < 6);
    assert_true(reports == 1 && reporting);
    io_faults();
    assert_int_equal(fault_first, 6);
    assert_int_equal(reports, 1);
}

// Faults that are nobody's, or come although the device was silenced: soon no unit interrupts,
// until somebody asks something.
static void test_strays(void **state)
{
    (void)state;
    assert_int_equal(device_make(0x108, SLOT_DEVICE), ERR_OK);
    fault_add(0x108, 0x1000, IO_UNREAD_MAX + 5);
    fault_add(0x200, 0x1000, 5);
    faults_deal();
    assert_true(reporting);
    fault_add(0x200, 0x1000, 50);
    faults_deal();
    assert_false(reporting);
    assert_int_equal(call(op_io_device_fault, SLOT_DEVICE, 0, 0, 0), ERR_OK);
    assert_true(reporting);
    assert_int_equal(inv.words[2], IO_UNREAD_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_without_iommu), TEST(test_device),     TEST(test_device_limits),
        TEST(test_domain),        TEST(test_domain_ids), TEST(test_attach),
        TEST(test_space_destroy), TEST(test_faults),     TEST(test_silence),
        TEST(test_some_at_once),  TEST(test_strays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
