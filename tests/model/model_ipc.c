// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The model: messages, answers, lent time, notifications, faults.
#include "model.h"

// Stop what a thread is blocked in; its call returns `status`.
void model_finish(struct model_thread *thread, uint64_t status)
{
    if (thread->sending == BY_GUEST && thread->state == SENDING) {
        thread->state = STOPPED;
        return;
    }
    if (thread->sending == BY_FAULT && status == M_DEAD) {
        thread->state = SUSPENDED;
        return;
    }
    if (thread->sending == BY_SEND || thread->sending == BY_CALL) {
        thread->regs.code = status;
    }
    thread->sending = BY_SEND;
    model_wake(thread, false);
}

// ---- who waits ----------------------------------------------------------------------------------

static void block(struct model_thread *thread, enum model_state state)
{
    thread->state = state;
    thread->order = ++model.last_order;
    if (state == SENDING) {
        return;
    }
    thread->sending = BY_SEND;
    if (thread->context != thread->own) {
        model_assign(thread, thread->own);  // lent time waits with its Reply
    }
}

// The first in arrival of those in `state`, senders by priority first.
static struct model_thread *first_waiting(enum model_state state, uint64_t address)
{
    struct model_thread *found = NULL;
    for (uint64_t i = 0; i < PAGES; i++) {
        struct model_thread *thread = &model.threads[i];
        if (!thread->live || thread->state != state) {
            continue;
        }
        if ((state == WAITING ? thread->waiting : thread->endpoint) != address) {
            continue;
        }
        bool before = found && (state == SENDING && thread->priority != found->priority
                                    ? thread->priority > found->priority
                                    : thread->order < found->order);
        if (!found || before) {
            found = thread;
        }
    }
    return found;
}

struct model_thread *model_first_sender(uint64_t endpoint, uint64_t badge, bool any)
{
    struct model_thread *found = NULL;
    if (any) {
        return first_waiting(SENDING, endpoint);
    }
    for (uint64_t i = 0; i < PAGES; i++) {
        struct model_thread *thread = &model.threads[i];
        if (!thread->live || thread->state != SENDING || thread->endpoint != endpoint ||
            thread->badge != badge) {
            continue;
        }
        if (!found || thread->priority > found->priority ||
            (thread->priority == found->priority && thread->order < found->order)) {
            found = thread;
        }
    }
    return found;
}

// It receives no more.
static void receive_end(const struct model_thread *thread)
{
    if (thread->reply) {
        reply_at(thread->reply)->receiver = 0;
    }
}

static void notified(struct model_thread *thread, struct model_notification *notification)
{
    thread->regs.code = M_OK;
    thread->regs.slot = notification->word;
    thread->regs.tag = TAG_NOTIFICATION;
    notification->word = 0;
}

void model_signal_object(uint64_t address, uint64_t badge)
{
    struct model_notification *notification = notification_at(address);
    struct model_thread *thread = first_waiting(WAITING, address);
    notification->word |= badge;
    if (!thread && notification->bound && thread_at(notification->bound)->state == RECEIVING) {
        receive_end(thread = thread_at(notification->bound));
    }
    if (!thread) {
        return;
    }
    notified(thread, notification);
    if (thread->context) {
        model_renew(context_at(thread->context));
    }
    model_wake(thread, false);
}

// ---- answers and lent time ----------------------------------------------------------------------

// The last loan of a context ends: it is its caller's again.  Returns who used it.
static struct model_thread *loan_end(uint64_t context)
{
    struct model_context *lent = context_at(context);
    struct model_reply *reply = reply_at(lent->reply);
    struct model_thread *server = lent->thread ? thread_at(lent->thread) : NULL;
    lent->reply = reply->below;
    reply->below = reply->context = 0;
    if (server) {
        model_drop(server);
    }
    model_assign(thread_at(reply->caller), context);
    return server;
}

// A server lost lent time: tell its time-out handler.
void model_timeout_tell(const struct model_thread *thread, uint64_t used)
{
    const struct model_cap *handler = thread_inside(thread, IN_TIMEOUT);
    struct model_thread *receiver;
    if (handler->kind == K_NOTIFICATION) {
        model.events[EVENT_told]++;
        model_signal_object(handler->address, handler->badge ? handler->badge : 1);
        return;
    }
    receiver = handler->kind == K_ENDPOINT ? first_waiting(RECEIVING, handler->address) : NULL;
    if (!receiver) {
        return;
    }
    model.events[EVENT_told]++;
    receive_end(receiver);
    receiver->regs = (struct model_regs){
        M_OK, handler->badge, TAG(FAULT_TIMEOUT, 2, 0), { used, 1 }
    };
    model_wake(receiver, false);
}

void model_recall(uint64_t context, uint64_t until)
{
    while (context_at(context)->reply != until) {
        struct model_reply *reply = reply_at(context_at(context)->reply);
        struct model_thread *caller = thread_at(reply->caller);
        const struct model_thread *server = loan_end(context);
        reply->caller = 0;
        if (server) {
            model_timeout_tell(server, context_at(context)->used);
        }
        model_finish(caller, M_BUDGET);
    }
}

// The caller stops waiting for an answer.
static void reply_close(uint64_t address)
{
    struct model_reply *reply = reply_at(address);
    if (reply->context) {
        model_recall(reply->context, address);
        loan_end(reply->context);
    }
    reply->caller = 0;
}

static void reply_open(uint64_t address, struct model_thread *caller, struct model_thread *server,
                       bool lend)
{
    struct model_reply *reply = reply_at(address);
    reply->caller = thread_address(caller);
    caller->reply = address;
    caller->state = AWAITING_REPLY;
    if (!lend || !caller->context) {
        return;
    }
    uint64_t context = caller->context;
    reply->context = context;
    reply->below = context_at(context)->reply;
    context_at(context)->reply = address;
    caller->context = 0;
    model_assign(server, context);
}

// ---- send and receive ---------------------------------------------------------------------------

// What the kernel says for a thread that trapped; returns the tag.
static uint64_t trap_message(const struct model_thread *thread, struct model_thread *receiver)
{
    const struct model_trap *trap = &thread->trap;
    uint64_t *words = receiver->regs.words;
    if (trap->label == GUEST_SYSCALL) {
        for (unsigned i = 0; i < MSG_REG_WORDS; i++) {
            words[i] = thread->regs.words[i];
        }
        return TAG(GUEST_SYSCALL_LABEL(thread->regs.code), MSG_REG_WORDS, 0);
    }
    if (trap->label == GUEST_KICK) {
        return TAG(trap->label, 0, 0);
    }
    if (trap->label == FAULT_TIMEOUT) {
        words[0] = trap->address;
        words[1] = 0;
        return TAG(trap->label, 2, 0);
    }
    words[0] = trap->label == FAULT_PAGE ? trap->address : trap->vector;
    words[1] = trap->label == FAULT_PAGE ? trap->access : trap->error;
    words[2] = 0;  // nothing moves the instruction pointer here
    return TAG(trap->label, 3, 0);
}

static void deliver(struct model_thread *sender, struct model_thread *receiver)
{
    uint64_t reply = receiver->reply, tag;
    enum model_sending sending = sender->sending;
    if (sending == BY_SEND || sending == BY_CALL) {
        tag = model_transfer(sender, receiver, sender->tag, sender->send_rights, sender->home);
    } else {
        tag = trap_message(sender, receiver);
    }
    receiver->regs.code = M_OK;
    receiver->regs.slot = sender->badge;
    receiver->regs.tag = tag;
    if (reply) {
        reply_at(reply)->receiver = 0;
    }
    if (sending == BY_GUEST) {
        sender->state = STOPPED;
    } else if (sending == BY_SEND) {
        model_finish(sender, M_OK);
    } else if (reply) {
        reply_open(reply, sender, receiver, sending == BY_CALL && !receiver->own);
    } else {
        model_finish(sender, M_PEER_DIED);
    }
}

static void meet(struct model_thread *sender, uint64_t endpoint)
{
    struct model_thread *receiver = first_waiting(RECEIVING, endpoint);
    if (!receiver) {
        sender->endpoint = endpoint;
        block(sender, SENDING);
        return;
    }
    deliver(sender, receiver);
    model_wake(receiver, true);
}

uint64_t model_send(struct model_thread *thread, uint64_t slot, uint64_t tag,
                    enum model_sending sending, bool wait)
{
    struct model_cap *cap;
    uint64_t status = model_lookup_kind(thread, slot, K_ENDPOINT, R_SEND, 0, &cap);
    if (!status) {
        status = model_transfer_check(thread, tag, cap->rights);
    }
    if (status) {
        return status;
    }
    bool receiver = first_waiting(RECEIVING, cap->address);
    if (!receiver && !wait) {
        return M_AGAIN;
    }
    uint64_t least = endpoint_at(cap->address)->min_budget;
    status = sending == BY_CALL && least ? model_budget_check(thread, least) : M_OK;
    if (status) {
        return status;
    }
    thread->sending = sending;
    thread->tag = tag;
    thread->badge = cap->badge;
    thread->send_rights = cap->rights;
    thread->home = cap->address;
    meet(thread, cap->address);
    return sending == BY_SEND && receiver ? M_OK : M_BLOCKED;
}

void model_send_trap(struct model_thread *thread, const struct model_cap *endpoint,
                     enum model_sending sending)
{
    thread->sending = sending;
    thread->badge = endpoint->badge;
    thread->state = SENDING;
    meet(thread, endpoint->address);
}

static uint64_t receive(struct model_thread *thread, uint64_t endpoint, uint64_t reply, bool wait)
{
    struct model_notification *bound = thread->notification ? notification_at(thread->notification)
                                                            : NULL;
    if (bound && bound->word) {
        notified(thread, bound);
        return M_BLOCKED;
    }
    struct model_thread *sender = first_waiting(SENDING, endpoint);
    if (!sender && !wait) {
        return M_AGAIN;
    }
    thread->reply = reply;
    if (thread->context) {
        model_unwait(thread->context);  // its fall-back one may not be needed after all
    }
    if (sender) {
        deliver(sender, thread);
        model_wake(thread, false);  // time that it is lent now may have to be waited for
        return M_BLOCKED;
    }
    if (reply) {
        reply_at(reply)->receiver = thread_address(thread);
    }
    thread->endpoint = endpoint;
    block(thread, RECEIVING);
    return M_BLOCKED;
}

uint64_t model_receive(struct model_thread *thread, uint64_t slot, uint64_t reply_slot, bool wait)
{
    struct model_cap *cap, *reply = NULL;
    uint64_t status = model_lookup_kind(thread, slot, K_ENDPOINT, R_RECEIVE, 0, &cap);
    if (!status && reply_slot) {
        status = model_lookup_kind(thread, reply_slot, K_REPLY, 0, 2, &reply);
    }
    if (status) {
        return status;
    }
    if (reply && (reply_at(reply->address)->caller || reply_at(reply->address)->receiver)) {
        return M_BLAME(M_STATE, 2);
    }
    return receive(thread, cap->address, reply ? reply->address : 0, wait);
}

// One mapping before the resume: words 1-4 of the handler.
static uint64_t guest_map(struct model_thread *handler)
{
    struct model_cap *cap;
    const uint64_t *given = handler->regs.words;
    uint64_t words[] = { given[2], given[3] & UINT32_MAX, given[3] >> 32, given[4] };
    uint64_t status = model_lookup_kind(handler, given[1], K_FRAME, 0, 8, &cap);
    if (status) {
        return status;
    }
    status = model_map(cap, words);
    if (status == M_BLAME(M_TABLES, 1)) {
        handler->regs.words[0] = words[0];
    }
    return status ? M_BLAME(status & 0xff, 8 + (status >> 8)) : M_OK;
}

static uint64_t guest_resume(struct model_thread *handler, struct model_thread *guest, uint64_t tag)
{
    uint64_t what = tag_label(tag);
    const struct model_cap *frame = thread_inside(guest, IN_GUEST_FRAME);
    if (what & ~(uint64_t)(GUEST_RESULT | GUEST_LOAD | GUEST_MAP)) {
        return M_BLAME(M_RANGE, 1);
    }
    if (what & GUEST_LOAD && !frame->kind) {
        return M_BLAME(M_BUFFER, 1);
    }
    uint64_t status = what & GUEST_MAP ? guest_map(handler) : M_OK;
    if (status) {
        return status;
    }
    if (what & GUEST_LOAD) {
        const struct guest_frame *loaded = model_ram(frame, guest->offset[1], GUEST_FRAME_BYTES,
                                                     R_READ | R_WRITE);
        const struct thread_regs *regs = &loaded->regs;
        guest->regs = (struct model_regs){ regs->rax,
                                           regs->rdi,
                                           regs->rsi,
                                           { regs->rbx, regs->rbp, regs->r12, regs->r13, regs->r14,
                                             regs->r15 } };
    }
    if (what & GUEST_RESULT) {
        guest->regs.code = handler->regs.words[0];
    }
    guest->sending = BY_SEND;
    model_wake(guest, true);
    return M_OK;
}

static uint64_t answer(struct model_thread *thread, uint64_t reply, uint64_t tag)
{
    struct model_thread *caller = thread_at(reply_at(reply)->caller);
    bool fault = caller->sending == BY_FAULT;
    reply_close(reply);
    if (fault) {
        caller->sending = BY_SEND;
        if (tag_label(tag)) {
            caller->state = SUSPENDED;
        } else {
            model_wake(caller, true);
        }
        return M_OK;
    }
    caller->regs.tag = model_transfer(thread, caller, tag, R_GRANT, 0);
    caller->regs.code = M_OK;
    caller->regs.slot = 0;
    model_wake(caller, true);
    return M_OK;
}

// The capability to answer with: a Reply somebody waits for, or the Thread of a stopped guest.
static uint64_t reply_lookup(const struct model_thread *thread, uint64_t slot, unsigned argument,
                             struct model_cap **cap)
{
    if (model_lookup(thread, slot, cap)) {
        return M_BLAME(M_SLOT, argument);
    }
    if ((*cap)->kind == K_REPLY) {
        return reply_at((*cap)->address)->caller ? M_OK : M_BLAME(M_STATE, argument);
    }
    if ((*cap)->kind != K_THREAD) {
        return M_BLAME(M_TYPE, argument);
    }
    if (!((*cap)->rights & R_WRITE)) {
        return M_BLAME(M_RIGHTS, argument);
    }
    return thread_at((*cap)->address)->state == STOPPED ? M_OK : M_BLAME(M_STATE, argument);
}

static uint64_t reply_through(struct model_thread *thread, const struct model_cap *cap,
                              uint64_t tag)
{
    uint64_t status = model_transfer_check(thread, tag, R_GRANT);
    if (status) {
        return status;
    }
    if (cap->kind == K_THREAD) {
        return guest_resume(thread, thread_at(cap->address), tag);
    }
    return answer(thread, cap->address, tag);
}

uint64_t model_reply(struct model_thread *thread, uint64_t slot, uint64_t tag)
{
    struct model_cap *cap;
    uint64_t status = reply_lookup(thread, slot, 0, &cap);
    return status ? status : reply_through(thread, cap, tag);
}

uint64_t model_reply_receive(struct model_thread *thread, uint64_t slot, uint64_t tag,
                             uint64_t reply_slot)
{
    struct model_cap *cap, *reply;
    uint64_t status = model_lookup_kind(thread, slot, K_ENDPOINT, R_RECEIVE, 0, &cap);
    if (!status) {
        status = reply_lookup(thread, reply_slot, 2, &reply);
    }
    if (status) {
        return status;
    }
    // Both are named once: the answer may give either capability away.
    uint64_t endpoint = cap->address, used = reply->kind == K_REPLY ? reply->address : 0;
    status = reply_through(thread, reply, tag);
    return status ? status : receive(thread, endpoint, used, true);
}

// ---- notifications ------------------------------------------------------------------------------

uint64_t model_wait(struct model_thread *thread, uint64_t slot, bool wait)
{
    struct model_cap *cap;
    uint64_t status = model_lookup_kind(thread, slot, K_NOTIFICATION, R_READ, 0, &cap);
    if (status) {
        return status;
    }
    struct model_notification *notification = notification_at(cap->address);
    if (notification->word) {
        notified(thread, notification);
        return M_BLOCKED;
    }
    if (!wait) {
        return M_AGAIN;
    }
    thread->waiting = cap->address;
    block(thread, WAITING);
    return M_BLOCKED;
}

uint64_t model_signal(const struct model_thread *thread, uint64_t slot)
{
    struct model_cap *cap;
    uint64_t status = model_lookup_kind(thread, slot, K_NOTIFICATION, R_WRITE, 0, &cap);
    if (!status) {
        model_signal_object(cap->address, cap->badge ? cap->badge : 1);
    }
    return status;
}

// ---- the end ------------------------------------------------------------------------------------

void model_cancel(struct model_thread *thread, uint64_t status)
{
    if (thread->state == SUSPENDED || thread->state == READY || thread->state == STOPPED) {
        return;
    }
    if (thread->state == RECEIVING) {
        receive_end(thread);
    }
    if (thread->state == AWAITING_REPLY) {
        reply_close(thread->reply);
    }
    model_finish(thread, status);
}

void model_endpoint_destroy(uint64_t endpoint)
{
    struct model_thread *thread;
    while ((thread = first_waiting(SENDING, endpoint))) {
        model_finish(thread, M_DEAD);
    }
    while ((thread = first_waiting(RECEIVING, endpoint))) {
        receive_end(thread);
        model_finish(thread, M_CANCELLED);
    }
    endpoint_at(endpoint)->live = false;
}

void model_reply_destroy(uint64_t address)
{
    struct model_reply *reply = reply_at(address);
    if (reply->receiver) {
        thread_at(reply->receiver)->reply = 0;
    }
    if (reply->caller) {
        struct model_thread *caller = thread_at(reply->caller);
        reply_close(address);
        model_finish(caller, M_PEER_DIED);
    }
    reply->live = false;
}

void model_notification_destroy(uint64_t address)
{
    struct model_notification *notification = notification_at(address);
    struct model_thread *thread;
    if (notification->bound) {
        thread_at(notification->bound)->notification = 0;
    }
    while ((thread = first_waiting(WAITING, address))) {
        model_finish(thread, M_DEAD);
    }
    notification->live = false;
}
