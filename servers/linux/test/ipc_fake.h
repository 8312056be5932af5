// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A core for unit tests of what processes wait for and talk through: the memory of processes is the
// test's own, a task that waits is tried again by the test, and everything that was allocated is
// counted.
#pragma once

#include "../call.h"

#include <setjmp.h>

#include <stdarg.h>

#include <cmocka.h>

#define FAKE_TASKS 4
#define FAKE_FILES 64
#define BAD        16ull  // an address that nobody can touch

extern struct task tasks[FAKE_TASKS];
extern uint64_t fake_now;  // monotonic clock
extern uint64_t fake_cpu;  // what task_cpu_ns and process_cpu_ns say
extern bool fake_capable;
extern unsigned fake_objects;  // on the heap
extern unsigned fake_pages;
extern int fake_room;                   // allocations until memory is short; -1: never
extern struct signal_info fake_signal;  // the last one sent
extern unsigned fake_signals;           // how many

extern struct signal_info fake_pending;  // the one that signal_take gives; none: signal 0
extern struct inode *fake_inode;         // what each path of a process leads to

// Before and after each test: nothing may be left behind.
int fake_setup(void **state);
int fake_teardown(void **state);

// The start of a call, and what it answered: RESULT_WAIT leaves the task waiting.
void call_begin(struct task *task);
int64_t call_done(struct task *task, int64_t result);
// End the call of a task that waits, as a signal does.
void call_break(struct task *task);
// Whether a task that waits is to be tried again.
bool task_woken(const struct task *task);
#define CALL(task, call) (call_begin(task), call_done(task, call))

static inline user_t at(const void *here)
{
    return (user_t)(uintptr_t)here;
}
int64_t call_read(struct task *task, int32_t fd, user_t buffer, uint64_t bytes);
int64_t call_write(struct task *task, int32_t fd, user_t buffer, uint64_t bytes);
int64_t read_fd(struct task *task, int fd, void *to, uint64_t bytes);
int64_t write_fd(struct task *task, int fd, const void *from, uint64_t bytes);
// What a descriptor is ready for.
uint32_t ready_fd(struct task *task, int fd);
// Sockets' names in the one directory.
void fake_names_forget(void);
// Let the clock go on and run what is due.
void fake_wait(uint64_t ns);
