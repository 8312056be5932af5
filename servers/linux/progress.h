// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Calls that do their work in parts, waiting in between.
#pragma once

#include "user.h"

// Pass over bytes of a process that an earlier attempt of the call has moved: 0 or -EFAULT.
int64_t io_skip(struct io *io, uint64_t bytes);
