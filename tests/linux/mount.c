// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Mounts: mount(2), umount2(2), and what they do to names.  Where there are namespaces, each case
// has its own.
#include "check.h"

#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <limits.h>

static bool begin(void)
{
    if (!check_is_root()) {
        return false;
    }
    if (unshare(CLONE_NEWNS) == 0) {
        NEED(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    }
    NEED(mkdir("a", 0755));
    NEED(mkdir("b", 0755));
    return true;
}

static bool there(const char *name)
{
    struct stat about;
    return stat(name, &about) == 0;
}

static void make(const char *name)
{
    close(NEED(open(name, O_RDWR | O_CREAT, 0644)));
}

// How often the mounts of this process have a text.
static int listed(const char *wanted)
{
    static char text[65536];
    int file = NEED(open("/proc/self/mounts", O_RDONLY));
    ssize_t length = 0;
    ssize_t more = 0;
    while ((more = read(file, text + length, sizeof(text) - 1 - (size_t)length)) > 0) {
        length += more;
    }
    text[length] = 0;
    int count = 0;
    for (const char *at = text; (at = strstr(at, wanted)) != NULL; at++) {
        count++;
    }
    close(file);
    return count;
}

CASE(memory)
{
    if (begin()) {
        struct statfs about;
        make("a/below");
        CHECK(mount("here", "a", "tmpfs", MS_NOSUID, "size=64k,mode=0700"), 0);
        CHECK_TRUE(!there("a/below"));
        CHECK(statfs("a", &about), 0);
        CHECK(about.f_type, 0x01021994);
        CHECK(about.f_blocks * (unsigned long)about.f_bsize, 65536);
        CHECK(listed("here "), 1);
        make("a/above");
        CHECK(umount2("a", 0), 0);
        CHECK_TRUE(there("a/below") && !there("a/above"));
        CHECK(listed("here "), 0);
    }
}

CASE(busy)
{
    if (begin()) {
        NEED(mount("here", "a", "tmpfs", 0, NULL));
        int file = NEED(open("a/open", O_RDWR | O_CREAT, 0644));
        CHECK(umount2("a", 0), -EBUSY);
        CHECK(rmdir("a"), -EBUSY);
        CHECK(umount2("a", MNT_DETACH), 0);
        CHECK_TRUE(!there("a/open"));
        CHECK(write(file, "x", 1), 1);
        CHECK(rmdir("a"), 0);
    }
}

CASE(bind)
{
    if (begin()) {
        make("a/file");
        CHECK(mount("a", "b", NULL, MS_BIND, NULL), 0);
        CHECK_TRUE(there("b/file"));
        make("b/other");
        CHECK_TRUE(there("a/other"));
        CHECK(rename("a/file", "b/file"), -EXDEV);
        CHECK(link("a/file", "b/link"), -EXDEV);
        CHECK(umount2("b", 0), 0);
        CHECK_TRUE(!there("b/other"));
        make("f");
        CHECK(mount("a/file", "f", NULL, MS_BIND, NULL), 0);
        CHECK(mount("a", "f", NULL, MS_BIND, NULL), -ENOTDIR);
        CHECK(unlink("f"), -EBUSY);
        CHECK(umount2("f", 0), 0);
    }
}

// What is mounted below goes with it only if that is asked for.
CASE(bind_with_what_is_below)
{
    if (begin()) {
        NEED(mkdir("a/one", 0755));
        NEED(mount("below", "a/one", "tmpfs", 0, NULL));
        NEED(mkdir("a/one/two", 0755));
        NEED(mount("below", "a/one/two", "tmpfs", 0, NULL));
        make("a/one/file");
        make("a/one/two/file");
        CHECK(mount("a", "b", NULL, MS_BIND, NULL), 0);
        CHECK_TRUE(there("b/one") && !there("b/one/file"));
        CHECK(umount2("b", 0), 0);
        CHECK(mount("a", "b", NULL, MS_BIND | MS_REC, NULL), 0);
        CHECK_TRUE(there("b/one/file") && there("b/one/two/file"));
        CHECK(listed("below "), 4);
        CHECK(umount2("b", 0), -EBUSY);
        CHECK(umount2("b", MNT_DETACH), 0);
        CHECK(listed("below "), 2);
        CHECK_TRUE(there("a/one/two/file"));
        CHECK(umount2("a/one", 0), -EBUSY);
        CHECK(umount2("a/one", MNT_DETACH), 0);
        CHECK(listed("below "), 0);
    }
}

CASE(bind_into_itself)
{
    if (begin()) {
        NEED(mkdir("a/in", 0755));
        NEED(mkdir("a/one", 0755));
        NEED(mount("below", "a/one", "tmpfs", 0, NULL));
        CHECK(mount("a", "a/in", NULL, MS_BIND | MS_REC, NULL), 0);
        CHECK(listed("below "), 2);
        CHECK_TRUE(there("a/in/in") && there("a/in/one"));
        CHECK(umount2("a/in", MNT_DETACH), 0);
        CHECK(listed("below "), 1);
    }
}

CASE(moved)
{
    if (begin()) {
        NEED(mount("here", "a", "tmpfs", 0, NULL));
        make("a/file");
        CHECK(mount("a", "b", NULL, MS_MOVE, NULL), 0);
        CHECK_TRUE(there("b/file") && !there("a/file"));
        CHECK(mount("a", "b", NULL, MS_MOVE, NULL), -EINVAL);
        NEED(mkdir("b/in", 0755));
        CHECK(mount("b", "b/in", NULL, MS_MOVE, NULL), -ELOOP);
    }
}

CASE(read_only)
{
    if (begin()) {
        NEED(mount("here", "a", "tmpfs", 0, NULL));
        make("a/file");
        CHECK(mount("here", "a", "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
        CHECK(open("a/file", O_RDWR), -EROFS);
        CHECK(open("a/new", O_RDWR | O_CREAT, 0600), -EROFS);
        CHECK(mkdir("a/new", 0700), -EROFS);
        CHECK(unlink("a/file"), -EROFS);
        CHECK(chmod("a/file", 0600), -EROFS);
        CHECK_TRUE(open("a/file", O_RDONLY) >= 0);
        CHECK(mount("here", "a/file", "tmpfs", MS_REMOUNT, NULL), -EINVAL);
    }
}

CASE(terminals)
{
    if (begin()) {
        struct statfs about;
        CHECK(mount("devpts", "a", "devpts", 0, "mode=620,gid=5"), 0);
        CHECK(statfs("a", &about), 0);
        CHECK(about.f_type, 0x1cd1);
        CHECK_TRUE(there("a/ptmx"));
        CHECK(open("a/new", O_RDWR | O_CREAT, 0600), -EACCES);
        CHECK(mkdir("a/new", 0700), -EPERM);
        CHECK_TRUE(listed("/a devpts ") == 1);
    }
}

CASE(errors)
{
    if (begin()) {
        make("f");
        CHECK(mount("x", "a", "no such type", 0, NULL), -ENODEV);
        CHECK(mount("x", "f", "tmpfs", 0, NULL), -ENOTDIR);
        CHECK(mount("x", "none", "tmpfs", 0, NULL), -ENOENT);
        CHECK(mount("none", "a", NULL, MS_BIND, NULL), -ENOENT);
        CHECK(mount("x", "a", NULL, MS_REMOUNT, NULL), -EINVAL);
        CHECK(mount("x", "a", BAD, 0, NULL), -EFAULT);
        CHECK(mount(BAD, "a", "tmpfs", 0, NULL), -EFAULT);
        CHECK(mount("x", BAD, "tmpfs", 0, NULL), -EFAULT);
        CHECK(umount2("a", 0), -EINVAL);
        CHECK(umount2("none", 0), -ENOENT);
        CHECK(umount2(BAD, 0), -EFAULT);
        CHECK(umount2("a", 0x100), -EINVAL);
        CHECK(umount2("a", MNT_EXPIRE | MNT_DETACH), -EINVAL);
        char name[NAME_MAX + 2] = "";
        memset(name, 'n', NAME_MAX + 1);
        CHECK(mount("x", name, "tmpfs", 0, NULL), -ENAMETOOLONG);
    }
}

// The name of a place is looked up with the identity for files (setfsuid(2)).
CASE(closed)
{
    if (begin()) {
        NEED(mkdir("a/in", 0755));
        NEED(chmod("a", 0700));
        setfsuid(CHECK_NOBODY);
        CHECK(mount("x", "a/in", "tmpfs", 0, NULL), -EACCES);
    }
}

CASE(expired)
{
    if (begin()) {
        NEED(mount("here", "a", "tmpfs", 0, NULL));
        CHECK(umount2("a", MNT_EXPIRE), -EAGAIN);
        CHECK(umount2("a", MNT_EXPIRE), 0);
    }
}

CASE(without_privileges)
{
    AS_NOBODY
    {
        CHECK(mount("x", "/tmp", "tmpfs", 0, NULL), -EPERM);
        CHECK(umount2("/proc", 0), -EPERM);
    }
}

// Limits are changed together, or not at all.
CASE(limits_together)
{
    struct statfs before, after;
    if (begin()) {
        NEED(mount("x", "a", "tmpfs", 0, "size=1m,nr_inodes=100"));
        NEED(mkdir("a/in", 0755));
        NEED(statfs("a", &before));
        CHECK(mount("x", "a", "tmpfs", MS_REMOUNT, "size=64k,nr_inodes=1"), -EINVAL);
        NEED(statfs("a", &after));
        CHECK_TRUE(after.f_blocks == before.f_blocks);
        CHECK_TRUE(after.f_files == before.f_files);
    }
}
