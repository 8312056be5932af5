// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Devices that reach memory by themselves, and the I/O address spaces that they are attached to.
#pragma once

#include "aspace.h"
#include "object.h"

#define IO_DEVICES    64u   // device capabilities at a time
#define IO_DOMAINS    256u  // I/O address spaces at a time, at most; one more than that
#define IO_UNREAD_MAX 8u    // faults of a device that are recorded before somebody reads them

struct io_device;

void io_init(void);

// Detach every device from a space that is being destroyed, and give its domain id back.
// Preemptible.
MUST_USE enum err io_space_destroy(struct aspace *as);

// Deal with what IOMMUs have recorded: a bounded number of faults.
void io_faults(void);

MUST_USE enum err io_device_destroy_step(struct cap *original);
MUST_USE enum err op_io_control_device(struct invocation *inv);
MUST_USE enum err op_io_control_domain(struct invocation *inv);
MUST_USE enum err op_aspace_attach(struct invocation *inv);
MUST_USE enum err op_io_device_detach(struct invocation *inv);
MUST_USE enum err op_io_device_bind(struct invocation *inv);
MUST_USE enum err op_io_device_fault(struct invocation *inv);
