// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Named checks of a root task: each prints "ok NAME" or "FAIL NAME FILE:LINE WHY", the end a line
// "SUMMARY checks N failed M".  Used by the test programs beside this directory.
#pragma once

#include <rt/syscall.h>

#include <gen/rt_stubs.h>

struct check {
    const char *name;
    void (*run)(void);
};

#define CHECK(function)  \
 {                       \
#  function, &(function) \
 }

// Run the checks whose names contain the value of the word "test=" on the command line; after each
// the kernel's invariants are checked where the kernel can do that.
void check_run(const struct root_info *info, const struct check *checks, unsigned count);
// Print the last line; true: all went well.
bool check_summary(void);

// A failure of the check that runs; it goes on.
__attribute__((format(printf, 2, 3))) void check_fail(const char *where, const char *format, ...);

void check_true(bool fact, const char *where, const char *text);
void check_equal(uint64_t value, uint64_t wanted, const char *where, const char *text);
void check_status(struct rt_status status, struct rt_status wanted, const char *where,
                  const char *text);

// Does the command line have this word?
bool check_word(const struct root_info *info, const char *word);
// The number that follows this word there, "seconds=" say; 0: none.
uint64_t check_number(const struct root_info *info, const char *word);

#define CHECK_TEXT2(x) #x
#define CHECK_TEXT(x)  CHECK_TEXT2(x)
#define CHECK_HERE     __FILE__ ":" CHECK_TEXT(__LINE__)

#define EXPECT(fact)                check_true(fact, CHECK_HERE, #fact)
#define EXPECT_EQUAL(value, wanted) check_equal(value, wanted, CHECK_HERE, #value)
#define EXPECT_OK(status)           check_status(status, RT_OK, CHECK_HERE, #status)
#define EXPECT_ERROR(status, error, argument) \
 check_status(status, rt_refuse(error, argument), CHECK_HERE, #status)
