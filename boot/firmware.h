// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What firmware says about the machine: finds ACPI's tables and reads them into boot_info.
#pragma once

#include "acpi.h"
#include "handoff.h"

#include <abi/bootinfo.h>

// Without the root pointer, the root table and the MADT there is no going on: the message is
// returned and *table names the one.  For the other tables a message goes to the serial line and
// they count as absent.  Returns a null pointer for success.
//
// The registers that firmware names become known to the handoff's map: those of interrupt
// controllers and IOMMUs as BOOT_MEMORY_IRQCHIP, others as BOOT_MEMORY_DEVICE.
const char *firmware_read(struct handoff *handoff, struct boot_info *info, struct acpi_fixed *fixed,
                          const char **table);
