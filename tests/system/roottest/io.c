// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Devices and I/O address spaces: what IoControl, IoDevice and AddressSpace.attach refuse.  The
// machine has an IOMMU, or only the first test says something.
#include "dying.h"
#include "groups.h"

#include <rt/space.h>

#define DEVICE      0x0100u  // on a bus that the machine need not have
#define BUSES       64u      // more than there is room for
#define DOMAINS     300u     // likewise
#define FRAME_BITS  12u
#define ASPACE_BITS 13u

static cap_t device_make(uint64_t source)
{
    cap_t slot = rt_slot_alloc();
    EXPECT_OK(io_control_device(ROOT_SLOT_IO_CONTROL, source, CSPACE, slot));
    return slot;
}

static void without_iommu(void)
{
    if (have_devices()) {
        return;
    }
    cap_t space = make(KIND_ADDRESS_SPACE);
    refuse(OP_IO_CONTROL_DOMAIN, ROOT_SLOT_IO_CONTROL, WORDS(space), ERR_STATE, 0);
    refuse(OP_IO_CONTROL_DEVICE, ROOT_SLOT_IO_CONTROL, WORDS(DEVICE, CSPACE, empty_slot()),
           ERR_STATE, 0);
    refuse(OP_ADDRESS_SPACE_ATTACH, space, WORDS(0), ERR_STATE, 0);
    rt_object_delete(space);
}

static void device_refuses(void)
{
    unsigned op = OP_IO_CONTROL_DEVICE, count = 0;
    cap_t self = ROOT_SLOT_IO_CONTROL, slots[BUSES] = { 0 };
    if (!have_devices()) {
        return;
    }
    refuse(op, self, WORDS(0x10000, CSPACE, empty_slot()), ERR_RANGE, 1);
    refuse(op, self, WORDS(UINT64_MAX, CSPACE, empty_slot()), ERR_RANGE, 1);
    refuse_cap(op, self, WORDS(DEVICE, CSPACE, empty_slot()), 2);
    refuse(op, self, WORDS(DEVICE, CSPACE, 0), ERR_RANGE, 3);
    refuse(op, self, WORDS(DEVICE, CSPACE, SLOT_OUTSIDE), ERR_RANGE, 3);
    refuse(op, self, WORDS(DEVICE, CSPACE, ROOT_SLOT_THREAD), ERR_OCCUPIED, 3);
    for (struct rt_status status = RT_OK; count < BUSES && rt_ok(status); count++) {
        slots[count] = rt_slot_alloc();
        status = io_control_device(self, DEVICE + 0x100u * count, CSPACE, slots[count]);
        test_hit(op, status);
    }
    EXPECT(test_was_hit(op, ERR_LIMIT, 0));
    refuse(op, self, WORDS(DEVICE, CSPACE, empty_slot()), ERR_OCCUPIED, 1);
    struct captable_identify_result said = captable_identify(CSPACE, slots[1]);
    EXPECT_EQUAL(said.kind_rights & 0xff, KIND_IO_DEVICE);
    EXPECT_EQUAL(said.size, DEVICE + 0x100u);
    while (count--) {
        rt_cap_delete(slots[count]);
    }
}

// An address space is fresh only while nothing has been done with it.
static void domain_refuses(void)
{
    unsigned op = OP_IO_CONTROL_DOMAIN;
    cap_t self = ROOT_SLOT_IO_CONTROL;
    struct rt_space space;
    if (!have_devices()) {
        return;
    }
    EXPECT_OK(rt_space_new(&space));
    refuse_cap(op, self, WORDS(space.cap), 1);
    refuse(op, self, WORDS(ROOT_SLOT_ASPACE), ERR_STATE, 1);
    cap_t frame = make_sized(KIND_FRAME, FRAME_BITS);
    cap_t attached = derive(frame, RIGHT_READ);
    EXPECT_OK(frame_attach(attached, space.cap));
    refuse(op, self, WORDS(space.cap), ERR_STATE, 1);
    EXPECT_OK(rt_space_map(&space, attached, TEST_VADDR, 0, 1, PROT_READ));
    EXPECT_OK(frame_detach(attached));
    refuse(op, self, WORDS(space.cap), ERR_STATE, 1);
    rt_space_trim(&space);
    cap_t thread = make(KIND_THREAD);
    EXPECT_OK(thread_configure(thread, 0, space.cap, 0, 0, 0));
    rt_object_delete(thread);
    refuse(op, self, WORDS(space.cap), ERR_STATE, 1);
    rt_cap_delete(attached);
    rt_object_delete(frame);
    rt_space_delete(&space);
}

// And the last id refuses.
static void domain_becomes(void)
{
    cap_t first = 0, thread = make(KIND_THREAD);
    if (!have_devices()) {
        rt_object_delete(thread);
        return;
    }
    EXPECT_OK(rt_objects_new(KIND_ADDRESS_SPACE, ASPACE_BITS, DOMAINS, &first));
    for (unsigned i = 0; i < DOMAINS; i++) {
        test_hit(OP_IO_CONTROL_DOMAIN, io_control_domain(ROOT_SLOT_IO_CONTROL, first + i));
    }
    EXPECT(test_was_hit(OP_IO_CONTROL_DOMAIN, ERR_LIMIT, 0));
    refuse(OP_IO_CONTROL_DOMAIN, ROOT_SLOT_IO_CONTROL, WORDS(first), ERR_STATE, 1);
    refuse(OP_THREAD_CONFIGURE, thread, WORDS(0, first, 0, 0, 0), ERR_TYPE, 2);
    rt_objects_delete(first, DOMAINS);
    rt_object_delete(thread);
}

static void attach_refuses(void)
{
    unsigned op = OP_ADDRESS_SPACE_ATTACH;
    struct rt_space space;
    if (!have_devices()) {
        return;
    }
    cap_t device = device_make(DEVICE);
    EXPECT_OK(rt_space_new(&space));
    refuse(op, space.cap, WORDS(device), ERR_STATE, 0);
    refuse(OP_IO_DEVICE_DETACH, device, WORDS(0), ERR_STATE, 0);
    EXPECT_OK(io_control_domain(ROOT_SLOT_IO_CONTROL, space.cap));
    refuse_rights(op, space.cap, WORDS(device));
    refuse_cap_kind(op, space.cap, WORDS(device), 1);
    EXPECT_OK(aspace_attach(space.cap, device));
    refuse(op, space.cap, WORDS(device), ERR_STATE, 1);
    EXPECT_OK(io_device_detach(device));
    refuse(OP_IO_DEVICE_DETACH, device, WORDS(0), ERR_STATE, 0);
    EXPECT_EQUAL(io_device_fault(device).count, 0);
    refuse_cap_kind(OP_IRQ_CONTROL_MSI, ROOT_SLOT_IRQ_CONTROL, WORDS(device, CSPACE, empty_slot()),
                    1);
    rt_cap_delete(device);
    rt_space_delete(&space);
}

static void bind_refuses(void)
{
    if (!have_devices()) {
        return;
    }
    cap_t device = device_make(DEVICE);
    cap_t notification = make(KIND_NOTIFICATION);
    refuse_cap(OP_IO_DEVICE_BIND, device, WORDS(notification), 1);
    EXPECT_OK(io_device_bind(device, notification));
    EXPECT_OK(io_device_bind(device, 0));
    EXPECT_OK(io_device_bind(device, notification));
    rt_cap_delete(device);
    rt_object_delete(notification);
}

static struct rt_space probe_space;
static cap_t probe_device;

static void probe_dying_space(cap_t victim)
{
    test_hit(OP_IO_CONTROL_DOMAIN, io_control_domain(ROOT_SLOT_IO_CONTROL, victim));
}

static bool dying_space_seen(void)
{
    return test_was_hit(OP_IO_CONTROL_DOMAIN, ERR_DEAD, 1);
}

static void probe_dying_device(cap_t victim)
{
    test_hit(OP_ADDRESS_SPACE_ATTACH, aspace_attach(probe_space.cap, victim));
    test_hit(OP_IRQ_CONTROL_MSI,
             irq_control_msi(ROOT_SLOT_IRQ_CONTROL, victim, CSPACE, ROOT_SLOT_THREAD));
}

static bool dying_device_seen(void)
{
    return test_was_hit(OP_ADDRESS_SPACE_ATTACH, ERR_DEAD, 1) &&
           test_was_hit(OP_IRQ_CONTROL_MSI, ERR_DEAD, 1);
}

static void probe_dying_notification(cap_t victim)
{
    test_hit(OP_IO_DEVICE_BIND, io_device_bind(probe_device, victim));
}

static bool dying_notification_seen(void)
{
    return test_was_hit(OP_IO_DEVICE_BIND, ERR_DEAD, 1);
}

static void dying_refused(void)
{
    struct dying space = { .probe = probe_dying_space, .done = dying_space_seen };
    struct dying device = { .probe = probe_dying_device, .done = dying_device_seen };
    struct dying bound = { .probe = probe_dying_notification, .done = dying_notification_seen };
    if (!have_devices()) {
        return;
    }
    cap_t victim = make(KIND_ADDRESS_SPACE), notification = make(KIND_NOTIFICATION);
    EXPECT(dying_observe(&space, victim));
    rt_object_delete(victim);
    EXPECT_OK(rt_space_new(&probe_space));
    EXPECT_OK(io_control_domain(ROOT_SLOT_IO_CONTROL, probe_space.cap));
    probe_device = device_make(DEVICE);
    EXPECT(dying_observe(&device, probe_device));
    rt_cap_delete(probe_device);
    probe_device = device_make(DEVICE);
    EXPECT(dying_observe(&bound, notification));
    rt_object_delete(notification);
    rt_cap_delete(probe_device);
    rt_space_delete(&probe_space);
}

GROUP(io, TEST(without_iommu), TEST(device_refuses), TEST(domain_refuses), TEST(domain_becomes),
      TEST(attach_refuses), TEST(bind_refuses), TEST(dying_refused));
