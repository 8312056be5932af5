// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// I/O ports and power: operations of the remaining control capabilities.
#pragma once

#include "object.h"

MUST_USE enum err op_io_control_ports(struct invocation *inv);
MUST_USE enum err op_io_ports_in(struct invocation *inv);
MUST_USE enum err op_io_ports_out(struct invocation *inv);
MUST_USE enum err op_power_control_off(struct invocation *inv);
MUST_USE enum err op_power_control_reset(struct invocation *inv);
