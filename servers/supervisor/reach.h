// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Whether components can reach no more than the description says, by the capabilities that they
// really hold.
#pragma once

#include "supervisor.h"

// A component that was just made holds its grants, as they are described, and nothing else.
bool reach_as_described(const struct component *component);

// An assertion of the description does not hold: a component that holds what is not described and
// is on the way; NULL: all hold.  What running components hold in their tables beyond their grants,
// because others sent it to them, counts: an endpoint as that of the server whose number its badge
// carries, anything else as a way to everybody.  Kinds and badges are what can be seen: a server
// can mint a badge that carries another's number.
struct component *reach_holder(void);
