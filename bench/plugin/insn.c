// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Recognises the instructions that cost far more than others (Intel SDM volume 2, chapters 3 to 4,
// and appendix A for the opcode maps).  Called at translation only.
#include "insn.h"

#include <string.h>

#include <stdlib.h>

#define BUCKETS 65536

static struct insn *buckets[BUCKETS];

static bool is_string(uint8_t opcode)
{
    return (opcode >= 0x6c && opcode <= 0x6f) || (opcode >= 0xa4 && opcode <= 0xa7) ||
           (opcode >= 0xaa && opcode <= 0xaf);
}

static bool is_prefix(uint8_t byte)
{
    return byte == 0xf2 || byte == 0xf3 || byte == 0x66 || byte == 0x67 || byte == 0x2e ||
           byte == 0x36 || byte == 0x3e || byte == 0x26 || byte == 0x64 || byte == 0x65;
}

// The opcode after prefixes and REX; the rest are its operands.
static const uint8_t *opcode_of(const struct insn *insn, bool *rep)
{
    const uint8_t *at = insn->bytes;
    const uint8_t *end = insn->bytes + insn->size;
    while (at < end && is_prefix(*at)) {
        *rep |= *at == 0xf2 || *at == 0xf3;
        at++;
    }
    return at < end && (*at & 0xf0) == 0x40 ? at + 1 : at;
}

static enum insn_kind kind_of_two(const uint8_t *at, bool rep)
{
    unsigned reg = at[1] >> 3 & 7;
    bool memory = at[1] >> 6 != 3;
    if (at[0] == 0x22) {
        return reg == 3 ? INSN_CR3 : reg == 0 ? INSN_CR0 : INSN_OTHER;
    }
    if (at[0] == 0x06) {
        return INSN_CR0;
    }
    if (at[0] == 0x30) {
        return INSN_WRMSR;
    }
    if (at[0] == 0x07) {
        return INSN_RETURN;
    }
    if (at[0] == 0x01 && at[1] == 0xf8) {
        return INSN_SWAPGS;
    }
    if (at[0] == 0x01 && reg == 6) {
        return INSN_CR0;  // LMSW
    }
    if (at[0] == 0x01 && reg == 7 && memory) {
        return INSN_INVLPG;
    }
    if (at[0] == 0xae && rep && !memory && reg < 4) {
        return INSN_FSGSBASE;
    }
    return INSN_OTHER;
}

static enum insn_kind kind_of(const uint8_t *at, bool rep)
{
    switch (at[0]) {
    case 0x0f: return kind_of_two(at + 1, rep);
    case 0xe8: return INSN_CALL;
    case 0xff: return (at[1] >> 3 & 7) == 2 ? INSN_CALL : INSN_OTHER;
    case 0xfa: return INSN_CLI;
    case 0xfb: return INSN_STI;
    case 0xcf: return INSN_RETURN;
    default: return INSN_OTHER;
    }
}

struct insn *insn_intern(uint64_t vaddr, const uint8_t *bytes, size_t size)
{
    struct insn **bucket = &buckets[vaddr % BUCKETS];
    for (struct insn *insn = *bucket; insn; insn = insn->next) {
        if (insn->vaddr == vaddr && insn->size == size && memcmp(insn->bytes, bytes, size) == 0) {
            return insn;
        }
    }
    struct insn *insn = calloc(1, sizeof(*insn));
    if (!insn || size > sizeof(insn->bytes)) {
        free(insn);
        return NULL;
    }
    insn->vaddr = vaddr;
    insn->size = (uint8_t)size;
    memcpy(insn->bytes, bytes, size);
    bool rep = false;
    const uint8_t *opcode = opcode_of(insn, &rep);
    insn->repeats = rep && is_string(opcode[0]);
    insn->kind = (uint8_t)kind_of(opcode, rep);
    insn->next = *bucket;
    *bucket = insn;
    return insn;
}
