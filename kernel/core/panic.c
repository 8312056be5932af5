// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
#include "types.h"

#include <hal/cpu.h>

void kernel_panic(const char *file, int line, const char *what)
{
    hal_panic(file, line, what);
}
