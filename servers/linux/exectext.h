// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Arguments and environment on their way from the old program to the new one: strings, each with
// its zero, one behind the other as they will lie on the stack.  They are put in from the last to
// the first, into single pages: no run of memory is needed.
#pragma once

#include "page.h"
#include "types.h"

struct space;

#define EXECTEXT_MOST (2ull << 20)  // bytes
#define EXECTEXT_END  EXECTEXT_MOST

struct exectext {
    uint32_t pages[EXECTEXT_MOST >> PAGE_BITS];  // PAGE_NONE: nothing in it yet
    uint64_t at;                                 // of the first string; EXECTEXT_END: there is none
};

// `text` as it comes from heap_alloc.
void exectext_init(struct exectext *text);
// Give back its pages.
void exectext_free(struct exectext *text);
// Put a string before the others; `bytes` with its zero.  0, -E2BIG, -ENOMEM.
int64_t exectext_push(struct exectext *text, const char *string, uint64_t bytes);
// The bytes of the string at an offset, with its zero.
uint64_t exectext_length(const struct exectext *text, uint64_t at);
// Write all to a space: 0 or -EFAULT.
int64_t exectext_write(const struct exectext *text, struct space *space, user_t to);
