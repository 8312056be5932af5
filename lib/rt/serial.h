// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The serial line as a sink, written through a port capability: works under every kernel.
#pragma once

#include "print.h"
#include "syscall.h"

// Take the ports of the first UART from `io_control` into `slot` of the table in slot `table` and
// make the line the program's sink.
struct rt_status rt_serial_init(cap_t io_control, cap_t table, cap_t slot);
