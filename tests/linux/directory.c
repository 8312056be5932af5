// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Directories: mkdir(2), rmdir(2), getdents64(2), chdir(2), getcwd(2), chroot(2).
#include "check.h"

#include <dirent.h>
#include <sys/stat.h>

#include <limits.h>

#define DEEP 17  // times NAME_MAX is more than PATH_MAX

static char buffer[32768];

struct entry {
    uint64_t inode;
    int64_t next;
    uint16_t length;
    uint8_t type;
    char name[];
};

CASE(make)
{
    struct stat about;
    CHECK(mkdir("d", 0777), 0);
    CHECK(stat("d", &about), 0);
    CHECK(about.st_mode, S_IFDIR | 0755);
    CHECK(about.st_nlink, 2);
    CHECK(mkdir("d", 0777), -EEXIST);
    CHECK(mkdir("d/e/", 01700), 0);
    CHECK(stat("d/e", &about), 0);
    CHECK(about.st_mode, S_IFDIR | 01700);
    CHECK(stat("d", &about), 0);
    CHECK(about.st_nlink, 3);
}

CASE(make_errors)
{
    close(check_file("f", ""));
    NEED(symlink("missing", "link"));
    CHECK(mkdir("f", 0777), -EEXIST);
    CHECK(mkdir("link", 0777), -EEXIST);
    CHECK(mkdir("f/d", 0777), -ENOTDIR);
    CHECK(mkdir("missing/d", 0777), -ENOENT);
    CHECK(mkdir("", 0777), -ENOENT);
    CHECK(mkdir("/", 0777), -EEXIST);
    CHECK(mkdir(".", 0777), -EEXIST);
    CHECK(mkdir("..", 0777), -EEXIST);
    CHECK(SYS(mkdir, BAD, 0777), -EFAULT);
    CHECK(mkdirat(-1, "d", 0777), -EBADF);
    CHECK(mkdirat(open("f", O_RDONLY), "d", 0777), -ENOTDIR);
    NEED(mkdir("closed", 0555));
    AS_NOBODY
    {
        CHECK(mkdir("closed/d", 0777), -EACCES);
    }
}

CASE(remove)
{
    NEED(mkdir("d", 0777));
    NEED(mkdir("d/e", 0777));
    CHECK(rmdir("d"), -ENOTEMPTY);
    CHECK(rmdir("d/e"), 0);
    CHECK(rmdir("d/e"), -ENOENT);
    CHECK(rmdir("d/"), 0);
}

CASE(remove_errors)
{
    close(check_file("f", ""));
    NEED(mkdir("d", 0777));
    NEED(symlink("d", "link"));
    CHECK(rmdir("f"), -ENOTDIR);
    CHECK(rmdir("link"), -ENOTDIR);
    CHECK(rmdir("link/"), -ENOTDIR);
    CHECK(rmdir("d/."), -EINVAL);
    CHECK(rmdir("d/.."), -ENOTEMPTY);
    CHECK(rmdir("."), -EINVAL);
    CHECK(rmdir("/"), -EBUSY);
    CHECK(rmdir(""), -ENOENT);
    CHECK(SYS(rmdir, BAD), -EFAULT);
    CHECK(unlink("d"), -EISDIR);
    CHECK(unlinkat(AT_FDCWD, "d", 0), -EISDIR);
    CHECK(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR), -ENOTDIR);
    CHECK(unlinkat(AT_FDCWD, "d", 1), -EINVAL);
    CHECK(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR), 0);
}

CASE(remove_permissions)
{
    NEED(mkdir("closed", 0755));
    NEED(mkdir("closed/d", 0777));
    NEED(chmod("closed", 0555));
    NEED(mkdir("sticky", 01777));
    NEED(chmod("sticky", 01777));
    NEED(mkdir("sticky/d", 0777));
    NEED(chmod("sticky/d", 0777));
    AS_NOBODY
    {
        CHECK(rmdir("closed/d"), -EACCES);
        if (getuid() == CHECK_NOBODY) {
            CHECK(rmdir("sticky/d"), -EPERM);
            CHECK(rename("sticky/d", "sticky/e"), -EPERM);
        }
    }
}

// Who stands in a directory that is removed is nowhere.
CASE(removed_while_in_use)
{
    char place[PATH_MAX];
    NEED(mkdir("d", 0777));
    int directory = NEED(open("d", O_RDONLY));
    NEED(chdir("d"));
    CHECK(rmdir("../d"), 0);
    CHECK(SYS(getcwd, place, sizeof(place)), -ENOENT);
    CHECK(open("f", O_RDWR | O_CREAT, 0644), -ENOENT);
    CHECK(mkdir("e", 0777), -ENOENT);
    CHECK(open(".", O_RDONLY), directory + 1);
    CHECK(SYS(getdents64, directory, buffer, sizeof(buffer)), -ENOENT);
    CHECK(SYS(getdents, directory, buffer, sizeof(buffer)), -ENOENT);
    CHECK(chdir(".."), 0);
    struct stat about;
    CHECK(fstat(directory, &about), 0);
    CHECK(about.st_nlink, 0);
}

static int by_name(const struct dirent **one, const struct dirent **other)
{
    return strcmp((*one)->d_name, (*other)->d_name);
}

CASE(entries)
{
    struct dirent **list = NULL;
    close(check_file("file", ""));
    NEED(mkdir("directory", 0777));
    NEED(symlink("x", "symbolic"));
    NEED(mkfifo("fifo", 0644));
    int count = scandir(".", &list, NULL, by_name);
    CHECK(count, 6);
    for (int i = 0; i < count; i++) {
        struct stat about;
        NEED(lstat(list[i]->d_name, &about));
        check_say("%s type %d", list[i]->d_name, list[i]->d_type);
        CHECK_TRUE(list[i]->d_ino == about.st_ino);
        CHECK_TRUE(list[i]->d_type == IFTODT(about.st_mode));
    }
}

CASE(entries_raw)
{
    int directory = NEED(open(".", O_RDONLY | O_DIRECTORY));
    close(check_file("f", ""));
    long length = SYS(getdents64, directory, buffer, sizeof(buffer));
    CHECK(length, 24 * 3);
    int seen = 0;
    for (long at = 0; at < length; at += ((struct entry *)(void *)(buffer + at))->length) {
        const struct entry *entry = (void *)(buffer + at);
        CHECK(entry->length % 8, 0);
        seen += strcmp(entry->name, ".") == 0 ? 1 : 0;
        seen += strcmp(entry->name, "..") == 0 ? 10 : 0;
        seen += strcmp(entry->name, "f") == 0 ? 100 : 0;
    }
    CHECK(seen, 111);
    CHECK(SYS(getdents64, directory, buffer, sizeof(buffer)), 0);
    CHECK(lseek(directory, 0, SEEK_SET), 0);
    CHECK(SYS(getdents64, directory, buffer, sizeof(buffer)), 24 * 3);
}

CASE(entries_errors)
{
    int directory = NEED(open(".", O_RDONLY | O_DIRECTORY));
    CHECK(SYS(getdents64, directory, buffer, 1), -EINVAL);
    CHECK(SYS(getdents64, directory, BAD, 1000), -EFAULT);
    CHECK(SYS(getdents64, -1, buffer, 1000), -EBADF);
    CHECK(SYS(getdents64, check_file("f", ""), buffer, 1000), -ENOTDIR);
    CHECK(SYS(getdents64, open(".", O_PATH), buffer, 1000), -EBADF);
}

// Many entries in small pieces: each once, though some are removed meanwhile.
CASE(entries_in_pieces)
{
    static char seen[300];
    char name[32];
    NEED(mkdir("d", 0777));
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "d/file-%d", i);
        close(check_file(name, ""));
    }
    int directory = NEED(open("d", O_RDONLY | O_DIRECTORY));
    long length = 0;
    int pieces = 0;
    while ((length = SYS(getdents64, directory, buffer, 200)) > 0) {
        pieces++;
        for (long at = 0; at < length; at += ((struct entry *)(void *)(buffer + at))->length) {
            const struct entry *entry = (void *)(buffer + at);
            int number = 0;
            if (sscanf(entry->name, "file-%d", &number) == 1) {
                seen[number]++;
                NEED(unlinkat(directory, entry->name, 0));
            }
        }
    }
    CHECK(length, 0);
    CHECK_TRUE(pieces > 30);
    int once = 0;
    for (int i = 0; i < 300; i++) {
        once += seen[i] == 1;
    }
    CHECK(once, 300);
    CHECK(rmdir("d"), 0);
}

CASE(positions)
{
    NEED(mkdir("d", 0777));
    for (char name[] = "d/a"; name[2] < 'k'; name[2]++) {
        close(check_file(name, ""));
    }
    DIR *directory = opendir("d");
    char third[256] = "";
    long place = 0;
    for (int i = 0; i < 3; i++) {
        place = telldir(directory);
        const struct dirent *entry = readdir(directory);
        snprintf(third, sizeof(third), "%s", entry->d_name);
    }
    CHECK_TRUE(readdir(directory) != NULL);
    seekdir(directory, place);
    CHECK_TRUE(strcmp(readdir(directory)->d_name, third) == 0);
    rewinddir(directory);
    int count = 0;
    while (readdir(directory) != NULL) {
        count++;
    }
    CHECK(count, 12);
}

CASE(change)
{
    char before[PATH_MAX];
    char after[PATH_MAX];
    NEED(mkdir("d", 0777));
    CHECK_TRUE(getcwd(before, sizeof(before) - 10) != NULL);
    CHECK(chdir("d"), 0);
    CHECK_TRUE(getcwd(after, sizeof(after)) != NULL);
    CHECK_TRUE(strncmp(after, before, strlen(before)) == 0 &&
               strcmp(after + strlen(before), "/d") == 0);
    CHECK(chdir("../d/./"), 0);
    int above = NEED(open("..", O_RDONLY));
    CHECK(fchdir(above), 0);
    CHECK(access("d", F_OK), 0);
    IN_CHILD
    {
        CHECK(chdir("/"), 0);
        CHECK(SYS(getcwd, after, sizeof(after)), 2);
        CHECK_TEXT(after, "/");
        CHECK(chdir(".."), 0);
        CHECK(SYS(getcwd, after, sizeof(after)), 2);
    }
    CHECK(access("d", F_OK), 0);
}

CASE(change_errors)
{
    close(check_file("f", ""));
    NEED(mkdir("closed", 0700));
    NEED(chmod("closed", 0600));
    CHECK(chdir("missing"), -ENOENT);
    CHECK(chdir(""), -ENOENT);
    CHECK(chdir("f"), -ENOTDIR);
    CHECK(SYS(chdir, BAD), -EFAULT);
    CHECK(fchdir(-1), -EBADF);
    CHECK(fchdir(open("f", O_RDONLY)), -ENOTDIR);
    NEED(chmod("closed", 0644));
    AS_NOBODY
    {
        CHECK(chdir("closed"), -EACCES);
        CHECK(fchdir(open("closed", O_RDONLY)), -EACCES);
    }
}

CASE(current_errors)
{
    char place[PATH_MAX];
    CHECK(SYS(getcwd, place, 1), -ERANGE);
    CHECK(SYS(getcwd, BAD, 100), -EFAULT);
    CHECK(SYS(getcwd, place, 0), -ERANGE);
    CHECK_TRUE(SYS(getcwd, place, sizeof(place)) == (long)strlen(place) + 1);
}

// Deeper than a path can be long.
CASE(current_deep)
{
    char name[NAME_MAX + 1] = "";
    char place[PATH_MAX + 1];
    memset(name, 'n', NAME_MAX);
    for (int i = 0; i < DEEP; i++) {
        NEED(mkdir(name, 0777));
        NEED(chdir(name));
    }
    CHECK(SYS(getcwd, place, sizeof(place)), -ENAMETOOLONG);
    for (int i = 0; i < DEEP; i++) {
        NEED(chdir(".."));
        NEED(rmdir(name));
    }
    CHECK_TRUE(SYS(getcwd, place, sizeof(place)) > 0);
}

// A directory that moves takes along who stands in it.
CASE(current_moves)
{
    char place[PATH_MAX];
    NEED(mkdir("d", 0777));
    NEED(chdir("d"));
    NEED(rename("../d", "../e"));
    CHECK_TRUE(getcwd(place, sizeof(place)) != NULL);
    CHECK_TEXT(strrchr(place, '/'), "/e");
}

CASE(set_group)
{
    struct stat about;
    NEED(mkdir("d", 0777));
    NEED(chmod("d", 02777));
    NEED(mkdir("d/e", 0755));
    CHECK(stat("d/e", &about), 0);
    CHECK(about.st_mode & 07777, 02755);
}

CASE(root)
{
    char place[PATH_MAX];
    NEED(mkdir("d", 0777));
    NEED(mkdir("d/inside", 0777));
    AS_NOBODY
    {
        CHECK(chroot("d"), -EPERM);
    }
    CHECK(SYS(chroot, BAD), -EFAULT);
    CHECK(chroot("missing"), -ENOENT);
    CHECK(chroot(check_program), -ENOTDIR);
    if (check_is_root()) {
        IN_CHILD
        {
            CHECK(chroot("d"), 0);
            CHECK(access("/inside", F_OK), 0);
            CHECK(chdir("/inside"), 0);
            CHECK(chdir("../../.."), 0);
            CHECK(access("inside", F_OK), 0);
            CHECK(SYS(getcwd, place, sizeof(place)), 2);
        }
        IN_CHILD
        {
            CHECK(chroot("d"), 0);
            CHECK_TRUE(SYS(getcwd, place, sizeof(place)) > 2);
            place[13] = 0;
            CHECK_TEXT(place, "(unreachable)");
        }
    }
}

// The oldest form of an entry: its kind stands in its last byte.
CASE(entries_of_old)
{
    struct old_entry {
        unsigned long inode, offset;
        unsigned short length;
        char name[];
    };
    static char room[4096] __attribute__((aligned(8)));
    close(check_file("f", ""));
    int directory = NEED(open(".", O_RDONLY | O_DIRECTORY));
    long length = NEED(SYS(getdents, directory, room, sizeof(room)));
    int found = 0;
    for (long at = 0; at < length;) {
        struct old_entry *entry = (struct old_entry *)(void *)(room + at);
        if (strcmp(entry->name, "f") == 0) {
            found++;
            CHECK(room[at + entry->length - 1], DT_REG);
        }
        at += entry->length;
    }
    CHECK(found, 1);
    CHECK(SYS(getdents, directory, room, sizeof(room)), 0);
    NEED(lseek(directory, 0, SEEK_SET));
    CHECK(SYS(getdents, directory, room, 10), -EINVAL);
    CHECK(SYS(getdents, directory, BAD, sizeof(room)), -EFAULT);
    CHECK(SYS(getdents, check_file("g", ""), room, sizeof(room)), -ENOTDIR);
}
