// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Runs the rows (bench.h).
#include "bench.h"

#include "mark.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

extern const struct bench_row *const rows_start[] __asm__("__start_bench_rows");
extern const struct bench_row *const rows_stop[] __asm__("__stop_bench_rows");

long bench_need(const char *what, long result)
{
    if (result == -1) {
        perror(what);
        _exit(1);
    }
    return result;
}

int bench_file(void)
{
    return (int)NEED(open(FILE_PATH, O_RDWR));
}

static void file_make(void)
{
    static char page[PAGE];
    memset(page, 'x', sizeof(page));
    int file = (int)NEED(open(FILE_PATH, O_RDWR | O_CREAT | O_TRUNC, 0644));
    for (unsigned i = 0; i < PAGES; i++) {
        NEED(write(file, page, sizeof(page)));
    }
    NEED(close(file));
}

static void call(void (*function)(void))
{
    if (function) {
        function();
    }
}

static void row_round(const struct bench_row *row, bool counted)
{
    call(row->before);
    if (counted) {
        mark_begin();
        row->run(row->operations);
        mark_end();
    } else {
        row->run(row->operations);
    }
    call(row->after);
}

static void row_run(const struct bench_row *row)
{
    call(row->prepare);
    row_round(row, false);
    for (unsigned i = 0; i < ROUNDS; i++) {
        row_round(row, true);
    }
    printf("ROW %s %u %u\n", row->name, row->operations, ROUNDS);
    fflush(stdout);
}

static int status_of(pid_t child)
{
    int status = 0;
    NEED(waitpid(child, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const struct bench_row *row_find(const char *name)
{
    const struct bench_row *const *row = rows_start;
    while (row < rows_stop && strcmp((*row)->name, name) != 0) {
        row++;
    }
    if (row == rows_stop) {
        fprintf(stderr, "there is no row %s\n", name);
        _exit(2);
    }
    return *row;
}

// In a process that has executed anew, so that no row finds what others leave behind.
static int row_spawn(const struct bench_row *row)
{
    pid_t child = (pid_t)NEED(fork());
    if (child == 0) {
        execl("/proc/self/exe", "linux_bench", "--row", row->name, (char *)NULL);
        _exit(127);
    }
    int status = status_of(child);
    if (status != 0) {
        fprintf(stderr, "row %s: status %d\n", row->name, status);
    }
    return status;
}

static int rows_all(void)
{
    int status = 0;
    for (const struct bench_row *const *row = rows_start; row < rows_stop && status == 0; row++) {
        status = row_spawn(*row);
    }
    return status;
}

static int rows_named(char **names)
{
    int status = 0;
    for (; *names && status == 0; names++) {
        status = row_spawn(row_find(*names));
    }
    return status;
}

static uint64_t nanoseconds(void)
{
    struct timespec now;
    NEED(clock_gettime(CLOCK_MONOTONIC, &now));
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int program_run(char **words)
{
    uint64_t began = nanoseconds();
    mark_begin();
    pid_t child = (pid_t)NEED(fork());
    if (child == 0) {
        execvp(words[0], words);
        _exit(127);
    }
    int status = status_of(child);
    mark_end();
    printf("TOOK %lu\n", nanoseconds() - began);
    return status;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--run") == 0) {
        return program_run(argv + 2);
    }
    if (argc == 2 && strcmp(argv[1], "--prompt") == 0) {
        return prompt_run();
    }
    if (argc == 2 && strcmp(argv[1], "--nothing") == 0) {  // what the row of exec executes
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "--row") == 0) {
        row_run(row_find(argv[2]));
        return 0;
    }
    file_make();
    return argc > 1 ? rows_named(argv + 1) : rows_all();
}
