// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Checks with components that mean harm: to the supervisor's life and time, to their own next
// incarnation, and to others.
#include "judge.h"

#include <rt/string.h>

#define VECTOR_UNDEFINED 6u
#define SIGN_TICKS       600u    // a system call and no more
#define QUESTION_TICKS   12000u  // a call, and what the supervisor does about it

// A victim carries an order out of which it dies, and comes back.
static void dies_of(const struct victim *victim, enum order order, enum system_reason reason)
{
    uint64_t generation = state_of(victim->number).generation;
    EXPECT(obeyed(victim, order));
    EXPECT(wait_for(victim->number, SYSTEM_STATE_RUNNING, generation + 1));
    EXPECT(last_incident().reason == reason);
    EXPECT(last_incident().component == victim->number);
    victim->orders->order = ORDER_NONE;
}

void siege_wild_frames_end_the_walk(void)
{
    struct victim victim = victim_of("victim");
    for (unsigned i = 0; i < BAD_FRAMES; i++) {
        victim.orders->argument = i;
        dies_of(&victim, ORDER_BAD_FRAME, SYSTEM_REASON_EXCEPTION);
        EXPECT(last_incident().backtrace_count >= 1);
    }
}

void siege_wild_words_are_cut(void)
{
    struct victim victim = victim_of("victim");
    for (unsigned i = 0; i < 3; i++) {
        victim.orders->argument = i;
        dies_of(&victim, ORDER_BAD_WORDS, SYSTEM_REASON_EXCEPTION);
        struct system_words_args args = { resources().incidents - 1, COMPONENT_WORDS_TEXT - 8 };
        struct system_words_results words = {};
        EXPECT(system_words(system_cap(), &args, &words) == WIRE_OK);
        EXPECT(words.text_count == 8);
        args.from = UINT16_MAX;
        EXPECT(system_words(system_cap(), &args, &words) == WIRE_OK);
        EXPECT(words.text_count == 0);
    }
}

// One that deletes all that it has, the means to say that it lives among it.
void siege_wrecks_come_back(void)
{
    static const char *const names[] = { "victim", "rogue" };
    struct system_resources_results before = resources();
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct victim victim = victim_of(names[i]);
        uint64_t generation = state_of(victim.number).generation;
        give_order(&victim, ORDER_WRECK);
        EXPECT(wait_for(victim.number, SYSTEM_STATE_RUNNING, generation + 1));
        EXPECT(last_incident().reason == SYSTEM_REASON_HEARTBEAT);
    }
    struct system_resources_results after = resources();
    EXPECT(after.memory == before.memory);
    EXPECT(after.slots == before.slots);
}

void siege_second_thread_dies_as_itself(void)
{
    struct victim rogue = victim_of("rogue");
    dies_of(&rogue, ORDER_DIE_WATCH, SYSTEM_REASON_EXCEPTION);
    EXPECT(last_incident().detail == VECTOR_UNDEFINED);
    EXPECT(frame_is(0, "rt_panic"));
    EXPECT(frame_is(1, "component_watch"));
    EXPECT(frame_is(2, "rt_start_component"));
}

// Who is stepped and gets rid of it is still asked whether it lives.
void siege_steps_hide_no_hanging(void)
{
    struct victim victim = victim_of("victim");
    struct system_inject_args args = { (uint16_t)victim.number, 1ull << 40 };
    uint64_t generation = state_of(victim.number).generation;
    EXPECT(system_inject(system_cap(), &args) == WIRE_OK);
    give_order(&victim, ORDER_HANG);  // which it does step by step
    pause(400 * MS);
    EXPECT(state_of(victim.number).generation == generation);
    victim.orders->order = ORDER_NONE;
    pause(20 * MS);
    give_order(&victim, ORDER_UNSTEP);
    EXPECT(wait_for(victim.number, SYSTEM_STATE_RUNNING, generation + 1));
    EXPECT(last_incident().reason == SYSTEM_REASON_HEARTBEAT);
}

// While it waits for the supervisor's answer.
void siege_it_may_end_itself(void)
{
    struct victim rogue = victim_of("rogue");
    rogue.orders->argument = rogue.number;
    dies_of(&rogue, ORDER_KILL, SYSTEM_REASON_OPERATOR);
    dies_of(&rogue, ORDER_INJECT, SYSTEM_REASON_OPERATOR);
}

void siege_signs_of_life_cost_nothing(void)
{
    struct victim victim = victim_of("victim");
    victim.orders->answer = UINT64_MAX;
    EXPECT(obeyed(&victim, ORDER_SIGNS));
    EXPECT(victim.orders->answer < SIGN_TICKS);
}

void siege_questions_cost_little(void)
{
    struct victim victim = victim_of("victim");
    victim.orders->answer = UINT64_MAX;
    EXPECT(obeyed(&victim, ORDER_ASK_MUCH));
    EXPECT(victim.orders->answer < QUESTION_TICKS);
}

void siege_who_may_not_look_sees_nothing(void)
{
    struct victim rogue = victim_of("rogue");
    EXPECT(obeyed(&rogue, ORDER_ASK_BLIND));
    EXPECT(rogue.orders->answer == 1);
}

// ---- callers -----------------------------------------------------------------------------------
static uint64_t called(const struct victim *caller, uint64_t server)
{
    caller->orders->argument = server;
    EXPECT(obeyed(caller, ORDER_CALL));
    return caller->orders->answer;
}

// Callers that the dead had asked too much of reach its successor.
void siege_spoilt_endpoints_work_again(void)
{
    struct victim rogue = victim_of("rogue");
    struct victim accomplice = victim_of("accomplice");
    uint64_t generation = state_of(rogue.number).generation;
    EXPECT(obeyed(&rogue, ORDER_SPOIL));
    EXPECT(rogue.orders->answer == 1);
    EXPECT(called(&accomplice, 0) == WIRE_KERNEL + ERR_BUDGET);
    EXPECT(control(rogue.number, SYSTEM_COMMAND_KILL) == WIRE_OK);
    EXPECT(wait_for(rogue.number, SYSTEM_STATE_RUNNING, generation + 1));
    give_order(&rogue, ORDER_SERVE);
    EXPECT(called(&accomplice, 0) == WIRE_OK);
}

// One that was never started, runs, is stopped while somebody waits for it, and runs again.
void siege_nobody_waits_for_who_will_not_come(void)
{
    struct victim accomplice = victim_of("accomplice");
    struct victim rogue = victim_of("rogue");
    unsigned sleeper = number_of("sleeper");
    EXPECT(state_of(sleeper).state == SYSTEM_STATE_STOPPED);
    EXPECT(state_of(sleeper).since == 0);
    EXPECT(called(&accomplice, 1) == WIRE_KERNEL + ERR_BUDGET);
    EXPECT(control(sleeper, SYSTEM_COMMAND_START) == WIRE_OK);
    EXPECT(wait_for(sleeper, SYSTEM_STATE_RUNNING, 1));
    EXPECT(called(&accomplice, 1) == WIRE_OK);
    pause(100 * MS);
    EXPECT(state_of(sleeper).deaths == 0);
    accomplice.orders->argument = 0;
    give_order(&accomplice, ORDER_CALL);
    pause(20 * MS);
    EXPECT(control(rogue.number, SYSTEM_COMMAND_STOP) == WIRE_OK);
    pause(20 * MS);
    EXPECT(accomplice.orders->answer == WIRE_KERNEL + ERR_PEER_DIED);
    EXPECT(control(rogue.number, SYSTEM_COMMAND_START) == WIRE_OK);
    EXPECT(wait_for(rogue.number, SYSTEM_STATE_RUNNING, 0));
}

void siege_a_caller_may_end(void)
{
    struct victim accomplice = victim_of("accomplice");
    unsigned executioner = number_of("executioner");
    accomplice.orders->argument = 2;
    dies_of(&accomplice, ORDER_CALL, SYSTEM_REASON_OPERATOR);
    dies_of(&accomplice, ORDER_CALL, SYSTEM_REASON_OPERATOR);
    EXPECT(state_of(executioner).deaths == 0);
}

// ---- what is handed on -------------------------------------------------------------------------
// Neither by a copy of it nor by a thread that is bound to it.
void siege_notifications_cannot_be_stolen(void)
{
    struct victim rogue = victim_of("rogue");
    struct victim accomplice = victim_of("accomplice");
    uint64_t generation = state_of(accomplice.number).generation;
    uint32_t deaths = state_of(accomplice.number).deaths;
    give_order(&rogue, ORDER_STEAL);
    EXPECT(obeyed(&accomplice, ORDER_GIVE));
    EXPECT(accomplice.orders->answer == WIRE_OK);
    EXPECT(rogue.orders->answer == 1);
    EXPECT(control(accomplice.number, SYSTEM_COMMAND_KILL) == WIRE_OK);
    EXPECT(wait_for(accomplice.number, SYSTEM_STATE_RUNNING, generation + 1));
    pause(300 * MS);
    EXPECT(state_of(accomplice.number).state == SYSTEM_STATE_RUNNING);
    EXPECT(state_of(accomplice.number).deaths == deaths + 1);
    EXPECT(obeyed(&rogue, ORDER_LOOT));
    EXPECT(rogue.orders->answer == KIND_EMPTY);
}

void siege_devices_come_back(void)
{
    struct victim rogue = victim_of("rogue");
    uint64_t generation = state_of(rogue.number).generation;
    EXPECT(obeyed(&rogue, ORDER_GIVE_IRQ));
    EXPECT(rogue.orders->answer == WIRE_OK);
    EXPECT(control(rogue.number, SYSTEM_COMMAND_KILL) == WIRE_OK);
    EXPECT(wait_for(rogue.number, SYSTEM_STATE_RUNNING, generation + 1));
}
