// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a file says of itself: stat(2), statx(2), chmod(2), chown(2), utimensat(2), statfs(2).
#include "check.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <utime.h>

#define LATER 1000000000

static bool is_before(struct timespec one, struct timespec other)
{
    return one.tv_sec < other.tv_sec || (one.tv_sec == other.tv_sec && one.tv_nsec < other.tv_nsec);
}

static struct stat about_file(const char *name)
{
    struct stat about;
    NEED(lstat(name, &about));
    return about;
}

CASE(regular)
{
    struct stat about;
    int file = check_file("f", "hello");
    CHECK(stat("f", &about), 0);
    CHECK(about.st_mode, S_IFREG | 0644);
    CHECK(about.st_nlink, 1);
    CHECK(about.st_size, 5);
    CHECK(about.st_rdev, 0);
    CHECK_TRUE(about.st_uid == geteuid() && about.st_gid == getegid());
    CHECK_TRUE(about.st_blksize >= 512);
    struct stat same;
    CHECK(fstat(file, &same), 0);
    CHECK_TRUE(memcmp(&about, &same, sizeof(same)) == 0);
    CHECK(lstat("f", &same), 0);
    CHECK_TRUE(same.st_ino == about.st_ino);
    CHECK(fstatat(AT_FDCWD, "f", &same, AT_SYMLINK_NOFOLLOW), 0);
    CHECK(fstatat(file, "", &same, AT_EMPTY_PATH), 0);
    CHECK_TRUE(same.st_ino == about.st_ino);
}

CASE(errors)
{
    struct stat about;
    close(check_file("f", ""));
    CHECK(stat("missing", &about), -ENOENT);
    CHECK(stat("", &about), -ENOENT);
    CHECK(stat("f/x", &about), -ENOTDIR);
    CHECK(SYS(stat, BAD, &about), -EFAULT);
    CHECK(SYS(stat, "f", BAD), -EFAULT);
    CHECK(SYS(fstat, -1, &about), -EBADF);
    CHECK(SYS(fstat, 0, BAD), -EFAULT);
    CHECK(SYS(newfstatat, AT_FDCWD, "f", &about, 1), -EINVAL);
    CHECK(SYS(newfstatat, -1, "f", &about, 0), -EBADF);
    CHECK(SYS(newfstatat, AT_FDCWD, "", &about, AT_EMPTY_PATH), 0);
    CHECK_TRUE(S_ISDIR(about.st_mode));
}

CASE(kinds)
{
    NEED(mkfifo("p", 0600));
    NEED(symlink("p", "s"));
    CHECK_TRUE(S_ISFIFO(about_file("p").st_mode));
    CHECK_TRUE(S_ISLNK(about_file("s").st_mode));
    CHECK(about_file("s").st_size, 1);
    CHECK_TRUE(S_ISDIR(about_file(".").st_mode));
    struct stat about = about_file("/dev/null");
    CHECK_TRUE(S_ISCHR(about.st_mode));
    CHECK(about.st_rdev, makedev(1, 3));
    CHECK(about_file("/dev/zero").st_rdev, makedev(1, 5));
    CHECK(about_file("/dev/tty").st_rdev, makedev(5, 0));
    CHECK(about_file("/dev/null").st_mode & 07777, 0666);
}

CASE(statx)
{
    struct statx x;
    struct stat about;
    int file = check_file("f", "hello");
    CHECK(fstat(file, &about), 0);
    CHECK(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x), 0);
    CHECK_TRUE((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    CHECK(x.stx_mode, S_IFREG | 0644);
    CHECK(x.stx_size, 5);
    CHECK(x.stx_nlink, 1);
    CHECK_TRUE(x.stx_ino == about.st_ino && x.stx_uid == about.st_uid);
    CHECK_TRUE(makedev(x.stx_dev_major, x.stx_dev_minor) == about.st_dev);
    CHECK_TRUE(x.stx_mtime.tv_sec == about.st_mtim.tv_sec &&
               x.stx_mtime.tv_nsec == about.st_mtim.tv_nsec);
    CHECK(statx(file, "", AT_EMPTY_PATH, STATX_SIZE, &x), 0);
    CHECK(x.stx_size, 5);
    CHECK(statx(AT_FDCWD, "missing", 0, STATX_SIZE, &x), -ENOENT);
    CHECK(statx(AT_FDCWD, "", 0, STATX_SIZE, &x), -ENOENT);
    CHECK(statx(AT_FDCWD, "f", 0, 1u << 31, &x), -EINVAL);
    CHECK(statx(AT_FDCWD, "f", 1, STATX_SIZE, &x), -EINVAL);
    CHECK(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_SIZE, &x), -EINVAL);
    CHECK(SYS(statx, AT_FDCWD, "f", 0, STATX_SIZE, BAD), -EFAULT);
    NEED(symlink("f", "s"));
    CHECK(statx(AT_FDCWD, "s", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &x), 0);
    CHECK(x.stx_mode & S_IFMT, S_IFLNK);
}

CASE(change_mode)
{
    int file = check_file("f", "");
    NEED(symlink("f", "s"));
    CHECK(chmod("f", 0600), 0);
    CHECK(about_file("f").st_mode, S_IFREG | 0600);
    CHECK(chmod("f", 07777), 0);
    CHECK(about_file("f").st_mode & 07777, 07777);
    CHECK(chmod("f", 0100644), 0);
    CHECK(about_file("f").st_mode & 07777, 0644);
    CHECK(fchmod(file, 0400), 0);
    CHECK(about_file("f").st_mode & 07777, 0400);
    CHECK(chmod("s", 0640), 0);
    CHECK(about_file("f").st_mode & 07777, 0640);
    CHECK(about_file("s").st_mode & 07777, 0777);
    CHECK(fchmodat(AT_FDCWD, "f", 0600, 0), 0);
    CHECK(chmod("missing", 0600), -ENOENT);
    CHECK(chmod("f/x", 0600), -ENOTDIR);
    CHECK(SYS(chmod, BAD, 0600), -EFAULT);
    CHECK(fchmod(-1, 0600), -EBADF);
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            CHECK(chmod("f", 0666), -EPERM);
            CHECK(fchmod(file, 0666), -EPERM);
        }
    }
}

CASE(change_owner)
{
    int file = check_file("f", "");
    CHECK(chown("f", (uid_t)-1, (gid_t)-1), 0);
    CHECK(chown("missing", (uid_t)-1, (gid_t)-1), -ENOENT);
    CHECK(SYS(chown, BAD, -1, -1), -EFAULT);
    CHECK(fchown(-1, (uid_t)-1, (gid_t)-1), -EBADF);
    CHECK(fchownat(AT_FDCWD, "f", (uid_t)-1, (gid_t)-1, 1), -EINVAL);
    CHECK(fchownat(file, "", (uid_t)-1, (gid_t)-1, AT_EMPTY_PATH), 0);
    AS_NOBODY
    {
        NEED(close(check_file("mine", "")));
        CHECK(chown("mine", 12345, (gid_t)-1), -EPERM);
        CHECK(chown("mine", (uid_t)-1, 12345), -EPERM);
        CHECK(chown("mine", (uid_t)-1, getegid()), 0);
    }
    if (check_is_root()) {
        NEED(symlink("f", "s"));
        NEED(chmod("f", 06755));
        CHECK(chown("f", 1, 2), 0);
        CHECK(about_file("f").st_uid, 1);
        CHECK(about_file("f").st_gid, 2);
        CHECK(about_file("f").st_mode & 07777, 0755);
        CHECK(lchown("s", 3, 4), 0);
        CHECK(about_file("s").st_uid, 3);
        CHECK(about_file("f").st_uid, 1);
        CHECK(chown("s", 5, (gid_t)-1), 0);
        CHECK(about_file("f").st_uid, 5);
        CHECK(about_file("f").st_gid, 2);
    }
}

// Who neither owns a file nor is root may change nothing that the file says of itself.
CASE(of_another)
{
    struct utimbuf times = { LATER, LATER };
    struct timeval both[2] = { { LATER, 0 }, { LATER, 0 } };
    int file = check_file("f", "");
    NEED(symlink("f", "s"));
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            CHECK(SYS(chmod, "f", 0600), -EPERM);
            CHECK(SYS(fchmodat, AT_FDCWD, "f", 0600), -EPERM);
            CHECK(SYS(fchown, file, CHECK_NOBODY, -1), -EPERM);
            CHECK(SYS(lchown, "s", CHECK_NOBODY, -1), -EPERM);
            CHECK(SYS(fchownat, AT_FDCWD, "f", CHECK_NOBODY, -1, 0), -EPERM);
            CHECK(SYS(utime, "f", &times), -EPERM);
            CHECK(SYS(utimes, "f", both), -EPERM);
            CHECK(SYS(open, "f", O_RDONLY | O_NOATIME), -EPERM);
        }
    }
}

CASE(write_drops_set_user)
{
    AS_NOBODY
    {
        int file = check_file("f", "");
        NEED(fchmod(file, 06777));
        CHECK(about_file("f").st_mode & 07777, 06777);
        CHECK(write(file, "x", 1), 1);
        CHECK(about_file("f").st_mode & 07777, 0777);
    }
}

CASE(group_of_new_mode)
{
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            NEED(close(check_file("f", "")));
            CHECK(chmod("f", 02755), 0);
            CHECK(about_file("f").st_mode & 07777, 02755);
        }
    }
}

CASE(times)
{
    struct timespec times[2] = { { LATER, 1 }, { LATER + 1, 2 } };
    int file = check_file("f", "");
    struct timespec changed = about_file("f").st_ctim;
    check_sleep(20);
    CHECK(utimensat(AT_FDCWD, "f", times, 0), 0);
    CHECK(about_file("f").st_atim.tv_sec, LATER);
    CHECK(about_file("f").st_atim.tv_nsec, 1);
    CHECK(about_file("f").st_mtim.tv_sec, LATER + 1);
    CHECK(about_file("f").st_mtim.tv_nsec, 2);
    CHECK_TRUE(is_before(changed, about_file("f").st_ctim));
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = LATER + 5;
    CHECK(futimens(file, times), 0);
    CHECK(about_file("f").st_atim.tv_sec, LATER);
    CHECK(about_file("f").st_mtim.tv_sec, LATER + 5);
    times[0].tv_nsec = UTIME_NOW;
    CHECK(utimensat(AT_FDCWD, "f", times, 0), 0);
    CHECK_TRUE(about_file("f").st_atim.tv_sec > LATER);
    CHECK(utimensat(AT_FDCWD, "f", NULL, 0), 0);
    CHECK_TRUE(about_file("f").st_mtim.tv_sec > LATER + 5);
    struct utimbuf old = { LATER, LATER };
    CHECK(utime("f", &old), 0);
    struct timeval middle[2] = { { LATER + 7, 999999 }, { LATER + 8, 0 } };
    CHECK(utimes("f", middle), 0);
    CHECK(about_file("f").st_atim.tv_nsec, 999999000);
}

CASE(times_errors)
{
    struct timespec times[2] = { { LATER, 1000000000 }, { LATER, 0 } };
    close(check_file("f", ""));
    CHECK(utimensat(AT_FDCWD, "f", times, 0), -EINVAL);
    times[0].tv_nsec = -1;
    CHECK(utimensat(AT_FDCWD, "f", times, 0), -EINVAL);
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_nsec = UTIME_OMIT;
    CHECK(utimensat(AT_FDCWD, "f", times, 0), 0);
    CHECK(utimensat(AT_FDCWD, "missing", times, 0), 0);
    times[1].tv_nsec = 0;
    CHECK(utimensat(AT_FDCWD, "missing", times, 0), -ENOENT);
    CHECK(utimensat(AT_FDCWD, "f", times, 1), -EINVAL);
    CHECK(SYS(utimensat, AT_FDCWD, "f", BAD, 0), -EFAULT);
    CHECK(SYS(utimensat, AT_FDCWD, BAD, NULL, 0), -EFAULT);
    CHECK(SYS(utimensat, -1, NULL, NULL, 0), -EBADF);
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            CHECK(utimensat(AT_FDCWD, "f", NULL, 0), -EACCES);
            CHECK(utimensat(AT_FDCWD, "f", times, 0), -EPERM);
        }
    }
}

CASE(times_of_links)
{
    struct timespec times[2] = { { LATER, 0 }, { LATER, 0 } };
    NEED(symlink("missing", "s"));
    CHECK(utimensat(AT_FDCWD, "s", times, AT_SYMLINK_NOFOLLOW), 0);
    CHECK(about_file("s").st_mtim.tv_sec, LATER);
    CHECK(utimensat(AT_FDCWD, "s", times, 0), -ENOENT);
}

// What changes which time.
CASE(times_change)
{
    struct timespec old[2] = { { LATER, 0 }, { LATER, 0 } };
    char byte = 0;
    int file = check_file("f", "hello");
    NEED(futimens(file, old));
    CHECK(pread(file, &byte, 1, 0), 1);
    CHECK_TRUE(about_file("f").st_atim.tv_sec > LATER);
    CHECK(about_file("f").st_mtim.tv_sec, LATER);
    NEED(futimens(file, old));
    CHECK(write(file, "x", 1), 1);
    CHECK_TRUE(about_file("f").st_mtim.tv_sec > LATER);
    CHECK(about_file("f").st_atim.tv_sec, LATER);
    NEED(futimens(file, old));
    CHECK(write(file, "x", 0), 0);
    CHECK(about_file("f").st_mtim.tv_sec, LATER);
    CHECK(ftruncate(file, 1), 0);
    CHECK_TRUE(about_file("f").st_mtim.tv_sec > LATER);
    NEED(futimens(file, old));
    struct timespec changed = about_file("f").st_ctim;
    check_sleep(20);
    CHECK(chmod("f", 0600), 0);
    CHECK(about_file("f").st_mtim.tv_sec, LATER);
    CHECK_TRUE(is_before(changed, about_file("f").st_ctim));
    changed = about_file("f").st_ctim;
    check_sleep(20);
    CHECK(link("f", "g"), 0);
    CHECK_TRUE(is_before(changed, about_file("f").st_ctim));
}

CASE(times_of_directories)
{
    struct timespec old[2] = { { LATER, 0 }, { LATER, 0 } };
    NEED(mkdir("d", 0777));
    NEED(utimensat(AT_FDCWD, "d", old, 0));
    close(check_file("d/f", ""));
    CHECK_TRUE(about_file("d").st_mtim.tv_sec > LATER);
    NEED(utimensat(AT_FDCWD, "d", old, 0));
    close(check_file("d/f", "text"));
    CHECK(about_file("d").st_mtim.tv_sec, LATER);
    NEED(unlink("d/f"));
    CHECK_TRUE(about_file("d").st_mtim.tv_sec > LATER);
}

CASE(blocks)
{
    int file = check_file("f", "");
    CHECK(about_file("f").st_blocks, 0);
    NEED(ftruncate(file, 1 << 20));
    CHECK(about_file("f").st_blocks, 0);
    CHECK(about_file("f").st_size, 1 << 20);
    NEED(posix_fallocate(file, 0, 65536));
    CHECK_TRUE(about_file("f").st_blocks >= 128);
}

CASE(file_system)
{
    struct statfs about;
    int file = check_file("f", "");
    CHECK(statfs(".", &about), 0);
    CHECK_TRUE(about.f_bsize >= 512 && about.f_blocks > 0 && about.f_bfree <= about.f_blocks);
    CHECK(about.f_namelen, 255);
    CHECK(fstatfs(file, &about), 0);
    CHECK(statfs("/proc", &about), 0);
    CHECK(about.f_type, 0x9fa0);
    CHECK(statfs("missing", &about), -ENOENT);
    CHECK(statfs("f/x", &about), -ENOTDIR);
    CHECK(SYS(statfs, ".", BAD), -EFAULT);
    CHECK(fstatfs(-1, &about), -EBADF);
    struct statvfs v;
    CHECK(statvfs(".", &v), 0);
    CHECK(v.f_namemax, 255);
}

#ifndef SYS_fchmodat2
# define SYS_fchmodat2 452
#endif

// The calls that later ones have taken the place of, and the latest.
CASE(old_and_new_calls)
{
    struct stat about;
    struct timeval times[2] = { { 1000, 5 }, { 2000, 7 } };
    close(check_file("f", ""));
    NEED(symlink("f", "s"));
    CHECK(SYS(lstat, "s", &about), 0);
    CHECK_TRUE(S_ISLNK(about.st_mode) && about.st_size == 1);
    CHECK(SYS(stat, "s", &about), 0);
    CHECK_TRUE(S_ISREG(about.st_mode));
    CHECK(SYS(fstat, NEED(open("f", O_RDONLY)), &about), 0);
    CHECK_TRUE(S_ISREG(about.st_mode));
    CHECK(SYS(futimesat, AT_FDCWD, "s", times), 0);
    NEED(stat("f", &about));
    CHECK_TRUE(about.st_atim.tv_sec == 1000 && about.st_atim.tv_nsec == 5000);
    CHECK_TRUE(about.st_mtim.tv_sec == 2000 && about.st_mtim.tv_nsec == 7000);
    times[0].tv_usec = 1000000;
    CHECK(SYS(futimesat, AT_FDCWD, "s", times), -EINVAL);
    CHECK(SYS(faccessat, AT_FDCWD, "s", R_OK | W_OK), 0);
    CHECK(SYS(faccessat, AT_FDCWD, "s", 8), -EINVAL);
    CHECK(SYS(fchmodat2, AT_FDCWD, "s", 0604, 0), 0);
    NEED(stat("f", &about));
    CHECK(about.st_mode & 07777, 0604);
    CHECK(SYS(fchmodat2, AT_FDCWD, "s", 0600, AT_SYMLINK_NOFOLLOW), -EOPNOTSUPP);
    CHECK(SYS(fchmodat2, NEED(open("f", O_PATH)), "", 0602, AT_EMPTY_PATH), 0);
    NEED(stat("f", &about));
    CHECK(about.st_mode & 07777, 0602);
    CHECK(SYS(fchmodat2, AT_FDCWD, "s", 0600, 1), -EINVAL);
}
