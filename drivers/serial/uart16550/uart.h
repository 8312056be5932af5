// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A 16550 UART and its relatives (National Semiconductor PC16550D data sheet): bytes out by
// interrupts of the empty transmitter, bytes in by those of received data.  Makes no system call
// and runs on the development host; the component in uart16550.c calls it.
//
// The device is not believed: every loop here ends after a fixed number of register accesses,
// whatever they give, and a transmitter that never becomes empty is reported and started anew.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define UART_PORTS 8u

// Access to the device's registers, by number.
struct uart_registers {
    uint8_t (*read)(void *context, unsigned number);
    void (*write)(void *context, unsigned number, uint8_t value);
};

// Who has bytes to be sent and takes those that came.
struct uart_stream {
    bool (*next)(void *context, uint8_t *byte);  // the next byte to send; false: none
    void (*received)(void *context, uint8_t byte);
    bool (*room)(void *context);  // whether one may come: else it stays in the device
};

struct uart {
    const struct uart_registers *registers;
    const struct uart_stream *stream;
    void *context;     // of both
    unsigned depth;    // bytes that the transmitter takes at once
    bool enabled;      // the interrupt of the empty transmitter
    bool full;         // the stream has no room: received bytes are left in the device
    bool empty;        // the last byte sent is known to be on the line
    uint64_t fills;    // how often the transmitter was given bytes,
    uint64_t emptied;  // and how many of these have left its FIFO
    uint64_t watched;  // `emptied` at the last tick
    unsigned idle;     // ticks since then in which it did not rise while bytes were under way
    uint64_t sent, received;
    uint64_t overruns, errors;  // received bytes that were lost; with a wrong frame or parity
};

// What a service found.
enum uart_found {
    UART_QUIET,  // nothing is left that asks for service
    UART_MORE,   // the device asks for more than one service does: serve again, later
};

// What a tick found.
enum uart_health {
    UART_WELL,
    UART_STALLED,  // it was given bytes and did not send them for UART_PATIENCE ticks
};
#define UART_PATIENCE 50u

// Put the device into service at 115,200 baud, 8 bits, no parity.  False: there is none (nothing
// answers at its ports, or its loop back gives other bytes than it was given).  Also to start it
// anew: what is in it is lost.
bool uart_start(struct uart *uart);

// Serve what the device asks for: after an interrupt, with or without a reason.
enum uart_found uart_service(struct uart *uart);

// The stream has bytes to send where it had none.
void uart_kick(struct uart *uart);

// The stream may have room again: false: it had all the time; else serve the device.
bool uart_resume(struct uart *uart);

// Where there are bytes under way, call this once in a while.  After UART_STALLED the caller drops
// what it has to send and calls uart_start.
enum uart_health uart_tick(struct uart *uart);

// Bytes are under way.
bool uart_busy(const struct uart *uart);

// A stamp for the bytes that `next` gave by now, and whether those of a stamp are on the line.
uint64_t uart_stamp(const struct uart *uart);
bool uart_passed(const struct uart *uart, uint64_t stamp);
