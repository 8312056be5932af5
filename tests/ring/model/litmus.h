// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The memory model's own tests.
#pragma once

#include <stdbool.h>

// False, with what is wrong printed: the memory allows too much or too little.
bool litmus_run(void);
