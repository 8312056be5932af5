// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Owns the 16550 at COM1.  Relies on nothing; everybody calls it.
#include "serial.h"

#include "entry.h"
#include "x86.h"

#include <stdbool.h>

#define UART          0x3f8
#define UART_ENABLES  (UART + 1)
#define UART_FIFO     (UART + 2)
#define UART_LINE     (UART + 3)
#define UART_MODEM    (UART + 4)
#define UART_STATUS   (UART + 5)
#define UART_IDLE     0x20
#define UART_NOBODY   0xff     // what a read of an empty bus gives
#define UART_PATIENCE 1000000  // reads of the status before the port counts as dead

static bool uart_alive;

void serial_init(void)
{
    port_out8(UART_ENABLES, 0);
    port_out8(UART_LINE, 0x80);  // divisor latch
    port_out8(UART, 1);
    port_out8(UART_ENABLES, 0);
    port_out8(UART_LINE, 0x03);
    port_out8(UART_FIFO, 0x07);
    port_out8(UART_MODEM, 0x03);
    uart_alive = port_in8(UART_STATUS) != UART_NOBODY;
}

static void serial_byte(char c)
{
    for (uint32_t i = 0; uart_alive; i++) {
        if (port_in8(UART_STATUS) & UART_IDLE) {
            break;
        }
        uart_alive = i < UART_PATIENCE;
        cpu_pause();
    }
    if (uart_alive) {
        port_out8(UART, (uint8_t)c);
    }
}

void serial_text(const char *text)
{
    for (; *text; text++) {
        if (*text == '\n') {
            serial_byte('\r');
        }
        serial_byte(*text);
    }
}

void serial_hex(uint64_t value)
{
    char text[19];
    char *p = text + sizeof(text) - 1;
    *p = 0;
    do {
        *--p = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value);
    *--p = 'x';
    *--p = '0';
    serial_text(p);
}

static void serial_message(const char *severity, const char *subject, const char *why)
{
    serial_text("pith loader: ");
    serial_text(severity);
    serial_text(subject);
    serial_text(": ");
    serial_text(why);
    serial_text("\n");
}

void warn(const char *subject, const char *why)
{
    serial_message("warning: ", subject, why);
}

void refuse(const char *subject, const char *why)
{
    serial_message("error: ", subject, why);
    serial_stop();
}

void serial_stop(void)
{
    port_out8(EXIT_PORT, EXIT_REFUSED);
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}
