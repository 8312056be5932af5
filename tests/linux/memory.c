// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Address spaces: mmap(2), munmap(2), mprotect(2), mremap(2), brk(2), madvise(2), msync(2),
// mlock(2), mincore(2), process_vm_readv(2).
#include "check.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf back;
static volatile sig_atomic_t code;
static void *volatile address;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    code = info->si_code;
    address = info->si_addr;
    siglongjmp(back, number);
}

// The signal that an access brings, 0 for none.
static int touch(const void *at, bool write)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    int number = sigsetjmp(back, 1);
    if (number == 0) {
        char value;
        __asm__ volatile("movb (%1), %0" : "=q"(value) : "r"(at) : "memory");
        if (write) {
            __asm__ volatile("movb %0, (%1)" : : "q"(value), "r"(at) : "memory");
        }
    }
    return number;
}

static int reading(const void *at)
{
    return touch(at, false);
}

static int writing(void *at)
{
    return touch(at, true);
}

static char *map(size_t pages)
{
    return NEED_MEMORY(mmap(NULL, pages * PAGE, RW, ANON, -1, 0));
}

CASE(anonymous)
{
    char *area = mmap(NULL, 3 * PAGE, RW, ANON, -1, 0);
    CHECK_TRUE(area != MAP_FAILED && (uintptr_t)area % PAGE == 0);
    CHECK_TRUE(area[0] == 0 && area[3 * PAGE - 1] == 0);
    memset(area, 1, 3 * PAGE);
    CHECK(munmap(area + PAGE, PAGE), 0);
    CHECK(reading(area), 0);
    CHECK(reading(area + PAGE), SIGSEGV);
    CHECK(code, SEGV_MAPERR);
    CHECK_TRUE(address == area + PAGE);
    CHECK(reading(area + 2 * PAGE), 0);
    CHECK(munmap(area, 3 * PAGE), 0);
    CHECK(munmap(area, 3 * PAGE), 0);
    CHECK(reading(area), SIGSEGV);
}

CASE(lengths)
{
    CHECK(mmap(NULL, 0, RW, ANON, -1, 0), -EINVAL);
    char *area = mmap(NULL, 1, RW, ANON, -1, 0);
    CHECK(reading(area + PAGE - 1), 0);
    CHECK(munmap(area, 1), 0);
    CHECK(reading(area + PAGE - 1), SIGSEGV);
    CHECK(mmap(NULL, SIZE_MAX, RW, ANON, -1, 0), -ENOMEM);
    CHECK(mmap(NULL, 1ul << 47, RW, ANON, -1, 0), -ENOMEM);
    CHECK(SYS(munmap, area, 0), -EINVAL);
    CHECK(SYS(munmap, area + 1, PAGE), -EINVAL);
    CHECK(SYS(munmap, area, 1ul << 60), -EINVAL);
}

CASE(errors)
{
    int file = check_file("f", "hello");
    int unwritable = NEED(open("f", O_RDONLY));
    int unreadable = NEED(open("f", O_WRONLY));
    CHECK(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), -EINVAL);
    CHECK(mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0), -EBADF);
    CHECK(mmap(NULL, PAGE, RW, MAP_PRIVATE, 99, 0), -EBADF);
    CHECK(SYS(mmap, NULL, PAGE, RW, MAP_PRIVATE, file, 1l), -EINVAL);
    CHECK(mmap(NULL, PAGE, RW, MAP_SHARED, unwritable, 0), -EACCES);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, unreadable, 0), -EACCES);
    CHECK_TRUE(mmap(NULL, PAGE, RW, MAP_PRIVATE, unwritable, 0) != MAP_FAILED);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0), -ENODEV);
    CHECK(mmap((void *)1, PAGE, RW, ANON | MAP_FIXED, -1, 0), -EINVAL);
    CHECK(mmap((void *)(1ul << 47), PAGE, RW, ANON | MAP_FIXED, -1, 0), -ENOMEM);
    int ends[2];
    NEED(pipe(ends));
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0), -ENODEV);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open("f", O_PATH), 0), -EBADF);
}

CASE(places)
{
    char *area = map(4);
    area[PAGE] = 1;
    CHECK_TRUE(mmap(area + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == area + PAGE);
    CHECK(area[PAGE], 0);
    CHECK(mmap(area, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), -EEXIST);
    NEED(munmap(area, PAGE));
    CHECK_TRUE(mmap(area, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == area);
    char *elsewhere = mmap(area, PAGE, RW, ANON, -1, 0);
    CHECK_TRUE(elsewhere != area && elsewhere != MAP_FAILED);
    NEED(munmap(area, PAGE));
    CHECK_TRUE(mmap(area, PAGE, RW, ANON, -1, 0) == area);
    NEED(munmap(area, PAGE));
    CHECK_TRUE(mmap(area + 5, PAGE, RW, ANON, -1, 0) == area);
    char *low = mmap(NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0);
    CHECK_TRUE((uintptr_t)low < 1ul << 31);
}

CASE(protection)
{
    char *area = map(3);
    memset(area, 1, 3 * PAGE);
    CHECK(mprotect(area + PAGE, PAGE, PROT_READ), 0);
    CHECK(writing(area), 0);
    CHECK(writing(area + PAGE), SIGSEGV);
    CHECK(code, SEGV_ACCERR);
    CHECK(reading(area + PAGE), 0);
    CHECK(mprotect(area + PAGE, PAGE, PROT_NONE), 0);
    CHECK(reading(area + PAGE), SIGSEGV);
    CHECK(code, SEGV_ACCERR);
    CHECK(mprotect(area, 3 * PAGE, RW), 0);
    CHECK(area[PAGE], 1);
    CHECK(writing(area + PAGE), 0);
    CHECK(SYS(read, open("/dev/zero", O_RDONLY), area, 1), 1);
    NEED(mprotect(area, PAGE, PROT_READ));
    CHECK(SYS(read, open("/dev/zero", O_RDONLY), area, 1), -EFAULT);
}

// Shared memory of /dev/zero is new memory, which a child has too.
CASE(zero_shared)
{
    int zero = NEED(open("/dev/zero", O_RDWR));
    char *area = NEED_MEMORY(mmap(NULL, 2 * PAGE, RW, MAP_SHARED, zero, 0));
    char *other = NEED_MEMORY(mmap(NULL, PAGE, RW, MAP_SHARED, zero, 0));
    CHECK(area[0], 0);
    IN_CHILD
    {
        area[0] = 'x';
        area[PAGE] = 'y';
    }
    CHECK(area[0], 'x');
    CHECK(area[PAGE], 'y');
    CHECK(other[0], 0);
    zero = NEED(open("/dev/zero", O_RDONLY));
    CHECK(mmap(NULL, PAGE, RW, MAP_SHARED, zero, 0), -EACCES);
}

CASE(protection_errors)
{
    char *area = map(3);
    CHECK(mprotect(area + 1, PAGE, RW), -EINVAL);
    CHECK(mprotect(area, PAGE, 0x100), -EINVAL);
    CHECK(mprotect(area, 0, RW), 0);
    NEED(munmap(area + PAGE, PAGE));
    CHECK(mprotect(area, 3 * PAGE, PROT_READ), -ENOMEM);
    CHECK(writing(area), SIGSEGV);
    CHECK(writing(area + 2 * PAGE), 0);
    int file = check_file("f", "hello");
    (void)file;
    char *shared = NEED_MEMORY(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, open("f", O_RDONLY), 0));
    CHECK(mprotect(shared, PAGE, RW), -EACCES);
}

CASE(executable)
{
    static const unsigned char code_bytes[] = { 0xb8, 42, 0, 0, 0, 0xc3 };  // mov $42, %eax; ret
    char *area = map(1);
    memcpy(area, code_bytes, sizeof(code_bytes));
    int (*function)(void) = (int (*)(void))(uintptr_t)area;
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &action, NULL);
    int number = sigsetjmp(back, 1);
    if (number == 0) {
        function();
    }
    CHECK(number, SIGSEGV);
    CHECK(code, SEGV_ACCERR);
    CHECK(mprotect(area, PAGE, PROT_READ | PROT_EXEC), 0);
    CHECK(function(), 42);
    CHECK(writing(area), SIGSEGV);
}

// Code that is made, executed, and changed where it lies, as compilers at run time do.
CASE(writable_and_executable)
{
    static const unsigned char returns_42[] = { 0xb8, 42, 0, 0, 0, 0xc3 };  // mov $42, %eax; ret
    unsigned char *made = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(made == MAP_FAILED, 0);
    int (*call)(void);
    memcpy(&call, &made, sizeof(call));
    memcpy(made, returns_42, sizeof(returns_42));
    CHECK(call(), 42);
    made[1] = 43;
    CHECK(call(), 43);
    pid_t child = NEED(fork());
    if (child == 0) {
        made[1] = 44;
        _exit(call());
    }
    int status = 0;
    NEED(waitpid(child, &status, 0));
    CHECK(WEXITSTATUS(status), 44);
    CHECK(call(), 43);
}

CASE(files_private)
{
    int file = check_file("f", "hello");
    char *area = mmap(NULL, PAGE, RW, MAP_PRIVATE, file, 0);
    CHECK_TRUE(memcmp(area, "hello\0\0", 7) == 0);
    area[0] = 'J';
    char text[6] = "";
    CHECK(pread(file, text, 5, 0), 5);
    CHECK_TEXT(text, "hello");
    CHECK(close(file), 0);
    CHECK(area[1], 'e');
    CHECK(unlink("f"), 0);
    CHECK(area[4], 'o');
}

CASE(files_shared)
{
    int file = check_file("f", "hello");
    char *area = NEED_MEMORY(mmap(NULL, PAGE, RW, MAP_SHARED, file, 0));
    char text[6] = "";
    area[0] = 'J';
    CHECK(pread(file, text, 5, 0), 5);
    CHECK_TEXT(text, "Jello");
    CHECK(pwrite(file, "H", 1, 0), 1);
    CHECK(area[0], 'H');
    char *other = NEED_MEMORY(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0));
    area[1] = 'E';
    CHECK(other[1], 'E');
    IN_CHILD
    {
        area[2] = 'L';
    }
    CHECK(area[2], 'L');
    CHECK(msync(area, PAGE, MS_SYNC), 0);
    CHECK(msync(area, PAGE, MS_ASYNC), 0);
    CHECK(msync(area, PAGE, MS_SYNC | MS_ASYNC), -EINVAL);
    CHECK(msync(area + 1, PAGE, MS_SYNC), -EINVAL);
    CHECK(msync(area, PAGE, 0x100), -EINVAL);
    NEED(munmap(other, PAGE));
    CHECK(msync(other, PAGE, MS_SYNC), -ENOMEM);
}

CASE(files_beyond_end)
{
    int file = check_file("f", "hello");
    char *area = NEED_MEMORY(mmap(NULL, 3 * PAGE, RW, MAP_SHARED, file, 0));
    CHECK(area[100], 0);
    CHECK(reading(area + PAGE), SIGBUS);
    CHECK(code, BUS_ADRERR);
    CHECK_TRUE(address == area + PAGE);
    CHECK(ftruncate(file, 2 * PAGE), 0);
    CHECK(reading(area + PAGE), 0);
    CHECK(writing(area + PAGE), 0);
    CHECK(reading(area + 2 * PAGE), SIGBUS);
    CHECK(ftruncate(file, 0), 0);
    CHECK(reading(area), SIGBUS);
    CHECK(SYS(write, open("/dev/null", O_WRONLY), area, 1), 1);
    int ends[2];
    NEED(pipe(ends));
    CHECK(SYS(write, ends[1], area, 1), -EFAULT);
}

static bool all_are(const char *area, const char *wanted)
{
    for (size_t i = 0; wanted[i]; i++) {
        if (area[i * PAGE] != wanted[i]) {
            return false;
        }
    }
    return true;
}

static void page_put(int fd, unsigned index, char value)
{
    char page[PAGE];
    memset(page, value, PAGE);
    NEED(pwrite(fd, page, PAGE, (off_t)(index * PAGE)));
}

// To read one page may bring in those beside it, but only as what they are.
CASE(files_neighbours)
{
    int fd = check_file("f", "");
    for (unsigned i = 40; i-- > 0;) {  // so that they hardly lie side by side in memory
        page_put(fd, i, (char)('A' + i));
    }
    char *private = NEED_MEMORY(mmap(NULL, 40 * PAGE, RW, MAP_PRIVATE, fd, 0));
    char *shared = NEED_MEMORY(mmap(NULL, 40 * PAGE, RW, MAP_SHARED, fd, 0));
    char *last = NEED_MEMORY(mmap(NULL, 8 * PAGE, PROT_READ, MAP_PRIVATE, fd, 36 * PAGE));
    CHECK(reading(private + 5 * PAGE) + reading(shared + 5 * PAGE), 0);
    CHECK_TRUE(all_are(private, "ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh"));
    CHECK_TRUE(all_are(shared, "ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh"));
    CHECK(reading(last), 0);
    CHECK_TRUE(all_are(last, "efgh"));
    CHECK(reading(last + 4 * PAGE), SIGBUS);
    private[6 * PAGE] = 'p';
    shared[7 * PAGE] = 's';
    page_put(fd, 4, 'w');
    CHECK_TRUE(all_are(private, "ABCDwFpsIJ"));
    CHECK_TRUE(all_are(shared, "ABCDwFGsIJ"));
    char value = 0;
    CHECK(pread(fd, &value, 1, 6 * PAGE), 1);
    CHECK(value, 'G');
    CHECK(pread(fd, &value, 1, 7 * PAGE), 1);
    CHECK(value, 's');
    NEED(ftruncate(fd, 3 * PAGE));
    CHECK(reading(private + 2 * PAGE), 0);
    CHECK(reading(private + 4 * PAGE), SIGBUS);
    CHECK(reading(shared + 7 * PAGE), SIGBUS);
}

CASE(files_offset)
{
    int file = check_file("f", "");
    NEED(pwrite(file, "second", 6, PAGE));
    char *area = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, PAGE);
    CHECK_TRUE(memcmp(area, "second", 6) == 0);
}

CASE(shared_anonymous)
{
    char *area = NEED_MEMORY(mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    IN_CHILD
    {
        area[PAGE] = 5;
        IN_CHILD
        {
            area[0] = area[PAGE];
        }
    }
    CHECK(area[0], 5);
}

CASE(move)
{
    char *area = map(2);
    area[0] = 1;
    area[PAGE] = 2;
    char *larger = mremap(area, 2 * PAGE, 100 * PAGE, MREMAP_MAYMOVE);
    CHECK_TRUE(larger != MAP_FAILED && larger[0] == 1 && larger[PAGE] == 2 &&
               larger[50 * PAGE] == 0);
    CHECK_TRUE(mremap(larger, 100 * PAGE, PAGE, 0) == larger);
    CHECK(reading(larger + PAGE), SIGSEGV);
    CHECK_TRUE(mremap(larger, PAGE, PAGE, 0) == larger);
    char *target = map(1);
    CHECK_TRUE(mremap(larger, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
    CHECK(target[0], 1);
    CHECK(reading(larger), SIGSEGV);
}

CASE(move_errors)
{
    char *area = map(3);
    NEED(munmap(area + PAGE, PAGE));
    CHECK(mremap(area, PAGE, 0, 0), -EINVAL);
    CHECK(mremap(area + 1, PAGE, PAGE, 0), -EINVAL);
    CHECK(mremap(area, PAGE, PAGE, 0x100), -EINVAL);
    CHECK(mremap(area, PAGE, PAGE, MREMAP_FIXED, area), -EINVAL);
    CHECK(mremap(area, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area), -EINVAL);
    CHECK(mremap(area + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), -EFAULT);
    CHECK(mremap(area, PAGE, 3 * PAGE, 0), -ENOMEM);
    CHECK(mremap(area, PAGE, 1ul << 46, MREMAP_MAYMOVE), -ENOMEM);
}

CASE(move_grows_in_place)
{
    char *area = map(3);
    NEED(munmap(area + PAGE, 2 * PAGE));
    CHECK_TRUE(mremap(area, PAGE, 3 * PAGE, 0) == area);
    CHECK(writing(area + 2 * PAGE), 0);
}

// What has grown over where mappings begin is not mapped over.
CASE(move_grows_beyond_top)
{
    bool good = true;
    char *last = NULL;
    for (int i = 0; i < 40; i++) {
        char *area = NEED_MEMORY(mmap(NULL, 4 * PAGE, RW, ANON, -1, 0));
        area = NEED_MEMORY(mremap(area, 4 * PAGE, 24 * PAGE, MREMAP_MAYMOVE));
        memset(area, i + 1, 24 * PAGE);
        good = good && (!last || (last[0] == i && last[24 * PAGE - 1] == i));
        last = area;
    }
    CHECK_TRUE(good);
}

CASE(move_keeps_old)
{
    char *area = map(1);
    area[0] = 1;
    char *other = (char *)SYS(mremap, area, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
    CHECK_TRUE(other != MAP_FAILED && other != area);
    CHECK(other[0], 1);
    CHECK(area[0], 0);
}

CASE(break_end)
{
    char *start = (char *)SYS(brk, 0);
    CHECK_TRUE((char *)SYS(brk, start + 3 * PAGE) == start + 3 * PAGE);
    CHECK(start[2 * PAGE], 0);
    start[2 * PAGE] = 1;
    CHECK_TRUE((char *)SYS(brk, start + PAGE) == start + PAGE);
    CHECK(reading(start + 2 * PAGE), SIGSEGV);
    CHECK_TRUE((char *)SYS(brk, start + 3 * PAGE) == start + 3 * PAGE);
    CHECK(start[2 * PAGE], 0);
    CHECK_TRUE((char *)SYS(brk, 1) == start + 3 * PAGE);
    CHECK_TRUE((char *)SYS(brk, -1l) == start + 3 * PAGE);
    CHECK_TRUE((char *)SYS(brk, start + 3 * PAGE + 5) == start + 3 * PAGE + 5);
}

CASE(advice)
{
    char *area = map(3);
    memset(area, 1, 3 * PAGE);
    CHECK(madvise(area, PAGE, MADV_NORMAL), 0);
    CHECK(madvise(area, PAGE, MADV_WILLNEED), 0);
    CHECK(area[0], 1);
    CHECK(madvise(area, 2 * PAGE, MADV_DONTNEED), 0);
    CHECK(area[0], 0);
    CHECK(area[2 * PAGE], 1);
    CHECK(madvise(area, 3 * PAGE, MADV_FREE), 0);
    CHECK(madvise(area + 1, PAGE, MADV_DONTNEED), -EINVAL);
    CHECK(madvise(area, PAGE, 9999), -EINVAL);
    CHECK(madvise(area, 0, MADV_DONTNEED), 0);
    NEED(munmap(area + PAGE, PAGE));
    CHECK(madvise(area, 3 * PAGE, MADV_DONTNEED), -ENOMEM);
    CHECK(madvise(area, PAGE, MADV_HUGEPAGE), 0);
    int file = check_file("f", "hello");
    char *private = NEED_MEMORY(mmap(NULL, PAGE, RW, MAP_PRIVATE, file, 0));
    private[0] = 'J';
    CHECK(madvise(private, PAGE, MADV_DONTNEED), 0);
    CHECK(private[0], 'h');
}

CASE(advice_for_children)
{
    char *area = map(2);
    area[0] = area[PAGE] = 1;
    CHECK(madvise(area, PAGE, MADV_WIPEONFORK), 0);
    CHECK(madvise(area + PAGE, PAGE, MADV_DONTFORK), 0);
    IN_CHILD
    {
        CHECK(area[0], 0);
        CHECK(reading(area + PAGE), SIGSEGV);
    }
    CHECK(area[0], 1);
    CHECK(madvise(area + PAGE, PAGE, MADV_DOFORK), 0);
    IN_CHILD
    {
        CHECK(area[PAGE], 1);
    }
}

CASE(grows_down)
{
    char *place = map(64);
    NEED(munmap(place, 64 * PAGE));
    char *area = NEED_MEMORY(mmap(place + 63 * PAGE, PAGE, RW, ANON | MAP_GROWSDOWN | MAP_FIXED, -1,
                                  0));
    CHECK(writing(area - 1), 0);
    CHECK(writing(area - 2 * PAGE), 0);
}

static int depth_of(int depth)
{
    volatile char space[4096];
    space[0] = (char)depth;
    return depth == 0 ? 0 : depth_of(depth - 1) + space[0] - (char)depth + 1;
}

CASE(stack_grows)
{
    CHECK(depth_of(1000), 1000);
}

static void use_all_stack(void)
{
    depth_of(1 << 20);
}

CASE(stack_ends)
{
    int status = check_status(use_all_stack);
    CHECK_TRUE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status), SIGSEGV);
}

CASE(residence)
{
    unsigned char pages[3] = { 9, 9, 9 };
    char *area = map(3);
    area[0] = 1;
    CHECK(mincore(area, 3 * PAGE, pages), 0);
    CHECK(pages[0] & 1, 1);
    CHECK(pages[2] & 1, 0);
    CHECK(mincore(area + 1, PAGE, pages), -EINVAL);
    CHECK(SYS(mincore, area, PAGE, BAD), -EFAULT);
    NEED(munmap(area, PAGE));
    CHECK(mincore(area, PAGE, pages), -ENOMEM);
}

CASE(locks)
{
    char *area = map(3);
    CHECK(mlock(area, PAGE), 0);
    CHECK(munlock(area, PAGE), 0);
    CHECK(mlock2(area, PAGE, MLOCK_ONFAULT), 0);
    CHECK(mlock2(area, PAGE, 8), -EINVAL);
    CHECK(mlockall(0), -EINVAL);
    CHECK(mlockall(MCL_CURRENT), 0);
    CHECK(munlockall(), 0);
    NEED(munmap(area + PAGE, PAGE));
    CHECK(mlock(area, 3 * PAGE), -ENOMEM);
    struct rlimit none = { 0, 0 };
    NEED(setrlimit(RLIMIT_MEMLOCK, &none));
    AS_NOBODY
    {
        CHECK(mlock(area, PAGE), -EPERM);
    }
}

CASE(limits)
{
    struct rlimit limit;
    NEED(getrlimit(RLIMIT_AS, &limit));
    limit.rlim_cur = 64ul << 20;
    NEED(setrlimit(RLIMIT_AS, &limit));
    CHECK(mmap(NULL, 128ul << 20, RW, ANON, -1, 0), -ENOMEM);
    CHECK_TRUE(mmap(NULL, 1ul << 20, RW, ANON, -1, 0) != MAP_FAILED);
}

CASE(reserved)
{
    const size_t size = 1ul << 40;
    char *area = mmap(NULL, size, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    CHECK_TRUE(area != MAP_FAILED);
    CHECK(reading(area), SIGSEGV);
    CHECK(mprotect(area + size / 2, PAGE, RW), 0);
    CHECK(writing(area + size / 2), 0);
    CHECK(munmap(area, size), 0);
}

CASE(populated)
{
    unsigned char pages[2] = { 0, 0 };
    char *area = NEED_MEMORY(mmap(NULL, 2 * PAGE, RW, ANON | MAP_POPULATE, -1, 0));
    CHECK(mincore(area, 2 * PAGE, pages), 0);
    CHECK(pages[0] & pages[1] & 1, 1);
}

CASE(other_process)
{
    static char secret[] = "before";
    char text[8] = "";
    int ends[2];
    char byte = 0;
    NEED(pipe(ends));
    pid_t child = check_fork();
    if (child == 0) {
        memcpy(secret, "child!", sizeof("child!"));
        NEED(write(ends[1], "x", 1));
        while (*(volatile char *)secret != 'D') {
            check_sleep(1);
        }
        check_exit();
    }
    NEED(read(ends[0], &byte, 1));
    struct iovec local = { text, 6 };
    struct iovec remote = { secret, 6 };
    CHECK(process_vm_readv(child, &local, 1, &remote, 1, 0), 6);
    CHECK_TEXT(text, "child!");
    CHECK_TEXT(secret, "before");
    remote.iov_base = BAD;
    CHECK(process_vm_readv(child, &local, 1, &remote, 1, 0), -EFAULT);
    CHECK(process_vm_readv(1 << 22, &local, 1, &remote, 1, 0), -ESRCH);
    CHECK(process_vm_readv(child, &local, 1, &remote, 1, 1), -EINVAL);
    CHECK(process_vm_writev(child, &local, 1, &remote, 1, 0), -EFAULT);
    CHECK(process_vm_writev(1 << 22, &local, 1, &remote, 1, 0), -ESRCH);
    CHECK(process_vm_writev(child, &local, 1, &remote, 1, 1), -EINVAL);
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            CHECK(process_vm_readv(child, &local, 1, &remote, 1, 0), -EPERM);
            CHECK(process_vm_writev(child, &local, 1, &remote, 1, 0), -EPERM);
        }
    }
    remote.iov_base = secret;
    text[0] = 'D';
    CHECK(process_vm_writev(child, &local, 1, &remote, 1, 0), 6);
    check_join(child);
}

CASE(null_page)
{
    CHECK(reading(NULL), SIGSEGV);
    CHECK(code, SEGV_MAPERR);
    CHECK_TRUE(address == NULL);
    CHECK(reading((void *)(1ul << 63)), SIGSEGV);
    CHECK(code, 0x80);
    CHECK_TRUE(address == NULL);
    CHECK(reading((void *)0xffffffff80000000ul), SIGSEGV);
    AS_NOBODY
    {
        CHECK(mmap(NULL, PAGE, RW, ANON | MAP_FIXED, -1, 0), -EPERM);
    }
}

// What has grown where it is takes no room that somebody else gets.
CASE(mapped_beside_what_has_grown)
{
    size_t page = 4096;
    size_t pages = 12;
    char *first = NEED_MEMORY(mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (; pages < 40; pages++) {
        first[pages * page - 1] = 'x';
        first = NEED_MEMORY(mremap(first, pages * page, (pages + 1) * page, MREMAP_MAYMOVE));
    }
    char *other = NEED_MEMORY(mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK_TRUE(other + pages * page <= first || first + pages * page <= other);
    CHECK(first[12 * page - 1], 'x');
    CHECK(first[39 * page - 1], 'x');
}

#define STAYS 500u  // every so many pages

// What was left of pages far apart.
static void unmap_far_apart(uintptr_t start, uintptr_t apart, unsigned count)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i += STAYS) {
        unsigned *at = (unsigned *)(start + i * apart);
        kept += *at == i + 1;
        *at = 0;
        kept += *at == 0 && munmap(at, PAGE) == 0;
    }
    CHECK(kept, 2 * (count / STAYS));
}

// Page tables for what is no longer mapped do not pile up, and what stays is as it was.
static void map_far_apart(uintptr_t start, uintptr_t apart, unsigned count)
{
    unsigned good = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned *at = (unsigned *)(start + i * apart);
        if (mmap(at, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == at) {
            *at = i + 1;
            good += i % STAYS == 0 || munmap(at, PAGE) == 0;
        }
    }
    CHECK(good, count);
    pid_t child = check_fork();
    if (child == 0) {
        unmap_far_apart(start, apart, count);
        check_exit();
    }
    check_join(child);
    unmap_far_apart(start, apart, count);
}

CASE(mapped_at_many_places)
{
    map_far_apart(1ul << 44, 2ul << 20, 10000);
    map_far_apart(1ul << 44, 1ul << 30, 5000);
}

// A page where a page table more is needed for each number.
static unsigned *map_apart(unsigned number)
{
    void *at = (void *)((1ul << 44) + number * (2ul << 20));
    return NEED_MEMORY(mmap(at, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
}

// Nothing is looked for in a table that was given up.
CASE(mapped_again_where_tables_were)
{
    enum {
        MANY = 640
    };
    unsigned fresh = 0;
    for (unsigned i = 0; i < 2 * MANY; i++) {
        unsigned *at = map_apart(i / 2);
        fresh += *at == 0;
        *at = 1;
        NEED(munmap(at, PAGE));
    }
    CHECK(fresh, 2 * MANY);
}

// What was locked cannot grow beyond the limit, nor be told to be read anew.
CASE(lock_errors)
{
    const struct rlimit limit = { 2 * PAGE, 2 * PAGE };
    const struct rlimit none = { 0, 0 };
    char *area = map(3);
    NEED(mlock(area, PAGE));
    CHECK(msync(area, PAGE, MS_INVALIDATE), -EBUSY);
    CHECK(msync(area + PAGE, PAGE, MS_INVALIDATE), 0);
    NEED(munlock(area, PAGE));
    CHECK(msync(area, PAGE, MS_INVALIDATE), 0);
    CHECK(munlock(area, SIZE_MAX & ~(2 * PAGE - 1)), -EINVAL);
    if (check_is_root()) {
        CHECK(mlock(area, SIZE_MAX & ~(2 * PAGE - 1)), -EINVAL);
    }
    NEED(setrlimit(RLIMIT_MEMLOCK, &limit));
    AS_NOBODY
    {
        CHECK(mlock(area, 2 * PAGE), 0);
        CHECK(mlock(area, 2 * PAGE), 0);
        CHECK(mlock(area + 2 * PAGE, PAGE), -ENOMEM);
        CHECK(mmap(NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0), -EAGAIN);
        CHECK(mremap(area, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE), -EAGAIN);
        CHECK(munlock(area, 2 * PAGE), 0);
        CHECK(mlock(area + 2 * PAGE, PAGE), 0);
        CHECK(mlockall(MCL_CURRENT), -ENOMEM);
        NEED(setrlimit(RLIMIT_MEMLOCK, &none));
        CHECK(mlock2(area, PAGE, 0), -EPERM);
        CHECK(mlockall(MCL_CURRENT), -EPERM);
        CHECK(mmap(NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0), -EPERM);
    }
}

CASE(advice_errors)
{
    int file = check_file("f", "hello");
    char *private = NEED_MEMORY(mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, file, 0));
    CHECK(madvise(private, PAGE, MADV_REMOVE), -EACCES);
    CHECK(madvise(private, PAGE, MADV_POPULATE_READ), 0);
    CHECK(madvise(private, 2 * PAGE, MADV_POPULATE_READ), -EFAULT);
    CHECK(madvise(private, 2 * PAGE, MADV_POPULATE_WRITE), -EFAULT);
    NEED(mprotect(private, PAGE, PROT_READ));
    CHECK(madvise(private, PAGE, MADV_POPULATE_WRITE), -EINVAL);
}

// It takes as long as there are pages, however long the range is.
CASE(remap_of_much)
{
    const size_t much = 1ul << 44;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *from = NEED_MEMORY(mmap(NULL, much, PROT_READ | PROT_WRITE, flags, -1, 0));
    char *to = NEED_MEMORY(mmap(NULL, much, PROT_NONE, flags, -1, 0));
    from[0] = 'a';
    from[much / 2 + 4096] = 'b';
    from[much - 1] = 'c';
    CHECK_TRUE(mremap(from, much, much, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    CHECK(to[0], 'a');
    CHECK(to[much / 2], 0);
    CHECK(to[much / 2 + 4096], 'b');
    CHECK(to[much - 1], 'c');
}

CASE(resident_of_much)
{
    const size_t much = 1ul << 36, count = much / 4096;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *area = NEED_MEMORY(mmap(NULL, much, PROT_READ | PROT_WRITE, flags, -1, 0));
    unsigned char *resident = NEED_MEMORY(mmap(NULL, count, PROT_READ | PROT_WRITE, flags, -1, 0));
    area[4096] = 'a';
    area[much / 2] = 'b';
    NEED(mprotect(area + much / 2 + 4096, 4096, PROT_NONE));
    CHECK(mincore(area, much, resident), 0);
    CHECK(resident[1] & 1, 1);
    CHECK(resident[2] & 1, 0);
    CHECK(resident[count / 2] & 1, 1);
    CHECK(resident[count / 2 + 1] & 1, 0);
    CHECK(resident[count - 1] & 1, 0);
    NEED(munmap(area + much / 2, 4096));
    CHECK(mincore(area + much / 2 - 4096, 8192, resident), -ENOMEM);
}
