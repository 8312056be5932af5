// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Opening of files.
#pragma once

#include "file.h"

// A file of what a path of the server's names, as open gives it.
int64_t open_path(struct task *task, int at, const char *path, uint32_t flags, struct file **file);
// What stands at a place, without any check of what the task may; takes over the references.
int64_t open_place(struct task *task, struct place place, uint32_t flags, struct file **file);
