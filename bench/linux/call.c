// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Calls that neither wait nor make anything.
#include "bench.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SELECTED 100

static int file;
static char block[PAGE];

static void file_open(void)
{
    file = bench_file();
}

static void file_rewind(void)
{
    NEED(lseek(file, 0, SEEK_SET));
}

static void null_run(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        syscall(SYS_getppid);
    }
}

static void read1_run(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        NEED(read(file, block, 1));
    }
}

static void read4k_run(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        NEED(read(file, block, sizeof(block)));
    }
}

static void write4k_run(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        NEED(write(file, block, sizeof(block)));
    }
}

static void open_run(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        NEED(close((int)NEED(open(FILE_PATH, O_RDONLY))));
    }
}

static void stat_run(unsigned operations)
{
    struct stat status;
    for (unsigned i = 0; i < operations; i++) {
        NEED(stat(FILE_PATH, &status));
    }
}

static void fstat_run(unsigned operations)
{
    struct stat status;
    for (unsigned i = 0; i < operations; i++) {
        NEED(fstat(file, &status));
    }
}

static fd_set selected;

static void select_prepare(void)
{
    FD_ZERO(&selected);
    for (unsigned i = 0; i < SELECTED; i++) {
        int ends[2];
        NEED(pipe(ends));
        NEED(dup2(ends[0], (int)(300 + i)));
        NEED(close(ends[0]));
        FD_SET((int)(300 + i), &selected);
    }
}

static void select_run(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        fd_set asked = selected;
        struct timeval none = { 0, 0 };
        NEED(select(300 + SELECTED, &asked, NULL, NULL, &none));
    }
}

static void create_run(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        NEED(close((int)NEED(open("/tmp/linux-bench-new", O_WRONLY | O_CREAT | O_EXCL, 0600))));
        NEED(unlink("/tmp/linux-bench-new"));
    }
}

ROW(null, .operations = 2000, .run = null_run);
ROW(read_1, .operations = 1000, .prepare = file_open, .before = file_rewind, .run = read1_run);
ROW(read_4k, .operations = PAGES, .prepare = file_open, .before = file_rewind, .run = read4k_run);
ROW(write_4k, .operations = PAGES, .prepare = file_open, .before = file_rewind, .run = write4k_run);
ROW(open_close, .operations = 500, .run = open_run);
ROW(stat, .operations = 1000, .run = stat_run);
ROW(fstat, .operations = 1000, .prepare = file_open, .run = fstat_run);
ROW(select_100, .operations = 200, .prepare = select_prepare, .run = select_run);
ROW(create_delete, .operations = 500, .run = create_run);
