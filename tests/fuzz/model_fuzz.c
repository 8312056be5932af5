// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The core against the model, the choices of the generator made by a coverage-guided fuzzer
// (libFuzzer): its bytes are the numbers that the generator would draw.  Called by libFuzzer's
// main.
#include "generate.h"
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_STEPS 300u
#define PREEMPT    4u  // one in so many preemption points that may preempts

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static uint64_t tally[TALLIES];

void world_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct generator generator;
    struct operation operation;
    bool more = true;
    world_tally = tally;
    generate_bytes(&generator, bytes, count);
    world_reset(PREEMPT, count % 2);
    for (unsigned step = 0; more && generator.left && step < MOST_STEPS; step++) {
        generate(&generator, world_view(), &operation);
        more = world_step(&operation);
    }
    world_end();
    return 0;
}
