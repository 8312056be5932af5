// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The boot image (format: abi/bootinfo.h).
#pragma once

#include <abi/bootinfo.h>

#include <stdint.h>

#define IMAGE_MAX_FILES (BOOT_MAX_MODULES + 2)

// Checks header, table and bounds of an image of which size bytes are there.
// Returns a null pointer, or what is wrong; *file then names the file, or is a null pointer.
const char *image_check(const void *image, uint64_t size, const char **file);

// Checks the content of one file of a checked image.
const char *image_check_file(const void *image, const struct image_entry *entry);

// The entries of a checked image, and one of them by name (a null pointer where there is none).
const struct image_entry *image_entries(const void *image);
const struct image_entry *image_find(const void *image, const char *name);
