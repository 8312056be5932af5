// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// System calls by number, and those that are hardly more than an answer.
#include "linux.h"

static int64_t call_zero(struct process *process, const uint64_t *args)
{
    (void)process, (void)args;
    return 0;
}

static int64_t call_enoent(struct process *process, const uint64_t *args)
{
    (void)process, (void)args;
    return -ENOENT;
}

static int64_t call_enotty(struct process *process, const uint64_t *args)
{
    (void)process, (void)args;
    return -ENOTTY;
}

static int64_t call_espipe(struct process *process, const uint64_t *args)
{
    (void)process, (void)args;
    return -ESPIPE;
}

static int64_t call_enosys(struct process *process, const uint64_t *args)
{
    (void)process, (void)args;
    return -ENOSYS;
}

static int64_t call_getpid(struct process *process, const uint64_t *args)
{
    (void)args;
    return (int64_t)process->pid;
}

static int64_t call_getppid(struct process *process, const uint64_t *args)
{
    (void)args;
    return (int64_t)process->parent;
}

static int64_t call_exit(struct process *process, const uint64_t *args)
{
    process_exit(process, (unsigned)(args[0] & 0xff) << 8);
    return CALL_SILENT;
}

static int64_t call_uname(struct process *process, const uint64_t *args)
{
    static const char names[6][65] = { "Linux", "pith", "6.1.0", "#1", "x86_64", "" };
    return user_write(process, args[0], names, sizeof(names)) ? 0 : -EFAULT;
}

static int64_t call_getcwd(struct process *process, const uint64_t *args)
{
    if (args[1] < 2)
        return -ERANGE;
    return user_write(process, args[0], "/", 2) ? 2 : -EFAULT;
}

static int64_t call_readlink(struct process *process, const uint64_t *args)
{
    char path[32];
    if (user_string(process, path, args[0], sizeof(path)) < 0 ||
        strcmp(path, "/proc/self/exe") != 0)
        return -ENOENT;
    uint64_t length = rt_format(path, sizeof(path), "/bin/%s", process->program->name);
    length = length < args[2] ? length : args[2];
    return user_write(process, args[1], path, length) ? (int64_t)length : -EFAULT;
}

static int64_t call_prctl(struct process *process, const uint64_t *args)
{
    const uint64_t get_name = 16;
    static const char name[16] = "busybox";
    if (args[0] == get_name && !user_write(process, args[1], name, sizeof(name)))
        return -EFAULT;
    return 0;
}

static int64_t call_arch_prctl(struct process *process, const uint64_t *args)
{
    const uint64_t set_fs = 0x1002;
    if (args[0] != set_fs)
        return -EINVAL;
    process->frame->regs.fs_base = args[1];
    process->load = true;
    return 0;
}

static int64_t call_prlimit64(struct process *process, const uint64_t *args)
{
    const uint64_t limits[2] = { STACK_PAGES * PAGE_SIZE, UINT64_MAX };
    return !args[3] || user_write(process, args[3], limits, sizeof(limits)) ? 0 : -EFAULT;
}

static int64_t call_getrandom(struct process *process, const uint64_t *args)
{
    static const char bytes[256] = "not random at all";
    uint64_t count = args[1] < sizeof(bytes) ? args[1] : sizeof(bytes);
    return user_write(process, args[0], bytes, count) ? (int64_t)count : -EFAULT;
}

static int64_t call_sysinfo(struct process *process, const uint64_t *args)
{
    const uint64_t info[14] = { [4] = 16 << 20, [5] = 8 << 20, [13] = 1 };
    return user_write(process, args[0], info, sizeof(info)) ? 0 : -EFAULT;
}

static int64_t (*const calls[])(struct process *process, const uint64_t *args) = {
    [0] = call_read,          [1] = call_write,         [3] = call_close,
    [5] = call_fstat,
    [8] = call_espipe,  // lseek
    [9] = call_mmap,          [10] = call_mprotect,     [11] = call_munmap,
    [12] = call_brk,          [13] = call_rt_sigaction, [14] = call_rt_sigprocmask,
    [15] = call_rt_sigreturn,
    [16] = call_enotty,  // ioctl
    [20] = call_writev,
    [21] = call_enoent,  // access
    [22] = call_pipe,         [32] = call_dup,          [33] = call_dup2,
    [39] = call_getpid,       [56] = call_clone,        [57] = call_fork,
    [58] = call_fork,  // vfork
    [59] = call_execve,       [60] = call_exit,         [61] = call_wait4,
    [62] = call_kill,         [63] = call_uname,        [72] = call_fcntl,
    [79] = call_getcwd,       [89] = call_readlink,     [99] = call_sysinfo,
    [102] = call_zero,  // getuid
    [104] = call_zero,  // getgid
    [107] = call_zero,  // geteuid
    [108] = call_zero,  // getegid
    [110] = call_getppid,     [157] = call_prctl,       [158] = call_arch_prctl,
    [186] = call_getpid,  // gettid
    [218] = call_getpid,  // set_tid_address
    [231] = call_exit,    // exit_group
    [234] = call_tgkill,      [257] = call_openat,      [262] = call_newfstatat,
    [273] = call_enosys,  // set_robust_list
    [292] = call_dup2,    // dup3
    [293] = call_pipe2,       [302] = call_prlimit64,   [318] = call_getrandom,
    [334] = call_enosys,  // rseq
};

int64_t call_dispatch(struct process *process)
{
    uint32_t number = process->number;
    if (number < sizeof(calls) / sizeof(calls[0]) && calls[number])
        return calls[number](process, process->args.word);
    rt_print("linux: no system call %u\n", number);
    return -ENOSYS;
}
