// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The file layer against the development host's: random calls on a few names, each carried out by
// both, have the same results and leave the same tree.  The host's files lie in a directory of
// /dev/shm (or /tmp) that is taken away at the end.
#include "../call.h"
#include "file_fake.h"
#include "host.h"

#include <rt/print.h>
#include <rt/string.h>

#include <setjmp.h>

#include <stdarg.h>

#include <cmocka.h>

#define SEEDS 40u
#define STEPS 3000u
#define FILES 6

static struct task *task;
static uint64_t state;
static int host_files[FILES], own_files[FILES];

static unsigned draw(unsigned below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

static void add(char *to, const char *more)
{
    memcpy(to + strlen(to), more, strlen(more) + 1);
}

// A path of up to three names, with what else paths can have.  Nothing leaves the directory that
// both begin in.
static void draw_path(char *to, bool up_too)
{
    static const char *const names[] = { "a", "b", "c", "d", "e" };
    unsigned count = 1 + draw(3), up = 0;
    to[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        unsigned kind = draw(24);
        add(to, i == 0 ? "" : draw(10) ? "/" : "//");
        if (kind == 0 && up == 0 && up_too) {
            add(to, "..");
            up++;
        } else if (kind == 1) {
            add(to, ".");
        } else {
            add(to, names[draw(5)]);
        }
    }
    add(to, draw(8) ? "" : "/");
}

static void agree(const char *what, const char *one, const char *two, int64_t own, int64_t host)
{
    if (own != host) {
        print_error("%s(%s, %s): %ld here, %ld there\n", what, one, two, (long)own, (long)host);
        fail();
    }
}

// ---- calls -------------------------------------------------------------------------------------
static void step_open(const char *path)
{
    static const uint32_t some[] = {
        0,        O_CREAT,           O_CREAT | O_EXCL, O_TRUNC, O_DIRECTORY,
        O_APPEND, O_CREAT | O_TRUNC, O_NOFOLLOW,       O_PATH,  O_CREAT | O_NOFOLLOW
    };
    unsigned slot = draw(FILES);
    uint32_t flags = some[draw(10)] | (draw(2) ? draw(3) : 2);
    char text[16];
    if (host_files[slot] >= 0) {
        host_close(host_files[slot]);
        call_close(task, own_files[slot]);
    }
    int64_t host = host_open(path, flags, 0666);
    host_files[slot] = (int)host;
    own_files[slot] = (int)call_openat(task, AT_FDCWD, at(path), flags, 0666);
    (void)rt_format(text, sizeof(text), "0x%x", flags);
    agree("open", path, text, own_files[slot] < 0 ? own_files[slot] : 0, host < 0 ? host : 0);
}

static void step_file(void)
{
    unsigned slot = draw(FILES), bytes = draw(5000), where = draw(12000);
    static char host_data[5000], own_data[5000];
    int host = host_files[slot], own = own_files[slot];
    if (host < 0) {
        return;
    }
    for (unsigned i = 0; i < bytes; i++) {
        host_data[i] = own_data[i] = (char)draw(256);
    }
    switch (draw(6)) {
    case 0:
        agree("write", "", "", call_write(task, own, at(own_data), bytes),
              host_write(host, host_data, bytes));
        break;
    case 1:
        agree("pwrite", "", "", call_pwrite64(task, own, at(own_data), bytes, where),
              host_pwrite(host, host_data, bytes, where));
        break;
    case 2:
        agree("read", "", "", call_read(task, own, at(own_data), bytes),
              host_read(host, host_data, bytes));
        assert_memory_equal(own_data, host_data, bytes);
        break;
    case 3:
        agree("pread", "", "", call_pread64(task, own, at(own_data), bytes, where),
              host_pread(host, host_data, bytes, where));
        assert_memory_equal(own_data, host_data, bytes);
        break;
    case 4: {
        struct host_stat stat;
        bool directory = !host_fstat(host, &stat) && (stat.mode & S_IFMT) == S_IFDIR;
        int whence = (int)draw(3);
        if (!directory) {  // sizes and offsets of directories are their file system's
            agree("lseek", "", "", call_lseek(task, own, where, (unsigned)whence),
                  host_seek(host, where, whence));
        }
        break;
    }
    default:
        agree("ftruncate", "", "", call_ftruncate(task, own, where), host_truncate(host, where));
    }
}

// The start of struct stat.
struct own_stat {
    uint64_t device, number, links;
    uint32_t mode, uid, gid, padding;
    uint64_t special, size, more[11];
};

static void step_stat(const char *path)
{
    struct host_stat host;
    struct own_stat own = {};
    bool follow = draw(2);
    int64_t there = host_stat(path, follow, &host);
    int64_t result = call_newfstatat(task, AT_FDCWD, at(path), at(&own),
                                     follow ? 0 : AT_SYMLINK_NOFOLLOW);
    agree("stat", path, "", result, there);
    if (!there) {
        assert_int_equal(own.mode, host.mode);
        assert_int_equal(own.links, host.links);
        if ((host.mode & S_IFMT) != S_IFDIR) {
            assert_int_equal(own.size, host.size);
        }
    }
}

static void step_two(const char *one, const char *two)
{
    uint32_t flags = draw(3);
    char text[8], target[64];
    (void)rt_format(text, sizeof(text), "%u", flags);
    switch (draw(3)) {
    case 0:
        agree(flags == 2 ? "exchange"
              : flags    ? "rename to none"
                         : "rename",
              one, two, call_renameat2(task, AT_FDCWD, at(one), AT_FDCWD, at(two), flags),
              host_rename(one, two, flags));
        break;
    case 1:
        agree("link", one, two, call_linkat(task, AT_FDCWD, at(one), AT_FDCWD, at(two), 0),
              host_link(one, two));
        break;
    default:
        draw_path(target, false);
        agree("symlink", one, two, call_symlinkat(task, at(target), AT_FDCWD, at(two)),
              host_symlink(target, two));
    }
}

static void step_one(const char *path)
{
    char own[64] = "", host[64] = "";
    switch (draw(7)) {
    case 0:
        agree("unlink", path, "", call_unlinkat(task, AT_FDCWD, at(path), 0),
              host_unlink(path, false));
        break;
    case 1:
        agree("rmdir", path, "", call_unlinkat(task, AT_FDCWD, at(path), AT_REMOVEDIR),
              host_unlink(path, true));
        break;
    case 2:
        agree("readlink", path, "", call_readlinkat(task, AT_FDCWD, at(path), at(own), 64),
              host_readlink(path, host, 64));
        assert_string_equal(own, host);
        break;
    case 3:
        agree("access", path, "", call_faccessat(task, AT_FDCWD, at(path), 4),
              host_access(path, 4));
        break;
    case 4:
        agree("chmod", path, "", call_fchmodat(task, AT_FDCWD, at(path), 0755),
              host_chmod(path, 0755));
        break;
    default:
        agree("mkdir", path, "", call_mkdirat(task, AT_FDCWD, at(path), 0777),
              host_mkdir(path, 0777));
    }
}

static void step(void)
{
    char one[64], two[64];
    draw_path(one, true);
    draw_path(two, true);
    switch (draw(5)) {
    case 0: step_open(one); break;
    case 1: step_file(); break;
    case 2: step_stat(one); break;
    case 3: step_two(one, two); break;
    default: step_one(one);
    }
}

// ---- trees -------------------------------------------------------------------------------------
#define NAMES 64
static unsigned names_here(const char *path, char names[NAMES][HOST_NAME])
{
    static char entries[8192];
    unsigned count = 0;
    int fd = (int)call_openat(task, AT_FDCWD, at(path), O_RDONLY | O_DIRECTORY, 0);
    assert_true(fd >= 0);
    for (int64_t bytes; (bytes = call_getdents64(task, fd, at(entries), 100)) > 0;) {
        for (int64_t offset = 0; offset < bytes;
             offset += *(uint16_t *)(void *)&entries[offset + 16]) {
            (void)rt_format(names[count++], HOST_NAME, "%s", &entries[offset + 19]);
        }
    }
    call_close(task, fd);
    host_sort(names, count);
    return count;
}

static void compare(const char *path)
{
    char own[NAMES][HOST_NAME], host[NAMES][HOST_NAME];
    unsigned count = names_here(path, own);
    assert_int_equal(count, host_names(path, host));
    for (unsigned i = 0; i < count; i++) {
        char below[512];
        struct host_stat stat;
        assert_string_equal(own[i], host[i]);
        (void)rt_format(below, sizeof(below), "%s/%s", path, host[i]);
        assert_int_equal(host_stat(below, false, &stat), 0);
        step_stat(below);
        if ((stat.mode & S_IFMT) == S_IFDIR && own[i][0] != '.') {
            compare(below);
        }
    }
}

static void begin(unsigned seed)
{
    state = seed * 7919u + 1;
    task = fake_begin();
    host_begin();
    assert_int_equal(call_mkdir(task, at("/tmp/w"), 0777), 0);
    assert_int_equal(call_mkdir(task, at("/tmp/w/root"), 0777), 0);
    assert_int_equal(call_chdir(task, at("/tmp/w/root")), 0);
    for (unsigned i = 0; i < FILES; i++) {
        host_files[i] = own_files[i] = -1;
    }
}

static void random_calls(void **unused)
{
    (void)unused;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        begin(seed);
        for (unsigned i = 0; i < STEPS; i++) {
            step();
        }
        compare(".");
        for (unsigned i = 0; i < FILES; i++) {
            if (host_files[i] >= 0) {
                host_close(host_files[i]);
            }
        }
        host_end();
        fake_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(random_calls) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
