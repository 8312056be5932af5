// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Serial line and arguments of a test (host.h).
#include "host.h"

#include <rt/print.h>
#include <rt/serial.h>
#include <rt/string.h>

#include <gen/rt_stubs.h>

// QEMU, docs/specs/fw_cfg: a selector of 16 bits, then bytes one by one; numbers big-endian.
#define FW_CFG_SELECT    0x510u
#define FW_CFG_DATA      0x511u
#define FW_CFG_DIRECTORY 0x19u
#define FW_CFG_NAME      56u

static char arguments[256];

// ---- arguments ----------------------------------------------------------------------------------
static void firmware_select(cap_t ports, unsigned key)
{
    rt_ignore(io_ports_out(ports, FW_CFG_SELECT, 2, key));
}

static uint32_t firmware_number(cap_t ports, unsigned bytes)
{
    uint32_t number = 0;
    for (unsigned i = 0; i < bytes; i++) {
        number = number << 8 | (unsigned char)io_ports_in(ports, FW_CFG_DATA, 1).value;
    }
    return number;
}

static void firmware_text(cap_t ports, char *text, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        text[i] = (char)firmware_number(ports, 1);
    }
}

static void arguments_read(cap_t ports)
{
    firmware_select(ports, FW_CFG_DIRECTORY);
    for (uint32_t left = firmware_number(ports, 4); left; left--) {
        char name[FW_CFG_NAME];
        uint32_t size = firmware_number(ports, 4), key = firmware_number(ports, 2);
        (void)firmware_number(ports, 2);
        firmware_text(ports, name, sizeof(name));
        if (strncmp(name, "opt/pith/arguments", sizeof(name)) == 0) {
            firmware_select(ports, key);
            firmware_text(ports, arguments,
                          size < sizeof(arguments) ? size : sizeof(arguments) - 1);
            return;
        }
    }
}

static uint64_t number_of(const char *text)
{
    uint64_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (uint64_t)(*text - '0');
    }
    return number;
}

uint64_t host_argument(const char *name, uint64_t otherwise)
{
    size_t length = strlen(name);
    for (const char *at = arguments; *at; at++) {
        bool begins = at == arguments || at[-1] == ' ';
        if (begins && strncmp(at, name, length) == 0 && at[length] == '=') {
            return number_of(at + length + 1);
        }
    }
    return otherwise;
}

void host_begin(void)
{
    const struct component_grant *firmware = component_grant(GRANT_PORTS, "fw_cfg");
    rt_serial_use(component_need(GRANT_PORTS, "uart")->slot);
    if (firmware) {
        arguments_read(firmware->slot);
    }
}
