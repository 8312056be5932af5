// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Sessions and process groups: who is in which (setsid, setpgid), which groups are orphaned, and
// what becomes of a session when its leader ends (credentials(7)).  A session is controlled by the
// terminal that its processes know (process->terminal); the terminal knows the session and which of
// its groups is in the foreground.
#pragma once

#include "task.h"

// A process ends: called before its children get another parent.  A leader takes the terminal from
// its session; groups that are orphaned by this and have a stopped process get SIGHUP and SIGCONT.
void session_exit(struct process *process);

// Whether nobody in the group has a parent in another group of the session, who could tell it to go
// on.
bool group_is_orphaned(uint32_t group);
// Whether there is such a group; and in that session.
bool group_exists(uint32_t group);
bool group_is_in(uint32_t group, uint32_t session);
// The processes of a session forget their terminal.
void session_forget_terminal(uint32_t session);
