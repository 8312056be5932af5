// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The 16550 (uart.h).  Section numbers are those of the PC16550D data sheet.
#include "uart.h"

// Registers (8.0, table II).
enum uart_register {
    REGISTER_DATA = 0,      // receiver buffer, transmitter holding; divisor's low byte
    REGISTER_ENABLE = 1,    // interrupt enable; divisor's high byte
    REGISTER_IDENTIFY = 2,  // read: interrupt identification
    REGISTER_FIFO = 2,      // written: FIFO control
    REGISTER_LINE = 3,      // line control
    REGISTER_MODEM = 4,     // modem control
    REGISTER_STATUS = 5,    // line status
    REGISTER_MODEM_STATUS = 6,
};

#define ENABLE_RECEIVED 0x01u
#define ENABLE_EMPTY    0x02u
#define ENABLE_STATUS   0x04u

#define IDENTIFY_NONE 0x01u
#define IDENTIFY_FIFO 0xc0u

#define FIFO_ON         0x01u
#define FIFO_CLEAR_SENT 0x04u
#define FIFO_HALF       0x80u  // interrupt when 8 have been received, or after 4 characters' time

#define LINE_8N1     0x03u
#define LINE_DIVISOR 0x80u

#define MODEM_READY     0x03u  // DTR, RTS
#define MODEM_INTERRUPT 0x08u  // OUT2 lets interrupts through on a PC
#define MODEM_LOOP      0x10u

#define STATUS_DATA    0x01u
#define STATUS_OVERRUN 0x02u
#define STATUS_PARITY  0x04u
#define STATUS_FRAME   0x08u
#define STATUS_BREAK   0x10u
#define STATUS_HOLDING 0x20u  // the transmitter takes bytes
#define STATUS_EMPTY   0x40u  // and has none in work
#define STATUS_ABSENT  0xffu  // nobody drives the bus

#define DEPTH_FIFO   16u
#define DIVISOR      1u   // 1.8432 MHz / 16 / 115,200
#define ROUNDS       4u   // causes served at once
#define RECEIVE_MOST 64u  // bytes received in one round
#define SETTLE_READS 4000u
#define LOOP_READS   1000u
#define LOOP_BYTE    0xa5u

static uint8_t uart_read(const struct uart *uart, unsigned number)
{
    return uart->registers->read(uart->context, number);
}

static void uart_write(const struct uart *uart, unsigned number, unsigned value)
{
    uart->registers->write(uart->context, number, (uint8_t)value);
}

static void uart_enable_write(const struct uart *uart)
{
    uart_write(uart, REGISTER_ENABLE,
               ENABLE_STATUS | (uart->full ? 0 : ENABLE_RECEIVED) |
                   (uart->enabled ? ENABLE_EMPTY : 0));
}

// Bytes that stay in the device do not ask for service again and again; one who sends faster than
// is read waits (its FIFO is full), or loses what it sends.
static void uart_full_set(struct uart *uart, bool full)
{
    if (uart->full != full) {
        uart->full = full;
        uart_enable_write(uart);
    }
}

bool uart_resume(struct uart *uart)
{
    bool resumed = uart->full && uart->stream->room(uart->context);
    if (resumed) {
        uart_full_set(uart, false);
    }
    return resumed;
}

// ---- receiving ---------------------------------------------------------------------------------

// One byte, with the status that belongs to it (8.3).
static void uart_take(struct uart *uart, uint8_t status)
{
    uint8_t byte = uart_read(uart, REGISTER_DATA);
    if (status & (STATUS_PARITY | STATUS_FRAME | STATUS_BREAK)) {
        uart->errors++;
        return;
    }
    uart->received++;
    uart->stream->received(uart->context, byte);
}

// Take what has been received; gives the status that was read last.
static uint8_t uart_drain(struct uart *uart)
{
    uint8_t status = 0;
    for (unsigned i = 0; i < RECEIVE_MOST; i++) {
        status = uart_read(uart, REGISTER_STATUS);
        if (status & STATUS_OVERRUN && status != STATUS_ABSENT) {
            uart->overruns++;
        }
        if (!(status & STATUS_DATA) || status == STATUS_ABSENT) {
            break;
        }
        if (!uart->stream->room(uart->context)) {
            uart_full_set(uart, true);
            break;
        }
        uart_take(uart, status);
    }
    return status;
}

// ---- start -------------------------------------------------------------------------------------

// Let what an earlier driver sent leave, which the loop would cut off.
static void uart_settle(const struct uart *uart)
{
    for (unsigned i = 0; i < SETTLE_READS; i++) {
        if (uart_read(uart, REGISTER_STATUS) & STATUS_EMPTY) {
            return;
        }
    }
}

// Send a byte through the device into itself (8.7): whether it is a UART.  What else comes was
// typed.
static bool uart_loops(const struct uart *uart)
{
    uart_write(uart, REGISTER_MODEM, MODEM_LOOP);
    uart_write(uart, REGISTER_DATA, LOOP_BYTE);
    for (unsigned i = 0; i < LOOP_READS; i++) {
        if (!(uart_read(uart, REGISTER_STATUS) & STATUS_DATA)) {
            continue;
        }
        uint8_t byte = uart_read(uart, REGISTER_DATA);
        if (byte == LOOP_BYTE) {
            return true;
        }
        uart->stream->received(uart->context, byte);
    }
    return false;
}

static void uart_line_set(const struct uart *uart)
{
    uart_write(uart, REGISTER_ENABLE, 0);
    uart_write(uart, REGISTER_LINE, LINE_DIVISOR);
    uart_write(uart, REGISTER_DATA, DIVISOR & 0xff);
    uart_write(uart, REGISTER_ENABLE, DIVISOR >> 8);
    uart_write(uart, REGISTER_LINE, LINE_8N1);
}

// Turn the FIFOs on, that of the transmitter empty.  A 16450 has none, in a 16550 without A they do
// not work (8.6).
static void uart_fifo_set(struct uart *uart)
{
    uart_write(uart, REGISTER_FIFO, FIFO_ON | FIFO_CLEAR_SENT | FIFO_HALF);
    uart->depth = DEPTH_FIFO;
    if ((uart_read(uart, REGISTER_IDENTIFY) & IDENTIFY_FIFO) != IDENTIFY_FIFO) {
        uart_write(uart, REGISTER_FIFO, 0);
        uart->depth = 1;
    }
}

bool uart_start(struct uart *uart)
{
    uart->enabled = false;
    uart->full = false;
    uart->empty = true;
    uart->idle = 0;
    uart_settle(uart);
    uart_line_set(uart);
    uart_fifo_set(uart);
    if (uart_drain(uart) == STATUS_ABSENT || !uart_loops(uart)) {
        return false;
    }
    uart_write(uart, REGISTER_MODEM, MODEM_READY | MODEM_INTERRUPT);
    uart_enable_write(uart);
    return true;
}

// ---- sending -----------------------------------------------------------------------------------

static void uart_enable(struct uart *uart, bool wanted)
{
    if (uart->enabled != wanted) {
        uart->enabled = wanted;
        uart_enable_write(uart);
    }
}

// The transmitter takes bytes: what it was given before has left its FIFO.  Its interrupt is wanted
// as long as bytes are in it, since it tells that they have left.
static void uart_fill(struct uart *uart, uint8_t status)
{
    uint8_t byte;
    unsigned count = 0;
    uart->emptied = uart->fills;
    while (count < uart->depth && uart->stream->next(uart->context, &byte)) {
        uart_write(uart, REGISTER_DATA, byte);
        count++;
    }
    uart->fills += count > 0;
    uart->sent += count;
    uart->empty = count == 0 && status & STATUS_EMPTY;
    uart_enable(uart, count > 0);
}

void uart_kick(struct uart *uart)
{
    if (!uart->enabled) {
        uint8_t status = uart_read(uart, REGISTER_STATUS);
        uart->empty = false;
        if (status & STATUS_HOLDING) {
            uart_fill(uart, status);
        } else {
            uart_enable(uart, true);
        }
    }
}

bool uart_busy(const struct uart *uart)
{
    return uart->enabled || !uart->empty;
}

uint64_t uart_stamp(const struct uart *uart)
{
    return uart->fills;
}

// The bytes are those of the fill after the stamp.  Once another one behind it has left the FIFO,
// nothing of it is in the shift register either.
bool uart_passed(const struct uart *uart, uint64_t stamp)
{
    return uart->empty || uart->emptied >= stamp + 2;
}

// ---- service -----------------------------------------------------------------------------------

// Every round serves all causes: the identification only says whether there is one.  Reading it
// takes back the interrupt of the empty transmitter, so what the status says is acted on.
enum uart_found uart_service(struct uart *uart)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        bool quiet = uart_read(uart, REGISTER_IDENTIFY) & IDENTIFY_NONE;
        uint8_t status = uart_drain(uart);
        (void)uart_read(uart, REGISTER_MODEM_STATUS);
        if (status == STATUS_ABSENT) {
            return UART_QUIET;
        }
        if (status & STATUS_HOLDING && uart_busy(uart)) {
            uart_fill(uart, status);
        }
        if (quiet && (uart->full || !(status & STATUS_DATA))) {
            return UART_QUIET;
        }
    }
    return UART_MORE;
}

// Where only the shift register is not known to be empty, two ticks are more than enough for it.
enum uart_health uart_tick(struct uart *uart)
{
    if (!uart_busy(uart) || uart->emptied != uart->watched) {
        uart->watched = uart->emptied;
        uart->idle = 0;
        return UART_WELL;
    }
    uart->idle++;
    if (!uart->enabled) {
        uart->empty = uart->idle > 1;
        return UART_WELL;
    }
    return uart->idle < UART_PATIENCE ? UART_WELL : UART_STALLED;
}
