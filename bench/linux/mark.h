// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Marks for a counter that watches from outside (bench/linux/plugin): instructions that do nothing
// and cost nothing but themselves, found by their bytes wherever a program is loaded.
#ifndef BENCH_LINUX_MARK_H
#define BENCH_LINUX_MARK_H

// NOPL with a displacement: "PIT" and what it stands for.
#define MARK(LETTER) __asm__ volatile(".byte 0x0f, 0x1f, 0x80, 'P', 'I', 'T', " LETTER ::: "memory")

// Counting of a sample begins behind this, and ends before the other.
static inline void mark_begin(void)
{
    MARK("'<'");
}

static inline void mark_end(void)
{
    MARK("'>'");
}

#endif
