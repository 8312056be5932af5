// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
#include <stdio.h>
#include <libc/libc.h>
#include <rt/start.h>
static char heap[65536];
int main(const struct root_info *info)
{
    (void)info;
    libc_start(heap, sizeof(heap));
    printf("hello %d %s\n", 42, "world");
    fflush(stdout);
    return 0;
}
