// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Whether components can reach no more than the description says, by the capabilities that they
// really hold.
#pragma once

#include "supervisor.h"

// A component that was just made holds its grants, as they are described, and nothing else.
bool reach_as_described(const struct component *component);

// The first assertion of the description that does not hold, or NULL.  What running components hold
// in their free slots, because others sent it to them, counts: an endpoint as that of the server
// whose number its badge carries, anything else as a way to everybody.
const struct system_never *reach_never(void);
