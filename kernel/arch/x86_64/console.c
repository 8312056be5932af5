// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The debug UART: COM1 (16550), polled, as the loader has set it up.
#include "arch.h"
#include "x86.h"

#include <hal/cpu.h>

#define UART_DATA        0x3f8
#define UART_STATUS      0x3fd
#define UART_STATUS_IDLE 0x20
#define UART_ABSENT      0xff
#define UART_PATIENCE    100000  // polls: a missing or stuck UART must not stop the kernel

void hal_console_put(char c)
{
    if (in8(UART_STATUS) == UART_ABSENT) {
        return;
    }
    for (unsigned i = 0; i < UART_PATIENCE && !(in8(UART_STATUS) & UART_STATUS_IDLE); i++) {
        hal_pause();
    }
    out8(UART_DATA, (uint8_t)c);
}
