// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Every system call as an inline function.  What a call takes, gives and refuses stands in
// abi/syscalls.def; operations on objects have a function each in <gen/rt_stubs.h>, made of
// rt_invoke.
//
// The plain names carry all six message words both ways.  Those that end in 0 or 1 carry no word or
// word 0 only and are as short as a system call can be.
#pragma once

#include "abi.h"
#include "x86_64/trap.h"

// What a receive gives besides the words.  With TAG_NOTIFICATION in the tag the badge is the word
// of the bound notification.
struct [[nodiscard]] ipc_result {
    struct rt_status status;
    uint64_t badge;
    uint64_t tag;
};

struct [[nodiscard]] notification_result {
    struct rt_status status;
    uint64_t word;
};

static inline struct ipc_result rt_trap_result(struct rt_trap trap)
{
    return (struct ipc_result){ { trap.code }, trap.slot, trap.tag };
}

// Send a message and wait for the answer; blocks.
static inline struct ipc_result ipc_call(cap_t endpoint, uint64_t tag, struct ipc_words *words)
{
    return rt_trap_result(rt_trap_words((struct rt_trap){ SYS_call, endpoint, tag, 0 }, words));
}

static inline struct ipc_result ipc_call1(cap_t endpoint, uint64_t tag, uint64_t *word)
{
    return rt_trap_result(rt_trap_word((struct rt_trap){ SYS_call, endpoint, tag, 0 }, word));
}

static inline struct ipc_result ipc_call0(cap_t endpoint, uint64_t tag)
{
    uint64_t word = 0;
    return ipc_call1(endpoint, tag, &word);
}

// Answer the caller of `reply` (a Reply, or a stopped guest's Thread) and receive the next message;
// blocks.
static inline struct ipc_result ipc_reply_recv(cap_t endpoint, uint64_t tag, cap_t reply,
                                               struct ipc_words *words)
{
    return rt_trap_result(rt_trap_words((struct rt_trap){ SYS_reply_recv, endpoint, tag, reply },
                                        words));
}

static inline struct ipc_result ipc_reply_recv1(cap_t endpoint, uint64_t tag, cap_t reply,
                                                uint64_t *word)
{
    return rt_trap_result(rt_trap_word((struct rt_trap){ SYS_reply_recv, endpoint, tag, reply },
                                       word));
}

static inline struct ipc_result ipc_reply_recv0(cap_t endpoint, uint64_t tag, cap_t reply)
{
    uint64_t word = 0;
    return ipc_reply_recv1(endpoint, tag, reply, &word);
}

// Send and wait until somebody received it; blocks.
static inline struct rt_status ipc_send(cap_t endpoint, uint64_t tag, struct ipc_words *words)
{
    return rt_trap_result(rt_trap_words((struct rt_trap){ SYS_send, endpoint, tag, 0 }, words))
        .status;
}

static inline struct rt_status ipc_send0(cap_t endpoint, uint64_t tag)
{
    return rt_trap_result(rt_trap_plain((struct rt_trap){ SYS_send, endpoint, tag, 0 })).status;
}

// Send if somebody waits for it, else AGAIN.
static inline struct rt_status ipc_nb_send(cap_t endpoint, uint64_t tag, struct ipc_words *words)
{
    return rt_trap_result(rt_trap_words((struct rt_trap){ SYS_nb_send, endpoint, tag, 0 }, words))
        .status;
}

// Wait for a message; `reply` (0: none) will stand for its caller; blocks.
static inline struct ipc_result ipc_recv(cap_t endpoint, cap_t reply, struct ipc_words *words)
{
    *words = (struct ipc_words){ 0 };
    return rt_trap_result(rt_trap_words((struct rt_trap){ SYS_recv, endpoint, 0, reply }, words));
}

static inline struct ipc_result ipc_recv1(cap_t endpoint, cap_t reply, uint64_t *word)
{
    return rt_trap_result(rt_trap_word((struct rt_trap){ SYS_recv, endpoint, 0, reply }, word));
}

// Take a message if one is there, else AGAIN.
static inline struct ipc_result ipc_nb_recv(cap_t endpoint, cap_t reply, struct ipc_words *words)
{
    *words = (struct ipc_words){ 0 };
    return rt_trap_result(rt_trap_words((struct rt_trap){ SYS_nb_recv, endpoint, 0, reply },
                                        words));
}

// Answer the caller of a Reply, or resume a stopped guest by its Thread.
static inline struct rt_status ipc_reply(cap_t reply, uint64_t tag, struct ipc_words *words)
{
    return rt_trap_result(rt_trap_words((struct rt_trap){ SYS_reply, reply, tag, 0 }, words))
        .status;
}

static inline struct rt_status ipc_reply0(cap_t reply, uint64_t tag)
{
    return rt_trap_result(rt_trap_plain((struct rt_trap){ SYS_reply, reply, tag, 0 })).status;
}

// Or the capability's badge into a notification.
static inline struct rt_status notification_signal(cap_t notification)
{
    struct rt_trap trap = rt_trap_plain((struct rt_trap){ SYS_signal, notification, 0, 0 });
    return (struct rt_status){ trap.code };
}

// Wait until the word is not zero, take and clear it; blocks.
static inline struct notification_result notification_wait(cap_t notification)
{
    struct rt_trap trap = rt_trap_plain((struct rt_trap){ SYS_wait, notification, 0, 0 });
    return (struct notification_result){ { trap.code }, trap.slot };
}

// Take and clear the word, or AGAIN where it is zero.
static inline struct notification_result notification_poll(cap_t notification)
{
    struct rt_trap trap = rt_trap_plain((struct rt_trap){ SYS_poll, notification, 0, 0 });
    return (struct notification_result){ { trap.code }, trap.slot };
}

// Let others of the same priority run.
static inline void rt_yield(void)
{
    (void)rt_trap_plain((struct rt_trap){ SYS_yield, 0, 0, 0 });
}

// Enter and leave the kernel.
static inline void rt_null(void)
{
    (void)rt_trap_plain((struct rt_trap){ SYS_null, 0, 0, 0 });
}

// Operate on an object: the tag's label is the operation, its length the number of arguments;
// results replace the words.
static inline struct rt_status rt_invoke(cap_t self, uint64_t tag, struct ipc_words *words)
{
    return rt_trap_result(rt_trap_words((struct rt_trap){ SYS_invoke, self, tag, 0 }, words))
        .status;
}

struct [[nodiscard]] rt_batch_result {
    struct rt_status status;
    uint64_t done;  // entries carried out; an error is that of the one after them, or of the batch
};

// Carry out `count` struct batch_entry from byte `offset` of a frame, until the first error.
static inline struct rt_batch_result rt_invoke_batch(cap_t frame, uint64_t offset, uint64_t count)
{
    uint64_t word = 0;
    struct rt_trap trap = rt_trap_word((struct rt_trap){ SYS_invoke_batch, frame, offset, count },
                                       &word);
    return (struct rt_batch_result){ { trap.code },
                                     (trap.tag - offset) / sizeof(struct batch_entry) };
}

// Debug kernels only; others answer OP.
static inline struct rt_status rt_debug_putc(char c)
{
    struct rt_trap trap = rt_trap_plain((struct rt_trap){ SYS_debug_putc, (unsigned char)c, 0, 0 });
    return (struct rt_status){ trap.code };
}

static inline struct rt_status rt_debug_check(void)
{
    struct rt_trap trap = rt_trap_plain((struct rt_trap){ SYS_debug_check, 0, 0, 0 });
    return (struct rt_status){ trap.code };
}

// Any number with any arguments: for tests.
static inline struct rt_status rt_syscall_raw(uint64_t number, uint64_t slot, uint64_t tag,
                                              uint64_t third)
{
    uint64_t word = 0;
    return (
        struct rt_status){ rt_trap_word((struct rt_trap){ number, slot, tag, third }, &word).code };
}
