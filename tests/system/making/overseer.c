// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Kills what makes objects, in the middle of it, and looks at what its next incarnation finds.
// Prints "ok NAME" for each check, then "SUMMARY checks N failed M", and ends the machine; the
// first failure ends it too.
#include "../components/host.h"
#include "../components/system.h"
#include "making.h"

#include <rt/clock.h>
#include <rt/print.h>

#include <gen/rt_stubs.h>

#define MS         1000000ull  // nanoseconds
#define PATIENCE   2000u       // pauses of one ms
#define KILLS      60u
#define TRAPS      3u
#define REST_LEAST (320ull << 20)  // of the machine's 512 MiB

const char rt_task_name[] = "overseer";

struct watched {
    uint16_t number;
    struct report *report;
};

static struct watched watched_of(const char *name)
{
    return (struct watched){ system_number(name),
                             (struct report *)component_need(GRANT_REGION, name)->address };
}

// The next incarnation has gone through its checks, and nothing failed in any.
static void wait_done(const struct watched *who, uint32_t done)
{
    for (unsigned i = 0; i < PATIENCE && who->report->done < done; i++) {
        system_pause(MS);
    }
    if (who->report->failed || who->report->done < done) {
        system_print_words(who->number);
        machine_fail("component %u: %u checks failed, the last in line %u; %u rounds of %u",
                     who->number, who->report->failed, who->report->line, who->report->done, done);
    }
}

static void wait_traps(const struct watched *maker)
{
    for (unsigned i = 0; i < PATIENCE && maker->report->traps < TRAPS; i++) {
        system_pause(MS);
    }
    WANT(maker->report->traps >= TRAPS);
}

static void command(uint16_t number, enum system_command command)
{
    cap_t system = component_need(GRANT_CALL, "system")->slot;
    WANT(system_control(system, &(struct system_control_args){ number, command }) == WIRE_OK);
}

// What is free while a component is stopped.
static struct system_resources_results resources_without(const struct watched *who)
{
    struct system_resources_results results = {};
    command(who->number, SYSTEM_COMMAND_STOP);
    WANT(system_resources(component_need(GRANT_CALL, "system")->slot, &results) == WIRE_OK);
    uint32_t done = who->report->done;
    command(who->number, SYSTEM_COMMAND_START);
    wait_done(who, done + 1);
    return results;
}

// ---- checks ------------------------------------------------------------------------------------
// Each incarnation finds its memory whole and zero and its time unspent, whenever the one before
// was killed: with a guest that runs, or at any point of the way to it.
static void all_comes_back(void)
{
    struct watched maker = watched_of("maker");
    wait_done(&maker, 1);
    wait_traps(&maker);
    struct system_resources_results before = resources_without(&maker);
    for (unsigned i = 0; i < KILLS; i++) {
        uint64_t generation = maker.report->generation;
        WANT(system_kill(maker.number));
        system_pause((i % 20 + 1) * MS / 4);
        WANT(system_kill(maker.number));
        uint32_t done = maker.report->done;
        wait_done(&maker, done + 1);
        wait_traps(&maker);
        WANT(maker.report->generation >= generation + 2);
        WANT(system_look(maker.number).reason == SYSTEM_REASON_OPERATOR);
    }
    struct system_resources_results after = resources_without(&maker);
    WANT(after.memory == before.memory && after.slots == before.slots);
}

// Also threads of its own making, which the supervisor does not know, stop with it.
static void its_threads_end(void)
{
    struct watched maker = watched_of("maker");
    uint64_t spins = maker.report->spins;
    system_pause(40 * MS);
    WANT(maker.report->spins > spins);
    command(maker.number, SYSTEM_COMMAND_STOP);
    spins = maker.report->spins;
    system_pause(40 * MS);
    WANT(maker.report->spins == spins);
    uint32_t done = maker.report->done;
    command(maker.number, SYSTEM_COMMAND_START);
    wait_done(&maker, done + 1);
}

static uint32_t fence_holds(const struct watched *fence)
{
    uint32_t done = fence->report->done;
    WANT(rt_ok(notification_signal(component_need(GRANT_SIGNAL, "fence")->slot)));
    wait_done(fence, done + 1);
    return fence->report->held;
}

// An incarnation that does what a flag says, at its end.
static void run_with(const struct watched *maker, volatile uint32_t *flag, uint32_t value)
{
    WANT(system_kill(maker->number));
    *flag = value;
    uint32_t done = maker->report->done;
    wait_done(maker, done + 1);
    *flag = 0;
}

static void what_is_handed_on_ends(void)
{
    struct watched maker = watched_of("maker");
    struct watched fence = watched_of("fence");
    uint32_t deaths = system_look(fence.number).deaths;
    for (unsigned i = 0; i < 3; i++) {
        run_with(&maker, &maker.report->hand_on, HAND_ON_GIVEN | HAND_ON_MADE);
        WANT(fence_holds(&fence) == 9);  // eight things, and what it made
        WANT(fence.report->used == 1);
        uint32_t done = maker.report->done;
        WANT(system_kill(maker.number));
        wait_done(&maker, done + 1);
        WANT(fence_holds(&fence) == 0);
        WANT(system_look(fence.number).deaths == deaths);
        command(fence.number, SYSTEM_COMMAND_RESTART);
        deaths++;
    }
}

// Who makes objects reaches nobody by them, who was sent them may reach everybody.
static void reach_is_checked(void)
{
    struct watched maker = watched_of("maker");
    struct watched fence = watched_of("fence");
    uint16_t stranger = system_number("stranger");
    run_with(&maker, &maker.report->hand_on, HAND_ON_MADE);
    uint32_t deaths = system_look(maker.number).deaths;
    uint32_t fence_deaths = system_look(fence.number).deaths;
    WANT(system_kill(stranger));
    for (unsigned i = 0; i < 20; i++) {
        system_pause(MS);
    }
    WANT(system_look(stranger).state == SYSTEM_STATE_RUNNING);
    WANT(system_look(fence.number).deaths == fence_deaths + 1);
    WANT(system_look(fence.number).reason == SYSTEM_REASON_REACH);
    WANT(system_look(maker.number).deaths == deaths);
}

// Who is bound to another's notification cannot keep that from coming back.
static void notifications_cannot_be_stolen(void)
{
    struct watched maker = watched_of("maker");
    struct watched fence = watched_of("fence");
    uint32_t deaths = system_look(fence.number).deaths;
    fence.report->bell = 1;
    run_with(&maker, &maker.report->bell, 1);
    fence.report->bell = 0;
    uint32_t done = maker.report->done;
    WANT(system_kill(fence.number));
    wait_done(&maker, done + 1);
    WANT(system_look(fence.number).state == SYSTEM_STATE_RUNNING);
    WANT(system_look(fence.number).deaths == deaths + 1);
    WANT(system_look(maker.number).reason == SYSTEM_REASON_REACH);
    WANT(fence_holds(&fence) == 0);
}

static void the_rest_is_large(void)
{
    struct watched rester = watched_of("rester");
    wait_done(&rester, 1);
    for (unsigned i = 0; i < 5; i++) {
        uint32_t done = rester.report->done;
        WANT(system_kill(rester.number));
        wait_done(&rester, done + 1);
        WANT(rester.report->bytes >= REST_LEAST);
    }
}

int component_main(const struct component_info *info)
{
    (void)info;
    static const struct {
        const char *name;
        void (*run)(void);
    } checks[] = {
        { "all_comes_back", all_comes_back },
        { "its_threads_end", its_threads_end },
        { "what_is_handed_on_ends", what_is_handed_on_ends },
        { "reach_is_checked", reach_is_checked },
        { "notifications_cannot_be_stolen", notifications_cannot_be_stolen },
        { "the_rest_is_large", the_rest_is_large },
    };
    unsigned count = sizeof(checks) / sizeof(checks[0]);
    host_begin();
    for (unsigned i = 0; i < count; i++) {
        checks[i].run();
        rt_print("ok %s\n", checks[i].name);
    }
    rt_print("SUMMARY checks %u failed 0\n", count);
    machine_end(0);
}
