// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Who is told by a signal that something has happened at an open file (O_ASYNC; F_SETOWN, F_SETSIG:
// fcntl(2)).  Pipes, sockets and terminals tell; at other files owner and signal are only kept.
#pragma once

#include "file.h"

// The owner as fcntl sets it: a process, a group (negative) or nobody (0).  0, -EINVAL, -ESRCH,
// -ENOMEM.
int64_t async_set_owner(struct task *task, struct file *file, int32_t owner);
// The same number; 0 also where it has ended.
int64_t async_owner(const struct file *file);
// F_SETOWN_EX and F_GETOWN_EX, where a single task can be named as well.
int64_t async_take_owner(struct task *task, struct file *file, user_t from);
int64_t async_give_owner(struct task *task, const struct file *file, user_t to);
// The signal in place of SIGIO; 0: SIGIO, without a word on what has happened.  0, -EINVAL,
// -ENOMEM.
int64_t async_set_signal(struct file *file, uint64_t signal);
uint32_t async_signal(const struct file *file);
// Have the file's O_ASYNC be `on`, as set at this descriptor: 0, or -ENOMEM.  Files that tell
// nothing keep the flag as it is.
int64_t async_set(struct task *task, struct file *file, int32_t fd, bool on);
// Have somebody be told at whatever file: who is named already, or else the process.  0, -ENOMEM.
int64_t async_prepare(struct task *task, struct file *file, int32_t fd);
// A lease of the file is asked back.
void async_lease_asked(const struct file *file);
// Whether it tells anything.
bool async_possible(const struct file *file);
