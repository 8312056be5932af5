// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Orders that are aimed at the supervisor, or at other components through it (orders.h).
#pragma once

#include "orders.h"

void hostile_run_const(struct orders *orders);
void hostile_bad_frame(struct orders *orders);
void hostile_bad_words(struct orders *orders);
void hostile_wreck(struct orders *orders);
void hostile_die_watch(struct orders *orders);
void hostile_unstep(struct orders *orders);
void hostile_kill(struct orders *orders);
void hostile_inject(struct orders *orders);
void hostile_signs(struct orders *orders);
void hostile_ask_much(struct orders *orders);
void hostile_ask_blind(struct orders *orders);
void hostile_spoil(struct orders *orders);
void hostile_serve(struct orders *orders);
void hostile_call(struct orders *orders);
void hostile_give(struct orders *orders);
void hostile_steal(struct orders *orders);
void hostile_loot(struct orders *orders);
void hostile_give_irq(struct orders *orders);
