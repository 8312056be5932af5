// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Rates of the clock (TSC) and of the one-shot timer (local APIC timer).
#pragma once

#include "acpi.h"

#include <abi/bootinfo.h>

// Fills clock_hz, timer_hz, calibration and the feature bit: from the CPU where it states the
// rates, otherwise by measuring against the ACPI PM timer or the PIT, about ten milliseconds long.
// Returns a null pointer, or why there is no rate.
const char *clock_read(const struct acpi_fixed *fixed, struct boot_info *info);
