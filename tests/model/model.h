// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// An abstract description of the kernel: capabilities and their derivation, untyped memory,
// threads, messages, lent time.  It is written to be read: plain arrays, no links; whoever is
// wanted is searched for.  It shares nothing with the kernel but abi/.
//
// Objects are named by their address in a memory of the model's own: the arena (the only RAM) and,
// below it, what the first thread starts with.  A slot is named by its place, its address / 64; the
// slots inside a thread are the first places of the thread. Every operation is one step here: what
// the kernel interrupts and restarts has one result all the same.
//
// Time passes between steps, and stands still within one.  Not described: interrupts but the
// timer's, ports' values, other CPUs.
#pragma once

#include <abi/message.h>
#include <abi/thread.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
#define ERROR(code, name, text) M_##name = (code),
#include <abi/errors.def>
#undef ERROR
    M_ERRORS,
    M_RETRY = 0xfd,    // the call is made again when the caller next runs
    M_BLOCKED = 0xfe,  // nothing is written to the caller's result
};

enum {
#define KIND(number, NAME, name, min_bits, max_bits, text) K_##NAME = (number),
#include <abi/kinds.def>
#undef KIND
    K_COUNT
};

enum {
#define RIGHT(bit, NAME, text) R_##NAME = 1 << (bit),
#include <abi/rights.def>
#undef RIGHT
    R_ALL = 0xff,
};

enum {
#define SYSCALL(number, name, args, fails, text)       S_##name = (number),
#define DEBUG_SYSCALL(number, name, args, fails, text) S_##name = (number),
#include <abi/syscalls.def>
#undef SYSCALL
#undef DEBUG_SYSCALL
};

// `error` blamed on `argument`.
#define M_BLAME(error, argument) ((uint64_t)(error) | (uint64_t)(argument) << 8)

// ---- the model's memory -------------------------------------------------------------------------

#define SLOT_BITS     6
#define ARENA_BITS    18
#define ARENA_BYTES   (1ull << ARENA_BITS)
#define ARENA         ARENA_BYTES
#define MEMORY_END    (2 * ARENA_BYTES)
#define PLACES        (MEMORY_END >> SLOT_BITS)
#define PAGES         (MEMORY_END >> PAGE_BITS)
#define FIRST_TABLE   0x1000ull  // the first thread's table,
#define FIRST_SLOTS   64u        // its slots
#define FIRST_THREAD  0x2000ull
#define FIRST_CONTEXT 0x3000ull
#define FIRST_ORIGINAL \
 (0x3200ull >> SLOT_BITS)         // place of the original of its table, which nobody can name
#define DEVICE      (1ull << 40)  // address of the range that is no RAM
#define DEVICE_BITS 23

// What the first thread finds in its table.
enum model_first_slot {
    FIRST_CSPACE = 1,
    FIRST_RAM,
    FIRST_CONTROL,
    FIRST_PORTS,
    FIRST_DEVICE,
    FIRST_FREE
};
#define FIRST_PORT_RANGE (0x100u | 0x100u << 16)
#define FIRST_PRIORITY   6

#define MIN_TICKS  1000ull  // least piece of a budget
#define MIN_BUDGET 4000ull
#define MAX_TICKS  (1ull << 48)
// What interrupts cost who causes them: at the end of a piece of a budget, a Timer's, another.
#define PAY_PIECE     500ull
#define PAY_RECALL    1000ull
#define PAY_ALARM     1500ull
#define PAY_INTERRUPT 400ull

// ---- state --------------------------------------------------------------------------------------

struct model_cap {
    uint8_t kind;  // 0: the slot is empty
    uint8_t rights, bits;
    bool original, device;
    uint32_t aux;  // frame: pages; ports: first | count << 16
    uint64_t address, badge;
    uint64_t parent;  // place of the capability that it was derived or made from; 0: none
    uint64_t space;   // frame, page table: attached to, in the stock or in use of; 0: none
    bool used;        // page table
    int64_t stocked;  // page table: order in the stock
};

// Of a page table or the root table of a space.  `page` 0: absent.
#define MODEL_ENTRIES 512
struct model_entry {
    uint64_t page;  // address of the page or of the table below
    bool table, accessed, dirty;
    uint8_t prot;
};

enum model_state {
    SUSPENDED,
    READY,
    SENDING,
    RECEIVING,
    AWAITING_REPLY,
    WAITING,
    STOPPED
};
enum model_sending {
    BY_SEND,
    BY_CALL,
    BY_FAULT,
    BY_GUEST
};
enum model_inside {
    IN_CSPACE,
    IN_ASPACE,
    IN_FAULT,
    IN_TIMEOUT,
    IN_BUFFER,
    IN_GUEST_FRAME,
    INSIDE
};

// Registers that system calls use.  What a call gives replaces what it took.
struct model_regs {
    uint64_t code, slot, tag;
    uint64_t words[MSG_REG_WORDS];
};

struct model_trap {
    uint64_t label, vector, error, address, access;
};

// 0 as an address: none.
struct model_thread {
    bool live;
    enum model_state state;
    enum model_sending sending;
    unsigned priority, ceiling;
    uint64_t flags;
    bool queued;    // ready and not running
    int64_t order;  // among those who wait in the same queue
    bool kicked;
    bool retry;     // its last call is to be made again
    bool gathered;  // it has waited for the budget that an endpoint demands
    uint64_t third;
    uint64_t own, fallback, context;  // contexts: bound, bound as fall-back, in use
    uint64_t notification;            // bound
    uint64_t endpoint, reply, waiting;
    uint64_t badge, tag, home;  // of the message being sent, and the endpoint it goes to
    unsigned send_rights;
    uint64_t offset[2];  // of message buffer and guest frame in their pages
    struct model_regs regs;
    struct model_trap trap;
    uint64_t vector[8];
};

#define MODEL_REFILLS 16
struct model_refill {
    uint64_t time;  // not before
    uint64_t amount;
};

struct model_context {
    bool live;
    bool slice;    // the budget is the whole period
    bool waiting;  // nobody runs on it before its alarm
    uint64_t budget, period, used, share;
    unsigned count;
    struct model_refill refills[MODEL_REFILLS];  // first to come
    uint64_t thread, bound;                      // in use by, bound to
    bool own;                                    // how
    uint64_t reply;                              // the last call that lent it
};

struct model_endpoint {
    bool live;
    uint64_t min_budget;
};

struct model_reply {
    bool live;
    uint64_t caller, receiver;
    uint64_t context, below;
};

struct model_timer {
    bool live;
};

// What comes to pass as time does.
#define MODEL_EVENTS(X)                                                 \
 X(slice, "time slices used up")                                        \
 X(renewed, "time slices renewed for one who was woken")                \
 X(exhausted, "budgets used up")                                        \
 X(released, "budgets replenished for a thread that waited")            \
 X(recalled, "loans that ended because the time was used up")           \
 X(timeout, "time-out faults")                                          \
 X(told, "servers' time-outs told")                                     \
 X(gathered, "callers that waited for what an endpoint demands")        \
 X(timer, "timers that went off")                                       \
 X(put_off, "alarms looked at when somebody less important was to run") \
 X(ended_before, "budgets that ended when their thread was switched away from")
enum model_event {
#define MODEL_EVENT(name, text) EVENT_##name,
    MODEL_EVENTS(MODEL_EVENT)
#undef MODEL_EVENT
    EVENTS
};

// A context's waiting ends, or a timer goes off.
struct model_alarm {
    uint64_t address;
    uint64_t time;
    unsigned priority;
    bool timer;
};

struct model_notification {
    bool live;
    uint64_t word, bound;
};

struct model {
    struct model_cap caps[PLACES];
    struct model_thread threads[PAGES];
    struct model_context contexts[MEMORY_END >> 9];
    struct model_endpoint endpoints[PLACES];
    struct model_reply replies[PLACES];
    struct model_notification notifications[PLACES];
    struct model_timer timers[PLACES];
    uint64_t ram[ARENA_BYTES / 8];                     // contents of frames
    uint64_t ram_offset;                               // from the model's addresses to the core's
    struct model_entry entries[PAGES][MODEL_ENTRIES];  // of tables
    uint64_t current;                                  // the running thread; 0: none
    bool rotate;
    bool ended;  // a budget has, since something due was seen to
    uint64_t now;
    uint64_t in_use, since;  // the context that is being used, since when; 0: none
    uint64_t woken;          // the thread that was woken last
    int floor;               // alarms of lesser priority are put off until somebody who is less
                             // important is to run; -1: none
    struct model_alarm alarms[MEMORY_END >> 7];
    unsigned alarm_count;
    uint64_t events[EVENTS];
    int64_t first_order, last_order;
    uint64_t admitted;  // time handed out through limited authorities, in millionths
};
extern struct model model;

// ---- what the driver calls ----------------------------------------------------------------------

// The first thread begins at `now` with this budget per period.
void model_reset(uint64_t now, uint64_t budget, uint64_t period);
// The current thread makes the system call that its registers and `third` say; then whoever is to
// run next is current.
void model_syscall(uint64_t third);
// The timer's interrupt.  `floor`: below which priority the core puts alarms off from now on.
void model_interrupt(int floor);
// The timer must have gone off by then.
uint64_t model_deadline(void);
// The alarm of a context or timer; NULL: it has none.
const struct model_alarm *model_alarm(uint64_t address);
// The current thread traps.
void model_trap(const struct model_trap *trap);
// The message buffer of a thread; NULL: none.
struct message_buffer *model_buffer(const struct model_thread *thread);

// ---- between the files of the model -------------------------------------------------------------

static inline struct model_thread *thread_at(uint64_t address)
{
    return &model.threads[address >> PAGE_BITS];
}

static inline uint64_t thread_address(const struct model_thread *thread)
{
    return (uint64_t)(thread - model.threads) << PAGE_BITS;
}

static inline struct model_cap *thread_inside(const struct model_thread *thread,
                                              enum model_inside which)
{
    return &model.caps[(thread_address(thread) >> SLOT_BITS) + which];
}

static inline struct model_context *context_at(uint64_t address)
{
    return &model.contexts[address >> 9];
}

static inline struct model_endpoint *endpoint_at(uint64_t address)
{
    return &model.endpoints[address >> SLOT_BITS];
}

static inline struct model_reply *reply_at(uint64_t address)
{
    return &model.replies[address >> SLOT_BITS];
}

static inline struct model_timer *timer_at(uint64_t address)
{
    return &model.timers[address >> SLOT_BITS];
}

// The slot inside a timer with the notification that it signals.
static inline struct model_cap *timer_inside(uint64_t address)
{
    return &model.caps[(address >> SLOT_BITS) + 1];
}

static inline struct model_notification *notification_at(uint64_t address)
{
    return &model.notifications[address >> SLOT_BITS];
}

static inline uint64_t cap_size(const struct model_cap *cap)
{
    return cap->kind == K_FRAME ? (uint64_t)cap->aux << PAGE_BITS : 1ull << cap->bits;
}

static inline uint64_t place_of(const struct model_cap *cap)
{
    return (uint64_t)(cap - model.caps);
}

// Words in and out; an operation returns the status.
struct model_invocation {
    struct model_thread *thread;
    struct model_cap *self;
    uint64_t words[MSG_REG_WORDS];
    unsigned results;
};

// model_cap.c: look-up and derivation.  The place of a slot, or a status.
uint64_t model_lookup(const struct model_thread *thread, uint64_t slot, struct model_cap **cap);
uint64_t model_lookup_kind(const struct model_thread *thread, uint64_t slot, unsigned kind,
                           unsigned rights, unsigned argument, struct model_cap **cap);
struct model_cap *model_slot(const struct model_cap *table, uint64_t slot);  // NULL: outside
uint64_t model_lookup_place(const struct model_thread *thread, uint64_t table, uint64_t slot,
                            unsigned argument, struct model_cap **place);
void model_derive(struct model_cap *to, const struct model_cap *from, unsigned rights);
void model_move(struct model_cap *to, struct model_cap *from);
// The RAM of a range of a frame; NULL: not possible.
void *model_ram(const struct model_cap *frame, uint64_t offset, uint64_t bytes, unsigned rights);

// model_destroy.c
void model_delete_derived(struct model_cap *cap);
void model_delete(struct model_cap *cap);
void model_revoke(struct model_cap *cap);

// model_space.c
uint64_t model_space_op(struct model_invocation *inv, unsigned number);
uint64_t model_frame_op(struct model_invocation *inv, unsigned number);
// As Frame.map; for TABLES words[0] becomes the number of those that are missing.
uint64_t model_map(const struct model_cap *frame, uint64_t words[4]);
void model_frame_detach(struct model_cap *frame);
void model_table_destroy(struct model_cap *table);
void model_space_make(uint64_t space);
void model_space_destroy(uint64_t space);

// model_sched.c: who runs.
void model_assign(struct model_thread *thread, uint64_t context);
void model_drop(struct model_thread *thread);
void model_wake(struct model_thread *thread, bool first);
void model_queue(struct model_thread *thread, bool first);
void model_unqueue(struct model_thread *thread);
bool model_runnable(const struct model_thread *thread);
void model_choose(void);
void model_set_priority(struct model_thread *thread, unsigned priority);
// Nobody uses a context or is bound to it any more; it is lent to nobody.
void model_release(uint64_t address);

// model_time.c: budgets and alarms.
void model_configure(struct model_context *context, uint64_t budget, uint64_t period,
                     uint64_t begin);
void model_alarm_set(uint64_t address, uint64_t time, unsigned priority, bool timer);
void model_alarm_clear(uint64_t address);  // fine without one
// The first of those with a priority of at least `least` (-1: all); UINT64_MAX: none.
uint64_t model_alarm_next(int least);
void model_alarm_set_priority(uint64_t address, unsigned priority);
bool model_ready(const struct model_context *context);  // is there budget to use now?
void model_begin(struct model_context *context);
void model_renew(struct model_context *context);
void model_await_budget(uint64_t address);  // of a context, here and below
void model_unwait(uint64_t address);
uint64_t model_uncounted(uint64_t address);
// What was used since the last time is counted.  True: that can change who runs.
bool model_charge(void);
void model_leave(void);  // the context in use, after it was charged
// False: it has no budget, which is seen to instead.
bool model_use(uint64_t address);
// OK; BUDGET: the thread can never have as much; RETRY: not yet.
uint64_t model_budget_check(struct model_thread *thread, uint64_t least);
// Somebody of priority `least` (-1: nobody) is to run: alarms that were put off are looked at.
void model_come_down(int least);
// The context in use pays for interrupts that come at other times.
void model_pay(uint64_t ticks);
// The highest priority of those who were ready before anybody was woken, or the floor.
int model_top(void);

// model_ipc.c: messages.
uint64_t model_send(struct model_thread *thread, uint64_t slot, uint64_t tag,
                    enum model_sending sending, bool wait);
uint64_t model_receive(struct model_thread *thread, uint64_t slot, uint64_t reply_slot, bool wait);
uint64_t model_reply(struct model_thread *thread, uint64_t slot, uint64_t tag);
uint64_t model_reply_receive(struct model_thread *thread, uint64_t slot, uint64_t tag,
                             uint64_t reply);
uint64_t model_wait(struct model_thread *thread, uint64_t slot, bool wait);
uint64_t model_signal(const struct model_thread *thread, uint64_t slot);
void model_signal_object(uint64_t address, uint64_t badge);
void model_send_trap(struct model_thread *thread, const struct model_cap *endpoint,
                     enum model_sending sending);
void model_guest_trap(struct model_thread *guest, const struct model_trap *trap);
void model_timeout_tell(const struct model_thread *thread, uint64_t used);
void model_finish(struct model_thread *thread, uint64_t status);
void model_cancel(struct model_thread *thread, uint64_t status);
void model_recall(uint64_t context, uint64_t until);
struct model_thread *model_first_sender(uint64_t endpoint, uint64_t badge, bool any);
void model_endpoint_destroy(uint64_t endpoint);
void model_reply_destroy(uint64_t address);
void model_notification_destroy(uint64_t address);

// model_transfer.c
uint64_t model_transfer_check(const struct model_thread *thread, uint64_t tag, unsigned rights);
uint64_t model_transfer(struct model_thread *from, struct model_thread *to, uint64_t tag,
                        unsigned rights, uint64_t home);

// model_thread.c and model_invoke.c: invocations.
uint64_t model_thread_op(struct model_invocation *inv, unsigned number);
uint64_t model_context_op(struct model_invocation *inv, unsigned number);
uint64_t model_cap_op(struct model_invocation *inv, unsigned number);
uint64_t model_retype(struct model_invocation *inv);
void model_thread_make(struct model_thread *thread);
void model_thread_destroy(struct model_thread *thread);
uint64_t model_invoke(struct model_thread *thread, uint64_t slot, uint64_t tag);
uint64_t model_invoke_batch(struct model_thread *thread, uint64_t slot, uint64_t offset,
                            uint64_t count);
