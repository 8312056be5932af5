// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The outside of a container: the terminal that it has there, or what stands in its place, and the
// control port (command.h).  Both are consoles of drivers, with which bytes are exchanged without
// waiting; the signals `changed` of the drivers say when there are more.  Needs the grants
//     call "console", "control"                      of protocol console
//     signalled "uart.changed", "control.changed"    by their drivers, whose names may be longer in
//     front
// Without "control" the program ends without a status for outside.
#pragma once

#include "command.h"
#include "terminal.h"

// The ports, before all else here: what is wrong from then on can be said.
void console_open(void);
// Give the first program its standard files as the command says: terminals where outside are some,
// else streams.  They stay closed for want of memory.
void console_start(struct task *task, const struct command *command);
// Bits of the component's notification, some of which may be the drivers'.
void console_notified(uint64_t bits);
// Say something on standard error, outside.  Unlike all else here it waits for room.
__attribute__((format(printf, 1, 2))) void console_say(const char *format, ...);
void console_tell(const char *text, uint64_t bytes);
// All that was written is to be out, then the status, 0 to 255.  The power is still on.
void console_end(unsigned status);
// The last words of a server that panics, to the outside.
void console_panicked(void);

// /dev/console
struct terminal *console_terminal(void);
