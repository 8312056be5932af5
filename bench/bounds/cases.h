// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The worst cases (cases.def) as functions, and the marks around each (marks.S).
#pragma once

#include "arena.h"

// What each makes in the arena and in SLOT_LARGE is destroyed after it.
#define CASE(name, text)                               \
 void case_##name(void);                               \
 void begin_##name(void) __asm__("path_begin." #name); \
 void end_##name(void) __asm__("path_end." #name);
#include "cases.def"
#undef CASE

// Untypeds in slots from SLOT_ENDPOINTS on: each fills half of the one before, the lower one or the
// upper, whose other half begins with endpoints.  The innermost's endpoints are in slots from
// SLOT_REPLIES on.
void untypeds_make(bool lower);
