// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Random bytes.
#pragma once

#include <stdint.h>

// Nobody can foretell them once random_seed was given something that nobody knows.
void random_bytes(void *to, uint64_t bytes);
// Mix something in.
void random_seed(const void *from, uint64_t bytes);
