// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A program that may use vector registers: it has floating point.
#include "checks.h"

#include <abi/thread.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include <stdio.h>
#include <stdlib.h>

#define PI 3.14159265358979323846

const uint64_t checks_thread_flags = THREAD_VECTOR;

static bool near(double value, double wanted)
{
    return fabs(value - wanted) <= 1e-14 * fabs(wanted);
}

static void float_printed(void)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%f %.3e %g %a", 3.25, 12345.678, 1e-5, 1.0);
    EXPECT(strcmp(text, "3.250000 1.235e+04 1e-05 0x1p+0") == 0);
    (void)snprintf(text, sizeof(text), "%d %.1f %5.2f", 7, -0.06, 2.0 / 3);
    EXPECT(strcmp(text, "7 -0.1  0.67") == 0);
    (void)snprintf(text, sizeof(text), "%.17g", 1.0 / 3);
    EXPECT(strtod(text, NULL) == 1.0 / 3);
    (void)snprintf(text, sizeof(text), "%f %f", INFINITY, -NAN);
    EXPECT(strcmp(text, "inf -nan") == 0 || strcmp(text, "inf nan") == 0);
    EXPECT(printf("libc: pi is %.6f\n", PI) == 21);
}

static void float_read(void)
{
    double value = 0;
    char *end = NULL;
    EXPECT(strtod("2.5e3rest", &end) == 2500.0 && *end == 'r');
    // NOLINTBEGIN(cert-err34-c): they are what is checked
    EXPECT(sscanf("6.25", "%lf", &value) == 1 && value == 6.25);
    EXPECT(strtod("0.1", NULL) == 0.1 && atof("1e300") == 1e300);
    // NOLINTEND(cert-err34-c)
}

// Values that the compiler cannot work out.
static void mathematics(void)
{
    volatile double two = 2, three = 3;
    EXPECT(near(sqrt(two), 1.4142135623730951));
    EXPECT(near(sin(three), 0.1411200080598672) && near(cos(two), -0.4161468365471424));
    EXPECT(near(pow(two, 0.5), sqrt(two)) && near(exp(log(three)), three));
    EXPECT(near(atan2(two, three), 0.5880026035475675) && near(cbrt(three), 1.4422495703074083));
    EXPECT(fmod(7.5, two) == 1.5 && floor(-two / three) == -1 && lround(two + 0.5) == 3);
    EXPECT(isnan(sqrt(-two)) && isinf(two / (three - 3)));
    errno = 0;
    EXPECT(isinf(log(three - 3)) && errno == ERANGE);
}

static const struct check checks[] = { CHECKS_OF_BOTH, CHECK(float_printed), CHECK(float_read),
                                       CHECK(mathematics) };

void checks_main(uint64_t unused)
{
    (void)unused;
    checks_end(checks, sizeof(checks) / sizeof(checks[0]));
}
