// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The library between threads.  Kernel entries of mutexes are counted: the linker puts the counters
// here before lib/rt/waiting.c (--wrap).
#include "checks.h"

#include <rt/memory.h>
#include <rt/mutex.h>
#include <rt/print.h>
#include <rt/thread.h>
#include <rt/waiting.h>

#include <errno.h>
#include <string.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS     3u
#define PRIORITY    100u  // of the thread that checks, too
#define SHORT_SLICE 50000u

static struct rt_thread threads[THREADS];
static cap_t done;

// ---- counting ----------------------------------------------------------------------------------
static unsigned sleeps, wakes;

// Names that the linker makes.  NOLINTBEGIN(bugprone-reserved-identifier)
void __real_rt_waiting_sleep(uint64_t own);
void __real_rt_waiting_wake(uint64_t other);
void __wrap_rt_waiting_sleep(uint64_t own);
void __wrap_rt_waiting_wake(uint64_t other);

void __wrap_rt_waiting_sleep(uint64_t own)
{
    sleeps++;
    __real_rt_waiting_sleep(own);
}

void __wrap_rt_waiting_wake(uint64_t other)
{
    wakes++;
    __real_rt_waiting_wake(other);
}
// NOLINTEND(bugprone-reserved-identifier)

// ---- threads -----------------------------------------------------------------------------------
static void (*work)(uint64_t number);
static atomic_uint finished;

// Nobody returns from here: the checking thread deletes it.
static void thread_main(uint64_t number)
{
    work(number);
    atomic_fetch_add(&finished, 1);
    rt_ignore(notification_signal(done));
    for (;;) {
        (void)notification_wait(rt_tcb()->wait).word;
    }
}

static void threads_start(void (*what)(uint64_t number), uint64_t slice)
{
    work = what;
    atomic_store(&finished, 0);
    EXPECT_OK(rt_object_new(KIND_NOTIFICATION, 6, &done));
    for (unsigned i = 0; i < THREADS; i++) {
        struct rt_thread_config config = { .entry = thread_main,
                                           .argument = i,
                                           .priority = PRIORITY,
                                           .budget = slice,
                                           .flags = checks_thread_flags,
                                           .waits = true };
        EXPECT_OK(rt_thread_new(&threads[i], &config));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        EXPECT_OK(rt_thread_start(&threads[i]));
    }
}

static void threads_end(void)
{
    while (atomic_load(&finished) < THREADS) {
        (void)notification_wait(done).word;
    }
    for (unsigned i = 0; i < THREADS; i++) {
        rt_thread_delete(&threads[i]);
    }
    rt_object_delete(done);
}

static void threads_run(void (*what)(uint64_t number), uint64_t slice)
{
    threads_start(what, slice);
    threads_end();
}

// ---- what is a thread's own --------------------------------------------------------------------
static _Thread_local int variable = 42;
static _Thread_local _Alignas(64) char aligned_variable[3];
static _Thread_local uint64_t zero;
static bool variables_good[THREADS];

static void use_variables(uint64_t number)
{
    bool good = variable == 42 && zero == 0 && (uintptr_t)aligned_variable % 64 == 0;
    variable = (int)number;
    zero = number;
    for (unsigned i = 0; i < 5; i++) {
        rt_yield();
        good = good && variable == (int)number && zero == number;
    }
    good = good && rt_buffer() == threads[number].buffer;
    variables_good[number] = good;
}

void variables_per_thread(void)
{
    variable = 7;
    threads_run(use_variables, RT_SLICE);
    for (unsigned i = 0; i < THREADS; i++) {
        EXPECT(variables_good[i]);
    }
    EXPECT(variable == 7 && zero == 0);
}

static int *errno_places[THREADS];
static int errno_values[THREADS];

static void set_errno(uint64_t number)
{
    errno_places[number] = &errno;
    errno = (int)number + 1;
    rt_yield();
    rt_yield();
    errno_values[number] = errno;
}

void errno_per_thread(void)
{
    errno = EDOM;
    threads_run(set_errno, RT_SLICE);
    for (unsigned i = 0; i < THREADS; i++) {
        EXPECT_EQUAL((uint64_t)errno_values[i], i + 1);
        EXPECT(errno_places[i] != &errno && errno_places[i] != errno_places[(i + 1) % THREADS]);
    }
    EXPECT_EQUAL((uint64_t)errno, EDOM);
}

// ---- locks -------------------------------------------------------------------------------------
static struct rt_mutex mutex;
static struct rt_recursive_mutex recursive;
static uint64_t guarded;

void lock_alone_enters_nothing(void)
{
    char text[16];
    sleeps = wakes = 0;
    for (unsigned i = 0; i < 100; i++) {
        rt_mutex_lock(&mutex);
        rt_mutex_unlock(&mutex);
        rt_recursive_mutex_lock(&recursive);
        rt_recursive_mutex_lock(&recursive);
        rt_recursive_mutex_unlock(&recursive);
        rt_recursive_mutex_unlock(&recursive);
        free(malloc(i + 1));
        (void)snprintf(text, sizeof(text), "%u", i);
        (void)fputs("", stdout);
    }
    EXPECT_EQUAL(sleeps, 0);
    EXPECT_EQUAL(wakes, 0);
    EXPECT(mutex.word == 0 && recursive.mutex.word == 0);
}

#define ROUNDS 200ul

// Others get their turn between a read and the write that it is for.
static void increment(uint64_t number)
{
    (void)number;
    for (unsigned i = 0; i < ROUNDS; i++) {
        rt_mutex_lock(&mutex);
        uint64_t before = guarded;
        rt_yield();
        guarded = before + 1;
        rt_mutex_unlock(&mutex);
        rt_recursive_mutex_lock(&recursive);
        rt_recursive_mutex_lock(&recursive);
        rt_yield();
        rt_recursive_mutex_unlock(&recursive);
        rt_recursive_mutex_unlock(&recursive);
    }
}

void locks_exclude(void)
{
    guarded = 0;
    sleeps = wakes = 0;
    threads_run(increment, RT_SLICE);
    EXPECT_EQUAL(guarded, THREADS * ROUNDS);
    EXPECT(sleeps > 0 && sleeps >= wakes);
    EXPECT(mutex.word == 0 && recursive.mutex.word == 0);
}

// ---- streams and memory under contention -------------------------------------------------------
#define LINES      40ul
#define TEXT_BYTES 16384u

static char text[TEXT_BYTES];
static size_t text_length;

// Others get their turn in the middle of a line.
static void text_put(struct rt_sink *sink, char c)
{
    (void)sink;
    if (text_length + 1 < TEXT_BYTES) {
        text[text_length++] = c;
    }
    if (c == ' ') {
        rt_yield();
    }
}

static void print_lines(uint64_t number)
{
    for (unsigned i = 0; i < LINES; i++) {
        (void)printf("thread %d line %u of the thread %d\n", (int)number, i, (int)number);
        rt_yield();
    }
}

static bool line_whole(const char *line)
{
    int thread = -1, again = -1, end = 0;
    unsigned number = LINES;
    // NOLINTNEXTLINE(cert-err34-c): numbers that cannot be read make it no whole line
    int got = sscanf(line, "thread %d line %u of the thread %d%n", &thread, &number, &again, &end);
    return got == 3 && thread == again && number < LINES && line[end] == '\n';
}

void lines_whole(void)
{
    struct rt_sink sink = { text_put }, *before = rt_print_sink();
    unsigned lines = 0, whole = 0;
    (void)fflush(stdout);
    text_length = 0;
    rt_print_sink_set(&sink);
    threads_run(print_lines, RT_SLICE);
    (void)fflush(stdout);
    rt_print_sink_set(before);
    text[text_length] = '\0';
    for (const char *line = text; line && *line; line = strchr(line, '\n') + 1) {
        lines++;
        whole += line_whole(line);
    }
    EXPECT_EQUAL(lines, THREADS * LINES);
    EXPECT_EQUAL(whole, THREADS * LINES);
}

#define BLOCKS 24u
#define TURNS  3000u

static bool blocks_good[THREADS];

static bool block_free(unsigned char *block, size_t bytes, unsigned char pattern)
{
    bool good = true;
    for (size_t i = 0; i < bytes; i++) {
        good = good && block[i] == pattern;
    }
    free(block);
    return good;
}

static void use_memory(uint64_t number)
{
    unsigned char *blocks[BLOCKS] = {};
    size_t bytes[BLOCKS] = {};
    unsigned state = (unsigned)number + 1;
    bool good = true;
    for (unsigned turn = 0; turn < TURNS + BLOCKS; turn++) {
        state = state * 1664525u + 1013904223u;
        unsigned at = turn < TURNS ? (state >> 24) % BLOCKS : turn - TURNS;
        good = block_free(blocks[at], blocks[at] ? bytes[at] : 0, (unsigned char)number) && good;
        bytes[at] = (state >> 8) % 300 + 1;
        blocks[at] = turn < TURNS ? malloc(bytes[at]) : NULL;
        if (blocks[at]) {
            memset(blocks[at], (int)number, bytes[at]);
        }
    }
    blocks_good[number] = good;
}

// The threads lose the CPU anywhere in malloc and free.
void memory_shared(void)
{
    threads_run(use_memory, SHORT_SLICE);
    for (unsigned i = 0; i < THREADS; i++) {
        EXPECT(blocks_good[i]);
    }
    void *large = malloc(CHECKS_HEAP_BYTES / 4 * 3);
    EXPECT(large != NULL);
    free(large);
}
