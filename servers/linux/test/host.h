// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The development host's own files, without its headers: their numbers are those of the server's.
// Paths count from a new directory.  Results are as system calls give them: minus an error.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HOST_NAME 32

struct host_stat {
    uint32_t mode;
    uint64_t links, size;
};

void host_begin(void);
void host_end(void);
void *host_map(void *at, uint64_t bytes);
void *host_alloc(uint64_t bytes);  // zeroed
void host_free(void *memory);
_Noreturn void host_abort(void);

int64_t host_open(const char *path, uint32_t flags, uint32_t mode);
void host_close(int fd);
int64_t host_read(int fd, void *to, uint64_t bytes);
int64_t host_write(int fd, const void *from, uint64_t bytes);
int64_t host_pread(int fd, void *to, uint64_t bytes, int64_t offset);
int64_t host_pwrite(int fd, const void *from, uint64_t bytes, int64_t offset);
int64_t host_seek(int fd, int64_t offset, int whence);
int64_t host_truncate(int fd, int64_t size);
int64_t host_stat(const char *path, bool follow, struct host_stat *to);
int64_t host_fstat(int fd, struct host_stat *to);
int64_t host_rename(const char *from, const char *to, uint32_t flags);
int64_t host_link(const char *from, const char *to);
int64_t host_symlink(const char *target, const char *path);
int64_t host_unlink(const char *path, bool directory);
int64_t host_readlink(const char *path, char *to, uint64_t bytes);
int64_t host_access(const char *path, int mode);
int64_t host_chmod(const char *path, uint32_t mode);
int64_t host_mkdir(const char *path, uint32_t mode);
// Names in a directory, sorted.
unsigned host_names(const char *path, char names[][HOST_NAME]);
void host_sort(char names[][HOST_NAME], unsigned count);
