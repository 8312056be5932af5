// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The first process of the Linux that Pith is compared with: mounts what programs expect, runs one,
// and ends the machine with its status the way Pith does (tools/pithlib/qemu.py).
//
//     init PROGRAM ARGUMENT...
#include <fcntl.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdio.h>
#include <stdlib.h>

#define EXIT_PORT    0xf4
#define FIRST_STATUS 0x20
#define LAST_STATUS  94

static void mounts_make(void)
{
    static const struct {
        const char *type, *place;
    } mounts[] = {
        { "devtmpfs", "/dev" }, { "devpts", "/dev/pts" }, { "tmpfs", "/dev/shm" },
        { "proc", "/proc" },    { "tmpfs", "/tmp" },
    };
    for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
        mkdir(mounts[i].place, 0755);
        if (mount(mounts[i].type, mounts[i].place, mounts[i].type, 0, NULL) != 0) {
            perror(mounts[i].place);
        }
    }
}

static void console_open(void)
{
    int console = open("/dev/console", O_RDWR);
    for (int i = 0; i < 3; i++) {
        dup2(console, i);
    }
}

// What tools/pithlib/linux.py has programs on Pith begin with.
static void environment_set(void)
{
    static const char *const variables[][2] = {
        { "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
        { "HOME", "/root" },
        { "USER", "root" },
        { "LOGNAME", "root" },
        { "SHELL", "/bin/sh" },
        { "LANG", "C.UTF-8" },
    };
    clearenv();
    for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
        setenv(variables[i][0], variables[i][1], 1);
    }
}

_Noreturn static void machine_end(int status)
{
    sync();
    if (ioperm(EXIT_PORT, 1, 1) == 0) {
        outb((unsigned char)(FIRST_STATUS + (status < LAST_STATUS ? status : LAST_STATUS)),
             EXIT_PORT);
    }
    for (;;) {
        pause();
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    mounts_make();
    console_open();
    environment_set();
    pid_t child = fork();
    if (child == 0) {
        setsid();
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    int status = 0;
    while (waitpid(-1, &status, 0) != child) {}
    machine_end(WIFEXITED(status) ? WEXITSTATUS(status) : 128);
}
