// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The library as one thread sees it.
#include "checks.h"

#include <rt/clock.h>

#include <errno.h>
#include <inttypes.h>
#include <libc/libc.h>
#include <setjmp.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <stdio.h>
#include <stdlib.h>

#define EXPECT_TEXT(text, wanted) EXPECT(strcmp((text), (wanted)) == 0)

static _Alignas(16) char heap[CHECKS_HEAP_BYTES];
static bool constructed;

__attribute__((constructor)) static void construct(void)
{
    constructed = true;
}

// Printed without a newline: it appears only if exit() writes what the stream still holds.
__attribute__((noreturn)) void checks_end(const struct check *checks, unsigned count)
{
    libc_start(heap, sizeof(heap));
    check_run(checks_root(), checks, count);
    bool good = check_summary();
    printf("libc: the end");
    exit(good && constructed ? 0 : 1);
}

// ---- stdio -------------------------------------------------------------------------------------
void formats(void)
{
    char text[96];
    EXPECT_EQUAL((uint64_t)snprintf(text, sizeof(text), "%5d|%-5u|%05x|%c|%s", -42, 7u, 0xbeefu,
                                    'x', "text"),
                 24);
    EXPECT_TEXT(text, "  -42|7    |0beef|x|text");
    EXPECT_EQUAL((uint64_t)snprintf(text, 5, "%s", "cut off"), 7);
    EXPECT_TEXT(text, "cut ");
    (void)snprintf(text, sizeof(text), "%" PRIu64 " %lld %zu %p", UINT64_MAX, INT64_MIN + 1LL,
                   (size_t)3, (void *)0x1000);
    EXPECT_TEXT(text, "18446744073709551615 -9223372036854775807 3 0x1000");
    (void)snprintf(text, sizeof(text), "%.3s|%*d|%+d|%#o", "abcdef", 6, 12, 5, 8u);
    EXPECT_TEXT(text, "abc|    12|+5|010");
}

void scans(void)
{
    int number = 0;
    unsigned hex = 0;
    char word[16] = "";
    char *end = NULL;
    // NOLINTNEXTLINE(cert-err34-c): it is what is checked
    EXPECT_EQUAL((uint64_t)sscanf("17 0x2a words here", "%d %x %15s", &number, &hex, word), 3);
    EXPECT(number == 17 && hex == 42);
    EXPECT_TEXT(word, "words");
    EXPECT(strtol("-123rest", &end, 10) == -123 && *end == 'r');
    errno = 0;
    EXPECT(strtol("99999999999999999999", NULL, 10) == INT64_MAX && errno == ERANGE);
}

void streams(void)
{
    EXPECT(printf("libc: %s says %d\n", "printf", 42) == 21);
    EXPECT(puts("libc: puts") >= 0);
    EXPECT(fprintf(stderr, "libc: stderr %x\n", 0xabcu) == 17);
    EXPECT(fputc('!', stdout) == '!' && putchar('\n') == '\n');
    EXPECT(fflush(stdout) == 0);
}

void files_refused(void)
{
    errno = 0;
    EXPECT(fopen("/etc/passwd", "r") == NULL && errno == ENOENT);
    errno = 0;
    EXPECT(fopen("new", "w") == NULL && errno == ENOENT);
    errno = 0;
    EXPECT(write(3, "x", 1) == -1 && errno == EBADF);
    errno = 0;
    EXPECT(read(1, &(char){ 0 }, 1) == -1 && errno == EBADF);
    errno = 0;
    EXPECT(lseek(0, 0, SEEK_SET) == -1 && errno == ESPIPE);
    EXPECT(close(7) == -1 && errno == EBADF);
    EXPECT(remove("nothing") != 0);
}

static const char *typed;

static long typed_read(void *to, size_t bytes)
{
    size_t length = strlen(typed) < bytes ? strlen(typed) : bytes;
    memcpy(to, typed, length);
    typed += length;
    return (long)length;
}

void input(void)
{
    char line[32];
    EXPECT(getchar() == EOF);
    clearerr(stdin);
    typed = "first line\nsecond\n";
    libc_input_set(typed_read);
    EXPECT(fgets(line, sizeof(line), stdin) == line);
    EXPECT_TEXT(line, "first line\n");
    EXPECT(getchar() == 's' && ungetc('S', stdin) == 'S');
    EXPECT(fgets(line, sizeof(line), stdin) == line);
    EXPECT_TEXT(line, "Second\n");
    EXPECT(fgets(line, sizeof(line), stdin) == NULL && feof(stdin));
    libc_input_set(NULL);
}

// ---- malloc ------------------------------------------------------------------------------------
#define BLOCK_BYTES 4000u
#define BLOCKS_MOST (CHECKS_HEAP_BYTES / BLOCK_BYTES + 1)

// Twice: what was given back is there again, and in one piece.
void memory_exhausted(void)
{
    static unsigned char *blocks[BLOCKS_MOST];
    for (unsigned round = 0; round < 2; round++) {
        unsigned count = 0;
        errno = 0;
        while (count < BLOCKS_MOST && (blocks[count] = malloc(BLOCK_BYTES)) != NULL) {
            memset(blocks[count], (int)count, BLOCK_BYTES);
            count++;
        }
        EXPECT_EQUAL((uint64_t)errno, ENOMEM);
        EXPECT(count < BLOCKS_MOST && (size_t)count * BLOCK_BYTES > CHECKS_HEAP_BYTES / 10 * 9);
        for (unsigned i = 0; i < count; i++) {
            EXPECT(blocks[i][0] == (unsigned char)i &&
                   blocks[i][BLOCK_BYTES - 1] == (unsigned char)i);
            EXPECT(blocks[i] >= (unsigned char *)heap &&
                   blocks[i] + BLOCK_BYTES <= (unsigned char *)heap + sizeof(heap));
            free(blocks[i]);
        }
        void *large = malloc(CHECKS_HEAP_BYTES / 4 * 3);
        EXPECT(large != NULL);
        free(large);
    }
}

void memory_grows_no_further(void)
{
    volatile size_t too_much = SIZE_MAX;
    char *now = sbrk(0);
    errno = 0;
    EXPECT(sbrk(heap + sizeof(heap) - now + 1) == (void *)-1 && errno == ENOMEM);
    EXPECT(sbrk(heap - now - 1) == (void *)-1);
    EXPECT(sbrk(INTPTR_MAX) == (void *)-1);
    EXPECT(sbrk(0) == now);
    // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): there is nothing to leak, or the check fails
    EXPECT(malloc(too_much) == NULL && malloc(CHECKS_HEAP_BYTES) == NULL);
}

// ---- the rest ----------------------------------------------------------------------------------
static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

void other_functions(void)
{
    int numbers[] = { 5, 1, 4, 2, 3 }, wanted = 4;
    char text[] = "one,two;three";
    static jmp_buf place;
    static volatile unsigned jumps;
    qsort(numbers, 5, sizeof(numbers[0]), compare);
    EXPECT(numbers[0] == 1 && numbers[4] == 5);
    EXPECT(bsearch(&wanted, numbers, 5, sizeof(numbers[0]), compare) == &numbers[3]);
    EXPECT_TEXT(strtok(text, ",;"), "one");
    EXPECT_TEXT(strtok(NULL, ",;"), "two");
    EXPECT_TEXT(strerror(ENOMEM), "Not enough space");
    srand(1);
    EXPECT(rand() != rand());
    if (setjmp(place) == 0) {
        longjmp(place, 7);
    }
    jumps++;
    EXPECT_EQUAL(jumps, 1);
}

#define SECOND     1000000000ull
#define KNOWN_TIME 1700000000ll  // 2023-11-14 22:13:20 UTC

void time_passes(void)
{
    struct timespec first, then;
    struct timeval real;
    char text[32];
    EXPECT(clock_gettime(CLOCK_MONOTONIC, &first) == 0);
    uint64_t end = rt_clock() + rt_clock_hz() / 100;
    while (rt_clock() < end) {
        rt_yield();
    }
    EXPECT(clock_gettime(CLOCK_MONOTONIC, &then) == 0);
    uint64_t passed = (uint64_t)(then.tv_sec - first.tv_sec) * SECOND + (uint64_t)then.tv_nsec -
                      (uint64_t)first.tv_nsec;
    EXPECT(passed >= SECOND / 100 && passed < 5 * SECOND);
    libc_real_time_set((KNOWN_TIME - first.tv_sec) * (int64_t)SECOND);
    EXPECT(gettimeofday(&real, NULL) == 0);
    EXPECT(real.tv_sec >= KNOWN_TIME && real.tv_sec < KNOWN_TIME + 10);
    EXPECT(time(NULL) >= KNOWN_TIME);
    EXPECT(strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", gmtime(&(time_t){ KNOWN_TIME })) ==
           19);
    EXPECT_TEXT(text, "2023-11-14 22:13:20");
    EXPECT(clock() > 0);
    EXPECT(clock_gettime((clockid_t)99, &then) == -1 && errno == EINVAL);
}
