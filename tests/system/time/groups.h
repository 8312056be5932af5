// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The checks.
#pragma once

void share_of_one(void);
void share_of_two(void);
void budget_in_pieces(void);
void timeout_to_endpoint(void);
void timeout_to_notification(void);
void replenished_without_handler(void);

void order_by_priority(void);
void order_among_equals(void);
void order_at_constant_cost(void);
void ceilings_hold(void);
void senders_by_priority(void);

void donation_to_passive(void);
void fault_lends_nothing(void);
void donation_nested(void);
void donation_ends_at_active(void);
void donation_nested_exhausted(void);
void peer_died(void);
void peer_died_while_served(void);
void endpoint_outlives_server(void);
void cancel_returns_time(void);
void cancel_nested(void);
void fallback_gone_keeps_loan(void);

void min_budget_waits(void);
void min_budget_matters(void);
void min_budget_of_slices(void);
void min_budget_beyond(void);
void fallback_goes_on(void);
void fallback_is_bounded(void);

void hostile_small_budgets(void);
void hostile_with_min_budget(void);
void hostile_unbinds(void);
void hostile_destroys(void);
void hostile_cancels(void);
void hostile_suspends(void);
void hostile_through_proxy(void);
void hostile_dies(void);
