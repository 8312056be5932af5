// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A file system that is mounted read-only: what would change it is refused (EROFS), call by call.
// Where there are namespaces, each case has its own.
#include "check.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <utime.h>

#ifndef SYS_fchmodat2
# define SYS_fchmodat2 452
#endif

// "ro" with a file, a link to it and a directory, where root may be observed.
static bool begin(void)
{
    if (!check_is_root()) {
        return false;
    }
    if (unshare(CLONE_NEWNS) == 0) {
        NEED(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    }
    close(check_file("file", ""));
    NEED(mkdir("ro", 0755));
    NEED(mount("ro", "ro", "tmpfs", 0, NULL));
    close(check_file("ro/x", "text"));
    NEED(symlink("x", "ro/s"));
    NEED(mkdir("ro/d", 0755));
    NEED(mount("ro", "ro", "tmpfs", MS_REMOUNT | MS_RDONLY, NULL));
    return true;
}

static void end(void)
{
    NEED(umount2("ro", MNT_DETACH));
}

CASE(content)
{
    if (begin()) {
        CHECK(SYS(open, "ro/x", O_RDWR), -EROFS);
        CHECK(SYS(open, "ro/x", O_WRONLY | O_TRUNC), -EROFS);
        CHECK(SYS(openat, AT_FDCWD, "ro/x", O_RDWR), -EROFS);
        CHECK(SYS(creat, "ro/x", 0600), -EROFS);
        CHECK(SYS(truncate, "ro/x", 0), -EROFS);
        CHECK(SYS(access, "ro/x", W_OK), -EROFS);
        CHECK(SYS(access, "ro/x", R_OK), 0);
        CHECK(SYS(faccessat, AT_FDCWD, "ro/x", W_OK), -EROFS);
        CHECK(SYS(faccessat2, AT_FDCWD, "ro/x", W_OK, 0), -EROFS);
        end();
    }
}

CASE(new_names)
{
    if (begin()) {
        CHECK(SYS(open, "ro/new", O_RDWR | O_CREAT, 0600), -EROFS);
        CHECK(SYS(open, "ro", O_RDWR | O_TMPFILE, 0600), -EROFS);
        CHECK(SYS(creat, "ro/new", 0600), -EROFS);
        CHECK(SYS(mkdir, "ro/new", 0700), -EROFS);
        CHECK(SYS(mkdirat, AT_FDCWD, "ro/new", 0700), -EROFS);
        CHECK(SYS(mkdir, "ro/d", 0700), -EEXIST);
        CHECK(SYS(mknod, "ro/new", S_IFREG | 0600, 0), -EROFS);
        CHECK(SYS(mknodat, AT_FDCWD, "ro/new", S_IFREG | 0600, 0), -EROFS);
        CHECK(SYS(symlink, "target", "ro/new"), -EROFS);
        CHECK(SYS(symlinkat, "target", AT_FDCWD, "ro/new"), -EROFS);
        CHECK(SYS(link, "ro/x", "ro/new"), -EROFS);
        CHECK(SYS(linkat, AT_FDCWD, "ro/x", AT_FDCWD, "ro/new", 0), -EROFS);
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "ro/new" };
        int fd = NEED(socket(AF_UNIX, SOCK_STREAM, 0));
        CHECK(SYS(bind, fd, &address, sizeof(address)), -EROFS);
        close(fd);
        end();
    }
}

CASE(old_names)
{
    if (begin()) {
        CHECK(SYS(unlink, "ro/x"), -EROFS);
        CHECK(SYS(unlinkat, AT_FDCWD, "ro/x", 0), -EROFS);
        CHECK(SYS(rmdir, "ro/d"), -EROFS);
        CHECK(SYS(unlinkat, AT_FDCWD, "ro/d", AT_REMOVEDIR), -EROFS);
        CHECK(SYS(rename, "ro/x", "ro/y"), -EROFS);
        CHECK(SYS(renameat, AT_FDCWD, "ro/x", AT_FDCWD, "ro/y"), -EROFS);
        CHECK(SYS(renameat2, AT_FDCWD, "ro/x", AT_FDCWD, "ro/y", 0), -EROFS);
        CHECK(SYS(rename, "file", "ro/y"), -EXDEV);
        end();
    }
}

CASE(modes_and_owners)
{
    if (begin()) {
        int file = NEED(open("ro/x", O_RDONLY));
        CHECK(SYS(chmod, "ro/x", 0600), -EROFS);
        CHECK(SYS(fchmod, file, 0600), -EROFS);
        CHECK(SYS(fchmodat, AT_FDCWD, "ro/x", 0600), -EROFS);
        CHECK(SYS(fchmodat2, AT_FDCWD, "ro/x", 0600, 0), -EROFS);
        CHECK(SYS(chown, "ro/x", 0, 0), -EROFS);
        CHECK(SYS(fchown, file, 0, 0), -EROFS);
        CHECK(SYS(lchown, "ro/s", 0, 0), -EROFS);
        CHECK(SYS(fchownat, AT_FDCWD, "ro/x", 0, 0, 0), -EROFS);
        close(file);
        end();
    }
}

CASE(times_and_attributes)
{
    if (begin()) {
        int file = NEED(open("ro/x", O_RDONLY));
        CHECK(SYS(utime, "ro/x", NULL), -EROFS);
        CHECK(SYS(utimes, "ro/x", NULL), -EROFS);
        CHECK(SYS(futimesat, AT_FDCWD, "ro/x", NULL), -EROFS);
        CHECK(SYS(utimensat, AT_FDCWD, "ro/x", NULL, 0), -EROFS);
        CHECK(SYS(utimensat, file, NULL, NULL, 0), -EROFS);
        CHECK(SYS(setxattr, "ro/x", "trusted.x", "", 0, 0), -EROFS);
        CHECK(SYS(lsetxattr, "ro/s", "trusted.x", "", 0, 0), -EROFS);
        CHECK(SYS(fsetxattr, file, "trusted.x", "", 0, 0), -EROFS);
        CHECK(SYS(removexattr, "ro/x", "trusted.x"), -EROFS);
        CHECK(SYS(lremovexattr, "ro/s", "trusted.x"), -EROFS);
        CHECK(SYS(fremovexattr, file, "trusted.x"), -EROFS);
        close(file);
        end();
    }
}

// What is open for writing keeps it from becoming so.
CASE(while_written_to)
{
    if (begin()) {
        NEED(mount("ro", "ro", "tmpfs", MS_REMOUNT, NULL));
        int file = NEED(open("ro/x", O_WRONLY));
        CHECK(mount("ro", "ro", "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), -EBUSY);
        close(file);
        CHECK(mount("ro", "ro", "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
        end();
    }
}
