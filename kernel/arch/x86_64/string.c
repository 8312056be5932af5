// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What compilers call for copies and initialisers of whole structures, asked or not (GCC
// manual, 2.1 "Language Standards": a freestanding environment provides them).
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memset(void *to, int value, size_t bytes);

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    void *end = to;
    size_t words = bytes / 8, rest = bytes % 8;
    __asm__ volatile("rep movsq" : "+D"(end), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(end), "+S"(from), "+c"(rest) : : "memory");
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    void *end = to;
    size_t words = bytes / 8, rest = bytes % 8;
    unsigned long pattern = 0x0101010101010101ul * (unsigned char)value;
    __asm__ volatile("rep stosq" : "+D"(end), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(end), "+c"(rest) : "a"(pattern) : "memory");
    return to;
}
