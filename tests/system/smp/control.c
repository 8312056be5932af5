// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Threads that run on another CPU are stopped, changed, destroyed.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>
#include <rt/space.h>
#include <rt/string.h>

#define ROUNDS often(24u)

// ---- suspend -----------------------------------------------------------------------------------
void suspend_stops_running(void)
{
    static struct spinner spinner;
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        spinner_make(&spinner, cpu, PRIORITY);
        for (unsigned i = 0; i < ROUNDS; i++) {
            EXPECT(spinner_runs(&spinner));
            EXPECT_OK(thread_suspend(spinner.thread.cap));
            EXPECT(spinner_stands(&spinner));
            EXPECT_OK(thread_read_regs(spinner.thread.cap));
            EXPECT_OK(thread_resume(spinner.thread.cap));
        }
        EXPECT(spinner_runs(&spinner));
        spinner_delete(&spinner);
    }
}

// System calls whose answers tell whether each was carried out, once.
struct caller {
    struct worker worker;
    cap_t notification, nobody;
    volatile bool stop;
    volatile uint64_t rounds, wrong;
};

static void caller_round(struct caller *caller)
{
    struct ipc_words words = { { 1, 2, 3, 4, 5, 6 } };
    caller->wrong += !rt_ok(notification_signal(caller->notification));
    struct notification_result got = notification_poll(caller->notification);
    caller->wrong += !rt_ok(got.status) || got.word != 1;
    caller->wrong += rt_error(notification_poll(caller->notification).status) != ERR_AGAIN;
    caller->wrong += rt_error(ipc_nb_send(caller->nobody, TAG(1, 6, 0), &words)) != ERR_AGAIN;
    caller->wrong += words.word[0] != 1 || words.word[5] != 6;
    struct captable_identify_result what = captable_identify(ROOT_SLOT_CSPACE, caller->nobody);
    caller->wrong += !rt_ok(what.status) || (what.kind_rights & 0xff) != KIND_ENDPOINT;
    rt_null();
}

static void caller_job(uint64_t argument)
{
    struct caller *caller = (struct caller *)argument;
    while (!caller->stop) {
        caller_round(caller);
        caller->rounds++;
    }
}

static void caller_make(struct caller *caller, unsigned cpu)
{
    *caller = (struct caller){ .notification = object_make(KIND_NOTIFICATION, SMALL_BITS),
                               .nobody = object_make(KIND_ENDPOINT, SMALL_BITS) };
    worker_on(&caller->worker, cpu);
    worker_begin(&caller->worker, caller_job, (uint64_t)caller);
    WAIT(caller->rounds);
}

static void caller_delete(struct caller *caller)
{
    worker_delete(&caller->worker);
    rt_object_delete(caller->notification);
    rt_object_delete(caller->nobody);
}

// A system call that a suspended thread had on its way is carried out once it is resumed.
void suspend_stops_callers(void)
{
    static struct caller caller;
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        caller_make(&caller, cpu);
        for (unsigned i = 0; i < 5 * ROUNDS; i++) {
            uint64_t rounds = caller.rounds;
            EXPECT_OK(thread_suspend(caller.worker.thread.cap));
            if (i % 2) {
                context_move(caller.worker.thread.context, cpu_nth(i));
            }
            EXPECT_OK(thread_resume(caller.worker.thread.cap));
            if (i % 4 == 0) {
                WAIT(caller.rounds > rounds);
            }
        }
        caller.stop = true;
        WAIT(!caller.worker.busy);
        EXPECT_EQUAL(caller.wrong, 0);
        caller_delete(&caller);
    }
}

// ---- priority, cancel --------------------------------------------------------------------------
void priority_changes_elsewhere(void)
{
    static struct spinner a, b;
    if (cpu_count < 2) {
        return;
    }
    spinner_make(&a, 1, PRIORITY + 10);
    spinner_make(&b, 1, PRIORITY);
    for (unsigned i = 0; i < ROUNDS; i++) {
        EXPECT(spinner_runs(&a));
        EXPECT(spinner_stands(&b));
        EXPECT_OK(thread_set_priority(b.thread.cap, PRIORITY + 20, 255));
        EXPECT(spinner_runs(&b));
        EXPECT(spinner_stands(&a));
        EXPECT_OK(thread_set_priority(b.thread.cap, PRIORITY, 255));
    }
    spinner_delete(&a);
    spinner_delete(&b);
}

static cap_t blocked_in;
static volatile uint64_t blocked_status;

static void block_in_wait(uint64_t argument)
{
    (void)argument;
    blocked_status = notification_wait(blocked_in).status.word;
}

static void block_in_recv(uint64_t argument)
{
    uint64_t word = argument;
    blocked_status = ipc_recv1(blocked_in, 0, &word).status.word;
}

static void block_in_call(uint64_t argument)
{
    (void)argument;
    blocked_status = ipc_call0(blocked_in, 0).status.word;
}

static void expect_cancelled(struct worker *worker, enum rt_kind kind, void (*job)(uint64_t))
{
    blocked_in = object_make(kind, SMALL_BITS);
    worker_begin(worker, job, 0);
    struct rt_status status;
    do {
        moment_pass();
        status = thread_cancel(worker->thread.cap);
    } while (rt_error(status) == ERR_STATE);
    EXPECT_OK(status);
    WAIT(!worker->busy);
    EXPECT_EQUAL(blocked_status, ERR_CANCELLED);
    rt_object_delete(blocked_in);
}

void cancel_reaches_blocked(void)
{
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        struct worker worker;
        worker_on(&worker, cpu);
        for (unsigned i = 0; i < ROUNDS / 4; i++) {
            expect_cancelled(&worker, KIND_NOTIFICATION, block_in_wait);
            expect_cancelled(&worker, KIND_ENDPOINT, block_in_recv);
            expect_cancelled(&worker, KIND_ENDPOINT, block_in_call);
        }
        worker_delete(&worker);
    }
}

// ---- destroy -----------------------------------------------------------------------------------
static volatile uint64_t number_seen;

static void see_number(uint64_t number)
{
    number_seen = number;
}

// What is made in its memory at once has nothing of it.
void destroy_running(void)
{
    static struct spinner spinner;
    struct worker worker;
    for (unsigned i = 0; i < ROUNDS; i++) {
        spinner_make(&spinner, cpu_nth(i), PRIORITY);
        EXPECT(spinner_runs(&spinner));
        spinner_delete(&spinner);
        worker_on(&worker, cpu_nth(i + 1));
        worker_run(&worker, see_number, i + 1);
        EXPECT_EQUAL(number_seen, i + 1);
        worker_delete(&worker);
    }
}

void destroy_callers(void)
{
    static struct caller caller;
    for (unsigned i = 0; i < ROUNDS; i++) {
        caller_make(&caller, cpu_nth(i));
        EXPECT_EQUAL(caller.wrong, 0);
        caller_delete(&caller);
    }
}

#define THREAD_BITS 12u
#define FRESH       8u

static void expect_fresh(cap_t thread)
{
    EXPECT_OK(thread_read_regs(thread));
    const struct thread_regs *regs = (const struct thread_regs *)rt_buffer()->words;
    EXPECT(!regs->rip && !regs->rsp && !regs->rdi);
}

// A CPU that has not noticed yet that its thread is gone does not write to what is made there.
void destroyed_leaves_nothing(void)
{
    static struct spinner spinner;
    cap_t fresh[FRESH];
    for (unsigned i = 0; i < ROUNDS; i++) {
        spinner_make(&spinner, cpu_nth(i + 1), PRIORITY);
        EXPECT(spinner_runs(&spinner));
        rt_object_delete(spinner.thread.cap);
        for (unsigned j = 0; j < FRESH; j++) {
            fresh[j] = object_make(KIND_THREAD, THREAD_BITS);
        }
        moment_pass();
        for (unsigned j = 0; j < FRESH; j++) {
            expect_fresh(fresh[j]);
            rt_object_delete(fresh[j]);
        }
        spinner.thread.cap = 0;
        spinner_delete(&spinner);
    }
}

static volatile bool fire;

static void destroy_other(uint64_t victim)
{
    while (!fire) {
        __asm__ volatile("pause");
    }
    rt_ignore(captable_delete(ROOT_SLOT_CSPACE, victim));  // whoever comes second is gone
}

// Two destroy each other at the same time: one at least comes through.
void destroy_each_other(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct worker workers[2];
        fire = false;
        worker_on(&workers[0], cpu_nth(i));
        worker_on(&workers[1], cpu_nth(i + 1));
        worker_begin(&workers[0], destroy_other, workers[1].thread.cap);
        worker_begin(&workers[1], destroy_other, workers[0].thread.cap);
        fire = true;
        struct captable_identify_result left[2];
        uint64_t end = clock_now() + patience;
        do {
            moment_pass();
            left[0] = captable_identify(ROOT_SLOT_CSPACE, workers[0].thread.cap);
            left[1] = captable_identify(ROOT_SLOT_CSPACE, workers[1].thread.cap);
        } while (left[0].kind_rights && left[1].kind_rights && clock_now() < end);
        EXPECT(!left[0].kind_rights || !left[1].kind_rights);
        worker_delete(&workers[0]);
        worker_delete(&workers[1]);
    }
}

// ---- what a running thread loses ---------------------------------------------------------------
#define TABLE_BITS 12u
#define TABLE_SLOT 5u

static volatile uint64_t signal_status, signal_count;

static void signal_always(uint64_t slot)
{
    for (;;) {
        signal_status = notification_signal(slot).word;
        signal_count++;
    }
}

void revoke_cspace_of_running(void)
{
    cap_t notification = object_make(KIND_NOTIFICATION, SMALL_BITS);
    for (unsigned i = 0; i < ROUNDS / 4; i++) {
        struct rt_thread thread;
        cap_t table = object_make(KIND_CAPTABLE, TABLE_BITS);
        must(captable_copy(table, TABLE_SLOT, ROOT_SLOT_CSPACE, notification, RIGHT_ALL), "copy");
        struct rt_thread_config config = { .entry = signal_always,
                                           .argument = TABLE_SLOT,
                                           .priority = PRIORITY,
                                           .cspace = table,
                                           .cpu = cpu_nth(i) };
        signal_count = 0;
        must(rt_thread_new(&thread, &config), "thread");
        must(rt_thread_start(&thread), "thread");
        WAIT(signal_count);
        EXPECT_EQUAL(signal_status, ERR_OK);
        EXPECT_OK(captable_revoke(ROOT_SLOT_CSPACE, table));
        uint64_t count = signal_count;
        WAIT(signal_count > count + 1);
        EXPECT_EQUAL(signal_status, ERR_SLOT);
        rt_thread_delete(&thread);
        rt_object_delete(table);
    }
    rt_object_delete(notification);
}

#define CODE_VADDR 0x10000000ull
#define DATA_VADDR 0x20000000ull

// A space of its own with a page of code and a page of data, which are mapped here too.
struct island {
    struct rt_space space;
    struct rt_mapping code, data;
    cap_t attached[2];
    struct rt_thread thread;
};

static void island_page(struct island *island, unsigned i, const struct rt_mapping *mapping,
                        uint64_t vaddr, unsigned prot)
{
    must(rt_cap_copy(mapping->frame, RIGHT_ALL, &island->attached[i]), "copy");
    must(frame_attach(island->attached[i], island->space.cap), "attach");
    must(rt_space_map(&island->space, island->attached[i], vaddr, 0, 1, prot), "map");
}

static void island_make(struct island *island, unsigned cpu, cap_t fault)
{
    static const uint8_t code[] = { 0x48, 0xff, 0x07, 0xf3, 0x90, 0xeb, 0xf9 };  // count
    must(rt_map_new(1, PROT_READ | PROT_WRITE, &island->code), "code");
    must(rt_map_new(1, PROT_READ | PROT_WRITE, &island->data), "data");
    memcpy(island->code.base, code, sizeof(code));
    must(rt_space_new(&island->space), "space");
    island_page(island, 0, &island->code, CODE_VADDR, PROT_READ | PROT_EXECUTE);
    island_page(island, 1, &island->data, DATA_VADDR, PROT_READ | PROT_WRITE);
    struct rt_thread_config config = { .entry = (void (*)(uint64_t))CODE_VADDR,
                                       .argument = DATA_VADDR,
                                       .priority = PRIORITY,
                                       .aspace = island->space.cap,
                                       .fault = fault,
                                       .cpu = cpu };
    must(rt_thread_new(&island->thread, &config), "thread");
    must(rt_thread_start(&island->thread), "thread");
}

static void island_delete(struct island *island)
{
    rt_thread_delete(&island->thread);
    rt_cap_delete(island->attached[0]);
    rt_cap_delete(island->attached[1]);
    rt_map_delete(&island->code);
    rt_map_delete(&island->data);
}

// With the space goes all access; the thread is told by a fault.
void destroy_space_of_running(void)
{
    static struct island island;
    cap_t endpoint = object_make(KIND_ENDPOINT, SMALL_BITS);
    cap_t reply = object_make(KIND_REPLY, SMALL_BITS);
    for (unsigned i = 0; i < ROUNDS / 4; i++) {
        island_make(&island, cpu_nth(i), endpoint);
        volatile uint64_t *count = island.data.base;
        WAIT(*count > 10);
        rt_space_delete(&island.space);
        uint64_t last = *count;
        struct ipc_words words;
        struct ipc_result got = ipc_recv(endpoint, reply, &words);
        EXPECT_EQUAL(tag_label(got.tag), FAULT_PAGE);
        uint64_t page = words.word[0] & ~0xfffull;
        EXPECT(page == CODE_VADDR || page == DATA_VADDR);
        EXPECT_EQUAL(*count, last);
        island_delete(&island);
    }
    rt_object_delete(reply);
    rt_object_delete(endpoint);
}
