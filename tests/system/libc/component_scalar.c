// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A component without vector registers.
#include "component.h"

#include <string.h>

// As a format that comes from elsewhere: a compiler refuses to pass a double.
void component_floating(void)
{
    char text[32];
    int (*volatile print)(char *, size_t, const char *, ...) = snprintf;
    (void)print(text, sizeof(text), "%s %f %d", "a", 5);
    EXPECT(strcmp(text, "a *float* 5") == 0);
}
