// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The root image: an archive of cpio ("newc").
#pragma once

#include "file.h"

// Make what the archive has, in a directory of tmpfs.  What files hold is not copied: the archive
// stays where it is and as it is.  NULL, or what is wrong and where; what comes before that has
// been made then.
const char *cpio_unpack(const void *archive, uint64_t bytes, struct place root);
