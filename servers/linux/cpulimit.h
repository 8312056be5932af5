// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The processor time that a process may use (RLIMIT_CPU, getrlimit(2)).
#pragma once

struct process;

// Its limit is a new one, or the process is.
void cpulimit_set(struct process *process);
// Nothing is watched any more.
void cpulimit_end(struct process *process);
