// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What all checks of the judge use.
#pragma once

#include "orders.h"

#include <proto/system_client.h>
#include <rt/component.h>
#include <rt/print.h>

#define MS 1000000ull  // nanoseconds

extern unsigned failures;

// A failure of the check that runs; it goes on.
void expect(bool fact, const char *check, unsigned line_number, const char *text);
#define EXPECT(fact) expect(fact, __func__, __LINE__, #fact)

// The supervisor's answers.
cap_t system_cap(void);
struct system_component_results state_of(unsigned number);
unsigned number_of(const char *name);
uint32_t control(unsigned number, enum system_command command);
struct system_resources_results resources(void);
struct system_incident_results last_incident(void);

void pause(uint64_t nanoseconds);

// Wait until a component is in a state, in a generation of at least this.
bool wait_for(unsigned number, enum system_state state, uint64_t generation);

// A frame of the last incident's backtrace: its function's name begins so.
bool frame_is(unsigned frame, const char *name);

// A component that takes orders.
struct victim {
    const char *name;
    unsigned number;
    volatile struct orders *orders;
    cap_t go;
};
struct victim victim_of(const char *name);
void give_order(const struct victim *victim, enum order order);
// The order was carried out, or its taker died of it.
bool obeyed(const struct victim *victim, enum order order);

// siege.c: the supervisor under attack.
void siege_wild_frames_end_the_walk(void);
void siege_wild_words_are_cut(void);
void siege_wrecks_come_back(void);
void siege_second_thread_dies_as_itself(void);
void siege_steps_hide_no_hanging(void);
void siege_it_may_end_itself(void);
void siege_signs_of_life_cost_nothing(void);
void siege_questions_cost_little(void);
void siege_who_may_not_look_sees_nothing(void);
void siege_spoilt_endpoints_work_again(void);
void siege_nobody_waits_for_who_will_not_come(void);
void siege_a_caller_may_end(void);
void siege_notifications_cannot_be_stolen(void);
void siege_devices_come_back(void);
