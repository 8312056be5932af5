// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A file system that is full: what would take more of it is refused (ENOSPC), call by call.  Where
// there are namespaces, each case has its own.
#include "check.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

static char buffer[65536];

// "full" with these limits, where root may be observed.
static bool begin(const char *limits)
{
    if (!check_is_root()) {
        return false;
    }
    if (unshare(CLONE_NEWNS) == 0) {
        NEED(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    }
    NEED(mkdir("full", 0755));
    NEED(mount("full", "full", "tmpfs", 0, limits));
    return true;
}

static void end(void)
{
    NEED(umount2("full", MNT_DETACH));
}

CASE(no_pages)
{
    if (begin("size=64k")) {
        int file = check_file("full/x", "");
        int other = check_file("full/y", "");
        loff_t at = 0;
        CHECK(write(file, buffer, 65536), 65536);
        CHECK(write(other, buffer, 4096), -ENOSPC);
        CHECK(pwrite(file, buffer, 10000, 65536), -ENOSPC);
        CHECK(SYS(fallocate, other, 0, 0, 4096), -ENOSPC);
        CHECK(SYS(copy_file_range, file, &at, other, NULL, 4096, 0), -ENOSPC);
        NEED(ftruncate(file, 0));
        CHECK(SYS(fallocate, other, 0, 0, 4096), 0);
        end();
    }
}

// What was not allocated takes nothing.
CASE(allocated_in_part)
{
    if (begin("size=64k")) {
        struct stat is;
        int file = check_file("full/x", "");
        NEED(fallocate(file, 0, 8192, 4096));
        CHECK(fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 1 << 20), -ENOSPC);
        NEED(fstat(file, &is));
        CHECK(is.st_blocks, 8);
        CHECK(write(check_file("full/y", ""), buffer, 61440), 61440);
        CHECK(fallocate(file, 0, 8192, 4096), 0);
        end();
    }
}

// Its root and a file are two; a link of a file counts as one.
CASE(no_inodes)
{
    if (begin("nr_inodes=2")) {
        close(check_file("full/x", ""));
        CHECK(SYS(open, "full/new", O_RDWR | O_CREAT, 0600), -ENOSPC);
        CHECK(SYS(openat, AT_FDCWD, "full/new", O_RDWR | O_CREAT, 0600), -ENOSPC);
        CHECK(SYS(open, "full", O_RDWR | O_TMPFILE, 0600), -ENOSPC);
        CHECK(SYS(creat, "full/new", 0600), -ENOSPC);
        CHECK(SYS(mkdir, "full/new", 0700), -ENOSPC);
        CHECK(SYS(mkdirat, AT_FDCWD, "full/new", 0700), -ENOSPC);
        CHECK(SYS(mknod, "full/new", S_IFREG | 0600, 0), -ENOSPC);
        CHECK(SYS(mknodat, AT_FDCWD, "full/new", S_IFREG | 0600, 0), -ENOSPC);
        CHECK(SYS(symlink, "target", "full/new"), -ENOSPC);
        CHECK(SYS(symlinkat, "target", AT_FDCWD, "full/new"), -ENOSPC);
        CHECK(SYS(link, "full/x", "full/new"), -ENOSPC);
        CHECK(SYS(linkat, AT_FDCWD, "full/x", AT_FDCWD, "full/new", 0), -ENOSPC);
        CHECK(SYS(rename, "full/x", "full/y"), 0);
        CHECK(SYS(unlink, "full/y"), 0);
        CHECK(SYS(mkdir, "full/new", 0700), 0);
        end();
    }
}

CASE(links_counted)
{
    if (begin("nr_inodes=3")) {
        close(check_file("full/x", ""));
        CHECK(link("full/x", "full/one"), 0);
        CHECK(link("full/x", "full/two"), -ENOSPC);
        CHECK(unlink("full/x"), 0);
        CHECK(link("full/one", "full/two"), 0);
        end();
    }
}

CASE(no_room_for_attributes)
{
    if (begin("nr_inodes=4")) {
        int file = check_file("full/x", "");
        NEED(symlink("x", "full/s"));
        CHECK(SYS(setxattr, "full/x", "trusted.x", buffer, 8192, 0), -ENOSPC);
        CHECK(SYS(lsetxattr, "full/s", "trusted.x", buffer, 8192, 0), -ENOSPC);
        CHECK(SYS(fsetxattr, file, "trusted.x", buffer, 8192, 0), -ENOSPC);
        CHECK(SYS(setxattr, "full/x", "trusted.x", buffer, 100, 0), 0);
        close(file);
        end();
    }
}
