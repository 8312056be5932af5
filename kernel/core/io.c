// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Devices as capabilities: what each is attached to, and its faults.  Owns the table of devices and
// the domain ids, guarded by the kernel lock.  Relies on hal/iommu.h; called by invocations, the
// table of kinds, the destruction of address spaces, and IOMMUs' interrupts.
//
// Storms.  A device is silenced, in the unit, after IO_UNREAD_MAX faults that nobody has read,
// until somebody does.  What can come beyond that, and from devices that nobody has, is counted
// together; after STRAYS_MAX of those no unit interrupts until somebody asks something of this
// file.
#include "io.h"

#include "notification.h"
#include "preempt.h"

#include <hal/iommu.h>

#define FAULTS_AT_ONCE 4u
#define STRAYS_MAX     16u

struct io_device {
    struct cap notification;  // what its faults signal
    struct aspace *space;     // attached to; NULL: none
    struct io_device *next;   // of the same space
    uint64_t address;         // of the last fault
    uint32_t info, count;     // likewise; how many were recorded since it was read
    uint16_t source;
    bool taken;  // a capability exists
};

static struct io_device devices[IO_DEVICES];
static uint64_t domains[IO_DOMAINS / 64];  // taken
static unsigned strays;

void io_init(void)
{
    domains[0] = 1;
    for (unsigned i = 0; i < IO_DEVICES; i++) {
        binding_init(&devices[i].notification);
    }
}

static struct io_device *device_of(const struct cap *cap)
{
    return &devices[cap->aux % IO_DEVICES];
}

// The device with this number; `taken` false: a free record.
static struct io_device *device_find(uint16_t source, bool taken)
{
    for (struct io_device *device = devices; device < devices + IO_DEVICES; device++) {
        if (device->taken == taken && (device->source == source || !taken)) {
            return device;
        }
    }
    return NULL;
}

// Make the unit treat the device as its record says.
static bool device_apply(const struct io_device *device)
{
    enum hal_iommu_device state = !device->taken                  ? HAL_IOMMU_NOBODYS
                                  : device->count < IO_UNREAD_MAX ? HAL_IOMMU_REPORTED
                                                                  : HAL_IOMMU_SILENT;
    if (strays >= STRAYS_MAX) {
        hal_iommu_report(true);
    }
    strays = 0;
    return hal_iommu_device(device->source, state, device->space ? &device->space->hal : NULL);
}

static void device_detach(struct io_device *device)
{
    struct io_device **link = &device->space->devices;
    while (*link != device) {
        link = &(*link)->next;
    }
    *link = device->next;
    device->space = NULL;
    (void)device_apply(device);
}

enum err io_device_destroy_step(struct cap *original)
{
    struct io_device *device = device_of(original);
    device->taken = false;
    if (device->space) {
        device_detach(device);
    } else {
        (void)device_apply(device);
    }
    binding_clear(&device->notification);
    return ERR_OK;
}

enum err op_io_control_device(struct invocation *inv)
{
    struct cap *to;
    uint64_t source = inv->words[0];
    if (!hal_iommu_domains()) {
        return ERR_STATE;
    }
    if (source > UINT16_MAX) {
        return err_blame(ERR_RANGE, 1);
    }
    if (device_find((uint16_t)source, true)) {
        return err_blame(ERR_OCCUPIED, 1);
    }
    enum err error = cap_lookup_empty(inv->thread, inv->words[1], inv->words[2], 2, &to);
    if (error) {
        return error;
    }
    struct io_device *device = device_find(0, false);
    if (!device) {
        return ERR_LIMIT;
    }
    device->source = (uint16_t)source;
    device->count = 0;
    device->taken = true;
    device->taken = device_apply(device);
    if (!device->taken) {
        return ERR_LIMIT;
    }
    to->kind = KIND_IO_DEVICE;
    to->rights = RIGHT_ALL;
    to->flags = CAP_ORIGINAL;
    to->aux = (uint32_t)(device - devices) | (uint32_t)source << 16;
    cap_insert_child(to, inv->self);
    return ERR_OK;
}

// 0: none is left.
static unsigned domain_draw(void)
{
    for (unsigned i = 0; i < IO_DOMAINS && i < hal_iommu_domains(); i++) {
        if (!(domains[i / 64] >> i % 64 & 1)) {
            domains[i / 64] |= 1ull << i % 64;
            return i;
        }
    }
    return 0;
}

enum err op_io_control_domain(struct invocation *inv)
{
    struct cap *space;
    if (!hal_iommu_domains()) {
        return ERR_STATE;
    }
    enum err error = cap_lookup_kind(inv->thread, inv->words[0], KIND_ADDRESS_SPACE, RIGHT_WRITE, 1,
                                     &space);
    if (error) {
        return error;
    }
    struct aspace *as = aspace_of(space);
    if (as->domain || as->loaded || as->tables || as->frames.root) {
        return err_blame(ERR_STATE, 1);
    }
    unsigned domain = domain_draw();
    if (!domain) {
        return ERR_LIMIT;
    }
    as->domain = (uint16_t)domain;
    aspace_set_levels(as, hal_iommu_space(&as->hal, as->root, domain));
    return ERR_OK;
}

enum err io_space_destroy(struct aspace *as)
{
    while (as->devices) {
        device_detach(as->devices);
        if (preempt_point(100)) {
            return ERR_PREEMPTED;
        }
    }
    domains[as->domain / 64] &= ~(1ull << as->domain % 64);
    as->domain = 0;
    return ERR_OK;
}

enum err op_aspace_attach(struct invocation *inv)
{
    struct cap *cap;
    struct aspace *as = aspace_of(inv->self);
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    if (!as->domain) {
        return ERR_STATE;
    }
    enum err error = cap_lookup_kind(inv->thread, inv->words[0], KIND_IO_DEVICE, 0, 1, &cap);
    if (error) {
        return error;
    }
    struct io_device *device = device_of(cap);
    if (device->space) {
        return err_blame(ERR_STATE, 1);
    }
    device->space = as;
    device->next = as->devices;
    as->devices = device;
    (void)device_apply(device);
    return ERR_OK;
}

enum err op_io_device_detach(struct invocation *inv)
{
    struct io_device *device = device_of(inv->self);
    if (!device->space) {
        return ERR_STATE;
    }
    device_detach(device);
    return ERR_OK;
}

enum err op_io_device_bind(struct invocation *inv)
{
    return binding_set(inv, &device_of(inv->self)->notification);
}

enum err op_io_device_fault(struct invocation *inv)
{
    struct io_device *device = device_of(inv->self);
    inv->words[0] = device->address;
    inv->words[1] = device->info;
    inv->words[2] = device->count;
    inv->results = 3;
    device->address = device->info = device->count = 0;
    (void)device_apply(device);
    return ERR_OK;
}

static void fault_record(const struct hal_iommu_fault *fault)
{
    struct io_device *device = device_find(fault->source, true);
    if (!device || device->count >= IO_UNREAD_MAX) {
        strays++;
        return;
    }
    device->address = fault->address;
    device->info = fault->info;
    if (++device->count == IO_UNREAD_MAX) {
        (void)device_apply(device);
    }
    binding_signal(&device->notification);
}

// What is left is asked for again, unless it is too much.
void io_faults(void)
{
    struct hal_iommu_fault fault;
    unsigned count = 0;
    while (count < FAULTS_AT_ONCE && hal_iommu_fault(&fault)) {
        fault_record(&fault);
        count++;
    }
    if (count == FAULTS_AT_ONCE || strays >= STRAYS_MAX) {
        hal_iommu_report(strays < STRAYS_MAX);
    }
}
