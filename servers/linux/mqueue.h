// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// POSIX message queues (mq_overview(7)), as files of a file system of their own.
#pragma once

#include "inode.h"

#define MQUEUE_MAGIC 0x19800202u

// Its root with a reference, made when it is wanted first; NULL: no memory.
struct dentry *mqueue_root(void);
bool mqueue_is(const struct inode *inode);
