// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The model: what a message carries.
#include "model.h"

#define TAG_LOW  0xffffull
#define TAG_SENT (TAG_LENGTH_MASK | TAG_CAPS_MASK)

struct message_buffer *model_buffer(const struct model_thread *thread)
{
    const struct model_cap *cap = thread_inside(thread, IN_BUFFER);
    return cap->kind ? model_ram(cap, thread->offset[0], MESSAGE_BUFFER_BYTES, R_READ | R_WRITE)
                     : NULL;
}

// The capability that an entry of the sender's buffer names.
static uint64_t sent_cap(const struct model_thread *from, uint64_t entry, struct model_cap **cap)
{
    uint64_t status = model_lookup(from, entry & ~CAP_MOVE, cap);
    if (status) {
        return status;
    }
    bool only_moved = (*cap)->kind == K_UNTYPED || (*cap)->kind == K_PAGETABLE;
    return only_moved && !(entry & CAP_MOVE) ? M_TYPE : M_OK;
}

uint64_t model_transfer_check(const struct model_thread *thread, uint64_t tag, unsigned rights)
{
    if ((tag & TAG_LOW) <= MSG_REG_WORDS) {
        return M_OK;
    }
    if (tag & TAG_LOW & ~TAG_SENT || tag_length(tag) > MSG_MAX_WORDS ||
        tag_caps(tag) > MSG_MAX_CAPS) {
        return M_BLAME(M_LENGTH, 1);
    }
    if (tag_caps(tag) && !(rights & R_GRANT)) {
        return M_BLAME(M_RIGHTS, 1);
    }
    const struct message_buffer *buffer = model_buffer(thread);
    if (!buffer) {
        return M_BLAME(M_BUFFER, 1);
    }
    for (unsigned i = 0; i < tag_caps(tag); i++) {
        struct model_cap *cap;
        uint64_t status = sent_cap(thread, buffer->caps[i], &cap);
        if (status) {
            return M_BLAME(status, 1);
        }
    }
    return M_OK;
}

// Put a capability into slot `slot` of the receiver's window.
static bool put(const struct model_cap *table, uint64_t slot, struct model_cap *cap, bool move)
{
    struct model_cap *place = model_slot(table, slot);
    if (!place || place->kind) {
        return false;
    }
    if (move) {
        model_move(place, cap);
    } else {
        model_derive(place, cap, cap->rights);
    }
    return true;
}

static uint64_t transfer_caps(const struct model_thread *from, const struct model_thread *to,
                              unsigned count, uint64_t home)
{
    struct message_buffer *source = model_buffer(from), *buffer = model_buffer(to);
    uint64_t slot = buffer->window_slot, room = buffer->window_count, received = 0, homes = 0;
    struct model_cap *named;
    bool found = !model_lookup_kind(to, buffer->window_table, K_CAPTABLE, R_WRITE, 0, &named);
    const struct model_cap table = found ? *named : (struct model_cap){};  // may itself be moved
    for (unsigned i = 0; i < count; i++) {
        struct model_cap *cap;
        uint64_t entry = source->caps[i];
        if (sent_cap(from, entry, &cap)) {
            continue;
        }
        if (home && cap->kind == K_ENDPOINT && cap->address == home && cap->badge) {
            buffer->caps[received] = cap->badge;
            homes |= 1ull << received++;
        } else if (found && room && put(&table, slot, cap, entry & CAP_MOVE)) {
            slot++;
            room--;
            buffer->caps[received++] = 0;
        }
    }
    return received << TAG_CAPS_SHIFT | homes << TAG_HOME_SHIFT;
}

uint64_t model_transfer(struct model_thread *from, struct model_thread *to, uint64_t tag,
                        unsigned rights, uint64_t home)
{
    for (unsigned i = 0; i < MSG_REG_WORDS; i++) {
        to->regs.words[i] = from->regs.words[i];
    }
    if ((tag & TAG_LOW) <= MSG_REG_WORDS) {
        return tag;
    }
    const struct message_buffer *source = model_buffer(from);
    struct message_buffer *buffer = model_buffer(to);
    uint64_t label = tag & ~TAG_LOW;
    unsigned length = tag_length(tag);
    if (!source || !buffer) {
        return label | (length < MSG_REG_WORDS ? length : MSG_REG_WORDS);
    }
    for (unsigned i = MSG_REG_WORDS; i < length; i++) {
        buffer->words[i] = source->words[i];
    }
    unsigned caps = rights & R_GRANT ? tag_caps(tag) : 0;
    return label | length | (caps ? transfer_caps(from, to, caps, home) : 0);
}
