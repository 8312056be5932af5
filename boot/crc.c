// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Owns the check sum of the boot image.  The CPU has an instruction for it (SSE 4.2), which makes
// checking a megabyte cheaper than copying it; a table serves CPUs without.
#include "crc.h"

#include "x86.h"

#include <stdbool.h>

#define POLYNOMIAL      0x82f63b78u
#define CPUID_SSE42_BIT 20

static uint32_t crc_table[256];

static bool crc_has_instruction(void)
{
    return cpuid(1, 0).ecx >> CPUID_SSE42_BIT & 1;
}

static void crc_table_fill(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++) {
            value = (value & 1 ? POLYNOMIAL : 0) ^ value >> 1;
        }
        crc_table[i] = value;
    }
}

struct crc_word {
    uint64_t value;
} __attribute__((packed));  // wherever it stands

static uint64_t crc_word(uint64_t crc, const uint8_t *p)
{
    __asm__("crc32q %1, %0" : "+r"(crc) : "m"(((const struct crc_word *)p)->value));
    return crc;
}

// As many whole blocks as there are; the caller does the rest.
static uint32_t crc_blocks(uint32_t start, const uint8_t *p, const uint8_t *end)
{
    uint64_t crc = start;
    for (; p != end; p += 32) {
        crc = crc_word(crc, p);
        crc = crc_word(crc, p + 8);
        crc = crc_word(crc, p + 16);
        crc = crc_word(crc, p + 24);
    }
    return (uint32_t)crc;
}

uint32_t crc32c(const void *data, uint64_t bytes)
{
    const uint8_t *p = data;
    uint32_t crc = ~0u;
    if (!crc_table[1]) {
        crc_table_fill();
    }
    if (crc_has_instruction()) {
        uint64_t whole = bytes & ~31ull;
        crc = crc_blocks(crc, p, p + whole);
        p += whole;
        bytes -= whole;
    }
    for (; bytes; bytes--) {
        crc = crc_table[(crc ^ *p++) & 0xff] ^ crc >> 8;
    }
    return ~crc;
}
