// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Character devices: their numbers, and who drives them.
#pragma once

#include "file.h"

#define DEVICE(major, minor) \
 ((uint32_t)(((major) << 8 & 0xfff00) | ((minor)&0xff) | ((minor) & ~0xff) << 12))
#define DEVICE_MAJOR(device) ((device) >> 8 & 0xfff)
#define DEVICE_MINOR(device) (((device)&0xff) | ((device) >> 12 & 0xfff00))

// Open the device of an inode; takes over the references to the place.  -ENXIO: nobody drives it.
int64_t device_open(struct task *task, struct place place, uint32_t flags, struct file **file);
// Whether it is /dev/zero, of which a shared mapping is new memory.
bool device_is_zero(const struct file *file);
// The usual names in a directory; those that are there stay.  false: no memory.
bool device_populate(struct place directory);
