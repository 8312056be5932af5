// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The end of a program that cannot go on.
#pragma once

// Exit status of a root task that panicked.
#define RT_PANIC_STATUS 63u

// Name of the program in its panic record; a program defines its own.
extern const char rt_task_name[];

// Print one machine-readable line
//     PITH-PANIC v1 task=NAME build=BUILD-ID rip=ADDRESS bt=ADDRESS,... msg="TEXT"
// and end: the root task powers the machine off with RT_PANIC_STATUS, any other program traps,
// which its fault handler sees.  `./pith debug` turns the line into functions and source lines.
__attribute__((noreturn, format(printf, 1, 2))) void rt_panic(const char *format, ...);

// How the program ends after the record; start-up code sets it.
void rt_panic_end_set(void (*end)(void));
