// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the process that judges sees and does.
#include "hostile.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK   4000000  // nanoseconds
#define ENDS   2000     // looks until all have to be gone
#define SPREAD 48       // KiB: a page of each size of objects may hold one that was there before

void judge_say(const char *format, ...)
{
    char line[120];
    va_list numbers;
    va_start(numbers, format);
    int length = vsnprintf(line, sizeof(line), format, numbers);
    va_end(numbers);
    (void)!write(STDOUT_FILENO, line, (size_t)length);
}

bool judge_is_pith(void)
{
    struct utsname name;
    return uname(&name) == 0 && strstr(name.version, "Pith") != NULL;
}

void judge_pause(void)
{
    const struct timespec time = { 0, LOOK };
    (void)nanosleep(&time, NULL);
}

unsigned judge_processes(void)
{
    unsigned count = 0;
    DIR *all = opendir("/proc");
    if (!all) {
        return 0;
    }
    for (struct dirent *at = readdir(all); at; at = readdir(all)) {
        count += at->d_name[0] >= '1' && at->d_name[0] <= '9';
    }
    (void)closedir(all);
    return count;
}

bool judge_all_end(unsigned wanted)
{
    for (unsigned i = 0; i < ENDS; i++) {
        (void)kill(-1, SIGKILL);
        while (waitpid(-1, NULL, WNOHANG | __WALL) > 0) {}
        if (judge_processes() == wanted) {
            return true;
        }
        judge_pause();
    }
    judge_say("WRONG: %u processes do not end\n", judge_processes() - wanted);
    return false;
}

unsigned long judge_memory_free(void)
{
    char text[400] = "";
    int fd = open("/proc/meminfo", O_RDONLY);
    ssize_t bytes = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    const char *at = bytes > 0 ? strstr(text, "MemFree:") : NULL;
    return at ? strtoul(at + 8, NULL, 10) : 0;
}

bool judge_memory_same(unsigned long before, unsigned long after)
{
    if (after + SPREAD >= before && before + SPREAD >= after) {
        return true;
    }
    judge_say("WRONG: %lu KiB were free and %lu are\n", before, after);
    return false;
}
