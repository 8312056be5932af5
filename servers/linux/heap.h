// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Memory for the server's own records, in pages of the container.
#pragma once

#include <stdint.h>

// Zeroed; NULL: no memory.  Up to 1 MiB.
void *heap_alloc(uint64_t bytes);
// NULL is fine.
void heap_free(void *memory);
