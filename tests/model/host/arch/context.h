// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The development host as an ISA: the registers of a thread.  Contract: hal/context.h.
// Registers are shared as on x86_64: what a call gives replaces what it took.
#pragma once

#include <arch/cpu.h>
#include <arch/paging.h>

#include <abi/message.h>

#include <stdbool.h>
#include <stdint.h>

struct arch_context {
    uint64_t guest;
    uint64_t code;  // number in, result out
    uint64_t slot;  // slot in, badge out
    uint64_t tag;
    uint64_t third;
    uint64_t words[MSG_REG_WORDS];
    uint64_t ip;
    uint64_t restarts;
};

#define HAL_VECTOR_MAX 64u

extern struct hal_aspace hal_aspace_kernel;

// The context that would run now.
extern struct arch_context *host_context;

static inline uint64_t hal_context_number(const struct arch_context *context)
{
    return context->code;
}

static inline uint64_t hal_context_slot(const struct arch_context *context)
{
    return context->slot;
}

static inline uint64_t hal_context_tag(const struct arch_context *context)
{
    return context->tag;
}

static inline uint64_t hal_context_third(const struct arch_context *context)
{
    return context->third;
}

static inline uint64_t hal_context_word(const struct arch_context *context, unsigned i)
{
    return context->words[i];
}

static inline void hal_context_set_word(struct arch_context *context, unsigned i, uint64_t value)
{
    context->words[i] = value;
}

static inline void hal_context_copy_words(struct arch_context *to, const struct arch_context *from)
{
    for (unsigned i = 0; i < MSG_REG_WORDS; i++) {
        to->words[i] = from->words[i];
    }
}

static inline void hal_context_set_result(struct arch_context *context, uint64_t status)
{
    context->code = status;
}

static inline void hal_context_set_message(struct arch_context *context, uint64_t badge,
                                           uint64_t tag)
{
    context->slot = badge;
    context->tag = tag;
}

static inline void hal_context_set_arguments(struct arch_context *context, uint64_t slot,
                                             uint64_t tag, uint64_t third)
{
    context->slot = slot;
    context->tag = tag;
    context->third = third;
}

static inline uint64_t hal_context_guest_number(const struct arch_context *context)
{
    return context->code;
}

static inline uint64_t hal_context_guest_arg(const struct arch_context *context, unsigned i)
{
    return context->words[i];
}

static inline void hal_context_set_guest_result(struct arch_context *context, uint64_t value)
{
    context->code = value;
}

static inline uint64_t hal_context_ip(const struct arch_context *context)
{
    return context->ip;
}

void hal_context_set_guest(struct arch_context *context, bool guest);

static inline void hal_switch(struct arch_context *to, const struct hal_aspace *aspace)
{
    (void)aspace;
    host_context = to;
}

static inline void hal_switch_idle(void)
{
    host_context = 0;
}

// The message words of the system call being entered, while they are in their registers.
extern uint64_t host_words[MSG_REG_WORDS];

__attribute__((noreturn)) void hal_pass(struct arch_context *from, struct arch_context *to,
                                        const struct hal_aspace *aspace, uint64_t badge,
                                        uint64_t tag);
__attribute__((noreturn)) void hal_pass_guest(struct arch_context *from, struct arch_context *to,
                                              const struct hal_aspace *aspace, uint64_t badge,
                                              uint64_t tag);
__attribute__((noreturn)) void hal_pass_from_guest(struct arch_context *from,
                                                   struct arch_context *to,
                                                   const struct hal_aspace *aspace, uint64_t badge,
                                                   uint64_t tag);
__attribute__((noreturn)) void hal_resume(void);

static inline void hal_set_live_words(uint64_t word0, uint64_t word1, uint64_t word2)
{
    host_words[0] = word0;
    host_words[1] = word1;
    host_words[2] = word2;
}

static inline uint64_t hal_live_word_0(void)
{
    return host_words[0];
}

static inline void hal_save_words(struct arch_context *context)
{
    for (unsigned i = 0; i < MSG_REG_WORDS; i++) {
        context->words[i] = host_words[i];
    }
}

static inline bool hal_vector_idle(void)
{
    return true;
}
