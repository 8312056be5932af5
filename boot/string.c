// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The four functions that a compiler may call by itself.  Copies move eight bytes per step.
#include "string.h"

#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    void *d = to;
    size_t words = bytes / 8;
    size_t rest = bytes % 8;
    __asm__ volatile("rep movsq" : "+D"(d), "+S"(from), "+c"(words)::"memory");
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(rest)::"memory");
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    if ((uintptr_t)to - (uintptr_t)from >= bytes) {
        return memcpy(to, from, bytes);
    }
    unsigned char *d = to;
    const unsigned char *s = from;
    while (bytes--) {
        *(volatile unsigned char *)(d + bytes) = s[bytes];
    }
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    void *d = to;
    uint64_t pattern = (uint8_t)value * 0x0101010101010101ull;
    size_t words = bytes / 8;
    size_t rest = bytes % 8;
    __asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(rest) : "a"(pattern) : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const volatile unsigned char *x = a;
    const volatile unsigned char *y = b;
    for (size_t i = 0; i < bytes; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}
