// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A core for unit tests of terminals and sessions: memory of processes is the test's own, signals
// and waits are counted, a handful of processes stand in a list.
#pragma once

#include "../call.h"
#include "../terminal.h"

#include <setjmp.h>

#include <stdarg.h>

#include <cmocka.h>

#define FAKE_PROCESSES 6u
#define FAKE_PID       10u  // of the first one; the others follow

extern struct process processes[FAKE_PROCESSES];
extern struct task tasks[FAKE_PROCESSES];
extern uint64_t fake_now;
extern unsigned fake_waits;  // waits since the last look, and wakes
extern bool fake_capable;
extern unsigned fake_objects;     // on the heap
extern uint32_t fake_opens;       // files that are open
extern bool fake_short;           // of memory
extern const char *fake_missing;  // a path that is not there
extern struct dentry *fake_node;  // that was created last

// Processes alone: parent init, each a leader of its own session.
int fake_setup(void **state);
void fake_join(unsigned process, uint32_t group, uint32_t session, struct process *parent);
// Signals that a process got since the last look, as a set; and any.
sigset fake_signals(unsigned process);
// A call anew, and what its waiting ended in.
void fake_begin(struct task *task);
void fake_again(struct task *task);
struct place fake_place(void);

int64_t file_read_text(struct task *task, struct file *file, char *to, uint64_t bytes);
int64_t file_write_text(struct task *task, struct file *file, const char *text);
static inline user_t at(const void *here)
{
    return (user_t)(uintptr_t)here;
}
