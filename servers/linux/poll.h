// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What poll, select and epoll ask of files.
#pragma once

#include "file.h"

#define POLL_ALWAYS (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

// What a file is ready for now (POLL*).
static inline uint32_t poll_ready(struct file *file)
{
    return file->ops->ready ? file->ops->ready(file) : POLL_ALWAYS;
}

// Block the signals that the process asks for, for the time of the running call only; what was
// blocked is restored by who ends the call.  No mask (0) is fine.  0, -EFAULT, or -EINVAL where
// `bytes` is not the size of a mask.
int64_t poll_mask(struct task *task, user_t mask, uint64_t bytes);
