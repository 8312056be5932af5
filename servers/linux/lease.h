// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Leases on files (fcntl's F_SETLEASE): who has one hears of an opening that it rules out before
// that succeeds, and has some time to give it up.
#pragma once

#include "file.h"

// Have the file hold a lease on its inode: F_RDLCK, F_WRLCK, or none (F_UNLCK).  0, -EACCES,
// -EAGAIN (it is open otherwise, or there is none to give up), -EINVAL, -ENOMEM.
int64_t lease_set(struct task *task, struct file *file, int32_t fd, int32_t kind);
// What the file holds, or is asked to make of it.
int64_t lease_get(const struct file *file);
// The file, which holds one, is at its end.
void lease_close(struct file *file);
// Somebody opens the inode with these flags of open, or truncates it (O_WRONLY): 0, or else its
// leases are asked back: -EAGAIN (O_NONBLOCK), RESULT_WAIT.
int64_t lease_break(struct task *task, const struct inode *inode, uint32_t flags);
