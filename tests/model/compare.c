// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Walks the core's structures and holds them against the model: every slot of every table and
// thread, every object, who runs, who waits in which order, and what is in registers and message
// buffers.
#include "compare.h"

#include "world.h"

#include <kernel/captable.h>
#include <kernel/cpu.h>
#include <kernel/endpoint.h>
#include <kernel/forest.h>
#include <kernel/notification.h>
#include <kernel/reply.h>
#include <kernel/sched.h>
#include <kernel/timer.h>

#include <string.h>

#define SENDER_KEY \
 ((ptrdiff_t)offsetof(struct thread, sender_key) - (ptrdiff_t)offsetof(struct thread, sender))

// Both sides of one fact; `at` says of what.
static void same(const char *what, uint64_t at, uint64_t core, uint64_t wanted)
{
    if (core != wanted) {
        world_fail("%s at 0x%lx: the core has 0x%lx, the model 0x%lx", what, at, core, wanted);
    }
}

// ---- addresses ----------------------------------------------------------------------------------

// The model's name of an object, or 0.
static uint64_t address_of(const void *object)
{
    uintptr_t address = (uintptr_t)object;
    if (!address) {
        return 0;
    }
    if (object == world_thread()) {
        return FIRST_THREAD;
    }
    if (object == &world.context) {
        return FIRST_CONTEXT;
    }
    if (object == world.table) {
        return FIRST_TABLE;
    }
    if (address - (uintptr_t)world.arena < ARENA_BYTES) {
        return address - (uintptr_t)world.arena + ARENA;
    }
    return address;
}

static void *object_at(uint64_t address)
{
    if (address == FIRST_THREAD) {
        return world_thread();
    }
    if (address == FIRST_CONTEXT) {
        return &world.context;
    }
    return world.arena + (address - ARENA);
}

// The core's slot of a place; NULL where the place is no slot.
static struct cap *slot_at(uint64_t place)
{
    uint64_t address = place << SLOT_BITS;
    if (place == FIRST_ORIGINAL) {
        return &world.original;
    }
    if (address - FIRST_TABLE < FIRST_SLOTS << SLOT_BITS) {
        return &world.table[place - (FIRST_TABLE >> SLOT_BITS)];
    }
    if (thread_at(address)->live) {
        struct thread *thread = object_at(address & ~(PAGE_SIZE - 1));
        uint64_t which = place % (PAGE_SIZE >> SLOT_BITS);
        return which < INSIDE ? &thread->slots[which] : NULL;
    }
    return (void *)(world.arena + (address - ARENA));
}

// ---- capabilities -------------------------------------------------------------------------------

static const struct cap *cap_parent(const struct cap *cap)
{
    if (cap->flags & CAP_IN_TREE) {
        const struct tree *tree = forest_tree(cap);
        return tree == &forest_roots ? NULL : CONTAINER_OF(tree, const struct cap, objects);
    }
    while (!((uintptr_t)cap->next & 1)) {
        cap = cap->next;
    }
    return (const struct cap *)((uintptr_t)cap->next & ~(uintptr_t)1);
}

static void compare_cap(uint64_t place)
{
    const struct model_cap *wanted = &model.caps[place];
    const struct cap *cap = slot_at(place);
    uint64_t at = place << SLOT_BITS;
    same("kind of the capability", at, cap->kind, wanted->kind);
    if (!wanted->kind || place == FIRST_ORIGINAL) {
        return;
    }
    same("rights of the capability", at, cap->rights, wanted->rights);
    same("ownership of the capability", at, (cap->flags & CAP_ORIGINAL) != 0, wanted->original);
    same("marks of the capability", at, cap->flags & (CAP_MARKED | CAP_EMBRYO), 0);
    same("device bit of the capability", at, (cap->flags & CAP_DEVICE) != 0, wanted->device);
    same("size of the capability", at, cap->bits, wanted->bits);
    same("object of the capability", at, address_of((const void *)cap->address), wanted->address);
    if (wanted->kind == K_FRAME || wanted->kind == K_IO_PORTS) {
        same("range of the capability", at, cap->aux, wanted->aux);
    }
    if (wanted->kind == K_FRAME || wanted->kind == K_PAGETABLE) {
        same("space of the capability", at, cap->flags & CAP_ATTACHED ? address_of(cap->space) : 0,
             wanted->space);
    }
    if (wanted->kind == K_PAGETABLE) {
        same("use of the page table", at, (cap->flags & CAP_IN_USE) != 0, wanted->used);
    }
    if (wanted->kind == K_ENDPOINT || wanted->kind == K_NOTIFICATION ||
        wanted->kind == K_SCHED_CONTROL) {
        same("badge of the capability", at, cap->badge, wanted->badge);
    }
    const struct cap *parent = wanted->parent ? slot_at(wanted->parent) : NULL;
    if (cap_parent(cap) != parent) {
        world_fail("the capability at 0x%lx has another parent than 0x%lx", at,
                   wanted->parent << SLOT_BITS);
    }
}

static void compare_table(const struct model_cap *table)
{
    uint64_t first = table->address >> SLOT_BITS;
    for (uint64_t slot = 1; slot < 1ull << (table->bits - SLOT_BITS); slot++) {
        compare_cap(first + slot);
    }
}

// ---- threads ------------------------------------------------------------------------------------

static void compare_state(const struct thread *thread, const struct model_thread *wanted)
{
    uint64_t at = thread_address(wanted);
    same("state of the thread", at, thread->state, wanted->state);
    same("priority of the thread", at, thread->priority, wanted->priority);
    same("ceiling of the thread", at, thread->ceiling, wanted->ceiling);
    same("flags of the thread", at, thread->flags & 7, wanted->flags);
    same("kick of the thread", at, thread->kicked, wanted->kicked);
    same("queue of the thread", at, thread->place == PLACE_QUEUED, wanted->queued);
    same("context of the thread", at, address_of(thread->sched), wanted->context);
    same("own context of the thread", at, address_of(thread->own), wanted->own);
    same("fall-back context of the thread", at, address_of(thread->fallback), wanted->fallback);
    same("notification of the thread", at, address_of(thread->notification), wanted->notification);
    if (wanted->state == SENDING || wanted->state == AWAITING_REPLY) {
        same("sending of the thread", at, thread->sending, wanted->sending);
    }
    if (wanted->state == SENDING || wanted->state == RECEIVING) {
        same("endpoint of the thread", at, address_of(thread->endpoint), wanted->endpoint);
    }
    if (wanted->state == AWAITING_REPLY || wanted->state == RECEIVING) {
        same("reply of the thread", at, address_of(thread->reply), wanted->reply);
    }
    if (wanted->state == WAITING) {
        same("waiting of the thread", at, address_of(thread->waiting), wanted->waiting);
    }
}

static void compare_registers(const struct thread *thread, const struct model_thread *wanted)
{
    uint64_t at = thread_address(wanted);
    same("result of the thread", at, thread->context.code, wanted->regs.code);
    same("badge register of the thread", at, thread->context.slot, wanted->regs.slot);
    same("tag register of the thread", at, thread->context.tag, wanted->regs.tag);
    for (unsigned i = 0; i < MSG_REG_WORDS; i++) {
        same("message word of the thread", at, thread->context.words[i], wanted->regs.words[i]);
    }
    if (memcmp(thread->vector, wanted->vector, sizeof(wanted->vector)) != 0) {
        world_fail("the vector state of the thread at 0x%lx differs", at);
    }
    const struct message_buffer *buffer = model_buffer(wanted);
    if (!buffer != !thread->buffer ||
        (buffer && memcmp(buffer, thread->buffer, sizeof(*buffer)) != 0)) {
        world_fail("the message buffer of the thread at 0x%lx differs", at);
    }
    const struct model_cap *frame = thread_inside(wanted, IN_GUEST_FRAME);
    const void *guest = frame->kind ? model_ram(frame, wanted->offset[1], GUEST_FRAME_BYTES, 0)
                                    : NULL;
    if (!guest != !thread->guest_frame ||
        (guest && memcmp(guest, thread->guest_frame, GUEST_FRAME_BYTES) != 0)) {
        world_fail("the guest frame of the thread at 0x%lx differs", at);
    }
}

static void compare_thread(const struct model_thread *wanted)
{
    const struct thread *thread = object_at(thread_address(wanted));
    compare_state(thread, wanted);
    compare_registers(thread, wanted);
    for (unsigned i = 0; i < INSIDE; i++) {
        compare_cap((thread_address(wanted) >> SLOT_BITS) + i);
    }
}

// The next thread of a queue is one that the model has there too, behind the one before.
struct queue {
    const char *name;
    unsigned priority;
    int64_t order;
    bool any;
};

static void queue_next(struct queue *queue, const struct thread *thread)
{
    const struct model_thread *wanted = thread_at(address_of(thread));
    if (queue->any && (wanted->priority > queue->priority ||
                       (wanted->priority == queue->priority && wanted->order <= queue->order))) {
        world_fail("the thread at 0x%lx is too late in %s", address_of(thread), queue->name);
    }
    *queue = (struct queue){ queue->name, wanted->priority, wanted->order, true };
}

static void compare_ring(const char *name, const struct thread *head)
{
    struct queue queue = { .name = name };
    const struct thread *thread = head;
    while (thread) {
        const struct model_thread *wanted = thread_at(address_of(thread));
        queue.priority = wanted->priority;
        queue_next(&queue, thread);
        thread = thread->next == head ? NULL : thread->next;
    }
}

// ---- other objects ------------------------------------------------------------------------------

static void compare_alarm(const struct alarm *alarm, uint64_t at)
{
    const struct model_alarm *wanted = model_alarm(at);
    same("whether there is an alarm", at, alarm->set, wanted != NULL);
    if (wanted) {
        same("time of the alarm", at, alarm->time, wanted->time);
        same("priority of the alarm", at, alarm->priority, wanted->priority);
    }
}

// A context that nobody is about to run on begins anew when somebody is: whether that is done
// before, too, makes no difference.
static void compare_budget(const struct sched_context *context, uint64_t at)
{
    struct model_context wanted = *context_at(at), seen = { .count = context->count };
    for (unsigned i = 0; i < seen.count; i++) {
        const struct refill *refill = &context->refills[(context->first + i) % SCHED_REFILLS];
        seen.refills[i] = (struct model_refill){ refill->time, refill->amount };
    }
    if (model.in_use != at && (!wanted.thread || thread_at(wanted.thread)->state != READY)) {
        model_begin(&wanted);
        model_begin(&seen);
    }
    same("pieces of the context's budget", at, seen.count, wanted.count);
    for (unsigned i = 0; i < wanted.count; i++) {
        if (!wanted.slice) {  // else the time means nothing while the context does not wait
            same("time of a piece of the context's budget", at, seen.refills[i].time,
                 wanted.refills[i].time);
        }
        same("size of a piece of the context's budget", at, seen.refills[i].amount,
             wanted.refills[i].amount);
    }
}

static void compare_context(uint64_t at)
{
    const struct model_context *wanted = context_at(at);
    const struct sched_context *context = object_at(at);
    same("use of the context", at, address_of(context->thread), wanted->thread);
    same("owner of the context", at, address_of(context->bound), wanted->bound);
    same("loans of the context", at, address_of(context->reply), wanted->reply);
    same("share of the context", at, context->share, wanted->share);
    same("budget of the context", at, context->budget, wanted->budget);
    same("period of the context", at, context->period, wanted->period);
    same("use of the context's time", at, context->used, wanted->used);
    compare_budget(context, at);
    same("whether the context waits", at, context->waiting, wanted->waiting);
    compare_alarm(&context->alarm, at);
}

static void compare_endpoint(uint64_t at)
{
    const struct endpoint *endpoint = object_at(at);
    struct queue queue = { .name = "an endpoint's senders" };
    struct tree_node *node = tree_find_ge(&endpoint->senders, 0, SENDER_KEY);
    while (node) {
        const struct thread *thread = CONTAINER_OF(node, const struct thread, sender);
        queue_next(&queue, thread);
        node = tree_find_ge(&endpoint->senders, thread->sender_key + 1, SENDER_KEY);
    }
    same("least budget of the endpoint", at, endpoint->min_budget, endpoint_at(at)->min_budget);
    compare_ring("an endpoint's receivers", endpoint->receivers);
}

static void compare_reply(uint64_t at)
{
    const struct reply *reply = object_at(at);
    const struct model_reply *wanted = reply_at(at);
    const struct thread *caller = reply_caller(reply);
    same("caller of the reply", at, address_of(caller), wanted->caller);
    same("receiver of the reply", at, caller ? 0 : address_of(reply->thread), wanted->receiver);
    same("loan of the reply", at, address_of(reply->context), wanted->context);
    if (wanted->context) {
        same("loan before that of the reply", at, address_of(reply->below), wanted->below);
    }
}

static void compare_notification(uint64_t at)
{
    const struct notification *notification = object_at(at);
    same("word of the notification", at, notification->word, notification_at(at)->word);
    same("receiver of the notification", at, address_of(notification->bound),
         notification_at(at)->bound);
    compare_ring("a notification's waiters", notification->waiters);
}

// A table that can be reached, and all below.
static void compare_entries(uint64_t table, unsigned level)
{
    const uint64_t *entry = object_at(table);
    const struct model_entry *wanted = model.entries[table >> PAGE_BITS];
    for (unsigned i = 0; i < MODEL_ENTRIES; i++, entry++, wanted++) {
        uint64_t at = table + i * sizeof(*entry);
        if (!*entry && !wanted->page) {
            continue;
        }
        same("what the entry points to", at, address_of((void *)hal_pte_address(*entry)),
             wanted->page);
        same("kind of the entry", at, hal_pte_is_table(*entry, level), wanted->table);
        if (wanted->table) {
            compare_entries(wanted->page, level - 1);
            continue;
        }
        same("rights of the mapping", at, hal_pte_prot(*entry), wanted->prot);
        same("accessed bit of the mapping", at, hal_pte_accessed(*entry), wanted->accessed);
        same("dirty bit of the mapping", at, hal_pte_dirty(*entry), wanted->dirty);
    }
}

static void compare_timer(uint64_t at)
{
    const struct timer *timer = object_at(at);
    compare_alarm(&timer->alarm, at);
    compare_cap((at >> SLOT_BITS) + 1);
}

static void compare_object(const struct model_cap *cap)
{
    switch (cap->kind) {
    case K_CAPTABLE: compare_table(cap); break;
    case K_THREAD: compare_thread(thread_at(cap->address)); break;
    case K_SCHED_CONTEXT: compare_context(cap->address); break;
    case K_ENDPOINT: compare_endpoint(cap->address); break;
    case K_REPLY: compare_reply(cap->address); break;
    case K_NOTIFICATION: compare_notification(cap->address); break;
    case K_TIMER: compare_timer(cap->address); break;
    case K_ADDRESS_SPACE: compare_entries(cap->address, HAL_PT_LEVELS - 1); break;
    default: break;
    }
}

void compare_who(void)
{
    const struct cpu *cpu = host_cpu;
    same("current thread", 0, address_of(cpu->current), model.current);
    same("context in use", 0, address_of(cpu->sched), model.in_use);
    same("floor of the alarms", 0, (uint64_t)cpu->floor, (uint64_t)model.floor);
    same("time of the first alarm", 0, alarm_next(cpu, READY_NONE), model_alarm_next(READY_NONE));
    if (host_timer > model_deadline()) {
        world_fail("the timer goes off at %lu, it is wanted at %lu", host_timer, model_deadline());
    }
    if (model.current && model.floor > (int)thread_at(model.current)->priority) {
        world_fail("somebody runs below the floor of %d", model.floor);
    }
}

void compare(void)
{
    const struct cpu *cpu = host_cpu;
    compare_who();
    same("time handed out", 0, cpu->admitted, model.admitted);
    for (uint64_t place = 0; place < PLACES; place++) {
        if (model.caps[place].kind && model.caps[place].original) {
            compare_object(&model.caps[place]);
        }
    }
    compare_thread(thread_at(FIRST_THREAD));
    compare_context(FIRST_CONTEXT);
    for (unsigned priority = 0; priority < PRIORITIES; priority++) {
        compare_ring("the ready queue", cpu->ready[priority]);
    }
}
