// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The development host's own files.
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <stdio.h>
#include <stdlib.h>

static char root[64];
static int root_fd;

static int64_t outcome(long result)
{
    return result < 0 ? -errno : result;
}

void host_begin(void)
{
    snprintf(root, sizeof(root), "%s/differ-XXXXXX",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    if (!mkdtemp(root)) {
        abort();
    }
    char below[80];
    umask(0);
    chmod(root, 0777);
    snprintf(below, sizeof(below), "%s/root", root);
    root_fd = mkdir(below, 0777) ? -1 : open(below, O_PATH | O_DIRECTORY);
}

void host_end(void)
{
    char command[128];
    close(root_fd);
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    if (system(command)) {
        abort();
    }
}

void *host_map(void *at, uint64_t bytes)
{
    return mmap(at, bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
}

int64_t host_open(const char *path, uint32_t flags, uint32_t mode)
{
    return outcome(openat(root_fd, path, (int)flags, mode));
}

void host_close(int fd)
{
    close(fd);
}

int64_t host_read(int fd, void *to, uint64_t bytes)
{
    return outcome(read(fd, to, bytes));
}

int64_t host_write(int fd, const void *from, uint64_t bytes)
{
    return outcome(write(fd, from, bytes));
}

int64_t host_pread(int fd, void *to, uint64_t bytes, int64_t offset)
{
    return outcome(pread(fd, to, bytes, offset));
}

int64_t host_pwrite(int fd, const void *from, uint64_t bytes, int64_t offset)
{
    return outcome(pwrite(fd, from, bytes, offset));
}

int64_t host_seek(int fd, int64_t offset, int whence)
{
    return outcome(lseek(fd, offset, whence));
}

int64_t host_truncate(int fd, int64_t size)
{
    return outcome(ftruncate(fd, size));
}

static int64_t stat_of(int64_t result, const struct stat *from, struct host_stat *to)
{
    *to = (struct host_stat){ from->st_mode, from->st_nlink, (uint64_t)from->st_size };
    return result;
}

int64_t host_stat(const char *path, bool follow, struct host_stat *to)
{
    struct stat stat = {};
    int flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;
    return stat_of(outcome(fstatat(root_fd, path, &stat, flags)), &stat, to);
}

int64_t host_fstat(int fd, struct host_stat *to)
{
    struct stat stat = {};
    return stat_of(outcome(fstat(fd, &stat)), &stat, to);
}

int64_t host_rename(const char *from, const char *to, uint32_t flags)
{
    return outcome(syscall(SYS_renameat2, root_fd, from, root_fd, to, flags));
}

int64_t host_link(const char *from, const char *to)
{
    return outcome(linkat(root_fd, from, root_fd, to, 0));
}

int64_t host_symlink(const char *target, const char *path)
{
    return outcome(symlinkat(target, root_fd, path));
}

int64_t host_unlink(const char *path, bool directory)
{
    return outcome(unlinkat(root_fd, path, directory ? AT_REMOVEDIR : 0));
}

int64_t host_readlink(const char *path, char *to, uint64_t bytes)
{
    return outcome(readlinkat(root_fd, path, to, bytes));
}

int64_t host_access(const char *path, int mode)
{
    return outcome(faccessat(root_fd, path, mode, 0));
}

int64_t host_chmod(const char *path, uint32_t mode)
{
    return outcome(fchmodat(root_fd, path, mode, 0));
}

int64_t host_mkdir(const char *path, uint32_t mode)
{
    return outcome(mkdirat(root_fd, path, mode));
}

static int by_name(const void *one, const void *other)
{
    return strcmp(one, other);
}

void host_sort(char names[][HOST_NAME], unsigned count)
{
    qsort(names, count, HOST_NAME, by_name);
}

void *host_alloc(uint64_t bytes)
{
    return calloc(1, bytes);
}

void host_free(void *memory)
{
    free(memory);
}

void host_abort(void)
{
    abort();
}

unsigned host_names(const char *path, char names[][HOST_NAME])
{
    unsigned count = 0;
    DIR *directory = fdopendir(openat(root_fd, path, O_RDONLY | O_DIRECTORY));
    for (const struct dirent *entry; directory && (entry = readdir(directory));) {
        snprintf(names[count++], HOST_NAME, "%.31s", entry->d_name);
    }
    if (directory) {
        closedir(directory);
    }
    host_sort(names, count);
    return count;
}
