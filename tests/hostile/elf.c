// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Executables that are no good: a small one that is, with fields that are set to what they must not
// be, cut short, or with an interpreter that is itself.
#include "hostile.h"

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HEADERS      5u
#define BASE         0x10000000ul
#define PATIENCE     20  // looks at one that runs

struct image {
    Elf64_Ehdr header;
    Elf64_Phdr parts[HEADERS];
    char interpreter[16];
    uint8_t code[16];
    uint8_t rest[8 * PAGE];  // more than anybody should read of it into a buffer of its own
};

static const struct image good = {
    .header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
                .e_type = ET_EXEC,
                .e_machine = EM_X86_64,
                .e_version = EV_CURRENT,
                .e_entry = BASE + offsetof(struct image, code),
                .e_phoff = offsetof(struct image, parts),
                .e_ehsize = sizeof(Elf64_Ehdr),
                .e_phentsize = sizeof(Elf64_Phdr),
                .e_phnum = HEADERS },
    .parts = { { PT_LOAD, PF_R | PF_X, 0, BASE, BASE, PAGE, PAGE, PAGE },
               { PT_LOAD, PF_R | PF_W, PAGE, BASE + PAGE, BASE + PAGE, 100, 3 * PAGE, PAGE },
               { PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16 },
               { PT_NULL, PF_R, offsetof(struct image, interpreter), 0, 0, 8, 8, 1 },
               { PT_NOTE, PF_R, 0, 0, 0, 0, 0, 4 } },
    .interpreter = "./elf",
    // mov edi, 7; mov eax, 60; syscall
    .code = { 0xbf, 7, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05 },
};

static uint64_t edge(struct random *random)
{
    static const uint64_t edges[] = { 0,
                                      1,
                                      PAGE - 1,
                                      PAGE,
                                      PAGE + 1,
                                      INT32_MAX,
                                      UINT32_MAX,
                                      INT64_MAX,
                                      UINT64_MAX,
                                      UINT64_MAX - PAGE + 1,
                                      0x7ffffffff000,
                                      0x800000000000,
                                      0xffff800000000000,
                                      BASE,
                                      BASE + PAGE,
                                      PT_INTERP,
                                      PT_LOAD,
                                      PT_DYNAMIC,
                                      ET_DYN,
                                      1ul << 40,
                                      offsetof(struct image, parts) };
    return random_below(random, 6) ? edges[random_below(random, COUNT(edges))]
                                   : random_next(random);
}

// A field of 2, 4 or 8 bytes of the headers.
static void mutate(struct random *random, struct image *image)
{
    uint64_t value = edge(random);
    size_t width = 2ul << random_below(random, 3);
    size_t fields = (sizeof(image->header) + sizeof(image->parts)) / width;
    size_t at = random_below(random, fields) * width;
    if (random_below(random, 3) == 0) {  // counts and sizes are few, and matter most
        width = 2;
        at = offsetof(Elf64_Ehdr, e_ehsize) + random_below(random, 6) * width;
    }
    memcpy((uint8_t *)image + at, &value, width);
}

static bool file_make(struct random *random)
{
    struct image image = good;
    if (random_below(random, 4) == 0) {
        image.parts[3].p_type = PT_INTERP;
    }
    for (uint64_t i = random_below(random, 4); i-- > 0;) {
        mutate(random, &image);
    }
    size_t bytes = random_below(random, 4) ? sizeof(image) : random_below(random, sizeof(image));
    int fd = open("elf", O_WRONLY | O_CREAT | O_TRUNC, 0755);
    bool done = fd >= 0 && write(fd, &image, bytes) == (ssize_t)bytes;
    return close(fd) == 0 && done;
}

static void wait_short(pid_t child)
{
    for (unsigned i = 0; i < PATIENCE; i++) {
        if (waitpid(child, NULL, WNOHANG) == child) {
            return;
        }
        judge_pause();
    }
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
}

void elf_attack(uint64_t seed, unsigned count)
{
    char name[] = "elf";
    char *const arguments[] = { name, NULL };
    struct random random = random_of(seed);
    for (unsigned i = 0; i < count && file_make(&random); i++) {
        pid_t child = fork();
        if (child == 0) {
            (void)execv("elf", arguments);
            _exit(1);
        }
        wait_short(child);
    }
    (void)unlink("elf");
}
