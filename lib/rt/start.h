// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a program provides and how it begins.
#pragma once

#include "abi.h"

// The root task's program.  When it begins, slots, memory and the serial line are ready; the
// machine is powered off with the status (0-63) that it returns.
int main(const struct root_info *info);

// The program of one that rt_program_load started (linked with rt_program_link_args): gets the
// argument word of its configuration.  Returning from it is a fault.
void program_main(uint64_t argument);

// Called by the assembly; never returns.
__attribute__((noreturn)) void rt_start_root(const struct root_info *info);
__attribute__((noreturn)) void rt_start_program(uint64_t argument);
