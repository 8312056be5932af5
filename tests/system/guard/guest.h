// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Guests and natives in an address space of their own, whose code is a page of scripts.  The root
// task starts one at a script with registers of its choice and reads what it trapped with.
#pragma once

#include "../check/check.h"

#include <rt/space.h>
#include <rt/thread.h>

#define GUEST_CODE    0x10000000ull  // in the guest's space
#define GUEST_DATA    0x20000000ull  // two pages of data, then two of stack
#define GUEST_PAGES   4u
#define GUEST_STACK   (GUEST_DATA + GUEST_PAGES * PAGE_SIZE - 64)
#define GUEST_NOWHERE 0x30000000ull  // never mapped

#define VECTOR_DIVIDE     0u
#define VECTOR_DEBUG      1u
#define VECTOR_BREAK      3u
#define VECTOR_UNDEFINED  6u
#define VECTOR_NO_VECTOR  7u
#define VECTOR_PROTECTION 13u
#define DEBUG_STEP        0x4000u  // DR6.BS

#define FLAG_ONE  0x2ull
#define FLAG_TF   0x100ull
#define FLAG_IF   0x200ull
#define FLAG_DF   0x400ull
#define FLAG_IOPL 0x3000ull
#define FLAG_NT   0x4000ull
#define FLAG_RF   0x10000ull
#define FLAG_VM   0x20000ull
#define FLAG_AC   0x40000ull
#define FLAG_ID   0x200000ull

#define CALL_NUMBER 0x77u

// Code between two labels, in the blob.
struct script {
    const char *start, *end;
};
#define SCRIPT(name, code) extern const char script_##name[], script_end_##name[];
#include "scripts.def"
#undef SCRIPT
#define SCRIPT_OF(name) ((struct script){ script_##name, script_end_##name })

// Those of attacks.def.
#define REFUSED 256u
#define GATE(n) (1ull << 32 | (n))
struct attack {
    const char *name;
    struct script script;
    unsigned vector;
    uint64_t error;
};
extern const struct attack attacks[];
extern const unsigned attack_count;

// Where a place of the blob is in the guest's space.
uint64_t guest_address(const char *place);

struct trap {
    uint64_t label;
    struct ipc_words words;
};

struct guest {
    struct rt_space space;
    struct rt_mapping code, data;  // mapped here for writing
    cap_t code_there, data_there;
    struct rt_thread thread;
    cap_t endpoint, reply;
    struct guest_frame *frame;
    bool native, started;
    struct trap trap;  // the last one
};

// Flags: THREAD_*; without THREAD_GUEST a native thread with a table that is empty.
void guest_make(struct guest *guest, uint64_t flags);
void guest_delete(struct guest *guest);

// Registers to start a script with: stack, flags, RAX the number of a system call, RDI the data.
struct thread_regs guest_regs(struct script script);
struct thread_regs guest_read(struct guest *guest);

// Resume with these registers, by write_regs or by the guest frame, without waiting.
void guest_start(struct guest *guest, const struct thread_regs *regs);
void guest_load(struct guest *guest, const struct thread_regs *regs);
// Answer the last trap: label bits as in abi/thread.h, RAX where they have GUEST_RESULT.
void guest_answer(struct guest *guest, uint64_t label, uint64_t rax);
// Wait for its next trap.
struct trap guest_wait(struct guest *guest);
// Start and wait, answer and wait.
struct trap guest_go(struct guest *guest, const struct thread_regs *regs);
struct trap guest_next(struct guest *guest, uint64_t label, uint64_t rax);

// Expectations of the last trap.
void expect_exception_at(const struct guest *guest, unsigned vector, uint64_t rip,
                         const char *where);
void expect_call_at(const struct guest *guest, const char *where);
void expect_page_at(const struct guest *guest, uint64_t address, uint64_t access,
                    const char *where);
// It got to the end of a script.
void expect_end_at(const struct guest *guest, struct script script, const char *where);

#define EXPECT_EXCEPTION(guest, vector, rip) expect_exception_at(guest, vector, rip, CHECK_HERE)
#define EXPECT_CALL(guest)                   expect_call_at(guest, CHECK_HERE)
#define EXPECT_PAGE(guest, address, access)  expect_page_at(guest, address, access, CHECK_HERE)
#define EXPECT_END(guest, script)            expect_end_at(guest, script, CHECK_HERE)
