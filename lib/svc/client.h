// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a client does about a server that died, and about one that does not answer.
#pragma once

#include <rt/component.h>
#include <wire/call.h>

// Whether a call that ended with this code may be made once more, because its server died on the
// way (WIRE_KERNEL + PEER_DIED) or the time that was lent with it is used up (BUDGET): only where
// the operation can be done twice or the server has a record of it.  The next incarnation takes the
// call; the endpoint stays.
bool svc_again(uint32_t code);

// From now on until svc_deadline_end, calls of this thread that block beyond `ticks` of the clock
// from now end with WIRE_KERNEL + CANCELLED, and svc_deadline_passed tells it from other reasons.
// Needs `deadlines = true` in the component's description: a second thread then watches.  Panics
// without.
void svc_deadline_begin(uint64_t ticks);
void svc_deadline_end(void);
bool svc_deadline_passed(void);
