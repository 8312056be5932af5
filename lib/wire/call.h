// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Messages between <wire/wire.h> and the kernel.  Relies on lib/rt; generated client functions and
// servers call it.  Everything here uses rt_buffer(), so it belongs to the thread whose message
// buffer that is.
#pragma once

#include "wire.h"

#include <rt/syscall.h>

// Empty slots where capabilities may arrive: `count` of the capability table in slot `table` of the
// own one, from `slot` on.
struct wire_window {
    uint64_t table, slot, count;
};

// Call `endpoint` with the message, which the answer replaces.  Its capabilities arrive in `window`
// (NULL: none may).  Gives WIRE_OK, or WIRE_KERNEL + error; what the answer says is unchecked.
// Blocks.
[[nodiscard]] uint32_t wire_call(cap_t endpoint, const struct wire_window *window,
                                 struct wire_message *message);

// What a receive gave.
struct [[nodiscard]] wire_received {
    uint32_t code;      // WIRE_OK, or WIRE_KERNEL + error
    bool notification;  // no message: the bound notification fired, its word is the badge
    uint64_t badge;     // of the capability that was called
};

// Wait for a message; `reply` will stand for its caller.  Blocks.
struct wire_received wire_receive(cap_t endpoint, cap_t reply, const struct wire_window *window,
                                  struct wire_message *message);

// Send `answer` to the caller that `reply` stands for, then receive into `request`, as wire_receive
// does.  An answer whose capabilities cannot be sent becomes WIRE_SERVER; one to a caller that
// waits no more, because it died or the time that it lent is used up, is dropped.  Blocks.
struct wire_received wire_answer(cap_t endpoint, cap_t reply, const struct wire_window *window,
                                 struct wire_message *answer, struct wire_message *request);

// Send `answer` to the caller that `reply` stands for, if it still waits (false: it does not); as
// wire_answer, without receiving.  Never blocks.
bool wire_reply(cap_t reply, struct wire_message *answer);

// Delete what a message brought into the window and nobody has moved away.  A server does so after
// each request; else a client could fill its window.
void wire_drop(const struct wire_window *window, const struct wire_message *message);
