// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What pipe, eventfd, socket and their like have in common: a file without a name becomes a
// descriptor.
#include "install.h"

#include "task.h"

int64_t install_unnamed(struct task *task, const struct file_ops *ops, const char *name,
                        uint32_t flags, void *state)
{
    struct file *file = file_new_unnamed(ops, name, 0600, flags & (O_ACCMODE | O_NONBLOCK), state);

    if (!file) {
        struct file half = { .state = state };
        ops->close(&half);
        return -ENOMEM;
    }
    return file_install(task, file, 0, flags & O_CLOEXEC);
}

int64_t install_seek(struct file *file, int64_t offset, unsigned whence)
{
    (void)file, (void)offset, (void)whence;
    return 0;
}

int64_t install_two(struct task *task, struct file *files[2], user_t fds, bool close_on_exec)
{
    int32_t numbers[2];
    int64_t first = file_install(task, files[0], 0, close_on_exec), second;

    if (first < 0) {
        file_put(files[1]);
        return first;
    }
    second = file_install(task, files[1], 0, close_on_exec);
    numbers[0] = (int32_t)first;
    numbers[1] = (int32_t)second;
    if (second >= 0 && user_write(task, fds, numbers, sizeof(numbers)) == 0) {
        return 0;
    }
    file_close(task, (int)first);
    if (second < 0) {
        return second;
    }
    file_close(task, (int)second);
    return -EFAULT;
}
