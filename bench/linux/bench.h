// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the rows of this program are made of.  It runs unchanged on Linux and on Pith.
//
//     linux_bench             runs every row, each in a process that has executed anew
//     linux_bench ROW...      runs these, likewise
//     linux_bench --row ROW   runs one in the process itself, where the file is there already
//     linux_bench --run PROGRAM ARGUMENT...    runs a program: a sample, and `TOOK nanoseconds`
//     linux_bench --prompt    ends the sample that began with the kernel where a shell asks for a
//                             command
//
// Each row runs once to warm up and then ROUNDS times between two marks (mark.h), and says so on
// standard output: `ROW name operations rounds`.  What one operation costs is for whoever counts to
// find out.
#ifndef BENCH_LINUX_BENCH_H
#define BENCH_LINUX_BENCH_H

#define ROUNDS     11
#define FILE_PATH  "/tmp/linux-bench"  // of a file of FILE_BYTES, which is there for every row
#define PAGE       4096ul
#define PAGES      1024u
#define FILE_BYTES (PAGES * PAGE)

struct bench_row {
    const char *name;
    unsigned operations;    // of one round
    void (*prepare)(void);  // once; NULL: nothing
    void (*before)(void);   // each round, not counted; NULL: nothing
    void (*run)(unsigned operations);
    void (*after)(void);  // each round, not counted; NULL: nothing
};

// ROW(NAME, .operations = 1000, .run = function)
#define ROW(NAME, ...)                                                      \
 static const struct bench_row row_##NAME = { .name = #NAME, __VA_ARGS__ }; \
 static const struct bench_row *const pointer_##NAME                        \
     __attribute__((used, section("bench_rows"))) = &row_##NAME

// Ends the program with a message where a call failed; its result otherwise.
long bench_need(const char *what, long result);
#define NEED(CALL) bench_need(#CALL, (long)(CALL))

// The status of `--prompt`.
int prompt_run(void);

// The file of FILE_PATH, open for reading and writing.
int bench_file(void);

#endif
