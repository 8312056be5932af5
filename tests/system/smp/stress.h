// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The parts of the stress.
#pragma once

#include "world.h"

// Time is not over yet.
bool stress_goes_on(void);

// The CPUs are emulated in turn (word "in_turn"), so that counts can be compared.
extern bool stress_in_turn;

// A little time without system calls: the lock is taken in turn, and a busy host is slow to let
// everybody have theirs.
void stress_rest(void);

void stress_moves(void);
void stress_spaces(void);
void stress_revocation(void);
void stress_frames(void);
