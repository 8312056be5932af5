// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Names: path_resolution(7), link(2), unlink(2), symlink(2), readlink(2), rename(2), access(2),
// mknod(2).
#include "check.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <limits.h>

#ifndef RENAME_NOREPLACE
# define RENAME_NOREPLACE 1
#endif

static char buffer[PATH_MAX + 16];

static long links_of(const char *name)
{
    struct stat about;
    return lstat(name, &about) == 0 ? (long)about.st_nlink : -1;
}

static bool is_same(const char *one, const char *other)
{
    struct stat a;
    struct stat b;
    return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_ino == b.st_ino;
}

CASE(forms)
{
    NEED(mkdir("d", 0777));
    close(check_file("d/f", ""));
    CHECK(access("d/f", F_OK), 0);
    CHECK(access("./d/./f", F_OK), 0);
    CHECK(access("d//f", F_OK), 0);
    CHECK(access("d/../d/f", F_OK), 0);
    CHECK(access("d/", F_OK), 0);
    CHECK(access("d/.", F_OK), 0);
    CHECK(access("d/f/", F_OK), -ENOTDIR);
    CHECK(access("d/f/.", F_OK), -ENOTDIR);
    CHECK(access("d/f/..", F_OK), -ENOTDIR);
    CHECK(access("d/missing/../f", F_OK), -ENOENT);
    CHECK(access("", F_OK), -ENOENT);
    CHECK(access("/..", F_OK), 0);
    CHECK(access("//", F_OK), 0);
    CHECK_TRUE(is_same("/", "/../.."));
}

CASE(long_names)
{
    memset(buffer, 'n', NAME_MAX);
    buffer[NAME_MAX] = 0;
    CHECK_TRUE(open(buffer, O_RDWR | O_CREAT, 0644) >= 0);
    CHECK(unlink(buffer), 0);
    memset(buffer, 'n', NAME_MAX + 1);
    buffer[NAME_MAX + 1] = 0;
    CHECK(open(buffer, O_RDWR | O_CREAT, 0644), -ENAMETOOLONG);
    CHECK(access(buffer, F_OK), -ENAMETOOLONG);
    CHECK(mkdir(buffer, 0777), -ENAMETOOLONG);
    memset(buffer, '/', PATH_MAX);
    memcpy(buffer, ".", 1);
    buffer[PATH_MAX - 1] = 0;
    CHECK(access(buffer, F_OK), 0);
    buffer[PATH_MAX - 1] = '/';
    buffer[PATH_MAX] = 0;
    CHECK(access(buffer, F_OK), -ENAMETOOLONG);
}

CASE(any_bytes)
{
    CHECK_TRUE(open("\x01\xff\n name", O_RDWR | O_CREAT, 0644) >= 0);
    CHECK(access("\x01\xff\n name", F_OK), 0);
    CHECK(access("\x01\xff\n nam", F_OK), -ENOENT);
    CHECK(mkdir("...", 0777), 0);
}

CASE(links)
{
    close(check_file("f", "x"));
    CHECK(link("f", "g"), 0);
    CHECK(links_of("f"), 2);
    CHECK_TRUE(is_same("f", "g"));
    CHECK(link("f", "g"), -EEXIST);
    CHECK(unlink("f"), 0);
    CHECK(links_of("g"), 1);
}

CASE(links_errors)
{
    close(check_file("f", "x"));
    NEED(mkdir("d", 0777));
    CHECK(link("missing", "g"), -ENOENT);
    CHECK(link("f", "missing/g"), -ENOENT);
    CHECK(link("f", "f/g"), -ENOTDIR);
    CHECK(link("f", "g/"), -ENOENT);
    CHECK(link("", "g"), -ENOENT);
    CHECK(link("f", ""), -ENOENT);
    CHECK(link("d", "e"), -EPERM);
    CHECK(SYS(link, BAD, "g"), -EFAULT);
    CHECK(SYS(link, "f", BAD), -EFAULT);
    CHECK(link("f", "/dev/g"), -EXDEV);
    CHECK(linkat(AT_FDCWD, "f", AT_FDCWD, "g", 1), -EINVAL);
    CHECK(linkat(-1, "f", AT_FDCWD, "g", 0), -EBADF);
    NEED(mkdir("closed", 0555));
    NEED(chmod("f", 0666));
    AS_NOBODY
    {
        CHECK(link("f", "closed/g"), -EACCES);
    }
}

CASE(links_of_links)
{
    struct stat about;
    close(check_file("f", "x"));
    NEED(symlink("f", "s"));
    CHECK(link("s", "hard"), 0);
    CHECK(lstat("hard", &about), 0);
    CHECK_TRUE(S_ISLNK(about.st_mode));
    CHECK(linkat(AT_FDCWD, "s", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW), 0);
    CHECK(lstat("followed", &about), 0);
    CHECK_TRUE(S_ISREG(about.st_mode));
}

CASE(unlink)
{
    close(check_file("f", ""));
    NEED(symlink("f", "s"));
    CHECK(unlink("s"), 0);
    CHECK(access("f", F_OK), 0);
    CHECK(unlink("f/"), -ENOTDIR);
    CHECK(unlink("f"), 0);
    CHECK(unlink("f"), -ENOENT);
    CHECK(unlink(""), -ENOENT);
    CHECK(unlink("."), -EISDIR);
    CHECK(SYS(unlink, BAD), -EFAULT);
    NEED(mkdir("closed", 0755));
    close(check_file("closed/f", ""));
    NEED(chmod("closed", 0555));
    AS_NOBODY
    {
        CHECK(unlink("closed/f"), -EACCES);
    }
}

CASE(symbolic)
{
    struct stat about;
    CHECK(symlink("target", "s"), 0);
    CHECK(lstat("s", &about), 0);
    CHECK(about.st_mode, S_IFLNK | 0777);
    CHECK(about.st_size, 6);
    CHECK(stat("s", &about), -ENOENT);
    memset(buffer, '#', 10);
    CHECK(readlink("s", buffer, sizeof(buffer)), 6);
    CHECK_TRUE(memcmp(buffer, "target##", 8) == 0);
    CHECK(readlink("s", buffer, 3), 3);
    CHECK(SYS(readlink, "s", buffer, 0), -EINVAL);
    CHECK(SYS(readlink, "s", BAD, 10), -EFAULT);
    CHECK(readlink(".", buffer, 10), -EINVAL);
    CHECK(readlink("missing", buffer, 10), -ENOENT);
    CHECK(symlink("other", "s"), -EEXIST);
    CHECK(symlink("", "t"), -ENOENT);
    CHECK(symlink("x", ""), -ENOENT);
    CHECK(symlink("x", "missing/s"), -ENOENT);
    CHECK(SYS(symlink, "x", BAD), -EFAULT);
    int link = NEED(open("s", O_PATH | O_NOFOLLOW));
    CHECK(readlinkat(link, "", buffer, 10), 6);
    int file = check_file("f", "");
    CHECK(readlinkat(file, "", buffer, 10), -ENOENT);
}

CASE(symbolic_followed)
{
    NEED(mkdir("d", 0777));
    close(check_file("d/f", ""));
    NEED(symlink("d", "s"));
    NEED(symlink("../s/f", "d/t"));
    NEED(symlink("f", "d/u"));
    CHECK(access("s/f", F_OK), 0);
    CHECK(access("s/t", F_OK), 0);
    CHECK(access("s/u", F_OK), 0);
    CHECK(access("s/../d", F_OK), 0);
    CHECK_TRUE(is_same("s/..", "."));
    CHECK(unlink("s/"), -ENOTDIR);
    CHECK(mkdir("s", 0777), -EEXIST);
    CHECK(rename("s", "moved"), 0);
    CHECK(access("moved/f", F_OK), 0);
}

// Forty links may be followed.
CASE(symbolic_chain)
{
    char from[16];
    char to[16];
    close(check_file("0", ""));
    for (int i = 1; i <= 41; i++) {
        snprintf(to, sizeof(to), "%d", i - 1);
        snprintf(from, sizeof(from), "%d", i);
        NEED(symlink(to, from));
    }
    CHECK(access("40", F_OK), 0);
    CHECK(access("41", F_OK), -ELOOP);
    NEED(symlink("b", "a"));
    NEED(symlink("a", "b"));
    CHECK(access("a", F_OK), -ELOOP);
    CHECK(access("a/x", F_OK), -ELOOP);
    NEED(symlink(".", "here"));
    CHECK(access("here/here/here/0", F_OK), 0);
}

CASE(rename)
{
    close(check_file("a", "a"));
    close(check_file("b", "bb"));
    CHECK(rename("a", "c"), 0);
    CHECK(access("a", F_OK), -ENOENT);
    CHECK(rename("c", "b"), 0);
    struct stat about;
    CHECK(stat("b", &about), 0);
    CHECK(about.st_size, 1);
    NEED(link("b", "same"));
    CHECK(rename("b", "same"), 0);
    CHECK(links_of("b"), 2);
    CHECK(rename("b", "b"), 0);
}

CASE(rename_directories)
{
    NEED(mkdir("a", 0777));
    NEED(mkdir("a/x", 0777));
    NEED(mkdir("empty", 0777));
    NEED(mkdir("full", 0777));
    close(check_file("full/f", ""));
    close(check_file("f", ""));
    CHECK(rename("a", "full"), -ENOTEMPTY);
    CHECK(rename("a", "f"), -ENOTDIR);
    CHECK(rename("f", "a"), -EISDIR);
    CHECK(rename("a", "a/x/y"), -EINVAL);
    CHECK(rename("a", "a/x"), -EINVAL);
    CHECK(rename("a/x", "a"), -ENOTEMPTY);
    CHECK(rename("a", "empty"), 0);
    CHECK(access("empty/x", F_OK), 0);
    CHECK(rename("empty/", "named/"), 0);
    CHECK(links_of("."), 4);
    CHECK(rename("named/x", "x"), 0);
    CHECK(links_of("."), 5);
    CHECK(links_of("named"), 2);
    CHECK_TRUE(is_same("x/..", "."));
}

CASE(rename_errors)
{
    close(check_file("f", ""));
    NEED(mkdir("d", 0777));
    CHECK(rename("missing", "x"), -ENOENT);
    CHECK(rename("f", "missing/x"), -ENOENT);
    CHECK(rename("", "x"), -ENOENT);
    CHECK(rename("f", ""), -ENOENT);
    CHECK(rename("f/x", "y"), -ENOTDIR);
    CHECK(rename("f", "f/y"), -ENOTDIR);
    CHECK(rename("f", "x/"), -ENOTDIR);
    CHECK(rename("d", "x/"), 0);
    CHECK(rename(".", "y"), -EBUSY);
    CHECK(rename("x/.", "y"), -EBUSY);
    CHECK(rename("f", ".."), -EBUSY);
    CHECK(rename("/", "y"), -EBUSY);
    CHECK(rename("f", "/dev/y"), -EXDEV);
    CHECK(SYS(rename, BAD, "y"), -EFAULT);
    CHECK(renameat(-1, "f", AT_FDCWD, "y"), -EBADF);
    NEED(mkdir("closed", 0555));
    AS_NOBODY
    {
        CHECK(rename("f", "closed/f"), -EACCES);
    }
}

CASE(rename_flags)
{
    close(check_file("a", "a"));
    close(check_file("b", "bb"));
    struct stat about;
    CHECK(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE), -EEXIST);
    CHECK(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE), 0);
    CHECK(renameat2(AT_FDCWD, "c", AT_FDCWD, "b", RENAME_EXCHANGE), 0);
    CHECK(stat("b", &about), 0);
    CHECK(about.st_size, 1);
    CHECK(stat("c", &about), 0);
    CHECK(about.st_size, 2);
    CHECK(renameat2(AT_FDCWD, "c", AT_FDCWD, "d", RENAME_EXCHANGE), -ENOENT);
    CHECK(renameat2(AT_FDCWD, "c", AT_FDCWD, "b", RENAME_EXCHANGE | RENAME_NOREPLACE), -EINVAL);
    CHECK(renameat2(AT_FDCWD, "c", AT_FDCWD, "d", 1u << 10), -EINVAL);
    NEED(mkdir("dir", 0777));
    CHECK(renameat2(AT_FDCWD, "c", AT_FDCWD, "dir", RENAME_EXCHANGE), 0);
    CHECK(stat("c", &about), 0);
    CHECK_TRUE(S_ISDIR(about.st_mode));
}

CASE(relative)
{
    NEED(mkdir("d", 0777));
    int directory = NEED(open("d", O_RDONLY));
    CHECK_TRUE(openat(directory, "f", O_RDWR | O_CREAT, 0644) >= 0);
    CHECK(access("d/f", F_OK), 0);
    CHECK(faccessat(directory, "f", F_OK, 0), 0);
    CHECK(faccessat(directory, "../d/f", F_OK, 0), 0);
    CHECK(faccessat(-1, "/dev/null", F_OK, 0), 0);
    CHECK(faccessat(-1, "f", F_OK, 0), -EBADF);
    CHECK(symlinkat("f", directory, "s"), 0);
    CHECK(renameat(directory, "f", AT_FDCWD, "g"), 0);
    CHECK(mkdirat(directory, "e", 0777), 0);
    CHECK(unlinkat(directory, "s", 0), 0);
    CHECK(unlinkat(directory, "e", AT_REMOVEDIR), 0);
    CHECK(mknodat(directory, "fifo", S_IFIFO | 0644, 0), 0);
    CHECK(linkat(AT_FDCWD, "g", directory, "h", 0), 0);
    CHECK(rename("d", "moved"), 0);
    CHECK(faccessat(directory, "h", F_OK, 0), 0);
}

CASE(relative_errors)
{
    NEED(mkdir("d", 0777));
    NEED(mkdir("full", 0777));
    close(check_file("full/x", ""));
    close(check_file("f", ""));
    CHECK(SYS(mkdirat, AT_FDCWD, "d", 0700), -EEXIST);
    CHECK(SYS(mknodat, AT_FDCWD, "f", S_IFREG | 0600, 0), -EEXIST);
    CHECK(SYS(mknodat, AT_FDCWD, "n", S_IFLNK | 0600, 0), -EINVAL);
    CHECK(SYS(mknodat, AT_FDCWD, "n", S_IFDIR | 0600, 0), -EPERM);
    CHECK(SYS(linkat, AT_FDCWD, "f", AT_FDCWD, "d", 0), -EEXIST);
    CHECK(SYS(linkat, AT_FDCWD, "d", AT_FDCWD, "n", 0), -EPERM);
    CHECK(SYS(linkat, AT_FDCWD, "f", AT_FDCWD, "/dev/n", 0), -EXDEV);
    CHECK(SYS(symlinkat, "x", AT_FDCWD, "f"), -EEXIST);
    CHECK(SYS(readlinkat, AT_FDCWD, "f", buffer, 10), -EINVAL);
    CHECK(SYS(unlinkat, AT_FDCWD, "/", AT_REMOVEDIR), -EBUSY);
    CHECK(SYS(unlinkat, AT_FDCWD, "full", AT_REMOVEDIR), -ENOTEMPTY);
    CHECK(SYS(renameat, AT_FDCWD, ".", AT_FDCWD, "n"), -EBUSY);
    CHECK(SYS(renameat, AT_FDCWD, "d", AT_FDCWD, "d/n"), -EINVAL);
    CHECK(SYS(renameat, AT_FDCWD, "f", AT_FDCWD, "d"), -EISDIR);
    CHECK(SYS(renameat, AT_FDCWD, "d", AT_FDCWD, "full"), -ENOTEMPTY);
    CHECK(SYS(renameat, AT_FDCWD, "f", AT_FDCWD, "/dev/n"), -EXDEV);
    CHECK(SYS(renameat2, AT_FDCWD, ".", AT_FDCWD, "n", 0), -EBUSY);
    CHECK(SYS(renameat2, AT_FDCWD, "f", AT_FDCWD, "d", 0), -EISDIR);
    CHECK(SYS(renameat2, AT_FDCWD, "d", AT_FDCWD, "full", 0), -ENOTEMPTY);
    CHECK(SYS(renameat2, AT_FDCWD, "f", AT_FDCWD, "/dev/n", 0), -EXDEV);
}

// In a directory whose names belong to others.
CASE(sticky)
{
    NEED(mkdir("d", 0777));
    NEED(chmod("d", 01777));
    NEED(mkdir("d/e", 0777));
    close(check_file("d/f", ""));
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            CHECK(SYS(unlink, "d/f"), -EPERM);
            CHECK(SYS(unlinkat, AT_FDCWD, "d/f", 0), -EPERM);
            CHECK(SYS(rmdir, "d/e"), -EPERM);
            CHECK(SYS(rename, "d/f", "g"), -EPERM);
            CHECK(SYS(renameat, AT_FDCWD, "d/f", AT_FDCWD, "g"), -EPERM);
            CHECK(SYS(renameat2, AT_FDCWD, "d/f", AT_FDCWD, "g", 0), -EPERM);
        }
    }
}

// Where only the kernel makes names.
CASE(terminals)
{
    if (check_is_root()) {
        CHECK(SYS(mkdirat, AT_FDCWD, "/dev/pts/n", 0700), -EPERM);
        CHECK(SYS(mknodat, AT_FDCWD, "/dev/pts/n", S_IFIFO | 0600, 0), -EPERM);
        CHECK(SYS(symlink, "x", "/dev/pts/n"), -EPERM);
        CHECK(SYS(symlinkat, "x", AT_FDCWD, "/dev/pts/n"), -EPERM);
        CHECK(SYS(unlink, "/dev/pts/ptmx"), -EPERM);
        CHECK(SYS(open, "/dev/pts", O_RDWR | O_TMPFILE, 0600), -EOPNOTSUPP);
        CHECK(SYS(openat, AT_FDCWD, "/dev/pts", O_RDWR | O_TMPFILE, 0600), -EOPNOTSUPP);
    }
}

CASE(access)
{
    close(check_file("r", ""));
    NEED(chmod("r", 0444));
    close(check_file("x", ""));
    NEED(chmod("x", 0711));
    CHECK(access("r", F_OK), 0);
    CHECK(access("r", R_OK), 0);
    CHECK(access("r", X_OK), -EACCES);
    CHECK(access("r", 8), -EINVAL);
    CHECK(access("missing", R_OK), -ENOENT);
    CHECK(SYS(access, BAD, R_OK), -EFAULT);
    AS_NOBODY
    {
        CHECK(access("r", W_OK), -EACCES);
        CHECK(access("r", R_OK | W_OK), -EACCES);
        if (getuid() == CHECK_NOBODY) {
            CHECK(access("x", R_OK), -EACCES);
        }
        CHECK(access("x", X_OK), 0);
    }
    if (check_is_root()) {
        CHECK(access("r", W_OK), 0);
        NEED(seteuid(CHECK_NOBODY));
        CHECK(access("r", W_OK), 0);
        CHECK(faccessat(AT_FDCWD, "r", W_OK, AT_EACCESS), -EACCES);
        CHECK(SYS(faccessat2, AT_FDCWD, "r", W_OK, AT_EACCESS), -EACCES);
    }
    CHECK(SYS(faccessat2, AT_FDCWD, "r", R_OK, 1), -EINVAL);
    CHECK(SYS(faccessat2, open("r", O_RDONLY), "", R_OK, AT_EMPTY_PATH), 0);
}

CASE(nodes)
{
    struct stat about;
    CHECK(mknod("f", S_IFREG | 0666, 0), 0);
    CHECK(stat("f", &about), 0);
    CHECK(about.st_mode, S_IFREG | 0644);
    CHECK(mknod("g", 0600, 0), 0);
    CHECK(stat("g", &about), 0);
    CHECK(about.st_mode, S_IFREG | 0600);
    CHECK(mknod("p", S_IFIFO | 0600, 0), 0);
    CHECK(mknod("s", S_IFSOCK | 0600, 0), 0);
    CHECK(open("s", O_RDONLY), -ENXIO);
    CHECK(mknod("p", S_IFIFO | 0600, 0), -EEXIST);
    CHECK(mknod("d", S_IFDIR | 0600, 0), -EPERM);
    CHECK(mknod("d", S_IFLNK | 0600, 0), -EINVAL);
    CHECK(mknod("missing/p", S_IFIFO | 0600, 0), -ENOENT);
    AS_NOBODY
    {
        CHECK(mknod("null", S_IFCHR | 0600, makedev(1, 3)), -EPERM);
    }
}

CASE(attributes_of_directories)
{
    NEED(mkdir("d", 0777));
    close(check_file("d/f", ""));
    NEED(chmod("d", 0711));
    AS_NOBODY
    {
        CHECK(access("d/f", F_OK), 0);
        if (getuid() == CHECK_NOBODY) {
            CHECK(open("d", O_RDONLY | O_DIRECTORY), -EACCES);
            CHECK_TRUE(open("d", O_PATH) >= 0);
        }
    }
    NEED(chmod("d", 0744));
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            CHECK_TRUE(open("d", O_RDONLY | O_DIRECTORY) >= 0);
            CHECK(access("d/f", F_OK), -EACCES);
        }
    }
}
