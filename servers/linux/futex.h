// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Futexes: tasks that wait for a word of memory to change.
#pragma once

#include "types.h"

struct space;
struct task;

// What names a word for all who share it.
struct futex_key {
    uint64_t object, offset;
};

// What a task leaves behind: the locks in its robust list go to those who wait for them, marked as
// left by a dead owner, so do those with priority inheritance that it holds; its clear_tid is
// zeroed and woken.  While it still has its space: at its end and at exec.
void futex_exit(struct task *task);

// ---- given by spaces
// The word of the process at a multiple of 4: where it is mapped here, after what a fault there
// would bring in; NULL: it cannot be touched.  Good until the event has been handled.
uint32_t *user_word(struct task *task, user_t at, bool write);
// The key of an address in a mapping that can be shared with others: what is mapped, and where in
// it. False: in a private mapping, or none, where the space and the address name it.
bool space_key(struct space *space, user_t at, struct futex_key *key);
