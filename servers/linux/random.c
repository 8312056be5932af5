// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Random bytes: ChaCha20 (RFC 8439) with a key that is replaced by what it makes before anything of
// that is given away, so that what was given cannot be found out later.
#include "random.h"

#include <rt/string.h>

#define WORDS  16u
#define ROUNDS 20u

static uint32_t key[8];

static uint32_t rotate(uint32_t value, unsigned by)
{
    return value << by | value >> (32 - by);
}

static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 12);
    *a += *b;
    *d = rotate(*d ^ *a, 8);
    *c += *d;
    *b = rotate(*b ^ *c, 7);
}

static void block(const uint32_t with[8], uint64_t counter, uint32_t out[WORDS])
{
    uint32_t begin[WORDS] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
    memcpy(begin + 4, with, 32);
    begin[12] = (uint32_t)counter;
    begin[13] = (uint32_t)(counter >> 32);
    memcpy(out, begin, sizeof(begin));
    for (unsigned i = 0; i < ROUNDS / 2; i++) {
        for (unsigned column = 0; column < 4; column++) {
            quarter(&out[column], &out[4 + column], &out[8 + column], &out[12 + column]);
        }
        for (unsigned column = 0; column < 4; column++) {
            quarter(&out[column], &out[4 + (column + 1) % 4], &out[8 + (column + 2) % 4],
                    &out[12 + (column + 3) % 4]);
        }
    }
    for (unsigned i = 0; i < WORDS; i++) {
        out[i] += begin[i];
    }
}

void random_seed(const void *from, uint64_t bytes)
{
    const unsigned char *at = from;
    uint32_t out[WORDS];
    for (uint64_t i = 0; i < bytes; i++) {
        key[i / 4 % 8] ^= (uint32_t)at[i] << i % 4 * 8;
        if (i % 32 == 31 || i + 1 == bytes) {
            block(key, bytes, out);
            memcpy(key, out, sizeof(key));
        }
    }
}

void random_bytes(void *to, uint64_t bytes)
{
    uint32_t out[WORDS], mine[8];
    char *at = to;
    block(key, 0, out);
    memcpy(key, out, sizeof(key));
    memcpy(mine, out + 8, sizeof(mine));
    for (uint64_t counter = 1; bytes; counter++) {
        uint64_t some = bytes < sizeof(out) ? bytes : sizeof(out);
        block(mine, counter, out);
        memcpy(at, out, some);
        at += some;
        bytes -= some;
    }
    memset(out, 0, sizeof(out));
    memset(mine, 0, sizeof(mine));
}
