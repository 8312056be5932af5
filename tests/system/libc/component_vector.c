// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A component with vector registers (`vector = true`).
#include "component.h"

#include <math.h>
#include <string.h>

#include <stdlib.h>

// Values that the compiler cannot work out.
void component_floating(void)
{
    volatile double two = 2, three = 3;
    char text[48];
    EXPECT(fabs(sqrt(two) - 1.4142135623730951) < 1e-15);
    EXPECT(fabs(sin(three) - 0.1411200080598672) < 1e-15 && pow(two, three) == 8);
    EXPECT(strtod("6.25e2", NULL) == 625);
    (void)snprintf(text, sizeof(text), "%.4f %g %a", two / three, 1e-5, two);
    EXPECT(strcmp(text, "0.6667 1e-05 0x1p+1") == 0);
}
