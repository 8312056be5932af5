// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a message carries: words and capabilities.
#pragma once

#include "thread.h"

// Can `thread` send a message with this tag through a capability with `rights`?  Blames argument 1.
MUST_USE enum err transfer_check(struct thread *thread, uint64_t tag, unsigned rights);

// Copy words and capabilities; returns the tag that the receiver sees.  What the receiver has no buffer, window or empty slot for does not
// arrive, and the tag says so.  `home`: address of the endpoint whose capabilities come home as their badge; 0: none.
uint64_t transfer_message(struct thread *from, struct thread *to, uint64_t tag, unsigned rights, uint64_t home);
