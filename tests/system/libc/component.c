// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The C library in a component, under the supervisor: what its start code and the description give
// the library.  The library itself is common.c's matter.  Prints "ok NAME" or "FAIL NAME LINE WHY"
// for each check by the library's own printf, then "SUMMARY checks N failed M", and ends the
// machine.
#include "component.h"

#include <proto/system_client.h>
#include <rt/clock.h>
#include <rt/component.h>
#include <rt/mutex.h>
#include <rt/tls.h>

#include <errno.h>
#include <gen/rt_stubs.h>
#include <libc/libc.h>
#include <string.h>
#include <time.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

const char rt_task_name[] = "libc_component";

unsigned component_failures;

static long port_write(const void *from, size_t bytes)
{
    const struct component_grant *ports = component_need(GRANT_PORTS, "uart");
    for (size_t i = 0; i < bytes; i++) {
        rt_ignore(io_ports_out(ports->slot, ports->address, 1, ((const unsigned char *)from)[i]));
    }
    return (long)bytes;
}

// ---- thread-local variables --------------------------------------------------------------------
#define TABLE_BYTES 5u

// One whose first value is an address, one that is more aligned than the words around it, zeros.
static char before_all[] = "address";
static _Thread_local char odd = 3;
static _Thread_local const char *pointer = before_all;
static _Thread_local _Alignas(64) unsigned char table[TABLE_BYTES] = { 1, 2, 3, 4, 5 };
static _Thread_local uint64_t zero, zeros[3];
static _Thread_local _Alignas(32) char zero_aligned;

static bool variables_begin(void)
{
    bool good = odd == 3 && pointer == before_all && strcmp(pointer, "address") == 0;
    for (unsigned i = 0; i < TABLE_BYTES; i++) {
        good = good && table[i] == i + 1;
    }
    good = good && (uintptr_t)table % 64 == 0 && (uintptr_t)&zero_aligned % 32 == 0;
    return good && zero == 0 && zeros[0] == 0 && zeros[2] == 0 && zero_aligned == 0 && errno == 0;
}

static void variables_set(unsigned char value)
{
    odd = (char)value;
    zero = zeros[0] = zeros[2] = value;
    memset(table, value, sizeof(table));
    errno = value;
}

static bool variables_are(unsigned char value)
{
    return odd == (char)value && zero == value && zeros[0] == value && zeros[2] == value &&
           zeros[1] == 0 && table[0] == value && table[TABLE_BYTES - 1] == value && errno == value;
}

static void variables(void)
{
    EXPECT(variables_begin());
    variables_set(7);
    EXPECT(variables_are(7));
    EXPECT(rt_buffer() == (struct message_buffer *)component_info()->buffer);
}

// ---- the library -------------------------------------------------------------------------------
static bool constructed;

__attribute__((constructor)) static void construct(void)
{
    constructed = true;
}

static void streams(void)
{
    char text[32];
    EXPECT(constructed);
    EXPECT(snprintf(text, sizeof(text), "%s %d %llx", "text", -5, 0xfeedfacecafell) == 20);
    EXPECT(strcmp(text, "text -5 feedfacecafe") == 0);
    EXPECT(fprintf(stderr, "component: stderr %u\n", 12u) == 21);
    errno = 0;
    EXPECT(fopen("file", "r") == NULL && errno == ENOENT);
}

#define BLOCK_BYTES 2000u
#define BLOCKS_MOST 64u

static bool in_heap(const unsigned char *block)
{
    uint64_t start = component_info()->heap, end = start + component_info()->heap_bytes;
    return (uintptr_t)block >= start && (uintptr_t)block + BLOCK_BYTES <= end;
}

static void memory_used_up(void)
{
    static unsigned char *blocks[BLOCKS_MOST];
    unsigned count = 0;
    errno = 0;
    while (count < BLOCKS_MOST && (blocks[count] = malloc(BLOCK_BYTES)) != NULL) {
        memset(blocks[count], (int)count, BLOCK_BYTES);
        count++;
    }
    EXPECT(errno == ENOMEM && count < BLOCKS_MOST);
    EXPECT(count > component_info()->heap_bytes / 10 * 9 / BLOCK_BYTES);
    for (unsigned i = 0; i < count; i++) {
        EXPECT(in_heap(blocks[i]) && blocks[i][0] == i && blocks[i][BLOCK_BYTES - 1] == i);
        free(blocks[i]);
    }
}

// What was given back is there again.
static void memory(void)
{
    memory_used_up();
    memory_used_up();
}

#define SECOND 1000000000ll
#define PAUSE  5000000ll

static int64_t nanoseconds(clockid_t clock)
{
    struct timespec now = {};
    EXPECT(clock_gettime(clock, &now) == 0);
    return now.tv_sec * SECOND + now.tv_nsec;
}

static void pause(int64_t time)
{
    const struct component_grant *timer = component_need(GRANT_TIMER, "pause");
    uint64_t ticks = rt_ticks((uint64_t)time, component_info()->clock_hz);
    rt_ignore(timer_arm(timer->slot, rt_clock() + ticks));
    struct notification_result got;
    do {
        got = notification_wait(COMPONENT_SLOT_NOTIFICATION);
    } while (rt_ok(got.status) && !(got.word & timer->badge));
}

static void time_passes(void)
{
    int64_t before = nanoseconds(CLOCK_MONOTONIC);
    pause(PAUSE);
    int64_t passed = nanoseconds(CLOCK_MONOTONIC) - before;
    EXPECT(passed >= PAUSE && passed < 20 * SECOND);
    EXPECT(before < 600 * SECOND);  // since the system was started
}

// ---- two threads -------------------------------------------------------------------------------
// The second thread, which lib/svc has where a component uses deadlines, is this program's own.  It
// is the more important one.
static struct rt_mutex mutex;
static atomic_uint watch_step;
static bool watch_variables, watch_memory;

enum watch_steps {
    WATCH_BEGUN = 1,
    WATCH_LOCKED,
    WATCH_UNLOCKED
};

void component_watch(void)
{
    cap_t slots = component_need(GRANT_WATCH, NULL)->slot;
    watch_variables = variables_begin();
    variables_set(9);
    atomic_store(&watch_step, WATCH_BEGUN);
    rt_mutex_lock(&mutex);
    atomic_store(&watch_step, WATCH_LOCKED);
    void *block = malloc(100);
    watch_memory = block != NULL;
    free(block);
    uint64_t ticks = rt_ticks(PAUSE, component_info()->clock_hz);
    rt_ignore(timer_arm(slots + WATCH_TIMER, rt_clock() + ticks));
    rt_ignore(notification_wait(slots + WATCH_NOTIFICATION).status);
    watch_variables = watch_variables && variables_are(9);
    atomic_store(&watch_step, WATCH_UNLOCKED);
    rt_mutex_unlock(&mutex);
    for (;;) {
        rt_ignore(notification_wait(slots + WATCH_NOTIFICATION).status);
    }
}

static void watch_await(unsigned step)
{
    while (atomic_load(&watch_step) < step) {
        pause(PAUSE / 10);
    }
}

// First the second thread waits for the first, as long as this has budget; then the other way
// round.
static void threads_wait(void)
{
    cap_t slots = component_need(GRANT_WATCH, NULL)->slot;
    variables_set(5);
    rt_mutex_lock(&mutex);
    EXPECT(rt_ok(thread_resume(slots + WATCH_THREAD)));
    watch_await(WATCH_BEGUN);
    pause(2 * PAUSE);
    EXPECT(atomic_load(&watch_step) == WATCH_BEGUN);
    rt_mutex_unlock(&mutex);
    watch_await(WATCH_LOCKED);
    rt_mutex_lock(&mutex);
    EXPECT(atomic_load(&watch_step) == WATCH_UNLOCKED);
    rt_mutex_unlock(&mutex);
    EXPECT(watch_variables && watch_memory && variables_are(5));
}

// ---- all of it ---------------------------------------------------------------------------------
#define CHECK(name) \
 {                  \
#  name, name       \
 }

static const struct {
    const char *name;
    void (*run)(void);
} checks[] = {
    CHECK(variables),   CHECK(streams),      CHECK(memory),
    CHECK(time_passes), CHECK(threads_wait), CHECK(component_floating),
};

int component_main(const struct component_info *info)
{
    (void)info;
    unsigned failed = 0;
    libc_output_set(port_write);
    for (unsigned i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        component_failures = 0;
        checks[i].run();
        failed += component_failures != 0;
        if (!component_failures) {
            (void)printf("ok %s\n", checks[i].name);
        }
    }
    (void)printf("SUMMARY checks %u failed %u\n", (unsigned)(sizeof(checks) / sizeof(checks[0])),
                 failed);
    struct system_power_args power = { failed != 0 };
    return (int)system_power(component_need(GRANT_CALL, "system")->slot, &power);
}
