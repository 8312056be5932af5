// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Time of the C library, from lib/rt's clock.
#include "libc.h"

#include <rt/clock.h>

#include <errno.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#define NANOSECONDS  1000000000
#define MICROSECONDS 1000

static _Atomic(int64_t) real_offset;

void libc_real_time_set(int64_t offset)
{
    real_offset = offset;
}

static struct timespec timespec_of(int64_t nanoseconds)
{
    return (struct timespec){ nanoseconds / NANOSECONDS, (long)(nanoseconds % NANOSECONDS) };
}

int clock_gettime(clockid_t clock, struct timespec *tp)
{
    int64_t monotonic = (int64_t)rt_clock_monotonic();
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
        errno = EINVAL;
        return -1;
    }
    *tp = timespec_of(clock == CLOCK_REALTIME ? monotonic + real_offset : monotonic);
    return 0;
}

int gettimeofday(struct timeval *restrict p, void *restrict tz)
{
    (void)tz;
    struct timespec real = timespec_of((int64_t)rt_clock_monotonic() + real_offset);
    *p = (struct timeval){ real.tv_sec, real.tv_nsec / MICROSECONDS };
    return 0;
}

// The time that the program was there: what it computed of that, its scheduling context knows.
clock_t times(struct tms *used)
{
    clock_t ticks = (clock_t)(rt_clock_monotonic() / (NANOSECONDS / CLOCKS_PER_SEC));
    *used = (struct tms){ .tms_utime = ticks };
    return ticks;
}
