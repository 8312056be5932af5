// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Orders victims to die in every way and looks at what the supervisor does about it.  Prints "ok
// NAME" or "FAIL NAME LINE WHY" for each check, then "SUMMARY checks N failed M", and ends the
// machine.
#include "judge.h"

#include <proto/system_client.h>
#include <rt/clock.h>
#include <rt/component.h>
#include <rt/print.h>
#include <rt/serial.h>
#include <rt/string.h>

#include <gen/rt_stubs.h>

#define PATIENCE   (2000 * MS)
#define KILLS      100u
#define COMPONENTS 16u

const char rt_task_name[] = "judge";

// ---- output ------------------------------------------------------------------------------------
unsigned failures;

void expect(bool fact, const char *check, unsigned line_number, const char *text)
{
    if (!fact) {
        rt_print("FAIL %s:%u %s\n", check, line_number, text);
        failures++;
    }
}

// ---- the system --------------------------------------------------------------------------------
cap_t system_cap(void)
{
    return component_need(GRANT_CALL, "system")->slot;
}

struct system_component_results state_of(unsigned number)
{
    struct system_component_args args = { (uint16_t)number };
    struct system_component_results results = {};
    EXPECT(system_component(system_cap(), &args, &results) == WIRE_OK);
    return results;
}

unsigned number_of(const char *name)
{
    for (unsigned i = 0; i < COMPONENTS; i++) {
        struct system_component_args args = { (uint16_t)i };
        struct system_component_results results = {};
        if (system_component(system_cap(), &args, &results) == WIRE_OK &&
            results.name_count == strlen(name) && !memcmp(results.name, name, strlen(name))) {
            return i;
        }
    }
    rt_print("FAIL no component %s\n", name);
    failures++;
    return 0;
}

uint32_t control(unsigned number, enum system_command command)
{
    struct system_control_args args = { (uint16_t)number, command };
    return system_control(system_cap(), &args);
}

struct system_resources_results resources(void)
{
    struct system_resources_results results = {};
    EXPECT(system_resources(system_cap(), &results) == WIRE_OK);
    return results;
}

struct system_incident_results last_incident(void)
{
    struct system_incident_args args = { resources().incidents - 1 };
    struct system_incident_results results = {};
    EXPECT(system_incident(system_cap(), &args, &results) == WIRE_OK);
    return results;
}

void pause(uint64_t nanoseconds)
{
    const struct component_grant *timer = component_need(GRANT_TIMER, "pause");
    uint64_t ticks = rt_ticks(nanoseconds, component_info()->clock_hz);
    rt_ignore(timer_arm(timer->slot, rt_clock() + ticks));
    struct notification_result got;
    do {
        got = notification_wait(COMPONENT_SLOT_NOTIFICATION);
    } while (rt_ok(got.status) && !(got.word & timer->badge));
}

// Wait until a component is in a state, in a generation of at least this.
bool wait_for(unsigned number, enum system_state state, uint64_t generation)
{
    for (uint64_t waited = 0; waited < PATIENCE; waited += MS) {
        struct system_component_results now = state_of(number);
        if (now.state == state && now.generation >= generation) {
            return true;
        }
        pause(MS);
    }
    rt_print("component %u is in state %u, generation %lu\n", number, state_of(number).state,
             state_of(number).generation);
    return false;
}

// ---- victims -----------------------------------------------------------------------------------
struct victim victim_of(const char *name)
{
    return (struct victim){
        name,
        number_of(name),
        (volatile struct orders *)component_need(GRANT_REGION, name)->address,
        component_need(GRANT_SIGNAL, name)->slot,
    };
}

void give_order(const struct victim *victim, enum order order)
{
    victim->orders->order = order;
    EXPECT(rt_ok(notification_signal(victim->go)));
}

// The order was carried out, or its taker died of it.
bool obeyed(const struct victim *victim, enum order order)
{
    uint32_t taken = victim->orders->taken;
    uint64_t generation = state_of(victim->number).generation;
    give_order(victim, order);
    for (uint64_t waited = 0; waited < PATIENCE; waited += MS) {
        bool ended = victim->orders->done > taken ||
                     state_of(victim->number).generation != generation ||
                     state_of(victim->number).state != SYSTEM_STATE_RUNNING;
        if (victim->orders->taken > taken && ended) {
            return true;
        }
        pause(MS);
    }
    return false;
}

// ---- checks ------------------------------------------------------------------------------------
// Servers are numbered, and were started, before who calls them.
static void servers_start_first(void)
{
    static const char *const calls[][2] = { { "friend", "outcast" }, { "friend", "keeper" } };
    for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        unsigned client = number_of(calls[i][0]);
        unsigned server = number_of(calls[i][1]);
        EXPECT(server < client);
        EXPECT(state_of(server).since < state_of(client).since);
    }
}

// Every way to die is noticed, recorded as what it was, and followed by the next incarnation.
static void deaths_are_recorded(void)
{
    static const struct {
        enum order order;
        enum system_reason reason;
        uint64_t detail, detail2;
        bool detailed;
    } ways[] = {
        { ORDER_TOUCH_NOTHING, SYSTEM_REASON_PAGE_FAULT, 0x5000, FAULT_READ, true },
        { ORDER_WRITE_TEXT, SYSTEM_REASON_PAGE_FAULT, 0, 0, false },
        { ORDER_WRITE_INFO, SYSTEM_REASON_PAGE_FAULT, 0, 0, false },
        { ORDER_RUN_DATA, SYSTEM_REASON_PAGE_FAULT, 0, 0, false },
        { ORDER_RUN_CONST, SYSTEM_REASON_PAGE_FAULT, 0, 0, false },
        { ORDER_TRAP, SYSTEM_REASON_EXCEPTION, 6, 0, true },
        { ORDER_PANIC, SYSTEM_REASON_EXCEPTION, 6, 0, true },
        { ORDER_OVERFLOW, SYSTEM_REASON_PAGE_FAULT, 0, 0, false },
        { ORDER_EXIT_3, SYSTEM_REASON_EXIT, 3, 0, true },
    };
    struct victim victim = victim_of("victim");
    for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        uint64_t generation = state_of(victim.number).generation;
        EXPECT(obeyed(&victim, ways[i].order));
        EXPECT(wait_for(victim.number, SYSTEM_STATE_RUNNING, generation + 1));
        struct system_incident_results incident = last_incident();
        EXPECT(incident.component == victim.number);
        EXPECT(incident.generation == generation);
        EXPECT(incident.reason == ways[i].reason);
        EXPECT(!ways[i].detailed || incident.detail == ways[i].detail);
        EXPECT(!ways[i].detailed || incident.detail2 == ways[i].detail2);
        EXPECT(state_of(victim.number).reason == ways[i].reason);
    }
}

// The function's name begins so: compilers split some, and name the parts after them.
bool frame_is(unsigned frame, const char *name)
{
    struct system_symbol_args args = { resources().incidents - 1, (uint8_t)frame };
    struct system_symbol_results results = {};
    return system_symbol(system_cap(), &args, &results) == WIRE_OK &&
           results.name_count >= strlen(name) && !memcmp(results.name, name, strlen(name));
}

// A panic's post-mortem has its text, the functions that led to it, and registers.
static void post_mortem_tells(void)
{
    static const char text[] = "msg=\"ordered to, 0\"";
    struct victim victim = victim_of("victim");
    uint64_t generation = state_of(victim.number).generation;
    EXPECT(obeyed(&victim, ORDER_PANIC));
    EXPECT(wait_for(victim.number, SYSTEM_STATE_RUNNING, generation + 1));
    struct system_incident_results incident = last_incident();
    EXPECT(incident.backtrace_count >= 4);
    EXPECT(frame_is(0, "rt_panic"));
    EXPECT(frame_is(1, "panic"));
    EXPECT(incident.registers[0] == incident.backtrace[0]);
    struct system_words_args args = { resources().incidents - 1, 0 };
    struct system_words_results words = {};
    EXPECT(system_words(system_cap(), &args, &words) == WIRE_OK);
    bool found = false;
    for (unsigned i = 0; i + sizeof(text) - 1 <= words.text_count; i++) {
        found = found || !memcmp(words.text + i, text, sizeof(text) - 1);
    }
    EXPECT(found);
}

static void hanging_is_noticed(void)
{
    struct victim victim = victim_of("victim");
    uint64_t generation = state_of(victim.number).generation;
    uint32_t taken = victim.orders->taken;
    give_order(&victim, ORDER_HANG);
    while (victim.orders->taken == taken) {
        pause(MS);
    }
    EXPECT(state_of(victim.number).generation == generation);
    EXPECT(wait_for(victim.number, SYSTEM_STATE_RUNNING, generation + 1));
    victim.orders->order = ORDER_NONE;
    EXPECT(last_incident().reason == SYSTEM_REASON_HEARTBEAT);
}

static void living_is_noticed(void)
{
    struct victim victim = victim_of("victim");
    struct system_component_results before = state_of(victim.number);
    pause(100 * MS);
    EXPECT(state_of(victim.number).deaths == before.deaths);
}

// Memory and slots are those of before, whatever the dead had done to them.
static void all_comes_back(void)
{
    struct victim victim = victim_of("victim");
    struct system_resources_results before = resources();
    for (unsigned i = 0; i < KILLS; i++) {
        uint64_t generation = state_of(victim.number).generation;
        if (i % 10 == 0) {
            EXPECT(obeyed(&victim, ORDER_FILL));
            EXPECT(victim.orders->answer > 0);
        }
        EXPECT(control(victim.number, SYSTEM_COMMAND_KILL) == WIRE_OK);
        EXPECT(wait_for(victim.number, SYSTEM_STATE_RUNNING, generation + 1));
    }
    struct system_resources_results after = resources();
    EXPECT(after.memory == before.memory);
    EXPECT(after.slots == before.slots);
}

static void places_differ(void)
{
    struct victim victim = victim_of("victim");
    uint64_t seen = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t generation = state_of(victim.number).generation;
        EXPECT(control(victim.number, SYSTEM_COMMAND_KILL) == WIRE_OK);
        EXPECT(wait_for(victim.number, SYSTEM_STATE_RUNNING, generation + 1));
        pause(2 * MS);
        EXPECT(victim.orders->generation == generation + 1);
        EXPECT(victim.orders->image != seen);
        seen = victim.orders->image;
    }
}

static void regions_survive_or_not(void)
{
    struct victim victim = victim_of("victim");
    volatile uint64_t *scratch = (uint64_t *)component_need(GRANT_REGION, "scratch")->address;
    uint64_t generation = state_of(victim.number).generation;
    scratch[0] = scratch[511] = 7;
    victim.orders->answer = 7;
    EXPECT(control(victim.number, SYSTEM_COMMAND_KILL) == WIRE_OK);
    EXPECT(wait_for(victim.number, SYSTEM_STATE_RUNNING, generation + 1));
    EXPECT(scratch[0] == 0 && scratch[511] == 0);
    EXPECT(victim.orders->answer == 7);
}

// Pauses grow, and after too many deaths it is given up, until an operator wants it.
static void limits_hold(void)
{
    struct victim lonely = victim_of("lonely");
    uint32_t deaths = state_of(lonely.number).deaths;
    uint64_t begin = resources().time;
    give_order(&lonely, ORDER_DIE_EVERY);
    EXPECT(wait_for(lonely.number, SYSTEM_STATE_FAILED, 0));
    uint64_t took = resources().time - begin;
    EXPECT(state_of(lonely.number).deaths == deaths + 4);
    EXPECT(took >= (4 + 8 + 10) * MS);  // the pauses between four deaths
    pause(50 * MS);
    EXPECT(state_of(lonely.number).state == SYSTEM_STATE_FAILED);
    EXPECT(control(lonely.number, SYSTEM_COMMAND_KILL) == SYSTEM_ERROR_STATE);
    lonely.orders->order = ORDER_NONE;
    EXPECT(control(lonely.number, SYSTEM_COMMAND_START) == WIRE_OK);
    EXPECT(wait_for(lonely.number, SYSTEM_STATE_RUNNING, 0));
}

static void kills_do_not_count(void)
{
    struct victim lonely = victim_of("lonely");
    for (unsigned i = 0; i < 10; i++) {
        uint64_t generation = state_of(lonely.number).generation;
        EXPECT(control(lonely.number, SYSTEM_COMMAND_KILL) == WIRE_OK);
        EXPECT(wait_for(lonely.number, SYSTEM_STATE_RUNNING, generation + 1));
    }
}

static void stopped_stays_so(void)
{
    struct victim lonely = victim_of("lonely");
    uint64_t generation = state_of(lonely.number).generation;
    EXPECT(control(lonely.number, SYSTEM_COMMAND_STOP) == WIRE_OK);
    EXPECT(control(lonely.number, SYSTEM_COMMAND_STOP) == SYSTEM_ERROR_STATE);
    EXPECT(control(lonely.number, SYSTEM_COMMAND_KILL) == SYSTEM_ERROR_STATE);
    pause(50 * MS);
    EXPECT(state_of(lonely.number).state == SYSTEM_STATE_STOPPED);
    EXPECT(state_of(lonely.number).used == 0);
    EXPECT(control(lonely.number, SYSTEM_COMMAND_START) == WIRE_OK);
    EXPECT(wait_for(lonely.number, SYSTEM_STATE_RUNNING, generation + 1));
    EXPECT(control(lonely.number, SYSTEM_COMMAND_START) == SYSTEM_ERROR_STATE);
}

static void done_is_done(void)
{
    struct victim lonely = victim_of("lonely");
    EXPECT(obeyed(&lonely, ORDER_EXIT_0));
    pause(50 * MS);
    EXPECT(state_of(lonely.number).state == SYSTEM_STATE_DONE);
    EXPECT(control(lonely.number, SYSTEM_COMMAND_START) == WIRE_OK);
    EXPECT(wait_for(lonely.number, SYSTEM_STATE_RUNNING, 0));
}

// One that dies too often takes its group along once; the second time it is given up.
static void groups_restart(void)
{
    struct victim first = victim_of("first");
    struct victim second = victim_of("second");
    uint64_t generation = state_of(second.number).generation;
    give_order(&first, ORDER_DIE_EVERY);
    EXPECT(wait_for(second.number, SYSTEM_STATE_RUNNING, generation + 1));
    EXPECT(state_of(second.number).reason == SYSTEM_REASON_GROUP);
    EXPECT(wait_for(first.number, SYSTEM_STATE_FAILED, 0));
    EXPECT(state_of(second.number).state == SYSTEM_STATE_RUNNING);
    EXPECT(state_of(second.number).generation == generation + 1);
    first.orders->order = ORDER_NONE;
    EXPECT(control(first.number, SYSTEM_COMMAND_START) == WIRE_OK);
    EXPECT(wait_for(first.number, SYSTEM_STATE_RUNNING, 0));
}

// No more than it was given: in its table, and of the supervisor.
static void authority_is_bounded(void)
{
    struct victim victim = victim_of("victim");
    uint32_t deaths = state_of(victim.number).deaths;
    victim.orders->answer = 99;
    EXPECT(obeyed(&victim, ORDER_FORGE));
    EXPECT(victim.orders->answer == 0);
    EXPECT(obeyed(&victim, ORDER_ASK));
    EXPECT(victim.orders->answer == 1);
    EXPECT(state_of(victim.number).deaths == deaths);
}

// A capability handed on at run time makes an assertion fail: who holds it is ended.
static void reach_is_checked(void)
{
    struct victim friend = victim_of("friend");
    struct victim victim = victim_of("victim");
    unsigned outcast = number_of("outcast");
    friend.orders->answer = 99;
    EXPECT(obeyed(&friend, ORDER_REACH));
    EXPECT(friend.orders->answer == WIRE_OK);
    EXPECT(state_of(outcast).deaths == 0);
    EXPECT(control(victim.number, SYSTEM_COMMAND_KILL) == WIRE_OK);
    EXPECT(wait_for(outcast, SYSTEM_STATE_RUNNING, 2));
    EXPECT(state_of(outcast).reason == SYSTEM_REASON_REACH);
    EXPECT(state_of(outcast).deaths == 1);
    EXPECT(state_of(number_of("bystander")).deaths == 0);  // it holds nothing that it should not
}

// Single steps: it dies at the instruction that was asked for, and otherwise works as before.
static void injection_counts(void)
{
    struct victim victim = victim_of("victim");
    for (uint64_t instructions = 1; instructions < 200; instructions += 13) {
        struct system_inject_args args = { (uint16_t)victim.number, instructions };
        uint64_t generation = state_of(victim.number).generation;
        EXPECT(system_inject(system_cap(), &args) == WIRE_OK);
        give_order(&victim, ORDER_FILL);
        EXPECT(wait_for(victim.number, SYSTEM_STATE_RUNNING, generation + 1));
        EXPECT(last_incident().reason == SYSTEM_REASON_OPERATOR);
        victim.orders->order = ORDER_NONE;
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} checks[] = {
#define CHECK(name) \
 {                  \
#  name, name       \
 }
    CHECK(servers_start_first),
    CHECK(deaths_are_recorded),
    CHECK(post_mortem_tells),
    CHECK(hanging_is_noticed),
    CHECK(living_is_noticed),
    CHECK(all_comes_back),
    CHECK(places_differ),
    CHECK(regions_survive_or_not),
    CHECK(limits_hold),
    CHECK(kills_do_not_count),
    CHECK(stopped_stays_so),
    CHECK(done_is_done),
    CHECK(groups_restart),
    CHECK(authority_is_bounded),
    CHECK(reach_is_checked),
    CHECK(injection_counts),
    CHECK(siege_wild_frames_end_the_walk),
    CHECK(siege_wild_words_are_cut),
    CHECK(siege_wrecks_come_back),
    CHECK(siege_second_thread_dies_as_itself),
    CHECK(siege_steps_hide_no_hanging),
    CHECK(siege_it_may_end_itself),
    CHECK(siege_signs_of_life_cost_nothing),
    CHECK(siege_questions_cost_little),
    CHECK(siege_who_may_not_look_sees_nothing),
    CHECK(siege_spoilt_endpoints_work_again),
    CHECK(siege_nobody_waits_for_who_will_not_come),
    CHECK(siege_a_caller_may_end),
    CHECK(siege_notifications_cannot_be_stolen),
    CHECK(siege_devices_come_back),
};

int component_main(const struct component_info *info)
{
    (void)info;
    unsigned failed = 0;
    rt_serial_use(component_need(GRANT_PORTS, "uart")->slot);
    for (unsigned i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        failures = 0;
        checks[i].run();
        rt_ignore(rt_debug_check());  // a debug kernel panics where it does not hold
        failed += failures != 0;
        if (!failures) {
            rt_print("ok %s\n", checks[i].name);
        }
    }
    rt_print("SUMMARY checks %u failed %u\n", (unsigned)(sizeof(checks) / sizeof(checks[0])),
             failed);
    struct system_power_args power = { failed != 0 };
    return (int)system_power(system_cap(), &power);
}
