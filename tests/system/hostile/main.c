// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The supervisor, a root task.  It gives the hostile threads an Untyped, a table and little else,
// and sleeps until the lowest of all threads runs: then they are all stuck, and it cancels, resumes
// or starts them again.  At the end it takes everything away and shows that the memory is whole.
//
// Command line: calls=N seed=N.
#include "hostile.h"

#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/print.h>
#include <rt/slots.h>
#include <rt/start.h>

#include <gen/rt_stubs.h>

const char rt_task_name[] = "hostile";

#define POOL_BITS  20u
#define TABLE_BITS 12u
#define TIME_LIMIT 200000u  // millionths of the CPU that they can hand out
#define PATIENCE   20u      // times that they are helped before they are started again

#define WATCHER_PAUSE 5000u

static struct {
    cap_t pool, table, control, elsewhere, victim, stuck;
    unsigned cpus;
    struct rt_thread watcher;
    uint64_t rebuilt, helped, restarted;
} supervisor;

static void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status)) {
        rt_panic("%s: error %lx", what, status.word);
    }
}

// ---- what they own ------------------------------------------------------------------------------

// On another CPU one of them may fill the slot again meanwhile.
static void slot_give(uint64_t slot, cap_t from, unsigned rights)
{
    struct rt_status given;
    do {
        must(captable_delete(supervisor.table, slot), "emptying a slot");
        given = captable_copy(supervisor.table, slot, ROOT_SLOT_CSPACE, from, rights);
    } while (rt_error(given) == ERR_OCCUPIED);
    must(given, "giving a capability");
}

static void all_give(void)
{
    slot_give(HOSTILE_CSPACE, supervisor.table, RIGHT_ALL);
    slot_give(HOSTILE_CONTROL, supervisor.control, RIGHT_ALL);
    slot_give(HOSTILE_ELSEWHERE, supervisor.elsewhere, RIGHT_ALL);
    slot_give(HOSTILE_VICTIM, supervisor.victim, RIGHT_ALL);
    slot_give(HOSTILE_THREAD, hostiles[hostile_count - 1].thread.cap, RIGHT_ALL);
    slot_give(HOSTILE_PAGE, hostile_page.frame, RIGHT_READ | RIGHT_WRITE);
    struct ipc_words words = { { HOSTILE_UNTYPED } };
    must(rt_invoke(supervisor.table, TAG(OP_CAPTABLE_IDENTIFY, 1, 0), &words),
         "looking at their Untyped");
    if ((words.word[0] & 0xff) == KIND_UNTYPED) {
        return;
    }
    must(captable_delete(supervisor.table, HOSTILE_UNTYPED), "emptying a slot");
    must(captable_revoke(ROOT_SLOT_CSPACE, supervisor.pool), "taking back their memory");
    must(untyped_retype(supervisor.pool, KIND_UNTYPED | (POOL_BITS - 1) << 8, 0, ROOT_SLOT_CSPACE,
                        supervisor.stuck + 1, 1),
         "their Untyped");
    must(captable_move(supervisor.table, HOSTILE_UNTYPED, ROOT_SLOT_CSPACE, supervisor.stuck + 1),
         "their Untyped");
}

// The whole of their memory can be used again: two halves fit.
static void pool_check(void)
{
    must(captable_revoke(ROOT_SLOT_CSPACE, supervisor.pool), "taking back their memory");
    must(untyped_retype(supervisor.pool, KIND_UNTYPED | (POOL_BITS - 1) << 8, 0, ROOT_SLOT_CSPACE,
                        supervisor.stuck + 1, 2),
         "their memory is not whole");
    must(captable_revoke(ROOT_SLOT_CSPACE, supervisor.pool), "taking back their memory");
}

static void rebuild(void)
{
    for (uint64_t slot = 1; slot < HOSTILE_SLOTS; slot++) {
        must(captable_delete(supervisor.table, slot), "emptying their table");
    }
    pool_check();
    all_give();
    supervisor.rebuilt++;
}

// ---- keeping them going -------------------------------------------------------------------------

// Only the lowest thread of all runs: nobody else can.  With several CPUs that says little, and
// others want to get something done.
static void watcher_main(uint64_t argument)
{
    for (;;) {
        for (unsigned i = 0; supervisor.cpus > 1 && i < WATCHER_PAUSE; i++) {
            __asm__ volatile("pause");
        }
        rt_ignore(notification_signal(argument));
    }
}

static void hostile_restart(struct hostile *hostile)
{
    cap_t cap = hostile->thread.cap;
    uint64_t top = (uint64_t)hostile->thread.stack.base +
                   (hostile->thread.stack.pages << PAGE_BITS);
    struct thread_regs regs = { .rip = (uint64_t)hostile_main,
                                .rsp = top - 3 * sizeof(uint64_t),
                                .rflags = 0x200,
                                .rdi = (uint64_t)(hostile - hostiles) };
    must(thread_suspend(cap), "suspending");
    must(thread_configure(cap, supervisor.table, ROOT_SLOT_ASPACE, 0, 0, 0), "configuring");
    must(thread_set_buffer(cap, 0, hostile->thread.memory.attached, 0), "their buffer");
    must(thread_bind(cap, 0), "unbinding");
    rt_ignore(sched_context_unbind(hostile->thread.context));  // it may have none
    rt_ignore(sched_context_bind(hostile->thread.context, cap,
                                 SCHED_OWN));  // or another one already
    must(thread_set_priority(cap, PRIORITY_HOSTILE, PRIORITY_HOSTILE + 10), "their priority");
    must(rt_thread_set_regs(cap, &regs), "their registers");
    must(thread_resume(cap), "resuming");
    supervisor.restarted++;
}

static uint64_t calls_made(void)
{
    uint64_t calls = 0;
    for (unsigned i = 0; i < hostile_count; i++) {
        calls += hostiles[i].calls;
    }
    return calls;
}

// Let them go on.
static void help(unsigned tries)
{
    for (unsigned i = 0; i < hostile_count; i++) {
        cap_t cap = hostiles[i].thread.cap;
        if (tries >= PATIENCE) {
            hostile_restart(&hostiles[i]);
        } else if (!rt_ok(thread_cancel(cap))) {
            rt_ignore(thread_resume(cap));  // refused where it is ready already
            rt_ignore(thread_set_priority(cap, PRIORITY_HOSTILE, PRIORITY_HOSTILE + 10));
        }
    }
    supervisor.helped++;
}

static void run(uint64_t wanted)
{
    uint64_t last = 0, built = 0, shown = 0;
    unsigned tries = 0;
    while (calls_made() < wanted) {
        must(notification_wait(supervisor.stuck).status, "waiting");
        uint64_t calls = calls_made();
        if (calls - built >= REBUILD_CALLS) {
            built = calls;
            rebuild();
        } else {
            all_give();
        }
        tries = calls == last ? tries + 1 : 0;
        last = calls;
        help(tries);
        if (calls - shown >= wanted / 10) {
            shown = calls;
            rt_print("%lu calls, %lu answered calls of the victim's client\n", calls,
                     victim_answers());
        }
    }
}

// ---- beginning and end --------------------------------------------------------------------------

static uint64_t option(const char *cmdline, const char *name, uint64_t value)
{
    for (const char *at = cmdline; *at; at++) {
        unsigned i = 0;
        while (name[i] && at[i] == name[i]) {
            i++;
        }
        if (name[i] || at[i] != '=' || (at != cmdline && at[-1] != ' ')) {
            continue;
        }
        for (value = 0, i++; at[i] >= '0' && at[i] <= '9'; i++) {
            value = value * 10 + (uint64_t)(at[i] - '0');
        }
    }
    return value;
}

static void begin(uint64_t seed)
{
    must(rt_untyped_alloc(POOL_BITS, &supervisor.pool), "memory for them");
    must(rt_object_new(KIND_CAPTABLE, TABLE_BITS, &supervisor.table), "their table");
    must(rt_cap_mint(ROOT_SLOT_SCHED_CONTROL, RIGHT_ALL, TIME_LIMIT, &supervisor.control),
         "their time");
    must(rt_cap_mint(rt_cpu_control(supervisor.cpus - 1), RIGHT_ALL, TIME_LIMIT,
                     &supervisor.elsewhere),
         "their time elsewhere");
    must(rt_cap_mint(victim_endpoint(), RIGHT_SEND, 1, &supervisor.victim),
         "their way to the victim");
    must(rt_map_new(1, PROT_READ | PROT_WRITE, &hostile_page), "their page");
    for (unsigned i = 0; i < hostile_count; i++) {
        hostiles[i].seed = seed * hostile_count + i;
        must(rt_thread_new(&hostiles[i].thread,
                           &(struct rt_thread_config){ .entry = hostile_main,
                                                       .argument = i,
                                                       .priority = PRIORITY_HOSTILE,
                                                       .ceiling = PRIORITY_HOSTILE + 10,
                                                       .cspace = supervisor.table,
                                                       .cpu = i % supervisor.cpus,
                                                       .budget = 400000 }),
             "a hostile thread");
    }
    must(rt_thread_new(&supervisor.watcher,
                       &(struct rt_thread_config){ .entry = watcher_main,
                                                   .argument = supervisor.stuck,
                                                   .priority = PRIORITY_WATCHER }),
         "the watcher");
    all_give();
    for (unsigned i = 0; i < hostile_count; i++) {
        must(rt_thread_start(&hostiles[i].thread), "starting");
    }
    must(rt_thread_start(&supervisor.watcher), "starting");
}

static void end(void)
{
    rt_thread_delete(&supervisor.watcher);
    for (unsigned i = 0; i < hostile_count; i++) {
        rt_thread_delete(&hostiles[i].thread);
    }
    rt_object_delete(supervisor.table);
    pool_check();
    rt_object_delete(supervisor.pool);
    rt_cap_delete(supervisor.control);
    rt_cap_delete(supervisor.elsewhere);
    rt_cap_delete(supervisor.victim);
    rt_map_delete(&hostile_page);
}

int main(const struct root_info *info)
{
    uint64_t wanted = option(info->cmdline, "calls", 100000),
             seed = option(info->cmdline, "seed", 1);
    if (!(info->features & ROOT_FEATURE_DEBUG)) {
        rt_print("not a debug kernel: invariants are not checked\n");
    }
    supervisor.cpus = info->cpu_count;
    hostile_count = info->cpu_count == 1 ? 2 : HOSTILES_MAX;
    // Two slots behind the notification: for what is made of their memory, before it is moved or
    // taken back.
    supervisor.stuck = rt_slots_alloc(3);
    cap_t notification;
    must(rt_object_new(KIND_NOTIFICATION, 6, &notification), "the notification");
    must(captable_copy(ROOT_SLOT_CSPACE, supervisor.stuck, ROOT_SLOT_CSPACE, notification,
                       RIGHT_ALL),
         "the notification");
    victim_start(supervisor.stuck);
    begin(seed);
    run(wanted);
    uint64_t answers = victim_answers(), calls = calls_made();
    end();
    if (victim_answers() < answers || !answers) {
        rt_panic("the victim stands still after %lu answers", answers);
    }
    victim_end();
    rt_object_delete(notification);
    rt_ignore(rt_debug_check());
    cap_t left = rt_memory_check();
    if (left) {
        rt_panic("the Untyped in slot %lu is not whole", left);
    }
    uint64_t passed = 0;
    for (unsigned i = 0; i < hostile_count; i++) {
        passed += hostiles[i].passed;
    }
    rt_print(
        "%lu calls, %lu of them OK, seed %lu; helped %lu times, started again %lu times, rebuilt %lu times\n",
        calls, passed, seed, supervisor.helped, supervisor.restarted, supervisor.rebuilt);
    rt_print("hostile: all memory is back, the victim answered %lu calls\n", answers);
    return 0;
}
