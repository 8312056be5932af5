// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A program without vector registers: it has no floating point, and says so where it is asked to
// print some.
#include "checks.h"

#include <string.h>

#include <stdio.h>

const uint64_t checks_thread_flags = 0;

// As a format that comes from elsewhere: a compiler refuses to pass a double.
static void no_float(void)
{
    char text[32];
    int (*volatile print)(char *, size_t, const char *, ...) = snprintf;
    (void)print(text, sizeof(text), "%s %f %d", "a", 5);
    EXPECT(strcmp(text, "a *float* 5") == 0);
}

static const struct check checks[] = { CHECKS_OF_BOTH, CHECK(no_float) };

void checks_main(uint64_t unused)
{
    (void)unused;
    checks_end(checks, sizeof(checks) / sizeof(checks[0]));
}
