// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The checks.
#pragma once

void runs_on_its_cpu(void);
void all_run_at_once(void);
void running_thread_moves(void);
void ready_thread_moves(void);
void blocked_thread_moves(void);
void thread_moves_itself(void);
void threads_move_each_other(void);

void passive_server_goes_to_its_caller(void);
void active_server_stays(void);
void moving_server_answers(void);
void lent_time_moves(void);
void signals_cross(void);
void signals_wake_elsewhere(void);
void faults_cross(void);

void guest_answered_elsewhere(void);
void kick_reaches_running(void);
void kick_reaches_ready(void);
void kick_races_with_traps(void);

void suspend_stops_running(void);
void suspend_stops_callers(void);
void priority_changes_elsewhere(void);
void cancel_reaches_blocked(void);
void destroy_running(void);
void destroyed_leaves_nothing(void);
void destroy_callers(void);
void destroy_each_other(void);
void revoke_cspace_of_running(void);
void destroy_space_of_running(void);

void unmap_stops_access(void);
void protect_stops_writes(void);
void harvest_loses_nothing(void);

void vector_follows_thread(void);
void vector_read_elsewhere(void);
void bases_follow_thread(void);
void registers_of_stopped(void);

void budgets_per_cpu(void);
void timeout_elsewhere(void);
void new_budget_counts_at_once(void);
