// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Running tests and keeping the record.  Hits may come from any thread, one at a time; all printing
// is done by the first thread between tests or on a failure.
#include "test.h"

#include <rt/string.h>

#include <gen/abi_names.h>

#define MAX_HITS 1024

static struct hit {
    subject_t subject;
    uint16_t answer;
    bool printed;
} hits[MAX_HITS];
static unsigned hit_count;
static unsigned run_count, failed_count, failures;
static const char *current_group, *current_test;

static const char *subject_name(subject_t subject)
{
    return subject < 0x100 ? abi_syscall_name(subject) : abi_op_name(subject);
}

static const struct hit *hit_find(subject_t subject, uint64_t answer)
{
    for (unsigned i = 0; i < hit_count; i++) {
        if (hits[i].subject == subject && hits[i].answer == answer) {
            return &hits[i];
        }
    }
    return NULL;
}

void test_hit(subject_t subject, struct rt_status status)
{
    if (rt_ok(status) || hit_count == MAX_HITS || hit_find(subject, status.word)) {
        return;
    }
    hits[hit_count++] = (struct hit){ subject, (uint16_t)status.word, false };
}

bool test_was_hit(subject_t subject, enum rt_error error, unsigned argument)
{
    return hit_find(subject, rt_refuse(error, argument).word) != NULL;
}

static void hits_print(void)
{
    for (unsigned i = 0; i < hit_count; i++) {
        struct hit *hit = &hits[i];
        if (!hit->printed) {
            rt_print("HIT %s %s %u in %s.%s\n", subject_name(hit->subject),
                     abi_error_name(status_error(hit->answer)), status_argument(hit->answer),
                     current_group, current_test);
        }
        hit->printed = true;
    }
}

static void fail_begin(const char *where)
{
    failures++;
    rt_print("FAIL %s.%s %s: ", current_group, current_test, where);
}

void test_check(bool fact, const char *where, const char *text)
{
    if (fact) {
        return;
    }
    fail_begin(where);
    rt_print("not so: %s\n", text);
}

void test_check_equal(uint64_t value, uint64_t wanted, const char *where, const char *text)
{
    if (value == wanted) {
        return;
    }
    fail_begin(where);
    rt_print("%s is 0x%lx, not 0x%lx\n", text, value, wanted);
}

static void status_print(struct rt_status status)
{
    rt_print("%s %u", abi_error_name(rt_error(status)), rt_blamed(status));
}

void test_check_ok(struct rt_status status, const char *where, const char *text)
{
    if (rt_ok(status)) {
        return;
    }
    fail_begin(where);
    status_print(status);
    rt_print(" from %s\n", text);
}

void test_check_error(subject_t subject, struct rt_status status, struct rt_status wanted,
                      const char *where)
{
    test_hit(subject, status);
    if (status.word == wanted.word) {
        return;
    }
    fail_begin(where);
    rt_print("%s answered ", subject_name(subject));
    status_print(status);
    rt_print(", not ");
    status_print(wanted);
    rt_print("\n");
}

static bool name_wanted(const char *wanted)
{
    char name[96];
    rt_format(name, sizeof(name), "%s.%s", current_group, current_test);
    size_t length = strlen(wanted);
    for (const char *at = name; *at; at++) {
        if (strncmp(at, wanted, length) == 0) {
            return true;
        }
    }
    return length == 0;
}

void test_group_run(const struct test_group *group, const char *wanted)
{
    current_group = group->name;
    for (unsigned i = 0; i < group->count; i++) {
        unsigned before = failures;
        current_test = group->tests[i].name;
        if (!name_wanted(wanted)) {
            continue;
        }
        group->tests[i].run();
        rt_ignore(rt_debug_check());  // a release kernel has none; a debug kernel panics
        run_count++;
        hits_print();
        if (failures == before) {
            rt_print("ok %s.%s\n", group->name, group->tests[i].name);
        } else {
            failed_count++;
        }
    }
}

bool test_summary(void)
{
    rt_print("SUMMARY tests %u failed %u hits %u\n", run_count, failed_count, hit_count);
    return failed_count == 0;
}
