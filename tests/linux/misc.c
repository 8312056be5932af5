// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What fits nowhere else: uname(2), sysinfo(2), getrandom(2), prctl(2), arch_prctl(2),
// membarrier(2), personality(2), system calls that there are not.
#include "check.h"

#include <asm/prctl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static char text[4096];

CASE(system)
{
    struct utsname about;
    int major = 0;
    CHECK(uname(&about), 0);
    CHECK_TEXT(about.sysname, "Linux");
    CHECK_TEXT(about.machine, "x86_64");
    CHECK_TRUE(sscanf(about.release, "%d.", &major) == 1 && major >= 6);
    CHECK_TRUE(strlen(about.nodename) > 0 && strlen(about.version) > 0);
    CHECK(SYS(uname, BAD), -EFAULT);
    CHECK(gethostname(text, sizeof(text)), 0);
    CHECK_TRUE(strcmp(text, about.nodename) == 0);
    AS_NOBODY
    {
        CHECK(sethostname("x", 1), -EPERM);
        CHECK(setdomainname("x", 1), -EPERM);
        CHECK(SYS(reboot, 0, 0, 0, 0), -EPERM);
    }
    if (check_is_root()) {
        CHECK(SYS(sethostname, "x", -1), -EINVAL);
        CHECK(SYS(sethostname, BAD, 1), -EFAULT);
        CHECK(SYS(setdomainname, "x", 65), -EINVAL);
        CHECK(SYS(setdomainname, BAD, 1), -EFAULT);
    }
}

CASE(memory)
{
    struct sysinfo about;
    CHECK(sysinfo(&about), 0);
    CHECK_TRUE(about.totalram > 0 && about.freeram <= about.totalram);
    CHECK_TRUE(about.mem_unit > 0 && about.procs > 0 && about.uptime > 0);
    CHECK(SYS(sysinfo, BAD), -EFAULT);
    CHECK_TRUE(get_nprocs() > 0);
    CHECK(sysconf(_SC_PAGESIZE), 4096);
}

CASE(random)
{
    unsigned char one[64];
    unsigned char other[64];
    CHECK(getrandom(one, sizeof(one), 0), 64);
    CHECK(getrandom(other, sizeof(other), GRND_NONBLOCK), 64);
    CHECK_TRUE(memcmp(one, other, 64) != 0);
    CHECK(getrandom(one, 64, GRND_RANDOM), 64);
    CHECK(getrandom(one, 0, 0), 0);
    CHECK(SYS(getrandom, BAD, 16, 0), -EFAULT);
    CHECK(getrandom(one, 1, 0x100), -EINVAL);
    CHECK(getrandom(one, 1, GRND_RANDOM | GRND_INSECURE), -EINVAL);
    CHECK(getrandom(text, sizeof(text), 0), (long)sizeof(text));
}

CASE(names)
{
    char name[17] = "";
    CHECK(prctl(PR_SET_NAME, "a name that is too long"), 0);
    CHECK(prctl(PR_GET_NAME, name), 0);
    CHECK_TEXT(name, "a name that is ");
    CHECK(prctl(PR_SET_NAME, BAD), -EFAULT);
    CHECK(prctl(PR_GET_NAME, BAD), -EFAULT);
}

CASE(process_control)
{
    int value = 7;
    CHECK(prctl(77777), -EINVAL);
    CHECK(prctl(PR_SET_PDEATHSIG, 77), -EINVAL);
    CHECK(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0);
    CHECK(prctl(PR_GET_PDEATHSIG, &value), 0);
    CHECK(value, SIGUSR1);
    CHECK(prctl(PR_GET_PDEATHSIG, BAD), -EFAULT);
    CHECK(prctl(PR_GET_CHILD_SUBREAPER, &value), 0);
    CHECK(value, 0);
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    CHECK(prctl(PR_GET_CHILD_SUBREAPER, &value), 0);
    CHECK(value, 1);
    CHECK(prctl(PR_GET_SECCOMP), 0);
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0), -EINVAL);
    CHECK(prctl(PR_SET_TIMERSLACK, 100000), 0);
    CHECK(prctl(PR_GET_TIMERSLACK), 100000);
    CHECK(prctl(PR_SET_TIMERSLACK, 0), 0);
    CHECK(prctl(PR_GET_TIMERSLACK), 50000);
    CHECK(prctl(PR_GET_TSC, &value), 0);
    CHECK(value, PR_TSC_ENABLE);
    CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
}

// Guesses of the processor, which no program has a say in that has not asked for it.
CASE(speculation)
{
    CHECK(prctl(PR_SET_SPECULATION_CTRL, 77, PR_SPEC_ENABLE, 0, 0), -ENODEV);
    CHECK(prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, 77, 0, 0), -ERANGE);
    CHECK(prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, PR_SPEC_ENABLE, 1, 0), -EINVAL);
    CHECK(prctl(PR_GET_SPECULATION_CTRL, 77, 0, 0, 0), -ENODEV);
    CHECK(prctl(PR_GET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, 1, 0, 0), -EINVAL);
}

CASE(segment_bases)
{
    unsigned long base = 0;
    unsigned long other = 0;
    static unsigned long word = 0x1234567;
    unsigned long read = 0;
    CHECK(SYS(arch_prctl, ARCH_GET_FS, &base), 0);
    CHECK_TRUE(base == (unsigned long)pthread_self());
    CHECK(SYS(arch_prctl, ARCH_SET_GS, &word), 0);
    __asm__ volatile("mov %%gs:0, %0" : "=r"(read));
    CHECK(read, 0x1234567);
    CHECK(SYS(arch_prctl, ARCH_GET_GS, &other), 0);
    CHECK_TRUE(other == (unsigned long)&word);
    IN_CHILD
    {
        __asm__ volatile("mov %%gs:0, %0" : "=r"(read));
        CHECK(read, 0x1234567);
    }
    CHECK(SYS(arch_prctl, ARCH_GET_FS, BAD), -EFAULT);
    CHECK(SYS(arch_prctl, ARCH_SET_GS, 1ul << 63), -EPERM);
    CHECK(SYS(arch_prctl, 0x7777, 0), -EINVAL);
}

// The C library has registered each thread's area; a second one is refused.
CASE(barriers)
{
    CHECK_TRUE((SYS(membarrier, MEMBARRIER_CMD_QUERY, 0, 0) & MEMBARRIER_CMD_PRIVATE_EXPEDITED) !=
               0);
    CHECK(SYS(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), -EPERM);
    CHECK(SYS(membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0), 0);
    CHECK(SYS(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), 0);
    CHECK(SYS(membarrier, 1 << 30, 0, 0), -EINVAL);
    CHECK(SYS(membarrier, MEMBARRIER_CMD_QUERY, 77, 0), -EINVAL);
}

CASE(personality)
{
    CHECK(personality(0xffffffff), 0);
    CHECK(personality(ADDR_NO_RANDOMIZE), 0);
    CHECK(personality(0xffffffff), ADDR_NO_RANDOMIZE);
    IN_CHILD
    {
        CHECK(personality(0), ADDR_NO_RANDOMIZE);
    }
}

HELPER(stack_place)
{
    (void)argc, (void)argv;
    printf("%p\n", (void *)&argc);
    return 0;
}

// Where things are is no accident then.
CASE(places_without_chance)
{
    char first[64] = "";
    char second[64] = "";
    char command[300];
    NEED(personality(ADDR_NO_RANDOMIZE));
    snprintf(command, sizeof(command), "%.200s --helper stack_place", check_program);
    for (int i = 0; i < 2; i++) {
        FILE *told = popen(command, "r");
        CHECK_TRUE(told != NULL && fgets(i ? second : first, sizeof(first), told) != NULL);
        pclose(told);
    }
    CHECK_TRUE(first[0] == '0' && strcmp(first, second) == 0);
}

CASE(missing_calls)
{
    CHECK(syscall(9999), -ENOSYS);
    CHECK(syscall(-1), -ENOSYS);
    CHECK(SYS(nfsservctl, 0, 0, 0), -ENOSYS);
    CHECK(SYS(create_module, 0, 0), -ENOSYS);
    CHECK(SYS(uselib, "x"), -ENOSYS);
}

// What a call leaves of the registers.
CASE(registers)
{
    unsigned long rcx = 0;
    unsigned long r11 = 0;
    unsigned long kept[6] = { 0 };
    __asm__ volatile("mov $39, %%eax\n\t"  // getpid
                     "mov $0x1111, %%rdi\n\t"
                     "mov $0x2222, %%rsi\n\t"
                     "mov $0x3333, %%rdx\n\t"
                     "mov $0x4444, %%r10\n\t"
                     "mov $0x5555, %%r8\n\t"
                     "mov $0x6666, %%r9\n\t"
                     "syscall\n"
                     "1: lea 1b(%%rip), %%rax\n\t"
                     "sub %%rax, %%rcx\n\t"
                     "mov %%rcx, %0\n\t"
                     "mov %%r11, %1\n\t"
                     "mov %%rdi, %2\n\t"
                     "mov %%rsi, %3\n\t"
                     "mov %%rdx, %4\n\t"
                     "mov %%r10, %5\n\t"
                     "mov %%r8, %6\n\t"
                     "mov %%r9, %7\n\t"
                     : "=m"(rcx), "=m"(r11), "=m"(kept[0]), "=m"(kept[1]), "=m"(kept[2]),
                       "=m"(kept[3]), "=m"(kept[4]), "=m"(kept[5])
                     :
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
    CHECK(rcx, 0);
    CHECK_TRUE((r11 & 0x202) == 0x202);
    for (int i = 0; i < 6; i++) {
        CHECK(kept[i], 0x1111 * (i + 1));
    }
}

static void filter_all(void)
{
    NEED(prctl(PR_SET_SECCOMP, 1));
    SYS(getpid);
    SYS(exit, 0);
}

CASE(strict_filter)
{
    CHECK(check_status(filter_all), SIGKILL);
}

CASE(powers_of_root)
{
    AS_NOBODY
    {
        CHECK(SYS(mount, "none", "/", "tmpfs", 0, NULL), -EPERM);
        CHECK(SYS(umount2, "/", 0), -EPERM);
        CHECK(SYS(pivot_root, ".", "."), -EPERM);
        CHECK(SYS(swapon, "x", 0), -EPERM);
        CHECK(SYS(acct, "x"), -EPERM);
        CHECK(SYS(vhangup), -EPERM);
        CHECK(SYS(quotactl, 0, NULL, 0, NULL), -ENODEV);
    }
}
