// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A program that ends by a fault three calls deep, for a debugger.
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <stdio.h>
#include <stdlib.h>

struct item {
    int number;
    const char *name;
    struct item *next;
};

static int steps;
volatile int wait_for_debugger = 1;

static int item_length(const struct item *item)
{
    steps++;
    return (int)strlen(item->name) + *(volatile int *)&item->next->number;
}

static int list_length(const struct item *first, int depth)
{
    int sum = depth * 10;
    for (const struct item *at = first; at; at = at->next) {
        sum += item_length(at);
    }
    return sum;
}

int main(int argc, char **argv)
{
    struct item second = { 2, "second", NULL };
    struct item first = { 1, "first", &second };
    if (argc > 1 && strcmp(argv[1], "wait") == 0) {
        for (int turn = 0; wait_for_debugger; turn++) {
            usleep(10000);
        }
        puts("let go");
        return 4;
    }
    if (argc > 1) {
        raise(SIGUSR1);
    }
    puts("before");
    fflush(stdout);
    return list_length(&first, 4);
}
