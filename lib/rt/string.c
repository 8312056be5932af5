// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Memory and strings.  Compiled so that no loop here is turned into a call of the function that it
// is.
#include "string.h"

#include "x86_64/machine.h"

#include <stdint.h>

typedef uint64_t __attribute__((may_alias, aligned(1))) chunk;

// Upwards, word for word, so that they may overlap where `to` is the lower one.
static inline void *copy_up(void *to, const void *from, size_t bytes)
{
    unsigned char *d = to;
    const unsigned char *s = from;
    if (bytes >= MACHINE_MANY) {
        uint64_t words = bytes / sizeof(chunk);
        machine_copy(d, s, words);
        d += words * sizeof(chunk);
        s += words * sizeof(chunk);
        bytes %= sizeof(chunk);
    }
    for (; bytes >= 4 * sizeof(chunk); bytes -= 4 * sizeof(chunk)) {
        const chunk *in = (const chunk *)s;
        chunk *out = (chunk *)d;
        chunk a = in[0], b = in[1];
        out[0] = a;
        out[1] = b;
        a = in[2];
        b = in[3];
        out[2] = a;
        out[3] = b;
        d += 4 * sizeof(chunk);
        s += 4 * sizeof(chunk);
    }
    for (; bytes >= sizeof(chunk); bytes -= sizeof(chunk)) {
        *(chunk *)d = *(const chunk *)s;
        d += sizeof(chunk);
        s += sizeof(chunk);
    }
    while (bytes--) {
        *d++ = *s++;
    }
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    return copy_up(to, from, bytes);
}

void *memmove(void *to, const void *from, size_t bytes)
{
    unsigned char *d = to;
    const unsigned char *s = from;
    if ((uintptr_t)to - (uintptr_t)from >= bytes) {
        return copy_up(to, from, bytes);
    }
    while (bytes--) {
        d[bytes] = s[bytes];
    }
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    unsigned char *d = to;
    const uint64_t pattern = (unsigned char)value * 0x0101010101010101ull;
    if (bytes >= MACHINE_MANY) {
        uint64_t words = bytes / sizeof(chunk);
        machine_fill(d, pattern, words);
        d += words * sizeof(chunk);
        bytes %= sizeof(chunk);
    }
    for (; bytes >= 4 * sizeof(chunk); bytes -= 4 * sizeof(chunk)) {
        chunk *out = (chunk *)d;
        out[0] = pattern;
        out[1] = pattern;
        out[2] = pattern;
        out[3] = pattern;
        d += 4 * sizeof(chunk);
    }
    for (; bytes >= sizeof(chunk); bytes -= sizeof(chunk)) {
        *(chunk *)d = pattern;
        d += sizeof(chunk);
    }
    while (bytes--) {
        *d++ = (unsigned char)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *x = a;
    const unsigned char *y = b;
    for (size_t i = 0; i < bytes; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length]) {
        length++;
    }
    return length;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char x = (unsigned char)a[i];
        unsigned char y = (unsigned char)b[i];
        if (x != y) {
            return x < y ? -1 : 1;
        }
        if (x == '\0') {
            return 0;
        }
    }
    return 0;
}
