// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Prints the CRC-32C of each file, as boot/crc.c computes it: `./pith run` asks for that of the
// root of all files, which may have hundreds of megabytes.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdint.h>
#include <stdio.h>

// boot/crc.c
uint32_t crc32c(const void *data, uint64_t bytes);

static int file_print(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        perror(path);
        return 1;
    }
    size_t bytes = (size_t)status.st_size;
    void *data = bytes ? mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    close(fd);
    if (data == MAP_FAILED) {
        perror(path);
        return 1;
    }
    printf("%08x\n", crc32c(data, bytes));
    if (data) {
        munmap(data, bytes);
    }
    return 0;
}

int main(int count, char **words)
{
    int status = 0;
    for (int i = 1; i < count; i++) {
        status |= file_print(words[i]);
    }
    return status;
}
