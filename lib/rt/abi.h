// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The tables abi/*.def as constants for programs: errors, kinds, rights, system call numbers; and
// the answer of a system call.  Every file of a program relies on it.
#pragma once

#include <abi/bootinfo.h>
#include <abi/message.h>
#include <abi/rootinfo.h>
#include <abi/thread.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rt_error {
#define ERROR(code, name, text) ERR_##name = (code),
#include <abi/errors.def>
#undef ERROR
};

enum rt_kind {
    KIND_EMPTY = 0,
#define KIND(number, NAME, name, min_bits, max_bits, text) KIND_##NAME = (number),
#include <abi/kinds.def>
#undef KIND
    KIND_COUNT
};

enum rt_right {
#define RIGHT(bit, NAME, text) RIGHT_##NAME = 1 << (bit),
#include <abi/rights.def>
#undef RIGHT
    RIGHT_ALL = 0xff,
};

enum rt_syscall {
#define SYSCALL(number, name, args, fails, text)       SYS_##name = (number),
#define DEBUG_SYSCALL(number, name, args, fails, text) SYS_##name = (number),
#include <abi/syscalls.def>
#undef SYSCALL
#undef DEBUG_SYSCALL
};

// A slot of the caller's own capability table; 0 is no capability.
typedef uint64_t cap_t;

// The answer of a system call: error | argument << 8.  Not looking at it does not compile.
struct [[nodiscard]] rt_status {
    uint64_t word;
};

static inline bool rt_ok(struct rt_status status)
{
    return status.word == ERR_OK;
}

static inline enum rt_error rt_error(struct rt_status status)
{
    return (enum rt_error)status_error(status.word);
}

// The argument to blame; 0 is the capability that was called or invoked.
static inline unsigned rt_blamed(struct rt_status status)
{
    return status_argument(status.word);
}

// An answer that the library itself gives, in the kernel's words.
static inline struct rt_status rt_refuse(enum rt_error error, unsigned argument)
{
    return (struct rt_status){ (uint64_t)error | (uint64_t)argument << 8 };
}

#define RT_OK ((struct rt_status){ ERR_OK })

// For a status that cannot matter here; the reason belongs beside it.
static inline void rt_ignore(struct rt_status status)
{
    (void)status.word;
}
