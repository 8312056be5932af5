// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Programs of the classic packet filter (McCanne, Jacobson: The BSD Packet Filter), as seccomp(2)
// takes them: over the words of a record, with branches forward only, so that they end.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BPF_MOST 4096u  // instructions of a program

// As a process gives it (struct sock_filter).
struct bpf_instruction {
    uint16_t code;
    uint8_t yes, no;
    uint32_t k;
};

// Whether a program over a record of so many bytes can be run: known instructions, branches, words
// and stores within bounds, no division by a zero that it has written down, no word of its memory
// read before it is written, an end by a return.  `known` is scratch for `count` words.
bool bpf_verify(const struct bpf_instruction *code, uint32_t count, uint32_t bytes,
                uint16_t *known);
// What a program that was verified returns.
uint32_t bpf_run(const struct bpf_instruction *code, const uint32_t *record, uint32_t bytes);
