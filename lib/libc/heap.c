// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The memory of malloc: one piece, given at the start, of which sbrk hands out the beginning.
// malloc calls sbrk with its lock held.
#include "libc.h"

#include <errno.h>
#include <unistd.h>

static char *heap_start, *heap_now, *heap_end;

void __libc_init_array(void);  // NOLINT(bugprone-reserved-identifier): picolibc's

void libc_start(void *heap, size_t bytes)
{
    heap_start = heap;
    heap_now = heap;
    heap_end = heap_start + bytes;
    __libc_init_array();
}

void *sbrk(ptrdiff_t incr)
{
    if (incr > heap_end - heap_now || incr < heap_start - heap_now) {
        errno = ENOMEM;
        return (void *)-1;
    }
    char *before = heap_now;
    heap_now += incr;
    return before;
}
