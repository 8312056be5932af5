// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the programs of this directory are made of.  Each is an ordinary Linux program, a list of
// cases about one noun of the Linux system calls, that prints the same under Linux and under the
// personality server.  It relies on nothing but the calls: no process, time, address or inode
// number is printed, only how they relate.
//
//     PROGRAM              runs every case, each in a child and an empty directory of its own
//     PROGRAM CASE...      runs these
//     PROGRAM --list       prints their names
//     --no-fork            (before them) runs cases in the program itself, one after the other
//
// Its exit status is the number of wrong observations, at most CHECK_MOST.
#ifndef TESTS_LINUX_CHECK_H
#define TESTS_LINUX_CHECK_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK_MOST    100
#define CHECK_SECONDS 20
#define CHECK_NOBODY  65534

struct check_case {
    const char *name;
    const char *file;
    int line;
    void (*run)(void);
};

struct check_helper {
    const char *name;
    int (*run)(int argc, char **argv);
};

// A case: CASE(read_empty) { ... }.  Its name in the output is read-empty.
#define CASE(NAME)                                                                         \
 static void case_##NAME(void);                                                            \
 static const struct check_case about_##NAME = { #NAME, __FILE__, __LINE__, case_##NAME }; \
 static const struct check_case *const pointer_##NAME                                      \
     __attribute__((used, section("check_cases"))) = &about_##NAME;                        \
 static void case_##NAME(void)

// What the program does as `PROGRAM --helper NAME ...`, for cases that execute it.
// argv[0] is NAME; the result is the exit status.
#define HELPER(NAME)                                                      \
 static int help_##NAME(int argc, char **argv);                           \
 static const struct check_helper helper_##NAME = { #NAME, help_##NAME }; \
 static const struct check_helper *const helper_pointer_##NAME            \
     __attribute__((used, section("check_helpers"))) = &helper_##NAME;    \
 static int help_##NAME(int argc, char **argv)

// One observation: what an expression gives, -ERRNO if it gives -1 and sets errno.
#define CHECK(EXPRESSION, WANTED)                                    \
 do {                                                                \
  errno = 0;                                                         \
  long check_got = (long)(EXPRESSION);                               \
  check_value(#EXPRESSION, check_result(check_got), (long)(WANTED)); \
 } while (0)

// One observation: a relation holds.
#define CHECK_TRUE(...) check_true(#__VA_ARGS__, (__VA_ARGS__))

// One observation: two strings are equal.
#define CHECK_TEXT(EXPRESSION, WANTED) check_text(#EXPRESSION, (EXPRESSION), (WANTED))

// Not an observation, but nothing after it makes sense without: the case ends if it gives -1.
#define NEED(EXPRESSION)        check_need(#EXPRESSION, (long)(EXPRESSION))
#define NEED_MEMORY(EXPRESSION) check_need_memory(#EXPRESSION, (EXPRESSION))

// A block that a child executes; its observations count.  The caller waits for it.
#define IN_CHILD CHECK_BLOCK(check_child(), __COUNTER__)

// The same, without any privilege.
#define AS_NOBODY CHECK_BLOCK(check_child_nobody(), __COUNTER__)

// A block that a child executes, whose last call waits until a signal interrupts it.
#define INTERRUPTED CHECK_BLOCK(check_child_interrupted(), __COUNTER__)

#define CHECK_BLOCK(START, NUMBER) CHECK_BLOCK_AS(START, NUMBER)
#define CHECK_BLOCK_AS(START, NUMBER) \
 for (bool check_in_##NUMBER = START; check_in_##NUMBER; check_in_##NUMBER = false, check_exit())

// The call as the kernel sees it, where the C library would get in the way.
#define SYS(NAME, ...) syscall(SYS_##NAME, ##__VA_ARGS__)

// An address at which nothing is mapped.
#define BAD ((void *)8ul)

extern char check_program[];  // absolute path of the program

long check_result(long got);
void check_value(const char *what, long got, long wanted);
void check_true(const char *what, bool good);
void check_text(const char *what, const char *got, const char *wanted);
int check_need(const char *what, long got);
void *check_need_memory(const char *what, void *got);

// A line that is the same on each run, with the case's name before it.
__attribute__((format(printf, 1, 2))) void check_say(const char *format, ...);

// fork() for a child that makes observations: it ends with check_exit(), check_join() waits for it
// and counts what was wrong there.  The caller makes none of its own while the child may.
pid_t check_fork(void);
__attribute__((noreturn)) void check_exit(void);
void check_join(pid_t child);
bool check_child(void);
bool check_child_nobody(void);
bool check_child_interrupted(void);

// The wait status of a child that has this to do and then exits with 0.
int check_status(void (*run)(void));

// Gives up every privilege for good; nothing to do for a process without.
void check_become_nobody(void);

// Whether root's powers can be observed.
bool check_is_root(void);

// A file in the current directory with this text; a descriptor for reading and writing at offset 0.
int check_file(const char *name, const char *text);

// Sleeps for so many milliseconds, signals or not.
void check_sleep(int milliseconds);

// CLOCK_MONOTONIC in milliseconds.
long check_now(void);

// Waits until the process or thread sleeps in the kernel, by /proc; so that what comes next
// finds it there.
void check_wait_asleep(pid_t thread);

#endif
