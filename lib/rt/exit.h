// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The end of a program that has done its work.
#pragma once

// End the program: the root task powers the machine off with this status, a component is over as
// component_exit says, any other program traps, which its fault handler sees.
__attribute__((noreturn)) void rt_exit(int status);

// How; start-up code sets it.
void rt_exit_set(void (*end)(int status));
