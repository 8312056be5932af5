// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Extended attributes: setxattr(2), getxattr(2), listxattr(2), removexattr(2).
#include "check.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define MANY 270  // names of 249 bytes are more than XATTR_LIST_MAX

static char text[70000];

CASE(set_and_get)
{
    int file = check_file("f", "");
    CHECK(setxattr("f", "user.a", "value", 5, 0), 0);
    CHECK(getxattr("f", "user.a", text, sizeof(text)), 5);
    CHECK_TRUE(memcmp(text, "value", 5) == 0);
    CHECK(getxattr("f", "user.a", text, 0), 5);
    CHECK(getxattr("f", "user.a", text, 4), -ERANGE);
    CHECK(fgetxattr(file, "user.a", text, 5), 5);
    CHECK(fsetxattr(file, "user.b", "", 0, 0), 0);
    CHECK(getxattr("f", "user.b", text, 10), 0);
    CHECK(getxattr("f", "user.c", text, 10), -ENODATA);
    CHECK(setxattr("f", "user.a", "x", 1, XATTR_CREATE), -EEXIST);
    CHECK(setxattr("f", "user.c", "x", 1, XATTR_REPLACE), -ENODATA);
    CHECK(setxattr("f", "user.a", "x", 1, XATTR_REPLACE), 0);
    CHECK(setxattr("f", "user.a", "x", 1, 4), -EINVAL);
    CHECK(getxattr("f", "user.a", text, 10), 1);
    CHECK(removexattr("f", "user.a"), 0);
    CHECK(removexattr("f", "user.a"), -ENODATA);
    CHECK(fremovexattr(file, "user.b"), 0);
}

CASE(list)
{
    int file = check_file("f", "");
    CHECK(listxattr("f", text, sizeof(text)), 0);
    NEED(setxattr("f", "user.one", "1", 1, 0));
    CHECK(listxattr("f", text, sizeof(text)), 9);
    CHECK_TEXT(text, "user.one");
    NEED(setxattr("f", "user.two", "2", 1, 0));
    CHECK(listxattr("f", text, 0), 18);
    CHECK(flistxattr(file, text, sizeof(text)), 18);
    CHECK(listxattr("f", text, 10), -ERANGE);
}

CASE(errors)
{
    close(check_file("f", ""));
    NEED(symlink("f", "s"));
    NEED(mkfifo("p", 0600));
    CHECK(setxattr("missing", "user.a", "", 0, 0), -ENOENT);
    CHECK(getxattr("missing", "user.a", text, 1), -ENOENT);
    CHECK(listxattr("missing", text, 1), -ENOENT);
    CHECK(setxattr("f", "nothing.a", "", 0, 0), -EOPNOTSUPP);
    CHECK(setxattr("f", "", "", 0, 0), -ERANGE);
    CHECK(setxattr("f", "user.", "", 0, 0), -EINVAL);
    CHECK(setxattr("f", "user.a", text, 65537, 0), -E2BIG);
    memcpy(text, "user.", 5);
    memset(text + 5, 'x', 251);
    text[256] = 0;
    CHECK(setxattr("f", text, "", 0, 0), -ERANGE);
    CHECK(SYS(setxattr, "f", BAD, "", 0, 0), -EFAULT);
    CHECK(SYS(setxattr, "f", "user.a", BAD, 1, 0), -EFAULT);
    CHECK(setxattr("p", "user.a", "", 0, 0), -EPERM);
    CHECK(lsetxattr("s", "user.a", "", 0, 0), -EPERM);
    CHECK(setxattr("s", "user.a", "", 0, 0), 0);
    CHECK(lgetxattr("s", "user.a", text, 10), -ENODATA);
    CHECK(fsetxattr(99, "user.a", "", 0, 0), -EBADF);
    AS_NOBODY
    {
        CHECK(setxattr(".", "trusted.a", "", 0, 0), -EPERM);
        CHECK(getxattr(".", "trusted.a", text, 1), -ENODATA);
        if (getuid() == CHECK_NOBODY) {
            CHECK(setxattr("f", "user.a", "", 0, 0), -EACCES);
        }
    }
}

CASE(errors_of_files)
{
    int file = check_file("f", "");
    NEED(symlink("f", "s"));
    int null = NEED(open("/dev/null", O_RDONLY));
    CHECK(SYS(fsetxattr, file, "user.a", "value", 5, 0), 0);
    CHECK(SYS(fsetxattr, file, "user.a", "", 0, XATTR_CREATE), -EEXIST);
    CHECK(SYS(lsetxattr, "f", "user.a", "", 0, XATTR_CREATE), -EEXIST);
    CHECK(SYS(fsetxattr, file, "user.b", "", 0, XATTR_REPLACE), -ENODATA);
    CHECK(SYS(lsetxattr, "f", "user.b", "", 0, XATTR_REPLACE), -ENODATA);
    CHECK(SYS(fsetxattr, file, "", "", 0, 0), -ERANGE);
    CHECK(SYS(lsetxattr, "f", "", "", 0, 0), -ERANGE);
    CHECK(SYS(fsetxattr, null, "user.a", "", 0, 0), -EPERM);
    CHECK(SYS(fgetxattr, file, "user.a", text, 4), -ERANGE);
    CHECK(SYS(lgetxattr, "f", "user.a", text, 4), -ERANGE);
    CHECK(SYS(fgetxattr, file, "user.b", text, 4), -ENODATA);
    CHECK(SYS(flistxattr, file, text, 4), -ERANGE);
    CHECK(SYS(fremovexattr, file, "user.b"), -ENODATA);
}

CASE(kinds_that_are_none)
{
    int file = check_file("f", "");
    CHECK(SYS(setxattr, "f", "nothing.a", "", 0, 0), -ENOTSUP);
    CHECK(SYS(lsetxattr, "f", "nothing.a", "", 0, 0), -ENOTSUP);
    CHECK(SYS(fsetxattr, file, "nothing.a", "", 0, 0), -ENOTSUP);
    CHECK(SYS(getxattr, "f", "nothing.a", text, 1), -ENOTSUP);
    CHECK(SYS(lgetxattr, "f", "nothing.a", text, 1), -ENOTSUP);
    CHECK(SYS(fgetxattr, file, "nothing.a", text, 1), -ENOTSUP);
    CHECK(SYS(removexattr, "f", "nothing.a"), -ENOTSUP);
    CHECK(SYS(lremovexattr, "f", "nothing.a"), -ENOTSUP);
    CHECK(SYS(fremovexattr, file, "nothing.a"), -ENOTSUP);
}

// More than a list may be long, where a file system in memory has room for them.
CASE(long_list)
{
    char name[256] = "trusted.";
    if (check_is_root()) {
        if (unshare(CLONE_NEWNS) == 0) {
            NEED(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
        }
        NEED(mkdir("m", 0755));
        NEED(mount("m", "m", "tmpfs", 0, NULL));
        int file = check_file("m/f", "");
        for (int i = 0; i < MANY; i++) {
            snprintf(name, sizeof(name), "trusted.%0240d", i);
            NEED(fsetxattr(file, name, "", 0, 0));
        }
        CHECK(SYS(listxattr, "m/f", text, 65536), -E2BIG);
        CHECK(SYS(llistxattr, "m/f", text, 65536), -E2BIG);
        CHECK(SYS(flistxattr, file, text, 65536), -E2BIG);
        CHECK(SYS(flistxattr, file, text, 65535), -ERANGE);
        close(file);
        NEED(umount2("m", MNT_DETACH));
    }
}

// Those of a link itself, which users cannot have.
CASE(of_a_link)
{
    if (check_is_root()) {
        close(check_file("f", ""));
        NEED(symlink("f", "s"));
        CHECK(SYS(lsetxattr, "s", "user.a", "1", 1, 0), -EPERM);
        CHECK(SYS(lsetxattr, "s", "trusted.a", "12", 2, 0), 0);
        CHECK(SYS(lgetxattr, "s", "trusted.a", text, 10), 2);
        CHECK(SYS(llistxattr, "s", text, sizeof(text)), 10);
        CHECK_TEXT(text, "trusted.a");
        CHECK(SYS(llistxattr, "s", text, 3), -ERANGE);
        CHECK(listxattr("s", text, sizeof(text)), 0);
        CHECK(SYS(lremovexattr, "s", "trusted.a"), 0);
        CHECK(SYS(lremovexattr, "s", "trusted.a"), -ENODATA);
        CHECK(SYS(llistxattr, "s", text, sizeof(text)), 0);
    }
}
