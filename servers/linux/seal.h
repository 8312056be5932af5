// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Seals of files in memory (memfd_create): what can no longer be done to them.
#pragma once

#include "file.h"

#define SEAL_SEAL         1u
#define SEAL_SHRINK       2u
#define SEAL_GROW         4u
#define SEAL_WRITE        8u
#define SEAL_FUTURE_WRITE 16u
#define SEAL_EXEC         32u

// -EINVAL: not such a file.
int64_t seal_get(const struct file *file);
// -EPERM: sealed against that, or not open for writing; -EBUSY: SEAL_WRITE while it is mapped to be
// written.
int64_t seal_add(struct file *file, uint32_t seals);
// For mmap: whether a shared mapping may be written; -EPERM.
int64_t seal_permits_mapping(const struct file *file, bool writes);
