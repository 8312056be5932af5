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

// A later incarnation has gone through its checks, and nothing failed in any.
static void wait_later(const struct watched *who, uint64_t generation)
{
    for (unsigned i = 0; i < PATIENCE && who->report->finished <= generation; i++) {
        system_pause(MS);
    }
    if (who->report->failed || who->report->finished <= generation) {
        system_print_words(who->number);
        machine_fail(
            "component %u: %u checks failed, the last in line %u; generation %lu after %lu",
            who->number, who->report->failed, who->report->line, who->report->finished, generation);
    }
}

static uint64_t generation_of(const struct watched *who)
{
    return system_look(who->number).generation;
}

// Kill it, and let the next incarnation go through its checks.
static void kill_and_wait(const struct watched *who)
{
    uint64_t generation = generation_of(who);
    WANT(system_kill(who->number));
    wait_later(who, generation);
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
    uint64_t generation = generation_of(who);
    command(who->number, SYSTEM_COMMAND_START);
    wait_later(who, generation);
    return results;
}

// ---- checks ------------------------------------------------------------------------------------
// Each incarnation finds its memory whole and zero and its time unspent, whenever the one before
// was killed: with a guest that runs, or at any point of the way to it.
static void all_comes_back(void)
{
    struct watched maker = watched_of("maker");
    wait_later(&maker, 0);
    wait_traps(&maker);
    struct system_resources_results before = resources_without(&maker);
    for (unsigned i = 0; i < KILLS; i++) {
        WANT(system_kill(maker.number));
        system_pause((i % 20 + 1) * MS / 4);
        kill_and_wait(&maker);
        wait_traps(&maker);
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
    for (unsigned i = 0; i < PATIENCE && maker.report->spins == spins; i++) {
        system_pause(MS);
    }
    WANT(maker.report->spins > spins);
    command(maker.number, SYSTEM_COMMAND_STOP);
    spins = maker.report->spins;
    system_pause(40 * MS);
    WANT(maker.report->spins == spins);
    uint64_t generation = generation_of(&maker);
    command(maker.number, SYSTEM_COMMAND_START);
    wait_later(&maker, generation);
}

static uint32_t fence_holds(const struct watched *fence)
{
    uint32_t looks = fence->report->looks;
    WANT(rt_ok(notification_signal(component_need(GRANT_SIGNAL, "fence")->slot)));
    for (unsigned i = 0; i < PATIENCE && fence->report->looks == looks; i++) {
        system_pause(MS);
    }
    WANT(fence->report->looks > looks);
    return fence->report->held;
}

// An incarnation that does what a flag says, at its end.
static void run_with(const struct watched *maker, volatile uint32_t *flag, uint32_t value)
{
    *flag = value;
    kill_and_wait(maker);
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
        kill_and_wait(&maker);
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
    for (unsigned i = 0; i < PATIENCE && system_look(fence.number).deaths == fence_deaths; i++) {
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
    uint64_t generation = generation_of(&maker);
    WANT(system_kill(fence.number));
    wait_later(&maker, generation);
    WANT(system_look(fence.number).state == SYSTEM_STATE_RUNNING);
    WANT(system_look(fence.number).deaths == deaths + 1);
    WANT(system_look(maker.number).reason == SYSTEM_REASON_REACH);
    WANT(fence_holds(&fence) == 0);
}

static void the_rest_is_large(void)
{
    struct watched rester = watched_of("rester");
    wait_later(&rester, 0);
    for (unsigned i = 0; i < 5; i++) {
        kill_and_wait(&rester);
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
