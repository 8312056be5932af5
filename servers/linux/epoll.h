// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the rest must tell epoll.
#pragma once

struct file;

// A file whose last reference is gone is no longer watched: file_put calls this before ops->close.
void epoll_forget(struct file *file);
