// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Transfer of words and capabilities.  Message buffers are user memory: each field is loaded once,
// then checked, then used.
#include "transfer.h"

#include "captable.h"

#define TAG_SEND_MASK (TAG_LENGTH_MASK | TAG_CAPS_MASK)

static uint64_t load_once(const uint64_t *field)
{
    return *(const volatile uint64_t *)field;
}

// The capability that `caps[index]` of a sender's buffer names.
static enum err sent_cap(struct thread *from, uint64_t entry, struct cap **cap)
{
    enum err error = cap_lookup(from, entry & ~CAP_MOVE, cap);
    if (error) {
        return error;
    }
    const unsigned movable_only = 1u << KIND_UNTYPED | 1u << KIND_PAGETABLE;
    return movable_only >> (*cap)->kind & 1 && !(entry & CAP_MOVE) ? ERR_TYPE : ERR_OK;
}

enum err transfer_check_rest(struct thread *thread, uint64_t tag, unsigned rights)
{
    unsigned caps = tag_caps(tag);
    if (tag & TAG_LOW_MASK & ~TAG_SEND_MASK || tag_length(tag) > MSG_MAX_WORDS ||
        caps > MSG_MAX_CAPS) {
        return err_blame(ERR_LENGTH, 1);
    }
    if (caps && !(rights & RIGHT_GRANT)) {
        return err_blame(ERR_RIGHTS, 1);
    }
    if (!thread->buffer) {
        return err_blame(ERR_BUFFER, 1);
    }
    for (unsigned i = 0; i < caps; i++) {
        struct cap *cap;
        enum err error = sent_cap(thread, load_once(&thread->buffer->caps[i]), &cap);
        if (error) {
            return err_blame(error, 1);
        }
    }
    return caps && cap_derive_waits(caps) ? ERR_RETRY : ERR_OK;
}

// Where received capabilities go: `count` slots of a table, from `next` on.
struct window {
    struct cap *next;
    uint64_t count;
};

static struct window window_of(struct thread *thread)
{
    const struct message_buffer *in = thread->buffer;
    uint64_t slot = load_once(&in->window_slot), count = load_once(&in->window_count);
    struct cap *table;
    if (cap_lookup_kind(thread, load_once(&in->window_table), KIND_CAPTABLE, RIGHT_WRITE, 0,
                        &table)) {
        return (struct window){};
    }
    struct cap *next = captable_slot(table, slot);
    uint64_t room = next ? captable_of(table)->count - slot : 0;
    return (struct window){ next, count < room ? count : room };
}

// Put a capability into the next slot of the window, if there is one and it is empty.
static bool window_put(struct window *window, struct cap *cap, bool move)
{
    if (!window->count || !cap_empty(window->next)) {
        return false;
    }
    struct cap *to = window->next++;
    window->count--;
    if (move) {
        cap_move(to, cap);
    } else {
        cap_derive(to, cap, cap->rights);
    }
    return true;
}

// Capabilities; returns their count and which came home, as bits of a tag.
static uint64_t transfer_caps(struct thread *from, struct thread *to, unsigned count, uint64_t home)
{
    struct window window = window_of(to);
    unsigned received = 0;
    unsigned homes = 0;
    for (unsigned i = 0; i < count; i++) {
        struct cap *cap;
        uint64_t entry = load_once(&from->buffer->caps[i]);
        if (sent_cap(from, entry, &cap)) {
            continue;
        }
        if (home && cap->kind == KIND_ENDPOINT && cap->address == home && cap->badge) {
            to->buffer->caps[received] = cap->badge;
            homes |= 1u << received++;
        } else if (window_put(&window, cap, entry & CAP_MOVE)) {
            to->buffer->caps[received++] = 0;
        }
    }
    return (uint64_t)received << TAG_CAPS_SHIFT | (uint64_t)homes << TAG_HOME_SHIFT;
}

uint64_t transfer_rest(struct thread *from, struct thread *to, uint64_t tag, unsigned rights,
                       uint64_t home)
{
    uint64_t result = tag & ~TAG_LOW_MASK;
    unsigned length = tag_length(tag);
    // The buffer may have gone while the sender waited.
    if (!from->buffer || !to->buffer) {
        return result | (length < MSG_REG_WORDS ? length : MSG_REG_WORDS);
    }
    if (length > MSG_REG_WORDS) {
        __builtin_memcpy(&to->buffer->words[MSG_REG_WORDS], &from->buffer->words[MSG_REG_WORDS],
                         (length - MSG_REG_WORDS) * sizeof(uint64_t));
    }
    unsigned caps = rights & RIGHT_GRANT ? tag_caps(tag) : 0;
    return result | length | (caps ? transfer_caps(from, to, caps, home) : 0);
}
