// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The checks.
#pragma once

void own_spins(void);
void own_many_threads(void);
void own_yields(void);
void own_system_calls(void);
void own_faults(void);
void own_guests(void);
void own_signals(void);
void own_chain(void);
void own_kernel_work(void);
void own_pieces(void);
void own_late(void);
void own_priorities(void);
void own_binds(void);
void own_configures(void);
void own_recreates(void);
void own_vanishes(void);
void own_timers(void);
void own_interrupts(void);

void others_work(void);
void others_interrupts(void);
void others_swarm(void);
void others_swarm_steady(void);
void others_equal(void);
