// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// See generate.h.
#include "generate.h"

#include <abi/thread.h>

enum {
#define KIND(number, NAME, name, min_bits, max_bits, text) KIND_##NAME = (number),
#include <abi/kinds.def>
#undef KIND
    KIND_COUNT
};

enum {
#define SYSCALL(number, name, args, fails, text) SYS_##name = (number),
#define DEBUG_SYSCALL(number, name, args, fails, text)
#include <abi/syscalls.def>
#undef SYSCALL
#undef DEBUG_SYSCALL
};

enum {
#define OP(kind, number, name, args, results, fails, text) \
 OP_##kind##_##name = KIND_##kind << 8 | (number),
#include <abi/ops.def>
#undef OP
};

#define MIN_BUDGET 4000u
#define MIN_TICKS  1000u
#define SLICE      10000000u
#define ODDS       10u  // one argument in so many is anything

void generate_seed(struct generator *generator, uint64_t seed)
{
    *generator = (struct generator){ .state = (seed + 1) * 0x9e3779b97f4a7c15ull | 1 };
    for (unsigned i = 0; i < 8; i++) {
        (void)generate_random(generator, 2);
    }
}

void generate_bytes(struct generator *generator, const uint8_t *bytes, size_t count)
{
    generate_seed(generator, count);
    generator->bytes = bytes;
    generator->left = count;
}

// As many bytes as `below` needs.
static uint64_t next_bytes(struct generator *generator, uint64_t below)
{
    uint64_t value = 0;
    for (uint64_t rest = below - 1; rest && generator->left; rest >>= 8) {
        value = value << 8 | *generator->bytes++;
        generator->left--;
    }
    return value % below;
}

// xorshift64* (Vigna 2016)
uint64_t generate_random(struct generator *generator, uint64_t below)
{
    if (generator->bytes && generator->left) {
        return next_bytes(generator, below);
    }
    generator->state ^= generator->state >> 12;
    generator->state ^= generator->state << 25;
    generator->state ^= generator->state >> 27;
    return (generator->state * 0x2545f4914f6cdd1dull >> 16) % below;
}

static bool one_in(struct generator *generator, uint64_t odds)
{
    return generate_random(generator, odds) == 0;
}

// A slot that holds a capability of the kind; now and then, or where there is none, any.
static uint64_t pick(struct generator *generator, const struct generate_view *view, unsigned kind)
{
    uint64_t start = generate_random(generator, view->count);
    if (one_in(generator, 3ull * ODDS)) {
        return generate_random(generator, view->count + 3ull);
    }
    for (unsigned i = 0; i < view->count; i++) {
        uint64_t slot = (start + i) % view->count;
        if (slot && view->kinds[slot] == kind) {
            return slot;
        }
    }
    return start;
}

// Any slot that is in use; those that are kept seldom.
static uint64_t pick_any(struct generator *generator, const struct generate_view *view,
                         bool removed)
{
    for (unsigned i = 0; i < 20; i++) {
        uint64_t slot = generate_random(generator, view->count);
        if (removed && slot < view->keep && !one_in(generator, 200)) {
            continue;
        }
        if (view->kinds[slot]) {
            return slot;
        }
    }
    return generate_random(generator, view->count + 1ull);
}

// A slot of the kind at which somebody waits, or a frame that is attached; 0: none known.
static uint64_t pick_hot(struct generator *generator, const struct generate_view *view,
                         unsigned kind)
{
    uint64_t start = generate_random(generator, view->count);
    for (unsigned i = 0; view->hot && i < view->count; i++) {
        uint64_t slot = (start + i) % view->count;
        if (slot && view->kinds[slot] == kind && view->hot[slot]) {
            return slot;
        }
    }
    return 0;
}

static uint64_t pick_or_none(struct generator *generator, const struct generate_view *view,
                             unsigned kind)
{
    uint64_t slot = one_in(generator, 4) ? 0 : pick(generator, view, kind);
    bool other = slot >= view->count || view->kinds[slot] != kind;
    return other && !one_in(generator, ODDS) ? 0 : slot;
}

// A table and an empty slot of it, as far as the caller knows: that its own table is in slot 1.
static uint64_t pick_table(struct generator *generator, const struct generate_view *view)
{
    return one_in(generator, 4) ? pick(generator, view, KIND_CAPTABLE) : 1;
}

static uint64_t pick_empty(struct generator *generator, const struct generate_view *view)
{
    return one_in(generator, 2ull * ODDS) ? generate_random(generator, view->count + 1ull)
                                          : pick(generator, view, 0);
}

static uint64_t some_rights(struct generator *generator)
{
    return one_in(generator, 3) ? generate_random(generator, 256) : 255;
}

#define COUNT_(unused, a1, a2, a3, a4, a5, a6, count, ...) count
#define ARGS(...)                                          COUNT_(0 __VA_OPT__(, ) __VA_ARGS__, 6, 5, 4, 3, 2, 1, 0, 0)

static const uint8_t arguments[KIND_COUNT][16] = {
#define OP(kind, number, name, args, results, fails, text) [KIND_##kind][number] = (args),
#include <abi/ops.def>
#undef OP
};

static void invoke(struct operation *operation, unsigned label, uint64_t slot)
{
    operation->number = SYS_invoke;
    operation->slot = slot;
    operation->tag = TAG(label, arguments[label >> 8][label & 15], 0);
}

// ---- invocations --------------------------------------------------------------------------------

// Small objects in the first half of an Untyped, those of a page and more in the second.
static void retype_place(struct generator *generator, struct operation *operation, unsigned bits,
                         unsigned kind)
{
    unsigned whole = bits;
    uint64_t size = 1ull << (whole < 12 ? 12 : whole), half = size / 2;
    unsigned object = kind == KIND_CAPTABLE ? 8 + (unsigned)generate_random(generator, 3) : 6;
    if (kind == KIND_SCHED_CONTEXT || kind == KIND_TIMER) {
        object = kind == KIND_TIMER ? 7 : 9;
    }
    if (kind == KIND_THREAD || kind == KIND_FRAME || kind == KIND_PAGETABLE ||
        kind == KIND_UNTYPED) {
        object = 12;
    }
    if (kind == KIND_UNTYPED || kind == KIND_FRAME) {
        object += (unsigned)generate_random(generator, 3);
    }
    if (kind == KIND_ADDRESS_SPACE) {
        object = 13;
    }
    operation->words[0] = kind | (uint64_t)object << 8;
    uint64_t places = half >> object ? half >> object : 1;
    uint64_t first = object >= 12 && half >> object ? half : 0;
    operation->words[1] = first + (generate_random(generator, places) << object);
    if (one_in(generator, 4ull * ODDS)) {
        operation->words[1] = generate_random(generator, size) << generate_random(generator, 8);
    }
    if (one_in(generator, 4ull * ODDS)) {  // rights to withhold
        operation->words[0] |= generate_random(generator, 256) << 16;
    }
    if (one_in(generator, 4ull * ODDS)) {
        operation->words[0] = generate_random(generator, 20) | generate_random(generator, 20) << 8;
    }
}

static void make_retype(struct generator *generator, const struct generate_view *view,
                        struct operation *operation)
{
    static const uint8_t kinds[] = { KIND_UNTYPED,       KIND_CAPTABLE,  KIND_CAPTABLE,
                                     KIND_FRAME,         KIND_FRAME,     KIND_FRAME,
                                     KIND_THREAD,        KIND_ENDPOINT,  KIND_ENDPOINT,
                                     KIND_REPLY,         KIND_TIMER,     KIND_NOTIFICATION,
                                     KIND_SCHED_CONTEXT, KIND_PAGETABLE, KIND_ADDRESS_SPACE };
    uint64_t slot = pick(generator, view, KIND_UNTYPED);
    unsigned kind = kinds[generate_random(generator, sizeof(kinds))];
    invoke(operation, OP_UNTYPED_retype, slot);
    retype_place(generator, operation, slot < view->count ? view->bits[slot] : 17, kind);
    operation->words[2] = pick_table(generator, view);
    operation->words[3] = pick_empty(generator, view);
    operation->words[4] = one_in(generator, 5) ? generate_random(generator, 5) : 1;
}

static void make_derive(struct generator *generator, const struct generate_view *view,
                        struct operation *operation)
{
    static const unsigned labels[] = { OP_CAPTABLE_copy, OP_CAPTABLE_mint, OP_CAPTABLE_mint,
                                       OP_CAPTABLE_move };
    unsigned label = labels[generate_random(generator, 4)];
    invoke(operation, label, pick_table(generator, view));
    operation->words[0] = pick_empty(generator, view);
    operation->words[1] = pick_table(generator, view);
    operation->words[2] = pick_any(generator, view, label == OP_CAPTABLE_move);
    operation->words[3] = some_rights(generator);
    operation->words[4] = one_in(generator, 4) ? 0 : generate_random(generator, 8);
    if (one_in(generator, 2)) {
        operation->words[4] |= generate_random(generator, 3) << 32;
    }
    if (one_in(generator, 8)) {
        operation->words[4] = generate_random(generator, 0x200) | generate_random(generator, 0x100)
                                                                      << 16;
    }
}

static void make_remove(struct generator *generator, const struct generate_view *view,
                        struct operation *operation)
{
    unsigned what = (unsigned)generate_random(generator, 5);
    unsigned label = what < 3    ? OP_CAPTABLE_delete
                     : what == 3 ? OP_CAPTABLE_revoke
                                 : OP_CAPTABLE_identify;
    invoke(operation, label, pick_table(generator, view));
    operation->words[0] = pick_any(generator, view, label == OP_CAPTABLE_delete);
    if (operation->words[0] < view->keep && label == OP_CAPTABLE_revoke && !one_in(generator, 20)) {
        operation->words[0] = view->keep;
    }
}

static void thread_words(struct generator *generator, const struct generate_view *view,
                         struct operation *operation, unsigned label)
{
    uint64_t *words = operation->words;
    switch (label) {
    case OP_THREAD_configure:
        words[0] = one_in(generator, 8) ? pick_or_none(generator, view, KIND_CAPTABLE) : 1;
        words[1] = pick_or_none(generator, view, KIND_ADDRESS_SPACE);
        words[2] = pick_or_none(generator, view, KIND_ENDPOINT);
        words[3] = pick_or_none(generator, view,
                                one_in(generator, 2) ? KIND_ENDPOINT : KIND_NOTIFICATION);
        words[4] = one_in(generator, 3) ? THREAD_GUEST : 0;
        if (one_in(generator, 4)) {
            words[4] |= generate_random(generator, 8);
        }
        break;
    case OP_THREAD_set_buffer:
        words[0] = one_in(generator, 3);
        words[1] = pick(generator, view, KIND_FRAME);
        words[2] = generate_random(generator, 5) << 10;
        break;
    case OP_THREAD_bind: words[0] = pick_or_none(generator, view, KIND_NOTIFICATION); break;
    case OP_THREAD_set_priority:
        words[0] = one_in(generator, 4) ? generate_random(generator, 20)
                                        : 6 + generate_random(generator, 4);
        words[1] = words[0] + generate_random(generator, 20);
        break;
    case OP_THREAD_read_vector:
    case OP_THREAD_write_vector:
        words[0] = pick(generator, view, KIND_FRAME);
        words[1] = generate_random(generator, 20) << 6;
        break;
    default: break;
    }
}

static void make_thread(struct generator *generator, const struct generate_view *view,
                        struct operation *operation)
{
    static const unsigned labels[] = {
        OP_THREAD_configure, OP_THREAD_set_buffer,   OP_THREAD_resume,      OP_THREAD_resume,
        OP_THREAD_suspend,   OP_THREAD_cancel,       OP_THREAD_cancel,      OP_THREAD_kick,
        OP_THREAD_read_regs, OP_THREAD_write_regs,   OP_THREAD_bind,        OP_THREAD_set_priority,
        OP_THREAD_resume,    OP_THREAD_set_priority, OP_THREAD_read_vector, OP_THREAD_write_vector
    };
    unsigned label = labels[generate_random(generator, 16)];
    invoke(operation, label, pick(generator, view, KIND_THREAD));
    thread_words(generator, view, operation, label);
}

static uint64_t slice_of(const struct generate_view *view)
{
    return view->slice ? view->slice : SLICE;
}

// Budget and period: a time slice, a server with a part of the time, or what makes no sense.
static void budget_words(struct generator *generator, const struct generate_view *view,
                         uint64_t words[2])
{
    uint64_t slice = slice_of(view);
    words[0] = words[1] = slice / (1 + generate_random(generator, 10));
    if (one_in(generator, 2)) {
        words[1] += generate_random(generator, 2 * slice);
    }
    if (one_in(generator, 2ull * ODDS)) {
        words[generate_random(generator, 2)] = generate_random(generator, 2ull * MIN_BUDGET);
    }
}

static void make_context(struct generator *generator, const struct generate_view *view,
                         struct operation *operation)
{
    static const unsigned labels[] = { OP_SCHED_CONTEXT_configure, OP_SCHED_CONTEXT_bind,
                                       OP_SCHED_CONTEXT_bind,      OP_SCHED_CONTEXT_bind,
                                       OP_SCHED_CONTEXT_unbind,    OP_SCHED_CONTEXT_consumed };
    unsigned label = labels[generate_random(generator, 6)];
    invoke(operation, label, pick(generator, view, KIND_SCHED_CONTEXT));
    if (label == OP_SCHED_CONTEXT_configure) {
        operation->words[0] = pick(generator, view, KIND_SCHED_CONTROL);
        budget_words(generator, view, operation->words + 1);
    } else if (label == OP_SCHED_CONTEXT_bind) {
        operation->words[0] = pick(generator, view, KIND_THREAD);
        operation->words[1] = generate_random(generator, one_in(generator, ODDS) ? 3 : 2);
    }
}

static void make_timer(struct generator *generator, const struct generate_view *view,
                       struct operation *operation)
{
    static const unsigned labels[] = { OP_TIMER_bind, OP_TIMER_arm, OP_TIMER_arm, OP_TIMER_cancel };
    unsigned label = labels[generate_random(generator, 4)];
    invoke(operation, label, pick(generator, view, KIND_TIMER));
    if (label == OP_TIMER_bind) {
        operation->words[0] = pick_or_none(generator, view, KIND_NOTIFICATION);
    } else if (label == OP_TIMER_arm) {
        operation->words[0] = view->now +
                              (one_in(generator, 2)
                                   ? slice_of(view) / 8
                                   : generate_random(generator, 4 * slice_of(view))) +
                              1;
    }
}

static void make_endpoint(struct generator *generator, const struct generate_view *view,
                          struct operation *operation)
{
    unsigned what = (unsigned)generate_random(generator, 4);
    unsigned label = what <= 1   ? OP_ENDPOINT_configure
                     : what == 2 ? OP_ENDPOINT_cancel_all
                                 : OP_ENDPOINT_cancel_badge;
    invoke(operation, label, pick(generator, view, KIND_ENDPOINT));
    operation->words[0] = generate_random(generator, label == OP_ENDPOINT_cancel_all ? 24 : 8);
    if (label == OP_ENDPOINT_configure) {
        operation->words[0] = one_in(generator, 2)
                                  ? MIN_BUDGET + generate_random(generator, slice_of(view) / 2)
                                  : 0;
    }
}

// ---- address spaces -----------------------------------------------------------------------------

// A few places, on both sides of where tables end.
static uint64_t some_vaddr(struct generator *generator, bool large)
{
    static const uint64_t pages[] = { 1, 510, 512, 1 << 18, (1 << 18) - 2, 1ull << 27 };
    uint64_t page = pages[generate_random(generator, sizeof(pages) / sizeof(*pages))];
    if (one_in(generator, 3ull * ODDS)) {
        return generate_random(generator, 1ull << 48);
    }
    return large ? (page + 511) / 512 * 512 << PAGE_BITS
                 : (page + generate_random(generator, 4)) << PAGE_BITS;
}

static uint64_t some_prot(struct generator *generator)
{
    return one_in(generator, 6) ? generate_random(generator, 128)
                                : PROT_READ | generate_random(generator, 8);
}

static void map_words(struct generator *generator, uint64_t words[4])
{
    words[1] = one_in(generator, 2) ? 0 : generate_random(generator, 4);
    words[2] = 1 + (one_in(generator, 2) ? 0 : generate_random(generator, 4));
    words[3] = some_prot(generator);
    if (one_in(generator, ODDS)) {
        words[3] |= PROT_LARGE;
    }
    words[0] = some_vaddr(generator, words[3] & PROT_LARGE);
    if (words[3] & PROT_LARGE && !one_in(generator, ODDS)) {
        words[1] = words[1] % 2 * 512;
        words[2] = 512;
    }
}

static void make_frame(struct generator *generator, const struct generate_view *view,
                       struct operation *operation)
{
    static const unsigned labels[] = { OP_FRAME_attach, OP_FRAME_attach, OP_FRAME_detach,
                                       OP_FRAME_map,    OP_FRAME_map,    OP_FRAME_map,
                                       OP_FRAME_map,    OP_FRAME_unmap };
    unsigned label = labels[generate_random(generator, sizeof(labels) / sizeof(*labels))];
    uint64_t frame = label == OP_FRAME_attach ? 0 : pick_hot(generator, view, KIND_FRAME);
    invoke(operation, label, frame ? frame : pick(generator, view, KIND_FRAME));
    uint64_t *words = operation->words;
    if (label == OP_FRAME_attach) {
        words[0] = pick(generator, view, KIND_ADDRESS_SPACE);
    } else if (label == OP_FRAME_map) {
        map_words(generator, words);
    } else {
        words[0] = some_vaddr(generator, false);
        words[1] = 1 + generate_random(generator, 8);
    }
}

static void make_space(struct generator *generator, const struct generate_view *view,
                       struct operation *operation)
{
    static const unsigned labels[] = { OP_ADDRESS_SPACE_stock,   OP_ADDRESS_SPACE_stock,
                                       OP_ADDRESS_SPACE_protect, OP_ADDRESS_SPACE_unmap,
                                       OP_ADDRESS_SPACE_copy,    OP_ADDRESS_SPACE_copy,
                                       OP_ADDRESS_SPACE_harvest };
    unsigned label = labels[generate_random(generator, sizeof(labels) / sizeof(*labels))];
    uint64_t *words = operation->words;
    bool copies = label == OP_ADDRESS_SPACE_copy;
    invoke(operation, label, pick(generator, view, KIND_ADDRESS_SPACE));
    if (label == OP_ADDRESS_SPACE_stock) {
        words[0] = pick_table(generator, view);
        words[1] = pick(generator, view, KIND_PAGETABLE);
        words[2] = one_in(generator, ODDS) ? generate_random(generator, 3) : 1;
        return;
    }
    words[0] = pick(generator, view, KIND_ADDRESS_SPACE);
    words += copies;
    words[0] = some_vaddr(generator, false);
    words[1] = one_in(generator, 4) ? generate_random(generator, 2000)
                                    : 1 + generate_random(generator, 8);
    words[2] = copies ? generate_random(generator, one_in(generator, ODDS) ? 3 : 2)
                      : some_prot(generator);
}

// ---- messages -----------------------------------------------------------------------------------

static void make_message(struct generator *generator, const struct generate_view *view,
                         struct operation *operation)
{
    uint64_t length = generate_random(generator, MSG_REG_WORDS + 1ull), caps = 0;
    if (one_in(generator, 4)) {
        length = generate_random(generator, MSG_MAX_WORDS + 3ull);
    }
    if (one_in(generator, 4)) {
        caps = generate_random(generator, MSG_MAX_CAPS + 1ull);
    }
    operation->tag = TAG(one_in(generator, 2) ? 0 : generate_random(generator, 8), length, caps);
    if (one_in(generator, 50)) {
        operation->tag ^= 1ull << generate_random(generator, 64);
    }
    for (unsigned i = 0; i < MSG_MAX_CAPS; i++) {
        bool move = one_in(generator, 4);
        operation->caps[i] = pick_any(generator, view, move) | (move ? CAP_MOVE : 0);
    }
    operation->window_table = pick_table(generator, view);
    operation->window_slot = pick_empty(generator, view);
    operation->window_count = generate_random(generator, MSG_MAX_CAPS + 1ull);
    for (unsigned i = 0; i < MSG_REG_WORDS; i++) {
        operation->words[i] = generate_random(generator, 64);
    }
}

static void make_ipc(struct generator *generator, const struct generate_view *view,
                     struct operation *operation)
{
    static const uint8_t numbers[] = { SYS_call,       SYS_call,    SYS_call,  SYS_reply_recv,
                                       SYS_reply_recv, SYS_recv,    SYS_recv,  SYS_nb_recv,
                                       SYS_send,       SYS_nb_send, SYS_reply, SYS_reply };
    make_message(generator, view, operation);
    operation->number = numbers[generate_random(generator, sizeof(numbers))];
    unsigned answerable = one_in(generator, 3) ? KIND_THREAD : KIND_REPLY;
    operation->slot = pick(generator, view,
                           operation->number == SYS_reply ? answerable : KIND_ENDPOINT);
    operation->third = pick(generator, view,
                            operation->number == SYS_reply_recv ? answerable : KIND_REPLY);
    if (one_in(generator, ODDS)) {
        operation->third = 0;
    }
}

// What makes sense where others wait: answer, call, send, or wait in turn.
static void make_exchange(struct generator *generator, const struct generate_view *view,
                          struct operation *operation)
{
    static const uint8_t numbers[] = { SYS_call, SYS_call, SYS_call, SYS_send, SYS_nb_send };
    uint64_t target = pick_hot(generator, view, KIND_ENDPOINT);
    uint64_t guest = pick_hot(generator, view, KIND_THREAD);
    uint64_t answer = pick_hot(generator, view, KIND_REPLY);
    if (guest && (!answer || one_in(generator, 2))) {
        answer = guest;
    }
    make_message(generator, view, operation);
    if (!one_in(generator, 5)) {
        operation->tag = TAG(one_in(generator, 2), generate_random(generator, 7), 0);
    }
    operation->slot = pick(generator, view, KIND_ENDPOINT);
    if (answer && (!target || one_in(generator, 2))) {
        operation->number = one_in(generator, 8) ? SYS_reply : SYS_reply_recv;
        operation->third = answer;
        if (operation->number == SYS_reply) {
            operation->slot = answer;
        }
        if (answer == guest && !one_in(generator, 3)) {
            uint64_t words[4], frame = pick_hot(generator, view, KIND_FRAME);
            map_words(generator, words);
            if (!one_in(generator, 4)) {  // a page, as faults want it
                words[2] = 1;
                words[3] &= ~(uint64_t)PROT_LARGE;
            }
            operation->tag = TAG(GUEST_MAP | generate_random(generator, 2), 5, 0);
            operation->words[1] = frame ? frame : pick(generator, view, KIND_FRAME);
            operation->words[2] = words[0];
            operation->words[3] = words[1] | words[2] << 32;
            operation->words[4] = words[3];
        }
    } else if (target) {
        operation->number = numbers[generate_random(generator, sizeof(numbers))];
        operation->slot = target;
    } else {
        operation->number = SYS_recv;
        operation->third = one_in(generator, ODDS) ? 0 : pick(generator, view, KIND_REPLY);
    }
}

static void make_notification(struct generator *generator, const struct generate_view *view,
                              struct operation *operation)
{
    static const uint8_t numbers[] = { SYS_signal, SYS_signal, SYS_wait, SYS_poll };
    operation->number = numbers[generate_random(generator, sizeof(numbers))];
    operation->slot = pick(generator, view, KIND_NOTIFICATION);
}

static void make_invocation(struct generator *generator, const struct generate_view *view,
                            struct operation *operation)
{
    unsigned choice = (unsigned)generate_random(generator, 85);
    if (choice < 12) {
        make_retype(generator, view, operation);
    } else if (choice < 29) {
        make_derive(generator, view, operation);
    } else if (choice < 35) {
        make_remove(generator, view, operation);
    } else if (choice < 54) {
        make_thread(generator, view, operation);
    } else if (choice < 60) {
        make_context(generator, view, operation);
    } else if (choice < 62) {
        make_timer(generator, view, operation);
    } else if (choice < 67) {
        make_endpoint(generator, view, operation);
    } else if (choice < 75) {
        make_frame(generator, view, operation);
    } else {
        make_space(generator, view, operation);
    }
    if (one_in(generator, 100)) {
        operation->tag = TAG(generate_random(generator, 0x1200), generate_random(generator, 8), 0);
    }
}

static void make_batch(struct generator *generator, const struct generate_view *view,
                       struct operation *operation)
{
    operation->entries = (unsigned)generate_random(generator, GENERATE_BATCH + 1);
    for (unsigned i = 0; i < operation->entries; i++) {
        struct operation one = { 0 };
        make_invocation(generator, view, &one);
        operation->batch[i] = (struct batch_entry){ .slot = one.slot, .tag = one.tag };
        for (unsigned word = 0; word < MSG_REG_WORDS; word++) {
            operation->batch[i].words[word] = one.words[word];
        }
    }
    operation->number = SYS_invoke_batch;
    operation->slot = pick(generator, view, KIND_FRAME);
    operation->tag = generate_random(generator, 8) << 9;
    operation->third = operation->entries +
                       (one_in(generator, 2ull * ODDS) ? generate_random(generator, 3) : 0);
}

// ---- scripts ------------------------------------------------------------------------------------

enum script {
    SCRIPT_NONE,
    SCRIPT_BASICS,  // what threads need to talk
    SCRIPT_THREAD,  // Thread and context, configured, bound, resumed
    SCRIPT_SPACE,   // an address space with tables, a frame attached and mapped
    SCRIPTS
};

#define SPACE_TABLES 4u
#define SCRIPT_TRIES 5u

// A new object in an empty slot of the caller's table, the script's number `which`.
static bool script_object(struct generator *generator, const struct generate_view *view,
                          struct operation *operation, unsigned which)
{
    unsigned kind = generator->kind;
    uint64_t untyped = pick(generator, view, KIND_UNTYPED);
    invoke(operation, OP_UNTYPED_retype, untyped);
    retype_place(generator, operation, untyped < view->count ? view->bits[untyped] : 17, kind);
    operation->words[2] = 1;
    operation->words[3] = pick(generator, view, 0);
    operation->words[4] = 1;
    generator->made[which] = operation->words[3];
    generator->wanted = which + 1;
    return true;
}

static bool script_make(struct generator *generator, const struct generate_view *view,
                        struct operation *operation, unsigned which, unsigned kind)
{
    generator->kind = kind;
    generator->tries = SCRIPT_TRIES;
    return script_object(generator, view, operation, which);
}

static bool script_basics(struct generator *generator, const struct generate_view *view,
                          struct operation *operation)
{
    static const uint8_t kinds[] = { KIND_ENDPOINT, KIND_REPLY, KIND_REPLY, KIND_NOTIFICATION,
                                     KIND_FRAME };
    (void)script_make(generator, view, operation, 0, kinds[generator->step++]);
    return generator->step < sizeof(kinds);
}

// False: that was the last step.
static bool script_thread(struct generator *generator, const struct generate_view *view,
                          struct operation *operation)
{
    enum {
        THREAD,
        CONTEXT
    };
    static const unsigned labels[] = { OP_THREAD_configure, OP_THREAD_set_priority,
                                       OP_THREAD_set_buffer };
    uint64_t *words = operation->words, *made = generator->made;
    unsigned step = generator->step++;
    switch (step) {
    case 0: return script_make(generator, view, operation, THREAD, KIND_THREAD);
    case 1: return script_make(generator, view, operation, CONTEXT, KIND_SCHED_CONTEXT);
    case 2:
        invoke(operation, OP_SCHED_CONTEXT_configure, made[CONTEXT]);
        words[0] = pick(generator, view, KIND_SCHED_CONTROL);
        budget_words(generator, view, words + 1);
        return true;
    case 3:
        invoke(operation, OP_SCHED_CONTEXT_bind, made[CONTEXT]);
        words[0] = made[THREAD];
        words[1] = one_in(generator, 2) ? SCHED_OWN : SCHED_FALLBACK;
        return true;
    case 4:
    case 5:
    case 6:
        invoke(operation, labels[step - 4], made[THREAD]);
        thread_words(generator, view, operation, labels[step - 4]);
        words[0] = step == 6 ? 0 : words[0];
        return true;
    default: invoke(operation, OP_THREAD_resume, made[THREAD]); return false;
    }
}

static bool script_space(struct generator *generator, const struct generate_view *view,
                         struct operation *operation)
{
    enum {
        SPACE,
        TABLE,
        FRAME
    };
    uint64_t *words = operation->words, *made = generator->made;
    unsigned step = generator->step++;
    if (step == 0) {
        return script_make(generator, view, operation, SPACE, KIND_ADDRESS_SPACE);
    }
    if (step <= 2 * SPACE_TABLES) {
        if (step % 2) {
            return script_make(generator, view, operation, TABLE, KIND_PAGETABLE);
        }
        invoke(operation, OP_ADDRESS_SPACE_stock, made[SPACE]);
        words[0] = words[2] = 1;
        words[1] = made[TABLE];
        return true;
    }
    switch (step - 2 * SPACE_TABLES) {
    case 1:
        invoke(operation, OP_CAPTABLE_copy, 1);
        made[FRAME] = words[0] = pick(generator, view, 0);
        words[1] = 1;
        words[2] = pick(generator, view, KIND_FRAME);
        words[3] = one_in(generator, 4) ? some_rights(generator) : 255;
        return true;
    case 2:
        invoke(operation, OP_FRAME_attach, made[FRAME]);
        words[0] = made[SPACE];
        return true;
    default:
        invoke(operation, OP_FRAME_map, made[FRAME]);
        map_words(generator, words);
        return !one_in(generator, 5);
    }
}

static void make_script(struct generator *generator, const struct generate_view *view,
                        struct operation *operation)
{
    static bool (*const scripts[SCRIPTS])(struct generator *, const struct generate_view *,
                                          struct operation *) = { [SCRIPT_BASICS] = script_basics,
                                                                  [SCRIPT_THREAD] = script_thread,
                                                                  [SCRIPT_SPACE] = script_space };
    if (generator->wanted) {  // was it made?
        uint64_t slot = generator->made[generator->wanted - 1];
        if ((slot >= view->count || view->kinds[slot] != generator->kind) && generator->tries--) {
            (void)script_object(generator, view, operation, generator->wanted - 1);
            return;
        }
        generator->wanted = 0;
    }
    if (!scripts[generator->script](generator, view, operation)) {
        generator->script = SCRIPT_NONE;
    }
}

static unsigned count_of(const struct generate_view *view, unsigned kind)
{
    unsigned count = 0;
    for (unsigned i = 1; i < view->count; i++) {
        count += view->kinds[i] == kind;
    }
    return count;
}

// What is missing most, if anything is to be made.
static unsigned choose_script(struct generator *generator, const struct generate_view *view)
{
    if (!view->first) {
        return SCRIPT_NONE;
    }
    if (count_of(view, KIND_REPLY) < 3 || count_of(view, KIND_ENDPOINT) < 2) {
        return one_in(generator, 4) ? SCRIPT_BASICS : SCRIPT_NONE;
    }
    if (count_of(view, KIND_THREAD) < 4) {
        return one_in(generator, 4) ? SCRIPT_THREAD : SCRIPT_NONE;
    }
    if (count_of(view, KIND_ADDRESS_SPACE) < 1) {
        return one_in(generator, 6) ? SCRIPT_SPACE : SCRIPT_NONE;
    }
    return one_in(generator, 40) ? 1 + (unsigned)generate_random(generator, SCRIPTS - 1)
                                 : SCRIPT_NONE;
}

static void generate_other(struct generator *generator, const struct generate_view *view,
                           struct operation *operation)
{
    unsigned choice = (unsigned)generate_random(generator, 100);
    if (choice < 55) {
        make_invocation(generator, view, operation);
    } else if (choice < 87) {
        make_ipc(generator, view, operation);
    } else if (choice < 94) {
        make_notification(generator, view, operation);
    } else if (choice < 98) {
        make_batch(generator, view, operation);
    } else if (choice < 99) {
        operation->number = one_in(generator, 4) ? generate_random(generator, 14) : SYS_yield;
    } else {
        operation->number = SYS_null;
    }
}

// Mostly less than the least budget, now and then more than most, or all but a little.
static uint64_t some_ticks(struct generator *generator, const struct generate_view *view)
{
    if (view->left > MIN_TICKS && one_in(generator, 16)) {
        return view->left - 1 - generate_random(generator, MIN_TICKS);
    }
    if (view->lent && one_in(generator, 2)) {
        return generate_random(generator, slice_of(view));
    }
    switch (generate_random(generator, 8)) {
    case 0: return generate_random(generator, slice_of(view) / 2);
    case 1: return one_in(generator, 4) ? generate_random(generator, 2 * slice_of(view)) : 0;
    default: return generate_random(generator, MIN_BUDGET / 4);
    }
}

void generate(struct generator *generator, const struct generate_view *view,
              struct operation *operation)
{
    *operation = (struct operation){ .random = generate_random(generator, UINT32_MAX) };
    operation->ticks = some_ticks(generator, view);
    if (!generator->script) {
        generator->script = choose_script(generator, view);
        generator->step = generator->wanted = 0;
    }
    if (generator->script && view->first) {
        make_script(generator, view, operation);
    } else if (view->left && view->left < MIN_TICKS && one_in(generator, 3)) {
        operation->number = SYS_wait;
        operation->slot = pick(generator, view, KIND_NOTIFICATION);
    } else if (view->hot && generate_random(generator, 100) < (view->first  ? 30
                                                               : view->lent ? 50
                                                                            : 80)) {
        make_exchange(generator, view, operation);
    } else {
        generate_other(generator, view, operation);
    }
}
