// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The shared object that is in every process (vdso(7)): the time without a system call.  It
// computes what clock.c would answer, from the same page by the same formula, so that neither is
// ever behind the other.  It runs in the process, with what that passes: a bad pointer faults
// there.
#include "../clockpage.h"

#include <rt/clock.h>

#include <stddef.h>

#define CALL_CLOCK_GETTIME 228
#define CALL_CLOCK_GETRES  229
#define CALL_GETCPU        309
#define COARSE_STEP        4000000  // as the system call says

enum clock {
    REALTIME,
    MONOTONIC,
    MONOTONIC_RAW = 4,
    REALTIME_COARSE,
    MONOTONIC_COARSE,
    BOOTTIME,
    TAI = 11,
};

#define BIT(clock)    (1u << (clock))
#define CLOCKS_REAL   (BIT(REALTIME) | BIT(REALTIME_COARSE) | BIT(TAI))
#define CLOCKS_COARSE (BIT(REALTIME_COARSE) | BIT(MONOTONIC_COARSE))
#define CLOCKS        (CLOCKS_REAL | CLOCKS_COARSE | BIT(MONOTONIC) | BIT(MONOTONIC_RAW) | BIT(BOOTTIME))

struct time {  // struct timespec, or struct timeval
    int64_t seconds, part;
};

// The page before the first one of this object (vdso.ld).
extern const struct clock_page vdso_clock __attribute__((visibility("hidden")));

// The symbols of the manual.
int64_t vdso_clock_gettime(int32_t clock, struct time *to) __asm__("__vdso_clock_gettime");
int64_t vdso_clock_getres(int32_t clock, struct time *to) __asm__("__vdso_clock_getres");
int64_t vdso_gettimeofday(struct time *to, uint32_t *zone) __asm__("__vdso_gettimeofday");
int64_t vdso_time(int64_t *to) __asm__("__vdso_time");
int64_t vdso_getcpu(uint32_t *cpu, uint32_t *node) __asm__("__vdso_getcpu");

static bool clock_is_among(int32_t clock, uint32_t clocks)
{
    return clock >= 0 && clock <= TAI && clocks & BIT(clock);
}

static int64_t call(int64_t number, uint64_t first, void *to)
{
    __asm__ volatile("syscall" : "+a"(number) : "D"(first), "S"(to) : "rcx", "r11", "memory");
    return number;
}

// Nanoseconds by the real or the monotonic clock.
static uint64_t clock_read(bool real)
{
    const volatile struct clock_page *page = &vdso_clock;
    uint32_t sequence;
    uint64_t now;
    do {
        sequence = __atomic_load_n(&page->sequence, __ATOMIC_ACQUIRE);
        __asm__ volatile("lfence" : : : "memory");  // RDTSC waits for no load (SDM volume 2)
        now = rt_nanoseconds(rt_clock() - page->boot, page->hz);
        now += real ? (uint64_t)page->real_offset : 0;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (sequence & 1 || sequence != page->sequence);
    return now;
}

int64_t vdso_clock_gettime(int32_t clock, struct time *to)
{
    if (!clock_is_among(clock, CLOCKS)) {
        return call(CALL_CLOCK_GETTIME, (uint64_t)clock, to);
    }
    uint64_t now = clock_read(clock_is_among(clock, CLOCKS_REAL));
    *to = (struct time){ (int64_t)(now / RT_SECOND), (int64_t)(now % RT_SECOND) };
    return 0;
}

int64_t vdso_clock_getres(int32_t clock, struct time *to)
{
    if (!clock_is_among(clock, CLOCKS)) {
        return call(CALL_CLOCK_GETRES, (uint64_t)clock, to);
    }
    if (to) {
        *to = (struct time){ 0, clock_is_among(clock, CLOCKS_COARSE) ? COARSE_STEP : 1 };
    }
    return 0;
}

int64_t vdso_gettimeofday(struct time *to, uint32_t *zone)
{
    if (to) {
        uint64_t now = clock_read(true);
        *to = (struct time){ (int64_t)(now / RT_SECOND), (int64_t)(now % RT_SECOND / 1000) };
    }
    if (zone) {
        zone[0] = zone[1] = 0;
    }
    return 0;
}

int64_t vdso_time(int64_t *to)
{
    int64_t now = (int64_t)(clock_read(true) / RT_SECOND);
    if (to) {
        *to = now;
    }
    return now;
}

// Programs have one CPU (process.c).
int64_t vdso_getcpu(uint32_t *cpu, uint32_t *node)
{
    if (vdso_clock.cpus != 1) {
        return call(CALL_GETCPU, (uint64_t)cpu, node);
    }
    if (cpu) {
        *cpu = 0;
    }
    if (node) {
        *node = 0;
    }
    return 0;
}
