// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Invocations: from a capability and a label to the operation of its object, one at a time or in
// batches.
#pragma once

#include "object.h"

// System calls.  thread->restarted tells a call that was preempted and is executed again from a new
// one.
MUST_USE enum err invoke(struct thread *thread, uint64_t slot, uint64_t tag);
MUST_USE enum err invoke_batch(struct thread *thread, uint64_t slot, uint64_t offset,
                               uint64_t count);
