// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What world_init consists of.
#pragma once

#include "world.h"

void world_clock_init(const struct root_info *info);
void events_init(void);
