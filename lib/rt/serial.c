// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The first UART (16550, PC16550D data sheet): polled output.  The loader has set its rate.
#include "serial.h"

#include <gen/rt_stubs.h>

#define UART_PORT        0x3f8u
#define UART_PORTS       8u
#define UART_DATA        (UART_PORT + 0)
#define UART_LINE_STATUS (UART_PORT + 5)
#define LINE_STATUS_THRE 0x20u   // the transmitter takes a byte
#define POLL_LIMIT       100000  // a line that never gets ready loses bytes, not the program

static cap_t uart;

static void put_byte(unsigned char byte)
{
    for (unsigned i = 0; i < POLL_LIMIT; i++) {
        struct io_ports_in_result status = io_ports_in(uart, UART_LINE_STATUS, 1);
        if (!rt_ok(status.status) || (status.value & LINE_STATUS_THRE)) {
            break;
        }
    }
    rt_ignore(io_ports_out(uart, UART_DATA, 1, byte));  // nowhere to complain
}

static void serial_put(struct rt_sink *sink, char c)
{
    (void)sink;
    if (c == '\n') {
        put_byte('\r');
    }
    put_byte((unsigned char)c);
}

static struct rt_sink serial_sink = { .put = serial_put };

void rt_serial_use(cap_t ports)
{
    uart = ports;
    rt_print_sink_set(&serial_sink);
}

struct rt_status rt_serial_init(cap_t io_control, cap_t table, cap_t slot)
{
    struct rt_status status = io_control_ports(io_control, UART_PORT, UART_PORTS, table, slot);
    if (rt_ok(status)) {
        rt_serial_use(slot);
    }
    return status;
}
