// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the loader's host tests share: a small physical memory, and helpers that build tables.
#pragma once

// cmocka.h relies on the headers before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

#define FAKE_BYTES 0x200000u  // physical memory of the fake machine, from address 0

extern uint8_t fake_memory[FAKE_BYTES];

// How often the code under test warned since fake_reset().
extern unsigned fake_warnings;

// Empties the memory and frees what phys_reach() handed out: each time a copy of exactly what was
// asked for, so that the sanitizer sees every step beyond it.
void fake_reset(void);

// How far from alignment those copies are; 0 after fake_reset().
extern unsigned fake_misalign;

// Little-endian numbers at an address of the fake memory, or anywhere.
void put(void *at, uint64_t value, unsigned bytes);
void fake_put(uint64_t address, uint64_t value, unsigned bytes);

// Corrects byte sum_at so that all bytes add up to zero.
void fix_sum(uint8_t *p, size_t bytes, size_t sum_at);

// Fills a table's header and check sum.
void table_finish(uint8_t *table, const char *signature, uint32_t bytes);

// A copy on the heap of exactly so many bytes, so that the sanitizer sees every step beyond them.
void *exact_copy(const void *from, size_t bytes);

// Repeatable random numbers (xorshift).
uint64_t random_next(uint64_t *state);

// A complete small machine in the fake memory: RSDP, XSDT, MADT, FADT, DSDT, MCFG, DMAR, HPET.
#define FAKE_RSDP 0xf0010u
#define FAKE_XSDT 0x10000u
#define FAKE_MADT 0x11000u
#define FAKE_FADT 0x12000u
#define FAKE_DSDT 0x13000u
#define FAKE_MCFG 0x14000u
#define FAKE_DMAR 0x15000u
#define FAKE_HPET 0x16000u
void fake_machine(void);

// Builds a boot image with files "kernel" and "root" and "extra"; returns its size.
#define SAMPLE_IMAGE_BYTES 0x4000u
size_t sample_image(uint8_t *image);

// Builds an executable of two segments, code at base and data one page above; returns its size.
#define SAMPLE_ELF_BYTES 0x200u
#define SAMPLE_ELF_BASE  0x400000u
size_t sample_elf(uint8_t *file);

int run_acpi_tests(void);
int run_image_tests(void);
int run_elf_tests(void);
int run_memory_tests(void);
int run_handoff_tests(void);
int run_fuzz_tests(void);
