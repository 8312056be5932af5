// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What files and directories need of the rest of the server.
#pragma once

#include "file.h"
#include "types.h"

// area.c: another page stands at this index of the inode now: unmap the one that stood there
// wherever it is mapped itself, but no private copy of it.
void area_replace(struct inode *inode, uint64_t index);
// terminal.c: the same for a terminal's device.
int64_t terminal_open(struct task *task, struct place place, uint32_t flags, uint32_t device,
                      struct file **file);
// inotify.c: something was done to an inode (name NULL), or to what has a name in it.
void inotify_event(struct inode *inode, const char *name, uint32_t mask, uint32_t cookie);
void inotify_forget(struct inode *inode);
// epoll.c: the last descriptor of a file is closed; no interest in it is left.
void epoll_forget(struct file *file);
// async.c: the file is at its end, and tells nobody any more; what it is ready for has changed by a
// call of its own, which is nothing to be told.
void async_end(struct file *file);
void async_look(struct file *file);
