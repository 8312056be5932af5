// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Verifying, and interpreting what is verified.
#include "bpf.h"

#include <stddef.h>

// A code is a class, and with it a source, a mode or an operation.
#define CLASS(code) ((code)&7)
#define BPF_LD      0u
#define BPF_LDX     1u
#define BPF_ST      2u
#define BPF_STX     3u
#define BPF_ALU     4u
#define BPF_JMP     5u
#define BPF_RET     6u
#define BPF_MISC    7u
#define SOURCE_X    8u  // of ALU, JMP: the register; else k
#define RETURN_A    0x10u

#define MODE_IMM 0x00u
#define MODE_ABS 0x20u
#define MODE_MEM 0x60u
#define MODE_LEN 0x80u

enum {
    ALU_ADD = 0x00,
    ALU_SUB = 0x10,
    ALU_MUL = 0x20,
    ALU_DIV = 0x30,
    ALU_OR = 0x40,
    ALU_AND = 0x50,
    ALU_LSH = 0x60,
    ALU_RSH = 0x70,
    ALU_NEG = 0x80,
    ALU_XOR = 0xa0,
};

enum {
    JMP_ALWAYS = 0x00,
    JMP_EQUAL = 0x10,
    JMP_GREATER = 0x20,
    JMP_GREATER_EQUAL = 0x30,
    JMP_SET = 0x40,
};

#define MISC_TAX 0x00u
#define MISC_TXA 0x80u

#define CELLS 16u  // words of memory that a program has

// ---- verifying ---------------------------------------------------------------------------------
static bool load_good(const struct bpf_instruction *at, uint32_t bytes)
{
    switch (at->code & ~7u) {
    case MODE_IMM:
    case MODE_LEN: return true;
    case MODE_ABS: return CLASS(at->code) == BPF_LD && at->k < bytes && at->k % 4 == 0;
    case MODE_MEM: return at->k < CELLS;
    default: return false;
    }
}

static bool alu_good(const struct bpf_instruction *at)
{
    bool by_x = at->code & SOURCE_X;
    switch (at->code & 0xfff0u) {
    case ALU_DIV: return by_x || at->k;
    case ALU_LSH:
    case ALU_RSH: return by_x || at->k < 32;
    case ALU_ADD:
    case ALU_SUB:
    case ALU_MUL:
    case ALU_OR:
    case ALU_AND:
    case ALU_XOR: return true;
    case ALU_NEG: return !by_x;
    default: return false;
    }
}

// `left`: instructions behind it.
static bool jump_good(const struct bpf_instruction *at, uint32_t left)
{
    switch (at->code & 0xfff0u) {
    case JMP_ALWAYS: return !(at->code & SOURCE_X) && at->k < left;
    case JMP_EQUAL:
    case JMP_GREATER:
    case JMP_GREATER_EQUAL:
    case JMP_SET: return at->yes < left && at->no < left;
    default: return false;
    }
}

static bool instruction_good(const struct bpf_instruction *at, uint32_t left, uint32_t bytes)
{
    switch (CLASS(at->code)) {
    case BPF_LD:
    case BPF_LDX: return load_good(at, bytes);
    case BPF_ST:
    case BPF_STX: return at->code < 8 && at->k < CELLS;
    case BPF_ALU: return alu_good(at);
    case BPF_JMP: return jump_good(at, left);
    case BPF_RET: return at->code == BPF_RET || at->code == (BPF_RET | RETURN_A);
    default: return at->code == (BPF_MISC | MISC_TAX) || at->code == (BPF_MISC | MISC_TXA);
    }
}

// Which words of memory are written on all ways to each instruction.
static bool memory_good(const struct bpf_instruction *code, uint32_t count, uint16_t *known)
{
    uint16_t now = 0;
    for (uint32_t i = 0; i < count; i++) {
        known[i] = UINT16_MAX;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct bpf_instruction *at = &code[i];
        unsigned class = CLASS(at->code);
        now &= known[i];
        if (class == BPF_ST || class == BPF_STX) {
            now |= (uint16_t)(1u << at->k);
        } else if (class <= BPF_LDX && (at->code & ~7u) == MODE_MEM) {
            if (!(now >> at->k & 1)) {
                return false;
            }
        } else if (class == BPF_JMP) {
            bool always = (at->code & 0xfff0u) == JMP_ALWAYS;
            known[i + 1 + (always ? at->k : at->yes)] &= now;
            known[i + 1 + (always ? at->k : at->no)] &= now;
            now = UINT16_MAX;
        } else if (class == BPF_RET) {
            now = UINT16_MAX;
        }
    }
    return true;
}

bool bpf_verify(const struct bpf_instruction *code, uint32_t count, uint32_t bytes, uint16_t *known)
{
    if (!count || count > BPF_MOST || CLASS(code[count - 1].code) != BPF_RET) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!instruction_good(&code[i], count - 1 - i, bytes)) {
            return false;
        }
    }
    return memory_good(code, count, known);
}

// ---- running -----------------------------------------------------------------------------------
// A division by a register that is zero ends the program with 0, which *ends says.
static uint32_t alu_do(uint16_t code, uint32_t a, uint32_t operand, bool *ends)
{
    switch (code & 0xf0u) {
    case ALU_ADD: return a + operand;
    case ALU_SUB: return a - operand;
    case ALU_MUL: return a * operand;
    case ALU_DIV: *ends = !operand; return operand ? a / operand : 0;
    case ALU_OR: return a | operand;
    case ALU_AND: return a & operand;
    case ALU_LSH: return a << (operand & 31);
    case ALU_RSH: return a >> (operand & 31);
    case ALU_NEG: return 0u - a;
    default: return a ^ operand;
    }
}

static bool jump_taken(uint16_t code, uint32_t a, uint32_t operand)
{
    switch (code & 0xf0u) {
    case JMP_EQUAL: return a == operand;
    case JMP_GREATER: return a > operand;
    case JMP_GREATER_EQUAL: return a >= operand;
    default: return a & operand;
    }
}

struct machine {
    uint32_t a, x, cells[CELLS];
    const uint32_t *record;
    uint32_t bytes;
};

static uint32_t loaded(const struct machine *machine, const struct bpf_instruction *at)
{
    switch (at->code & ~7u) {
    case MODE_ABS: return machine->record[at->k / 4];
    case MODE_MEM: return machine->cells[at->k];
    case MODE_LEN: return machine->bytes;
    default: return at->k;
    }
}

// One that neither branches nor returns.
static bool step(struct machine *machine, const struct bpf_instruction *at)
{
    bool ends = false;
    switch (CLASS(at->code)) {
    case BPF_LD: machine->a = loaded(machine, at); break;
    case BPF_LDX: machine->x = loaded(machine, at); break;
    case BPF_ST: machine->cells[at->k] = machine->a; break;
    case BPF_STX: machine->cells[at->k] = machine->x; break;
    case BPF_ALU:
        machine->a = alu_do(at->code, machine->a, at->code & SOURCE_X ? machine->x : at->k, &ends);
        break;
    default:
        *(at->code & MISC_TXA ? &machine->a : &machine->x) = at->code & MISC_TXA ? machine->x
                                                                                 : machine->a;
    }
    return !ends;
}

uint32_t bpf_run(const struct bpf_instruction *code, const uint32_t *record, uint32_t bytes)
{
    struct machine machine = { .record = record, .bytes = bytes };
    for (const struct bpf_instruction *at = code;; at++) {
        unsigned class = CLASS(at->code);
        if (class == BPF_RET) {
            return at->code & RETURN_A ? machine.a : at->k;
        }
        if (class == BPF_JMP && (at->code & 0xf0u) == JMP_ALWAYS) {
            at += at->k;
        } else if (class == BPF_JMP) {
            uint32_t operand = at->code & SOURCE_X ? machine.x : at->k;
            at += jump_taken(at->code, machine.a, operand) ? at->yes : at->no;
        } else if (!step(&machine, at)) {
            return 0;
        }
    }
}
