// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The file system of the slaves of pseudo-terminals (/dev/pts): a name for each pair that is open.
// There is one, however often it is mounted.
#pragma once

#include "inode.h"

#define DEVPTS_MAGIC 0x1cd1u

// Its root with a reference, made when it is wanted first; NULL: no memory.
struct dentry *devpts_root(void);
bool devpts_is(const struct inode *inode);
// What mount(8) says of new names: the mode, and the group (UINT32_MAX: that of who opens).
void devpts_set(uint32_t mode, uint32_t group);
// The name of a new slave, a device, with a reference; NULL: no memory, and it has none.
struct dentry *devpts_add(const struct task *task, uint32_t number, uint32_t device);
// It is gone; takes over the reference.
void devpts_remove(struct dentry *name);
