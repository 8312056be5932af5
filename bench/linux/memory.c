// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Mapped memory, page by page.
#include "bench.h"

#include <sys/mman.h>

#include <stddef.h>

#define AREA (16 * PAGE)

static int file;
static char *area;

static void *mapped(int prot, int flags, int of)
{
    void *at = mmap(NULL, FILE_BYTES, prot, flags, of, 0);
    bench_need("mmap", (long)at);
    return at;
}

// Without huge pages: what is measured is a fault.
static void anonymous_map(void)
{
    area = mapped(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    NEED(madvise(area, FILE_BYTES, MADV_NOHUGEPAGE));
}

static void file_open(void)
{
    file = bench_file();
}

static void file_map(void)
{
    area = mapped(PROT_READ, MAP_SHARED, file);
}

static void area_unmap(void)
{
    NEED(munmap(area, FILE_BYTES));
}

static void write_run(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        *(volatile char *)(area + i * PAGE) = 1;
    }
}

static void read_run(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        (void)*(volatile char *)(area + i * PAGE);
    }
}

static void map_run(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        void *at = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        NEED(munmap(at, AREA));
    }
}

ROW(anonymous_fault, .operations = PAGES, .before = anonymous_map, .run = write_run,
    .after = area_unmap);
ROW(file_fault, .operations = PAGES, .prepare = file_open, .before = file_map, .run = read_run,
    .after = area_unmap);
ROW(mmap_munmap, .operations = 500, .run = map_run);
