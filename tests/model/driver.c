// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Random sequences of system calls against the core and the model at once.  Each sequence runs in a
// process of its own, so that a crash is a finding like any other.  A sequence that fails is made
// shorter as long as it still fails, then printed.
//
// With --cpus the core runs alone, on two CPUs, and its invariants are checked.
//
// usage: model_test [--steps N] [--seed S] [--length L] [--preempt P] [--no-shrink] [--cpus]
#include "generate.h"
#include "model.h"
#include "world.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_STEPS 4000u
#define SECONDS    20u  // for a sequence

struct shared {
    unsigned count;  // steps in `operations`
    unsigned taken;  // that were begun
    bool idle;       // world_reset
    char message[256];
    struct operation operations[MOST_STEPS];
    uint64_t threads[MOST_STEPS];  // who took the step
    uint64_t tally[TALLIES];
};
static struct shared *shared;

static struct {
    uint64_t steps, seed;
    unsigned length, preempt;
    bool shrink, free;
} options = { 100000, 1, 1000, 4, true, false };

void world_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(shared->message, sizeof(shared->message), format, arguments);
    va_end(arguments);
    _exit(1);
}

// A crash ends the child at once; what it was is seen when the sequence is run under a debugger.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "handle_segv=0:handle_sigbus=0:detect_leaks=0";
}

// ---- sequences ----------------------------------------------------------------------------------

static bool sequence_step(unsigned number)
{
    shared->taken = number + 1;
    shared->threads[number] = model.current;
    return world_step(&shared->operations[number]);
}

static void sequence_generate(uint64_t seed, unsigned length)
{
    shared->idle = seed % 2;
    world_reset(options.preempt, shared->idle);
    struct generator generator;
    generate_seed(&generator, seed);
    for (shared->count = 0; shared->count < length; shared->count++) {
        struct operation *operation = &shared->operations[shared->count];
        generate(&generator, world_view(), operation);
        if (!sequence_step(shared->count)) {
            return;
        }
    }
}

// Only by its seed: what a CPU does when depends on all before.
static void sequence_free(uint64_t seed, unsigned length)
{
    struct generator generator;
    generate_seed(&generator, seed);
    world_reset_free(options.preempt);
    for (shared->taken = 0; shared->taken < length; shared->taken++) {
        const struct generate_view *view = world_view_free(generate_random(&generator, UINT32_MAX));
        struct operation *operation = &shared->operations[shared->taken];
        if (view) {
            generate(&generator, view, operation);
        }
        world_step_free(view ? operation : NULL);
    }
}

static void sequence_replay(void)
{
    world_reset(options.preempt, shared->idle);
    for (unsigned i = 0; i < shared->count && sequence_step(i); i++) {}
}

// Run a new sequence (length 0: the one that is there) in a child.  True where nothing was found.
static bool sequence_run(uint64_t seed, unsigned length, bool quiet)
{
    fflush(NULL);
    shared->message[0] = '\0';
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        exit(2);
    }
    if (child == 0) {
        if (quiet && !freopen("/dev/null", "w", stderr)) {
            _exit(2);
        }
        alarm(SECONDS);  // an operation that does not end is a finding too
        if (options.free) {
            sequence_free(seed, length);
        } else if (length) {
            sequence_generate(seed, length);
        } else {
            sequence_replay();
        }
        world_end();
        _exit(0);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child) {
        perror("waitpid");
        exit(2);
    }
    if (status && !shared->message[0]) {
        snprintf(shared->message, sizeof(shared->message), "the core crashed (status 0x%x)",
                 (unsigned)status);
    }
    return status == 0;
}

// ---- shrinking (Zeller and Hildebrandt 2002) ----------------------------------------------------

// Leave out `size` operations from `at` on, if it still fails.
static bool shrink_without(unsigned at, unsigned size)
{
    static struct operation saved[MOST_STEPS];
    unsigned count = shared->count;
    memcpy(saved, shared->operations, count * sizeof(*saved));
    memmove(&shared->operations[at], &shared->operations[at + size],
            (count - at - size) * sizeof(*saved));
    shared->count = count - size;
    if (!sequence_run(0, 0, true)) {
        if (shared->taken < shared->count) {
            shared->count = shared->taken;
        }
        return true;
    }
    memcpy(shared->operations, saved, count * sizeof(*saved));
    shared->count = count;
    return false;
}

// Leave out every part of a size that can be left out; says whether one could.
static bool shrink_by(unsigned size)
{
    bool shorter = false;
    for (unsigned at = 0; at + size <= shared->count;) {
        if (shrink_without(at, size)) {
            shorter = true;
        } else {
            at += size;
        }
    }
    return shorter;
}

static void shrink(void)
{
    for (unsigned size = shared->count / 2; size; size = size / 2) {
        while (shrink_by(size)) {}
    }
}

// ---- printing -----------------------------------------------------------------------------------

static const char *const syscall_names[] = {
#define SYSCALL(number, name, args, fails, text)       [number] = #name,
#define DEBUG_SYSCALL(number, name, args, fails, text) [number] = #name,
#include <abi/syscalls.def>
#undef SYSCALL
#undef DEBUG_SYSCALL
};

static const struct {
    unsigned label;
    const char *name;
} operation_names[] = {
#define OP(kind, number, name, args, results, fails, text) \
 { K_##kind << 8 | (number), #kind "." #name },
#include <abi/ops.def>
#undef OP
};

static void print_call(uint64_t slot, uint64_t tag, const uint64_t words[MSG_REG_WORDS])
{
    const char *name = "?";
    for (unsigned i = 0; i < sizeof(operation_names) / sizeof(*operation_names); i++) {
        if (operation_names[i].label == tag_label(tag)) {
            name = operation_names[i].name;
        }
    }
    printf("slot %lu: %s(", slot, name);
    for (unsigned i = 0; i < tag_length(tag) && i < MSG_REG_WORDS; i++) {
        printf("%s0x%lx", i ? ", " : "", words[i]);
    }
    printf(")");
}

static void print_operation(const struct operation *operation)
{
    const char *name = operation->number <= S_null ? syscall_names[operation->number] : "?";
    printf("%s ", name);
    if (operation->number == S_invoke) {
        print_call(operation->slot, operation->tag, operation->words);
    } else {
        printf("slot %lu tag 0x%lx third %lu", operation->slot, operation->tag, operation->third);
    }
    if (operation->number <= S_reply && tag_caps(operation->tag)) {
        printf(" caps");
        for (unsigned i = 0; i < tag_caps(operation->tag) && i < MSG_MAX_CAPS; i++) {
            printf(" %lu%s", (uint64_t)(operation->caps[i] & ~CAP_MOVE),
                   operation->caps[i] & CAP_MOVE ? " moved" : "");
        }
    }
    if (operation->number <= S_reply) {
        printf(" window %lu:%lu+%lu", operation->window_table, operation->window_slot,
               operation->window_count);
    }
    for (unsigned i = 0; i < operation->entries; i++) {
        printf("\n        ");
        print_call(operation->batch[i].slot, operation->batch[i].tag, operation->batch[i].words);
    }
    printf("\n");
}

static void report(uint64_t seed)
{
    char message[sizeof(shared->message)];
    shared->count = shared->taken;
    printf("sequence of seed %lu fails after %u steps: %s\n", seed, shared->count, shared->message);
    if (sequence_run(0, 0, true)) {
        printf("it does not fail when it is run again\n");
        return;
    }
    if (options.shrink) {
        shrink();
    }
    (void)sequence_run(0, 0, false);
    snprintf(message, sizeof(message), "%s", shared->message);
    printf("shortest sequence found, with the thread that is current at each step:\n");
    for (unsigned i = 0; i < shared->taken; i++) {
        printf("%4u  0x%05lx  ", i, shared->threads[i]);
        if (shared->threads[i] != FIRST_THREAD && world_traps(&shared->operations[i])) {
            printf("(traps)\n");
        } else {
            print_operation(&shared->operations[i]);
        }
    }
    printf("then: %s\n", message);
}

static const char *const tally_names[] = {
#define TALLY_NAME(name, text) text,
    TALLY(TALLY_NAME)
#undef TALLY_NAME
};

// Each of these is wanted once in so many steps at least.
#define TALLY_STEPS 40000u

static int report_tally(uint64_t steps)
{
    int status = 0;
    for (unsigned i = 0; i < TALLIES; i++) {
        bool wanted = options.free ? i == TALLY_elsewhere : i < TALLY_elsewhere;
        bool rare = wanted && shared->tally[i] < steps / TALLY_STEPS;
        printf("%10lu  %s%s\n", shared->tally[i], tally_names[i], rare ? ": too rare" : "");
        status |= rare;
    }
    return status;
}

// ---- command line -------------------------------------------------------------------------------

static uint64_t number_of(const char *text)
{
    char *end;
    uint64_t number = text ? strtoull(text, &end, 0) : 0;
    if (!text || *end || end == text) {
        fprintf(stderr, "model_test: '%s' is no number\n", text ? text : "");
        exit(2);
    }
    return number;
}

static void parse(char **argument)
{
    for (; *argument; argument++) {
        if (!strcmp(*argument, "--cpus")) {
            options.free = true;
        } else if (!strcmp(*argument, "--no-shrink")) {
            options.shrink = false;
        } else if (!strcmp(*argument, "--steps")) {
            options.steps = number_of(*++argument);
        } else if (!strcmp(*argument, "--seed")) {
            options.seed = number_of(*++argument);
        } else if (!strcmp(*argument, "--length")) {
            options.length = (unsigned)number_of(*++argument);
        } else if (!strcmp(*argument, "--preempt")) {
            options.preempt = (unsigned)number_of(*++argument);
        } else {
            fprintf(
                stderr,
                "usage: model_test [--steps N] [--seed S] [--length L] [--preempt P] [--no-shrink] [--cpus]\n");
            exit(2);
        }
    }
    if (!options.length || options.length > MOST_STEPS) {
        fprintf(stderr, "model_test: --length is from 1 to %u\n", MOST_STEPS);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    parse(argv + (argc > 0));
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("mmap");
        return 2;
    }
    world_tally = shared->tally;
    uint64_t steps = 0;
    for (uint64_t seed = options.seed; steps < options.steps; seed++) {
        if (!sequence_run(seed, options.length, false)) {
            if (options.free) {
                printf("sequence of seed %lu fails after %u steps: %s\n", seed, shared->taken,
                       shared->message);
            } else {
                report(seed);
            }
            return 1;
        }
        steps += shared->taken;
    }
    printf("%lu steps, seeds from %lu: %s\n", steps, options.seed,
           options.free ? "invariants hold" : "core and model agree");
    return report_tally(steps);
}
