// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
#include "control.h"

#include <hal/cpu.h>

#define PORTS      0x10000ull
#define STATUS_MAX 63

enum err op_io_control_ports(struct invocation *inv)
{
    struct cap *to;
    uint64_t first = inv->words[0];
    uint64_t count = inv->words[1];
    if (first >= PORTS) {
        return err_blame(ERR_RANGE, 1);
    }
    if (!count || count > PORTS - first || count > UINT16_MAX) {
        return err_blame(ERR_RANGE, 2);
    }
    if (hal_port_reserved((uint16_t)first, (uint32_t)count)) {
        return err_blame(ERR_RANGE, 1);
    }
    enum err error = cap_lookup_empty(inv->thread, inv->words[2], inv->words[3], 3, &to);
    if (error) {
        return error;
    }
    to->kind = KIND_IO_PORTS;
    to->rights = RIGHT_ALL;
    to->flags = CAP_ORIGINAL;
    to->aux = (uint32_t)(first | count << 16);
    cap_insert_child(to, inv->self);
    return ERR_OK;
}

// Words 0 and 1: an access inside the range of the capability.
static enum err port_check(const struct invocation *inv)
{
    uint64_t first = inv->self->aux & 0xffff;
    uint64_t count = inv->self->aux >> 16;
    uint64_t width = inv->words[1];
    if (width != 1 && width != 2 && width != 4) {
        return err_blame(ERR_RANGE, 2);
    }
    if (inv->words[0] < first || inv->words[0] >= PORTS || inv->words[0] + width > first + count) {
        return err_blame(ERR_RANGE, 1);
    }
    return ERR_OK;
}

enum err op_io_ports_in(struct invocation *inv)
{
    enum err error = port_check(inv);
    if (error) {
        return error;
    }
    inv->words[0] = hal_port_in((uint16_t)inv->words[0], (unsigned)inv->words[1]);
    inv->results = 1;
    return ERR_OK;
}

enum err op_io_ports_out(struct invocation *inv)
{
    enum err error = port_check(inv);
    if (error) {
        return error;
    }
    if (inv->words[2] >> (8 * inv->words[1])) {
        return err_blame(ERR_RANGE, 3);
    }
    hal_port_out((uint16_t)inv->words[0], (unsigned)inv->words[1], (uint32_t)inv->words[2]);
    return ERR_OK;
}

enum err op_power_control_off(struct invocation *inv)
{
    if (inv->words[0] > STATUS_MAX) {
        return err_blame(ERR_RANGE, 1);
    }
    hal_power_off((unsigned)inv->words[0]);
}

enum err op_power_control_reset(struct invocation *inv)
{
    (void)inv;
    hal_reset();
}
