// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The beginning and the end of a container.
#pragma once

#include "task.h"

// The program that the container is there for.
extern struct process *start_program;

void start(void);
// That has ended, with this status as wait4 gives it: so does the container, and the machine where
// the description gives it that power ("system").
void start_ended(uint32_t status);
// Bits of the component's notification.
void start_notified(uint64_t bits);
