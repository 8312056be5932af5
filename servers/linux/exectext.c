// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The strings of a new program: pages that are filled from the last to the first.
#include "exectext.h"

#include "user.h"

#include <rt/string.h>

void exectext_init(struct exectext *text)
{
    text->at = EXECTEXT_END;
}

void exectext_free(struct exectext *text)
{
    for (uint64_t i = EXECTEXT_END >> PAGE_BITS; i-- > 0 && text->pages[i] != PAGE_NONE;) {
        page_put(text->pages[i]);
    }
}

static char *byte_at(const struct exectext *text, uint64_t at)
{
    return (char *)page_here(text->pages[at >> PAGE_BITS]) + (at & PAGE_MASK);
}

// Bytes from `at` on that lie in its page.
static uint64_t rest_at(uint64_t at)
{
    return PAGE_SIZE - (at & PAGE_MASK);
}

int64_t exectext_push(struct exectext *text, const char *string, uint64_t bytes)
{
    if (bytes > text->at) {
        return -E2BIG;
    }
    while (bytes) {
        uint64_t room = text->at & PAGE_MASK, part = room && room < bytes ? room : bytes;
        part = part < PAGE_SIZE ? part : PAGE_SIZE;
        uint32_t *page = &text->pages[(text->at - 1) >> PAGE_BITS];
        *page = *page != PAGE_NONE ? *page : page_alloc();
        if (*page == PAGE_NONE) {
            return -ENOMEM;
        }
        bytes -= part;
        text->at -= part;
        memcpy(byte_at(text, text->at), string + bytes, part);
    }
    return 0;
}

uint64_t exectext_length(const struct exectext *text, uint64_t at)
{
    for (uint64_t length = 0;;) {
        const char *here = byte_at(text, at + length);
        uint64_t rest = rest_at(at + length);
        for (uint64_t i = 0; i < rest; i++) {
            length++;
            if (!here[i]) {
                return length;
            }
        }
    }
}

int64_t exectext_write(const struct exectext *text, struct space *space, user_t to)
{
    for (uint64_t at = text->at; at < EXECTEXT_END;) {
        uint64_t part = rest_at(at);
        if (space_write(space, to, byte_at(text, at), part)) {
            return -EFAULT;
        }
        at += part;
        to += part;
    }
    return 0;
}
