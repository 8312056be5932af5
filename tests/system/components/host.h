// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// How a test's component speaks with the host, without any other component: lines on the first
// serial port (ports "uart", 0x3f8+8), and arguments that QEMU was given as
// `-fw_cfg name=opt/pith/arguments,string=NAME=NUMBER NAME=NUMBER` (ports "fw_cfg", 0x510+2).
#pragma once

#include <rt/component.h>

// From now on rt_print goes to the serial port.
void host_begin(void);

// The number that the host gave under a name, or `otherwise`.
uint64_t host_argument(const char *name, uint64_t otherwise);
