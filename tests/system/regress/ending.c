// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A thread that deletes, in one batch, what it lives on and what others wait for, in random orders:
// its time, itself, its table, space and buffer, the endpoint, the Reply it holds, its client and
// the client's time.
#include "actor.h"

#include <rt/map.h>

#define ROUNDS 4000u
#define STACK  8192u

enum object {
    SUICIDE,
    SUICIDE_TIME,
    SUICIDE_TABLE,
    SUICIDE_SPACE,
    ENDPOINT,
    REPLY,
    BUFFER,
    CLIENT,
    CLIENT_TIME,
    NOTIFICATION,
    OBJECTS,
};

static const struct {
    uint8_t kind, bits;
} objects[OBJECTS] = {
    [SUICIDE] = { KIND_THREAD, 12 },
    [SUICIDE_TIME] = { KIND_SCHED_CONTEXT, 9 },
    [SUICIDE_TABLE] = { KIND_CAPTABLE, 10 },
    [SUICIDE_SPACE] = { KIND_ADDRESS_SPACE, 13 },
    [ENDPOINT] = { KIND_ENDPOINT, 6 },
    [REPLY] = { KIND_REPLY, 6 },
    [BUFFER] = { KIND_FRAME, 12 },
    [CLIENT] = { KIND_THREAD, 12 },
    [CLIENT_TIME] = { KIND_SCHED_CONTEXT, 9 },
    [NOTIFICATION] = { KIND_NOTIFICATION, 6 },
};

// Slots of the table of the one that ends.
enum suicide_slot {
    SLOT_ROOT = 1,  // the root task's table
    SLOT_BATCH,
    SLOT_OBJECTS,  // and on: all that can be copied
};

static cap_t inner_slot(enum object object)
{
    return SLOT_OBJECTS + (cap_t)object;
}

#define POOL_BITS 17u

static cap_t pool, run;
static struct rt_mapping batch;
static unsigned batch_count;
static uint64_t seed = 1;
static _Alignas(16) uint8_t stacks[2][STACK];

static cap_t slot_of(enum object object)
{
    return run + (cap_t)object;
}

static unsigned random_below(unsigned limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed % limit);
}

static void suicide_main(uint64_t argument)
{
    uint64_t word = 0;
    (void)argument;
    rt_ignore(ipc_recv1(inner_slot(ENDPOINT), inner_slot(REPLY), &word).status);
    (void)rt_invoke_batch(SLOT_BATCH, 0, batch_count);  // some entries name what has just gone
    for (;;) {
        rt_ignore(ipc_reply_recv0(inner_slot(ENDPOINT), 0, inner_slot(REPLY)).status);
        __builtin_trap();  // nobody handles it
    }
}

static void client_main(uint64_t argument)
{
    rt_ignore(ipc_call0(argument, 0).status);
    rt_ignore(ipc_call0(argument, 0).status);
    rt_ignore(notification_wait(slot_of(NOTIFICATION)).status);
    __builtin_trap();
}

static void batch_add(uint64_t slot, unsigned op, unsigned length, struct ipc_words words)
{
    struct batch_entry *entry = (struct batch_entry *)batch.base + batch_count++;
    *entry = (struct batch_entry){ .slot = slot, .tag = TAG(op, length, 0) };
    for (unsigned i = 0; i < MSG_REG_WORDS; i++) {
        entry->words[i] = words.word[i];
    }
}

static void objects_make(void)
{
    uint64_t offset = 0;
    for (unsigned i = 0; i < OBJECTS; i++) {
        must(untyped_retype(pool, objects[i].kind | (uint64_t)objects[i].bits << 8, offset,
                            ROOT_SLOT_CSPACE, run + i, 1),
             "making an object that is to end");
        offset += 8192;
    }
    cap_t table = slot_of(SUICIDE_TABLE);
    must(captable_copy(table, SLOT_ROOT, ROOT_SLOT_CSPACE, ROOT_SLOT_CSPACE, RIGHT_ALL), "table");
    must(captable_copy(table, SLOT_BATCH, ROOT_SLOT_CSPACE, batch.attached, RIGHT_READ), "batch");
    for (unsigned i = 0; i < OBJECTS; i++) {
        must(captable_copy(table, SLOT_OBJECTS + i, ROOT_SLOT_CSPACE, run + i, RIGHT_ALL), "table");
    }
}

static void thread_begin(enum object thread, enum object time, cap_t table,
                         void (*entry)(uint64_t argument))
{
    unsigned stack = thread == CLIENT;
    struct thread_regs regs = { .rip = (uint64_t)entry,
                                .rsp = (uint64_t)(stacks[stack] + STACK - 8),
                                .rflags = 0x200,
                                .rdi = slot_of(ENDPOINT) };
    cap_t cap = slot_of(thread);
    uint64_t period = random_below(2) ? RT_SLICE : 2 * RT_SLICE;
    must(thread_configure(cap, table, ROOT_SLOT_ASPACE, 0, 0, 0), "configuring");
    must(thread_set_buffer(cap, 0, slot_of(BUFFER), (uint64_t)stack * MESSAGE_BUFFER_BYTES),
         "buffer");
    must(thread_set_priority(cap, ACTOR_PRIORITY - random_below(3), ACTOR_PRIORITY), "priority");
    must(rt_thread_set_regs(cap, &regs), "registers");
    must(sched_context_configure(slot_of(time), ROOT_SLOT_SCHED_CONTROL, RT_SLICE, period), "time");
    must(sched_context_bind(slot_of(time), cap, SCHED_OWN), "binding");
    must(thread_resume(cap), "resuming");
}

// It stops itself, is configured anew, sometimes as a guest, and goes on.
static void batch_move_away(cap_t self)
{
    uint64_t flags = random_below(2) ? THREAD_GUEST : 0;
    batch_add(self, OP_THREAD_SUSPEND, 0, (struct ipc_words){ 0 });
    batch_add(self, OP_THREAD_CONFIGURE, 5,
              (struct ipc_words){ { inner_slot(SUICIDE_TABLE), inner_slot(SUICIDE_SPACE),
                                    inner_slot(ENDPOINT), inner_slot(NOTIFICATION), flags } });
    batch_add(self, OP_THREAD_RESUME, 0, (struct ipc_words){ 0 });
    batch_add(self, OP_THREAD_SET_PRIORITY, 2,
              (struct ipc_words){ { random_below(ACTOR_PRIORITY), ACTOR_PRIORITY } });
}

// What is deleted, in which order; now and then it moves into an empty address space first, loses
// its time without losing the context, is stopped, or goes on as a guest.
static void batch_fill(void)
{
    uint8_t order[OBJECTS] = { 0 };
    batch_count = 0;
    cap_t self = inner_slot(SUICIDE);
    unsigned first = random_below(4);
    if (first == 1) {
        batch_add(self, OP_THREAD_SUSPEND, 0, (struct ipc_words){ 0 });
    } else if (first == 2) {
        batch_move_away(self);
    } else if (first == 3) {
        batch_add(inner_slot(SUICIDE_TIME), OP_SCHED_CONTEXT_UNBIND, 0, (struct ipc_words){ 0 });
        batch_add(inner_slot(SUICIDE_TIME), OP_SCHED_CONTEXT_BIND, 2,
                  (struct ipc_words){ { self, SCHED_OWN } });
    }
    for (unsigned i = 0; i < OBJECTS; i++) {
        unsigned at = random_below(i + 1);
        order[i] = order[at];
        order[at] = (uint8_t)i;
    }
    unsigned count = 1 + random_below(OBJECTS);
    for (unsigned i = 0; i < count; i++) {
        batch_add(SLOT_ROOT, OP_CAPTABLE_DELETE, 1,
                  (struct ipc_words){ { slot_of((enum object)order[i]) } });
    }
}

static void round_play(bool lent)
{
    objects_make();
    batch_fill();
    thread_begin(SUICIDE, SUICIDE_TIME, slot_of(SUICIDE_TABLE), suicide_main);
    settle();
    if (lent) {
        must(sched_context_unbind(slot_of(SUICIDE_TIME)), "taking time");
    }
    if (random_below(4) == 0) {
        must(thread_bind(slot_of(SUICIDE), slot_of(NOTIFICATION)), "binding a notification");
    }
    thread_begin(CLIENT, CLIENT_TIME, ROOT_SLOT_CSPACE, client_main);
    settle();
    // What is left is used as if nothing had happened.
    rt_ignore(notification_signal(slot_of(NOTIFICATION)));
    rt_ignore(ipc_nb_send(slot_of(ENDPOINT), 0, &(struct ipc_words){ 0 }));
    rt_ignore(sched_context_bind(slot_of(SUICIDE_TIME), slot_of(SUICIDE), SCHED_OWN));
    rt_ignore(thread_cancel(slot_of(CLIENT)));
    settle();
    rt_ignore(thread_cancel(slot_of(SUICIDE)));
    settle();
    must(captable_revoke(ROOT_SLOT_CSPACE, pool), "taking all back");
    settle();
}

static void rounds_play(bool lent)
{
    run = rt_slots_alloc(OBJECTS + 1);
    must(rt_untyped_alloc(POOL_BITS, &pool), "making a pool");
    must(rt_map_new(1, PROT_READ | PROT_WRITE, &batch), "mapping a batch");
    for (unsigned i = 0; i < ROUNDS; i++) {
        round_play(lent);
    }
    rt_map_delete(&batch);
    rt_object_delete(pool);
    rt_slots_free(run, OBJECTS + 1);
}

void end_in_all_orders(void)
{
    rounds_play(false);
}

void end_on_lent_time(void)
{
    rounds_play(true);
}
