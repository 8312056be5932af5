// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Extended attributes (xattr(7)), which tmpfs keeps.
#pragma once

struct inode;

// An inode goes, and they with it.
void xattr_forget(struct inode *inode);
