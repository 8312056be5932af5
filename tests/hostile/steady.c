// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The same work at each beginning of a period, in a container beside a hostile one: its sum, and
// how long it took at most.
//     steady ROUNDS
#include "hostile.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include <stdio.h>
#include <stdlib.h>

#define PERIOD 20000000l  // nanoseconds
#define WORDS  20000u
#define CALLS  50

static uint64_t now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void sleep_until(uint64_t at)
{
    const struct timespec time = { (time_t)(at / 1000000000u), (long)(at % 1000000000u) };
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL)) {}
}

// Adler's checksum of numbers, with calls between.
static uint64_t work(uint64_t sum, unsigned round)
{
    static uint64_t words[WORDS];
    struct random random = random_of(round);
    for (unsigned i = 0; i < WORDS; i++) {
        words[i] = random_next(&random);
    }
    for (unsigned i = 0; i < CALLS; i++) {
        sum += (uint64_t)getppid() * 0;
    }
    for (unsigned i = 0; i < WORDS; i++) {
        sum = (sum * 31 + words[i]) % 0xfffffffbu;
    }
    return sum;
}

int main(int argc, char **argv)
{
    uint64_t sum = 0, longest = 0;
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    bool good = true;
    (void)!chdir("/tmp");
    (void)work(0, 0);
    (void)sane_work(0);
    uint64_t next = now();
    for (unsigned i = 0; i < rounds; i++) {
        next += PERIOD;
        sleep_until(next);
        sum = work(sum, i);
        uint64_t took = now() - next;
        longest = took > longest ? took : longest;
        good &= i % 10 || sane_work(i);
    }
    char line[100];
    int length = snprintf(line, sizeof(line), "%s sum %lu longest %lu\n", good ? "right" : "WRONG",
                          (unsigned long)sum, (unsigned long)longest);
    (void)!write(STDOUT_FILENO, line, (size_t)length);
    return good ? 0 : 1;
}
