// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a message carries: words and capabilities.
#pragma once

#include "thread.h"

#define TAG_LOW_MASK ((1ull << TAG_LABEL_SHIFT) - 1)

// The same two for what goes beyond the words in registers.
MUST_USE enum err transfer_check_rest(struct thread *thread, uint64_t tag, unsigned rights);
uint64_t transfer_rest(struct thread *from, struct thread *to, uint64_t tag, unsigned rights,
                       uint64_t home);

// Can `thread` send a message with this tag through a capability with `rights`?  Blames argument 1.
static inline MUST_USE enum err transfer_check(struct thread *thread, uint64_t tag, unsigned rights)
{
    return LIKELY((tag & TAG_LOW_MASK) <= MSG_REG_WORDS) ? ERR_OK
                                                         : transfer_check_rest(thread, tag, rights);
}

// Copy words and capabilities; returns the tag that the receiver sees.  What the receiver has no
// buffer, window or empty slot for does not arrive, and the tag says so.  `home`: address of the
// endpoint whose capabilities come home as their badge; 0: none.
static inline uint64_t transfer_message(struct thread *from, struct thread *to, uint64_t tag,
                                        unsigned rights, uint64_t home)
{
    hal_context_copy_words(&to->context, &from->context);
    return LIKELY((tag & TAG_LOW_MASK) <= MSG_REG_WORDS)
               ? tag
               : transfer_rest(from, to, tag, rights, home);
}
