// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// vdso(7): the shared object that the kernel puts into each process, found as a C library finds it,
// and what it tells beside what the calls do.
#include "check.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#define SECOND 1000000000l

static const char *base;
static const Elf64_Sym *symbols;
static const char *strings;
static const Elf64_Half *versions;
static const Elf64_Verdef *definitions;
static const Elf64_Word *hash;

static const void *at(uint64_t offset)
{
    return base + offset;
}

static void dynamic_read(const Elf64_Dyn *dynamic)
{
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        switch (dynamic->d_tag) {
        case DT_SYMTAB: symbols = at(dynamic->d_un.d_ptr); break;
        case DT_STRTAB: strings = at(dynamic->d_un.d_ptr); break;
        case DT_VERSYM: versions = at(dynamic->d_un.d_ptr); break;
        case DT_VERDEF: definitions = at(dynamic->d_un.d_ptr); break;
        case DT_HASH: hash = at(dynamic->d_un.d_ptr); break;
        default: break;
        }
    }
}

// False: there is none, or a C library would not use it.
static bool object_read(void)
{
    base = (const char *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
    const Elf64_Ehdr *header = (const void *)base;
    if (!base || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_type != ET_DYN) {
        return false;
    }
    const Elf64_Phdr *programs = at(header->e_phoff);
    for (int i = 0; i < header->e_phnum; i++) {
        if (programs[i].p_type == PT_DYNAMIC) {
            dynamic_read(at(programs[i].p_offset));
        }
    }
    return symbols && strings && versions && definitions && hash;
}

static bool version_is(unsigned number, const char *name)
{
    const Elf64_Verdef *definition = definitions;
    while ((definition->vd_ndx & 0x7fff) != (number & 0x7fff)) {
        if (!definition->vd_next) {
            return false;
        }
        definition = (const void *)((const char *)definition + definition->vd_next);
    }
    const Elf64_Verdaux *says = (const void *)((const char *)definition + definition->vd_aux);
    return !strcmp(strings + says->vda_name, name);
}

static uintptr_t function(const char *name)
{
    for (unsigned i = 0; i < hash[1]; i++) {
        if (ELF64_ST_TYPE(symbols[i].st_info) == STT_FUNC && symbols[i].st_shndx != SHN_UNDEF &&
            !strcmp(strings + symbols[i].st_name, name) && version_is(versions[i], "LINUX_2.6")) {
            return (uintptr_t)at(symbols[i].st_value);
        }
    }
    check_true(name, false);
    exit(1);
}

typedef int clock_function(clockid_t, struct timespec *);

static long nanoseconds(const struct timespec *time)
{
    return time->tv_sec * SECOND + time->tv_nsec;
}

CASE(found)
{
    CHECK_TRUE(object_read());
    CHECK_TRUE((uintptr_t)base % 4096 == 0);
    const Elf64_Ehdr *header = (const void *)base;
    const Elf64_Phdr *programs = at(header->e_phoff);
    int loads = 0;
    for (int i = 0; i < header->e_phnum; i++) {
        loads += programs[i].p_type == PT_LOAD;
        CHECK_TRUE(programs[i].p_type != PT_LOAD || programs[i].p_flags == (PF_R | PF_X));
    }
    CHECK(loads, 1);
}

static const clockid_t clocks[] = {
    CLOCK_REALTIME,         CLOCK_MONOTONIC,       CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW,
    CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME_COARSE, CLOCK_TAI
};

// Neither the object nor the call is ever behind what the other has said before.
CASE(never_backwards)
{
    NEED(object_read() ? 0 : -1);
    clock_function *get = (clock_function *)function("__vdso_clock_gettime");
    for (unsigned i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
        struct timespec time = { 0, 0 };
        long last = 0;
        bool good = true;
        for (int turn = 0; turn < 2000; turn++) {
            time.tv_nsec = -1;
            long result = turn & 1 ? SYS(clock_gettime, clocks[i], &time) : get(clocks[i], &time);
            good = good && result == 0 && time.tv_nsec >= 0 && time.tv_nsec < SECOND &&
                   nanoseconds(&time) >= last;
            last = nanoseconds(&time);
        }
        CHECK_TRUE(good);
    }
}

CASE(time_passes)
{
    NEED(object_read() ? 0 : -1);
    clock_function *get = (clock_function *)function("__vdso_clock_gettime");
    struct timespec times[2];
    for (unsigned i = 0; i < 4; i++) {
        CHECK(get(clocks[i], &times[0]), 0);
        check_sleep(30);
        CHECK(get(clocks[i], &times[1]), 0);
        long passed = nanoseconds(&times[1]) - nanoseconds(&times[0]);
        CHECK_TRUE(passed >= 29000000 && passed < 20 * SECOND);
    }
}

CASE(other_clocks)
{
    NEED(object_read() ? 0 : -1);
    clock_function *get = (clock_function *)function("__vdso_clock_gettime");
    struct timespec time = { -1, -1 };
    CHECK(get(CLOCK_PROCESS_CPUTIME_ID, &time), 0);
    CHECK_TRUE(time.tv_sec >= 0 && time.tv_sec < 100 && time.tv_nsec >= 0);
    CHECK(get(CLOCK_THREAD_CPUTIME_ID, &time), 0);
    CHECK(get(77, &time), -EINVAL);
    CHECK(get(-1, &time), -EINVAL);
    CHECK(get(CLOCK_PROCESS_CPUTIME_ID, BAD), -EFAULT);
}

CASE(resolution)
{
    NEED(object_read() ? 0 : -1);
    clock_function *resolution = (clock_function *)function("__vdso_clock_getres");
    for (unsigned i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
        struct timespec here = { -1, -1 }, there = { -2, -2 };
        CHECK(resolution(clocks[i], &here), 0);
        CHECK(SYS(clock_getres, clocks[i], &there), 0);
        CHECK_TRUE(here.tv_sec == there.tv_sec && here.tv_nsec == there.tv_nsec);
    }
    CHECK(resolution(CLOCK_MONOTONIC, NULL), 0);
    CHECK(resolution(77, NULL), -EINVAL);
}

CASE(time_of_day)
{
    NEED(object_read() ? 0 : -1);
    int (*day)(struct timeval *,
               void *) = (int (*)(struct timeval *, void *))function("__vdso_gettimeofday");
    time_t (*seconds)(time_t *) = (time_t(*)(time_t *))function("__vdso_time");
    struct timespec before, after;
    struct timeval time = { -1, -1 };
    NEED(SYS(clock_gettime, CLOCK_REALTIME, &before));
    CHECK(day(&time, NULL), 0);
    NEED(SYS(clock_gettime, CLOCK_REALTIME, &after));
    CHECK_TRUE(time.tv_usec >= 0 && time.tv_usec < 1000000);
    long now = time.tv_sec * 1000000 + time.tv_usec;
    CHECK_TRUE(nanoseconds(&before) / 1000 <= now && now <= nanoseconds(&after) / 1000);
    time_t kept = 0, got = seconds(&kept);
    CHECK_TRUE(got == kept && got >= before.tv_sec && got <= after.tv_sec + 20);
    CHECK_TRUE(seconds(NULL) >= got);
    CHECK(day(NULL, NULL), 0);
    int zone[2] = { -1, -1 };
    CHECK(day(NULL, zone), 0);
    CHECK_TRUE(zone[0] != -1 && zone[1] != -1);
}

CASE(processor)
{
    NEED(object_read() ? 0 : -1);
    long (*get)(unsigned *, unsigned *,
                void *) = (long (*)(unsigned *, unsigned *, void *))function("__vdso_getcpu");
    unsigned cpu = ~0u, node = ~0u;
    CHECK(get(&cpu, &node, NULL), 0);
    CHECK_TRUE(cpu < 4096 && node < 4096);
    CHECK(get(NULL, NULL, NULL), 0);
}

// A line of /proc/self/maps by its name; false: there is none.
static bool map_find(const char *name, char *line, int bytes, unsigned long *start)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    bool found = false;
    while (maps && !found && fgets(line, bytes, maps)) {
        found = strstr(line, name) && sscanf(line, "%lx-", start) == 1;
    }
    if (maps) {
        fclose(maps);
    }
    return found;
}

CASE(maps)
{
    NEED(object_read() ? 0 : -1);
    char line[256];
    unsigned long start = 0;
    CHECK_TRUE(map_find("[vdso]\n", line, sizeof(line), &start));
    CHECK_TRUE(start == (uintptr_t)base);
    CHECK_TRUE(strstr(line, " r-xp 00000000 00:00 0 ") != NULL);
    CHECK_TRUE(map_find("[vvar]\n", line, sizeof(line), &start));
    CHECK_TRUE(strstr(line, " r--p 00000000 00:00 0 ") != NULL);
}

static char *forbidden;

static void write_there(void)
{
    *(volatile char *)forbidden = 1;
}

CASE(read_only)
{
    NEED(object_read() ? 0 : -1);
    char line[256];
    unsigned long start = 0;
    forbidden = (char *)(uintptr_t)base;
    CHECK(check_status(write_there), SIGSEGV);
    NEED(map_find("[vvar]\n", line, sizeof(line), &start) ? 0 : -1);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an address as text
    forbidden = (char *)start;
    CHECK(check_status(write_there), SIGSEGV);
    CHECK(mprotect(forbidden, 4096, PROT_READ | PROT_WRITE), -EACCES);
}

CASE(elsewhere_each_time)
{
    NEED(object_read() ? 0 : -1);
    uintptr_t places[4];
    bool other = false;
    for (int i = 0; i < 4; i++) {
        int ends[2];
        NEED(pipe(ends));
        if (NEED(fork()) == 0) {
            dup2(ends[1], 1);
            execl(check_program, check_program, "--helper", "place", NULL);
            _exit(1);
        }
        CHECK(read(ends[0], &places[i], sizeof(places[i])), sizeof(places[i]));
        wait(NULL);
        other = other || places[i] != places[0];
    }
    CHECK_TRUE(other);
}

HELPER(place)
{
    (void)argc;
    (void)argv;
    uintptr_t place = getauxval(AT_SYSINFO_EHDR);
    return write(1, &place, sizeof(place)) != sizeof(place);
}

// What a debugger writes there is seen by its process alone.
CASE(debugger)
{
    NEED(object_read() ? 0 : -1);
    void *place = (void *)(uintptr_t)base;
    pid_t child = NEED(fork());
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(base[0]);
    }
    int status = 0;
    NEED(waitpid(child, &status, 0));
    errno = 0;
    long word = ptrace(PTRACE_PEEKDATA, child, place, NULL);
    CHECK(errno, 0);
    CHECK((int)word, *(const int *)(const void *)base);
    CHECK(ptrace(PTRACE_POKEDATA, child, place, (void *)((word & ~0xffl) | 42)), 0);
    CHECK(base[0], ELFMAG0);
    CHECK(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
    NEED(waitpid(child, &status, 0));
    CHECK(status, 42 << 8);
    CHECK(base[0], ELFMAG0);
}

CASE(in_children)
{
    NEED(object_read() ? 0 : -1);
    clock_function *get = (clock_function *)function("__vdso_clock_gettime");
    IN_CHILD
    {
        struct timespec time[2];
        CHECK(get(CLOCK_MONOTONIC, &time[0]), 0);
        CHECK(SYS(clock_gettime, CLOCK_MONOTONIC, &time[1]), 0);
        CHECK_TRUE(nanoseconds(&time[0]) <= nanoseconds(&time[1]));
    }
}
