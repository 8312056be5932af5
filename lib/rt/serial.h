// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The serial line as a sink, written through a port capability: works under every kernel.
#pragma once

#include "print.h"
#include "syscall.h"

// Make the line the program's sink, through a capability of the first UART's ports.
void rt_serial_use(cap_t ports);

// The same with the ports taken from `io_control` into `slot` of the table in slot `table`.
struct rt_status rt_serial_init(cap_t io_control, cap_t table, cap_t slot);
