// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Programs in address spaces of their own: the loader of lib/rt, and calls between spaces.
#include "agent.h"
#include "groups.h"

#include <rt/elf.h>
#include <rt/program.h>
#include <rt/string.h>

#define CHILD_SERVICE  2u
#define CHILD_ARGUMENT 0x4000000ull

static const struct root_info *root;

void program_tests_init(const struct root_info *info)
{
    root = info;
}

static void child_speaks(void)
{
    struct rt_mapping file;
    struct rt_program child;
    uint64_t bytes = 0;
    struct ipc_words words;
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t reply = make(KIND_REPLY);
    struct rt_program_config config = { .argument = CHILD_ARGUMENT,
                                        .priority = AGENT_PRIORITY,
                                        .fault = endpoint };
    REQUIRE(rt_ok(rt_module_map(root, "child", &file, &bytes)));
    REQUIRE(rt_ok(rt_program_load(&child, file.base, bytes, &config)));
    EXPECT_OK(rt_program_give(&child, CHILD_SERVICE, endpoint, RIGHT_SEND));
    EXPECT_OK(rt_program_start(&child));
    struct ipc_result got = ipc_recv(endpoint, reply, &words);
    EXPECT_OK(got.status);
    EXPECT_EQUAL(words.word[0], CHILD_ARGUMENT);
    for (unsigned i = 10; i < 15; i++) {
        words = WORDS(i);
        got = ipc_reply_recv(endpoint, TAG(0, 1, 0), reply, &words);
        EXPECT_OK(got.status);
        EXPECT_EQUAL(words.word[0], i + 1);
    }
    words = WORDS(0);
    got = ipc_reply_recv(endpoint, TAG(0, 1, 0), reply, &words);
    EXPECT_EQUAL(got.tag, TAG(FAULT_PAGE, 3, 0));
    EXPECT_EQUAL(words.word[0], CHILD_ARGUMENT);
    EXPECT_EQUAL(words.word[1], FAULT_WRITE);
    rt_program_delete(&child);
    rt_map_delete(&file);
    rt_object_delete(reply);
    rt_object_delete(endpoint);
}

// ---- files that are no programs ----------------------------------------------------------------
static struct {
    struct elf_header header;
    struct elf_program segment;
} file;

static void file_reset(void)
{
    file.header = (struct elf_header){ .magic = ELF_MAGIC,
                                       .class = ELF_CLASS_64,
                                       .data = ELF_DATA_LITTLE,
                                       .type = ELF_TYPE_EXEC,
                                       .machine = ELF_MACHINE_X86,
                                       .program_offset = sizeof(struct elf_header),
                                       .program_size = sizeof(struct elf_program),
                                       .program_count = 1 };
    file.segment = (struct elf_program){ .type = ELF_PROGRAM_LOAD,
                                         .flags = ELF_SEGMENT_READ,
                                         .vaddr = 0x400000,
                                         .file_size = sizeof(file),
                                         .memory_size = sizeof(file) };
}

static void refuse_file(uint64_t bytes, const char *where)
{
    struct rt_program program;
    struct rt_program_config config = { .priority = 1 };
    struct rt_status status = rt_program_load(&program, &file, bytes, &config);
    test_check_equal(status.word, ERR_RANGE, where, "status of a bad file");
    if (rt_ok(status)) {
        rt_program_delete(&program);
    }
    file_reset();
}

static void bad_files_refused(void)
{
    file_reset();
    refuse_file(sizeof(file) - 1, TEST_HERE);
    refuse_file(0, TEST_HERE);
    file.header.magic = 0;
    refuse_file(sizeof(file), TEST_HERE);
    file.header.machine = 3;
    refuse_file(sizeof(file), TEST_HERE);
    file.header.program_offset = 0 - 64ull;
    refuse_file(sizeof(file), TEST_HERE);
    file.segment.vaddr = KERNEL_ADDRESS;
    refuse_file(sizeof(file), TEST_HERE);
    file.segment.offset = UINT64_MAX;
    refuse_file(sizeof(file), TEST_HERE);
    file.segment.memory_size = UINT64_MAX;
    refuse_file(sizeof(file), TEST_HERE);
    file.segment.memory_size = 1;
    refuse_file(sizeof(file), TEST_HERE);
}

static void format_prints(void)
{
    char text[64];
    EXPECT_EQUAL(rt_format(text, sizeof(text), "%d %u %x %5s|%-3d|%03d|%c%%", -7, 8u, 0xabu, "ab",
                           1, 2, 'z'),
                 24);
    EXPECT_EQUAL((uint64_t)strcmp(text, "-7 8 ab    ab|1  |002|z%"), 0);
    rt_format(text, sizeof(text), "%lx %llu %p %5d %zu", 0x123456789abul, 1ull << 40, (void *)16,
              -12, (size_t)3);
    EXPECT_EQUAL((uint64_t)strcmp(text, "123456789ab 1099511627776 0x10   -12 3"), 0);
    EXPECT_EQUAL(rt_format(text, 4, "%s", "abcdef"), 6);
    EXPECT_EQUAL((uint64_t)strcmp(text, "abc"), 0);
}

GROUP(program, TEST(child_speaks), TEST(bad_files_refused), TEST(format_prints));
