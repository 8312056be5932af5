// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The frame of the root test: tests, expectations and the record of refusals that were seen.
//
// A test is a function; a file has a table of them.  Expectations do not end a test, so that it
// always gives back what it took; REQUIRE does, for what the rest cannot go on without.
#pragma once

#include <rt/memory.h>
#include <rt/print.h>

#include <gen/rt_stubs.h>

struct test {
    const char *name;
    void (*run)(void);
};

struct test_group {
    const char *name;
    const struct test *tests;
    unsigned count;
};

#define TEST(function) \
 {                     \
#  function, function  \
 }
#define GROUP(group, ...)                                        \
 static const struct test group##_list[] = { __VA_ARGS__ };      \
 const struct test_group group##_tests = { #group, group##_list, \
                                           sizeof(group##_list) / sizeof(struct test) }

// Run the tests of a group whose names (GROUP.TEST) contain `wanted`; prints "ok NAME" or "FAIL
// NAME FILE:LINE: WHY".
void test_group_run(const struct test_group *group, const char *wanted);
// Print the totals; true where all went well.
bool test_summary(void);

// What a refusal belongs to: the label of an operation (enum op) or the number of a system call.
typedef unsigned subject_t;

void test_check(bool fact, const char *where, const char *text);
void test_check_equal(uint64_t value, uint64_t wanted, const char *where, const char *text);
void test_check_ok(struct rt_status status, const char *where, const char *text);
void test_check_error(subject_t subject, struct rt_status status, struct rt_status wanted,
                      const char *where);
// Record a refusal that was seen, from any thread.
void test_hit(subject_t subject, struct rt_status status);
bool test_was_hit(subject_t subject, enum rt_error error, unsigned argument);

#define TEST_TEXT(x)  #x
#define TEST_TEXT2(x) TEST_TEXT(x)
#define TEST_HERE     __FILE_NAME__ ":" TEST_TEXT2(__LINE__)

#define EXPECT(fact)                test_check(fact, TEST_HERE, #fact)
#define EXPECT_EQUAL(value, wanted) test_check_equal(value, wanted, TEST_HERE, #value)
#define EXPECT_OK(status)           test_check_ok(status, TEST_HERE, #status)
#define EXPECT_ERR(subject, status, error, argument) \
 test_check_error(subject, status, rt_refuse(error, argument), TEST_HERE)
#define REQUIRE(fact)                      \
 do {                                      \
  bool test_fact = (fact);                 \
  test_check(test_fact, TEST_HERE, #fact); \
  if (!test_fact)                          \
   return;                                 \
 } while (0)
