// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Small types and words that every file of the core uses: errors, kinds, rights, attributes,
// assertions.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE                            __attribute__((warn_unused_result))
#define NORETURN                            __attribute__((noreturn))
#define HOT                                 __attribute__((hot))
#define COLD                                __attribute__((cold, noinline))
#define ALIGNED(n)                          __attribute__((aligned(n)))
#define LIKELY(x)                           __builtin_expect(!!(x), 1)
#define UNLIKELY(x)                         __builtin_expect(!!(x), 0)
#define CONTAINER_OF(pointer, type, member) ((type *)((uintptr_t)(pointer)-offsetof(type, member)))

// Errors of the core; the low byte is the code of abi/errors.def, the next one the argument to
// blame.
enum err {
#define ERROR(code, name, text) ERR_##name = (code),
#include <abi/errors.def>
#undef ERROR
    ERR_LAST,              // one more than the greatest
    ERR_PREEMPTED = 0xff,  // internal: an interrupt is pending; the system call is to be restarted
    ERR_BLOCKED = 0xfe,    // internal: the caller blocks (or was served); no result is written
    ERR_RETRY = 0xfd,  // internal: another CPU must do something first; the system call is to be
                       // restarted, since that CPU needs the lock for it
    ERR_MAX = 0xffff,
};

// `error` blamed on argument `argument` (0: the capability itself).
static inline enum err err_blame(enum err error, unsigned argument)
{
    return (enum err)((unsigned)error | argument << 8);
}

enum kind {
    KIND_EMPTY = 0,
#define KIND(number, NAME, name, min_bits, max_bits, text) KIND_##NAME = (number),
#include <abi/kinds.def>
#undef KIND
    KIND_COUNT
};

enum right {
#define RIGHT(bit, NAME, text) RIGHT_##NAME = 1 << (bit),
#include <abi/rights.def>
#undef RIGHT
    RIGHT_ALL = 0xff,
};

#if PITH_DEBUG
// For internal facts only: never about what a user, a peer or a device said.
# define ASSERT(fact) ((fact) ? (void)0 : kernel_panic(__FILE__, __LINE__, # fact))
#else
# define ASSERT(fact) ((void)sizeof(fact))
#endif

// Print a panic record and stop.  Never returns, takes no lock.
NORETURN COLD void kernel_panic(const char *file, int line, const char *what);
