// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// More of what path.c finds: the limits that openat2 can set, and the start of a look-up.
#pragma once

#include "inode.h"

#define RESOLVE_NO_XDEV       0x01u
#define RESOLVE_NO_MAGICLINKS 0x02u
#define RESOLVE_NO_SYMLINKS   0x04u
#define RESOLVE_BENEATH       0x08u
#define RESOLVE_IN_ROOT       0x10u
#define RESOLVE_CACHED        0x20u
// In `how` of path_find, beside PATH_*.
#define PATH_RESOLVE(flags) ((flags) << 8)

// The dentry of a name in a directory, with a reference; FAILURE(ENOENT) and others.
struct dentry *path_lookup(struct task *task, struct dentry *directory, const char *name);
// What path_text does, from a root that need not be the task's.
int64_t place_text(struct place place, const struct place *root, char *to, uint64_t bytes);
// Give up both references of a result.
void path_put(struct path_result *result);
// What *at calls with AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH in their flags mean: the place, with a
// reference in result->at.
int64_t path_find_flags(struct task *task, int at, user_t path, uint32_t flags,
                        struct path_result *result);
