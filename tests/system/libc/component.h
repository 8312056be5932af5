// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Components that check the C library: component.c with component_scalar.c or component_vector.c.
#pragma once

#include <stdio.h>

extern unsigned component_failures;  // of the check that runs

#define EXPECT(fact)                                           \
 do {                                                          \
  if (!(fact)) {                                               \
   (void)printf("FAIL %s:%d %s\n", __func__, __LINE__, #fact); \
   component_failures++;                                       \
  }                                                            \
 } while (0)

// A check: the floating point that this program has, or that it has none.
void component_floating(void);
