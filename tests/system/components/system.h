// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The supervisor's protocol for the components that kill others: refusals end the machine.
#pragma once

#include <proto/system_client.h>
#include <rt/component.h>

#define MACHINE_FAILED 1u

// End the machine's run with a line that begins with FAIL, or well.
__attribute__((noreturn, format(printf, 1, 2))) void machine_fail(const char *format, ...);
__attribute__((noreturn)) void machine_end(unsigned status);

#define WANT(fact)                                      \
 if (!(fact)) {                                         \
  machine_fail("%s:%d: %s", __FILE__, __LINE__, #fact); \
 }

// The component of this name.
uint16_t system_number(const char *name);
struct system_component_results system_look(uint16_t number);

// Kill it; false: it was dead.
bool system_kill(uint16_t number);

// Let it execute so many instructions from now on, and die.
void system_inject_after(uint16_t number, uint64_t instructions);

// What the component said last before it died, for a failing test.
void system_print_words(uint16_t number);

// Let so much time pass, by the component's timer "instant".
void system_pause(uint64_t nanoseconds);
