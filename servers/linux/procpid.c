// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What /proc tells of processes and tasks (proc(5)).
#include "area.h"
#include "attribute.h"
#include "capability.h"
#include "clock.h"
#include "cpu.h"
#include "dentry.h"
#include "device.h"
#include "heap.h"
#include "mount.h"
#include "proc.h"
#include "ptrace.h"
#include "seccomp.h"
#include "space.h"
#include "task.h"
#include "terminal.h"
#include "walk.h"

#include <rt/clock.h>
#include <rt/string.h>

#define FILE_MODE (S_IFREG | 0444)
#define SET_MODE  (S_IFREG | 0644)
#define OWN_MODE  (S_IFREG | 0400)
#define DIR_MODE  (S_IFDIR | 0555)
#define OWN_DIR   (S_IFDIR | 0500)
#define LINK_MODE (S_IFLNK | 0777)
#define SHOW(name) \
 static int64_t name(struct text *text, struct task *reader, const struct subject *of)
#define KIB(pages)  ((pages) << (PAGE_BITS - 10))
#define MAPS_COLUMN 73u      // where names begin
#define ARGS_MOST   131072u  // of arguments that are shown
#define PIECE       4096u

// ---- texts of a process ------------------------------------------------------------------------
static struct space *space_of(const struct subject *of)
{
    const struct task *task = subject_task(of);
    return task ? task->space : NULL;
}

// What a process has between two of its addresses.
static int64_t show_memory(struct text *text, struct space *space, uint64_t from, uint64_t to)
{
    char some[PIECE];
    to = to > from && to - from > ARGS_MOST ? from + ARGS_MOST : to;
    while (from < to) {
        uint64_t bytes = to - from < sizeof(some) ? to - from : sizeof(some);
        if (space_read(space, some, from, bytes)) {
            return 0;
        }
        text_add(text, some, bytes);
        from += bytes;
    }
    return 0;
}

SHOW(cmdline)
{
    (void)reader;
    struct space *space = space_of(of);
    return space ? show_memory(text, space, space->args_start, space->args_end) : 0;
}

SHOW(environ)
{
    (void)reader;
    struct space *space = space_of(of);
    return space ? show_memory(text, space, space->env_start, space->env_end) : 0;
}

SHOW(auxv)
{
    (void)reader;
    const struct space *space = space_of(of);
    if (space) {
        text_add(text, space->vector, space->vector_count * sizeof(space->vector[0]));
    }
    return 0;
}

static const char *name_of_task(const struct subject *of, const struct task *task)
{
    const struct process *process = subject_process(of);
    if (task) {
        return task->name;
    }
    return process && process->leader ? process->leader->name : "";
}

SHOW(comm)
{
    (void)reader;
    text_print(text, "%s\n", name_of_task(of, subject_task(of)));
    return 0;
}

static int64_t comm_set(struct task *task, const struct subject *of, const char *from,
                        uint64_t bytes)
{
    struct task *named = subject_task(of);
    if (!named) {
        return -ESRCH;
    }
    if (named->process != task->process) {
        return -EINVAL;
    }
    uint64_t length = bytes < TASK_NAME_BYTES - 1 ? bytes : TASK_NAME_BYTES - 1;
    length -= length && from[length - 1] == '\n';
    memset(named->name, 0, TASK_NAME_BYTES);
    memcpy(named->name, from, length);
    return 0;
}

// ---- state -------------------------------------------------------------------------------------
static char letter_of(const struct process *process, const struct task *task)
{
    if (!task) {
        return process->zombie ? 'Z' : 'X';
    }
    switch (task->state) {
    case TASK_WAITS: return 'S';
    case TASK_STOPPED: return task->trace ? 't' : 'T';
    case TASK_ENDED: return 'Z';
    case TASK_NEW:
    case TASK_RUNS:
    case TASK_TRAPPED:
    default: return 'R';
    }
}

static unsigned tasks_of(const struct process *process)
{
    unsigned count = 0;
    LIST_EACH(task, &process->tasks, struct task, in_process) {
        count++;
    }
    return count;
}

static uint64_t centiseconds(uint64_t nanoseconds)
{
    return nanoseconds / 10000000;
}

struct masks {
    sigset ignored, caught;
};

static struct masks masks_of(const struct task *task)
{
    struct masks masks = {};
    for (unsigned i = 0; i < SIGNALS; i++) {
        uint64_t handler = task->signals.handlers->actions[i].handler;
        masks.ignored |= handler == SIG_IGN ? SIGNAL_BIT(i + 1) : 0;
        masks.caught |= handler != SIG_IGN && handler != SIG_DFL ? SIGNAL_BIT(i + 1) : 0;
    }
    return masks;
}

static void stat_begin(struct text *text, const struct subject *of, const struct process *process,
                       const struct task *task)
{
    const struct terminal *terminal = process->terminal;
    uint64_t used = of->tid && task ? task_cpu_ns(task) : process_cpu_ns(process);
    text_print(text, "%u (%s) %c %u %u %u %u %d 0 0 0 0 0 ", of->tid ? of->tid : of->pid,
               name_of_task(of, task), letter_of(process, task),
               process->parent ? process->parent->pid : 0, process->group, process->session,
               terminal ? terminal->device : 0,
               terminal && terminal->group ? (int)terminal->group : -1);
    text_print(text, "%lu 0 %lu 0 20 0 %u 0 %lu ", centiseconds(used),
               centiseconds(rt_nanoseconds(process->children_ticks, rt_clock_hz())),
               tasks_of(process), centiseconds(process->began));
}

static void stat_end(struct text *text, const struct process *process, const struct task *task)
{
    static const struct space none;
    const struct space *space = task && task->space ? task->space : &none;
    struct masks masks = task ? masks_of(task) : (struct masks){};
    text_print(text, "%lu %lu %lu %lu %lu %lu 0 0 ", space->mapped << PAGE_BITS, space->resident,
               process->limits[RLIMIT_RSS].soft, space->code_start, space->code_end,
               space->stack_start);
    text_print(text, "%lu %lu %lu %lu 0 0 0 %u %u 0 0 0 0 0 ",
               task ? (task->signals.pending.set | process->signals.pending.set) & INT32_MAX : 0,
               task ? task->signals.blocked & INT32_MAX : 0, masks.ignored & INT32_MAX,
               masks.caught & INT32_MAX, process->exit_signal, task ? cpu_of(task) : 0);
    text_print(text, "%lu %lu %lu %lu %lu %lu %lu %u\n", space->data_start, space->data_end,
               space->brk_start, space->args_start, space->args_end, space->env_start,
               space->env_end, process->zombie ? process->exit_status : 0);
}

SHOW(stat)
{
    (void)reader;
    const struct process *process = subject_process(of);
    const struct task *task = subject_task(of);
    if (!process) {
        return -ESRCH;
    }
    stat_begin(text, of, process, task);
    stat_end(text, process, task);
    return 0;
}

SHOW(statm)
{
    (void)reader;
    const struct space *space = space_of(of);
    if (!space) {
        text_print(text, "0 0 0 0 0 0 0\n");
        return 0;
    }
    text_print(text, "%lu %lu 0 %lu 0 %lu 0\n", space->mapped, space->resident,
               (space->code_end - space->code_start) >> PAGE_BITS, space->mapped);
    return 0;
}

static void status_who(struct text *text, const struct credentials *who)
{
    text_print(text, "Uid:\t%u\t%u\t%u\t%u\n", who->uid, who->euid, who->suid, who->fsuid);
    text_print(text, "Gid:\t%u\t%u\t%u\t%u\n", who->gid, who->egid, who->sgid, who->fsgid);
}

static void status_memory(struct text *text, const struct space *space)
{
    const uint64_t all = KIB(space->mapped), here = KIB(space->resident);
    const uint64_t code = KIB((space->code_end - space->code_start) >> PAGE_BITS);
    text_print(text, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t       0 kB\n",
               all, all, KIB(area_locked_pages(space, 0, SPACE_END)));
    text_print(text, "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\n", here, here, here);
    text_print(text, "RssFile:\t       0 kB\nRssShmem:\t       0 kB\nVmData:\t%8lu kB\n", all);
    text_print(text, "VmStk:\t     132 kB\nVmExe:\t%8lu kB\nVmLib:\t       0 kB\n", code);
    text_print(text, "VmPTE:\t       0 kB\nVmSwap:\t       0 kB\n");
}

static void status_signals(struct text *text, const struct process *process,
                           const struct task *task)
{
    struct masks masks = masks_of(task);
    text_print(text, "SigQ:\t0/%lu\n", process->limits[RLIMIT_SIGPENDING].soft);
    text_print(text, "SigPnd:\t%016lx\nShdPnd:\t%016lx\n", task->signals.pending.set,
               process->signals.pending.set);
    text_print(text, "SigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n", task->signals.blocked,
               masks.ignored, masks.caught);
}

static void status_rights(struct text *text, const struct task *task)
{
    const struct credentials *who = &task->credentials;
    text_print(text, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\n", who->inheritable,
               who->permitted, who->effective);
    text_print(text, "CapBnd:\t%016lx\nCapAmb:\t%016lx\nNoNewPrivs:\t%u\n", who->bounding,
               who->ambient, who->no_new_privileges);
    text_print(text, "Seccomp:\t%u\nSeccomp_filters:\t%u\n", seccomp_mode(task),
               seccomp_filters(task));
    text_print(text, "Cpus_allowed:\t1\nCpus_allowed_list:\t0\n");
    text_print(text, "Mems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t0\n"
                     "nonvoluntary_ctxt_switches:\t0\n");
}

static void status_begin(struct text *text, const struct subject *of, const struct process *process,
                         const struct task *task)
{
    static const char *const words[] = {
        ['R' - 'R'] = "R (running)",      ['S' - 'R'] = "S (sleeping)", ['T' - 'R'] = "T (stopped)",
        ['t' - 'R'] = "t (tracing stop)", ['X' - 'R'] = "X (dead)",     ['Z' - 'R'] = "Z (zombie)"
    };
    text_print(text, "Name:\t%s\n", name_of_task(of, task));
    if (task && task->placement) {
        text_print(text, "Umask:\t0%u%u%u\n", task->placement->umask >> 6 & 7,
                   task->placement->umask >> 3 & 7, task->placement->umask & 7);
    }
    uint32_t number = of->tid ? of->tid : of->pid;
    text_print(text, "State:\t%s\nTgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t%u\n",
               words[letter_of(process, task) - 'R'], of->pid, number,
               process->parent ? process->parent->pid : 0,
               task && task->trace && task->trace->tracer ? task->trace->tracer->pid : 0);
}

SHOW(status)
{
    (void)reader;
    const struct process *process = subject_process(of);
    const struct task *task = subject_task(of);
    if (!process) {
        return -ESRCH;
    }
    status_begin(text, of, process, task);
    const struct task *who = task ? task : process->leader;
    if (who) {
        status_who(text, &who->credentials);
    } else {
        text_print(text, "Uid:\t%u\t%u\t%u\t%u\nGid:\t0\t0\t0\t0\n", process->uid, process->uid,
                   process->uid, process->uid);
    }
    text_print(text, "FDSize:\t%u\nGroups:\t", task && task->files ? task->files->count : 0);
    for (uint32_t i = 0; who && i < who->credentials.group_count; i++) {
        text_print(text, "%u ", who->credentials.groups[i]);
    }
    text_print(text, "\nNStgid:\t%u\nNSpid:\t%u\nNSpgid:\t%u\nNSsid:\t%u\n", of->pid,
               of->tid ? of->tid : of->pid, process->group, process->session);
    if (task && task->space) {
        status_memory(text, task->space);
    }
    text_print(text, "Threads:\t%u\n", tasks_of(process));
    if (task) {
        status_signals(text, process, task);
        status_rights(text, task);
    }
    return 0;
}

// ---- memory ------------------------------------------------------------------------------------
static const char *area_name(const struct space *space, const struct area *area)
{
    if (area->name) {
        return area->name;
    }
    if (area->start < space->brk && area->end > space->brk_start && !area->file) {
        return "[heap]";
    }
    bool stack = area->flags & AREA_GROWS ||
                 (area->start <= space->stack_start && area->end > space->stack_start);
    return stack && !area->file ? "[stack]" : "";
}

static void area_show(struct text *text, const struct task *reader, const struct space *space,
                      const struct area *area)
{
    static char path[PATH_MAX_BYTES];
    const struct inode *inode = area->file && !area->name ? area->file->inode : NULL;
    uint32_t number = inode ? inode->device : 0;
    const char *name = area_name(space, area);
    uint64_t begin = text->bytes;
    text_print(text, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", area->start, area->end,
               area->prot & PROT_READ ? 'r' : '-', area->prot & PROT_WRITE ? 'w' : '-',
               area->prot & PROT_EXECUTE ? 'x' : '-', area->flags & AREA_SHARED ? 's' : 'p',
               inode ? area->first << PAGE_BITS : 0, DEVICE_MAJOR(number), DEVICE_MINOR(number),
               inode ? inode->number : 0);
    if (inode && place_text(area->file->place, &reader->placement->root, path, sizeof(path)) >= 0) {
        name = path;
    }
    while (*name && text->bytes - begin < MAPS_COLUMN && !text->failed) {
        text_add(text, " ", 1);
    }
    bool gone = inode && area->file->place.dentry->removed;
    text_print(text, "%s%s\n", name, gone ? " (deleted)" : "");
}

SHOW(maps)
{
    const struct space *space = space_of(of);
    for (unsigned i = 0; space && i < area_count(space); i++) {
        area_show(text, reader, space, area_at(space, i));
    }
    return 0;
}

static uint64_t resident_in(struct space *space, const struct area *area)
{
    uint64_t pages = 0;
    for (user_t at = area->start; at < area->end;) {
        unsigned count = 0;
        const entry_t *entry = space_leaf(space, &at, &count);
        for (; entry && count && at < area->end; entry++, count--, at += PAGE_SIZE) {
            pages += *entry != 0;
        }
    }
    return pages;
}

SHOW(smaps)
{
    struct space *space = space_of(of);
    for (unsigned i = 0; space && i < area_count(space); i++) {
        const struct area *area = area_at(space, i);
        uint64_t kib = KIB(resident_in(space, area));
        area_show(text, reader, space, area);
        text_print(text, "Size:           %8lu kB\nKernelPageSize:        4 kB\n",
                   (area->end - area->start) >> 10);
        text_print(text, "MMUPageSize:           4 kB\nRss:            %8lu kB\n", kib);
        text_print(text, "Pss:            %8lu kB\nPrivate_Dirty:  %8lu kB\n", kib, kib);
        text_print(text, "Anonymous:      %8lu kB\nSwap:                  0 kB\n",
                   area->file ? 0 : kib);
    }
    return 0;
}

// Up to the end of a page, so that what can be reached before what cannot is moved.
static uint64_t part_of(const struct io *io, uint64_t at)
{
    uint64_t bytes = PAGE_SIZE - (at & PAGE_MASK);
    return io->left < bytes ? io->left : bytes;
}

static bool may_touch(const struct task *task, const struct task *other)
{
    return other && other->space &&
           (task->process == other->process || task_capable(task, CAP_SYS_PTRACE) ||
            (task->credentials.fsuid == other->credentials.euid && other->space->dumpable));
}

static int64_t memory_read(struct task *task, const struct subject *of, struct io *io,
                           uint64_t offset)
{
    static char page[PAGE_SIZE];
    const struct task *other = subject_task(of);
    int64_t done = 0;
    if (!may_touch(task, other)) {
        return other ? -EACCES : 0;
    }
    while (io->left) {
        uint64_t bytes = part_of(io, offset);
        int64_t given = trace_memory(other->space, offset, page, bytes, false);
        given = given < 0 ? -EIO : io_give(io, page, bytes);
        if (given <= 0) {
            return done ? done : given;
        }
        done += given;
        offset += (uint64_t)given;
    }
    return done;
}

static int64_t memory_write(struct task *task, const struct subject *of, struct io *io,
                            uint64_t offset)
{
    static char page[PAGE_SIZE];
    const struct task *other = subject_task(of);
    int64_t done = 0;
    if (!may_touch(task, other)) {
        return other ? -EACCES : 0;
    }
    while (io->left) {
        int64_t taken = io_take(io, page, part_of(io, offset));
        if (taken > 0 && trace_memory(other->space, offset, page, (uint64_t)taken, true) != taken) {
            taken = -EIO;
        }
        if (taken <= 0) {
            return done ? done : taken;
        }
        done += taken;
        offset += (uint64_t)taken;
    }
    return done;
}

// ---- places ------------------------------------------------------------------------------------
static int64_t place_out(const struct place *from, struct place *to)
{
    *to = *from;
    place_get(*to);
    return 0;
}

static int64_t exe(struct task *reader, const struct subject *of, struct place *to)
{
    (void)reader;
    const struct space *space = space_of(of);
    return space && space->program ? place_out(&space->program->place, to) : -ENOENT;
}

static int64_t cwd(struct task *reader, const struct subject *of, struct place *to)
{
    (void)reader;
    const struct task *task = subject_task(of);
    return task && task->placement ? place_out(&task->placement->work, to) : -ENOENT;
}

static int64_t root(struct task *reader, const struct subject *of, struct place *to)
{
    (void)reader;
    const struct task *task = subject_task(of);
    return task && task->placement ? place_out(&task->placement->root, to) : -ENOENT;
}

static struct file *file_of(const struct subject *of)
{
    const struct task *task = subject_task(of);
    return task && task->files ? file_at_any(task, (int)of->fd) : NULL;
}

static int64_t descriptor(struct task *reader, const struct subject *of, struct place *to)
{
    (void)reader;
    const struct file *file = file_of(of);
    return file ? place_out(&file->place, to) : -ENOENT;
}

static void octal_show(struct text *text, uint32_t value)
{
    char digits[16];
    unsigned at = sizeof(digits);
    digits[--at] = '\0';
    do {
        digits[--at] = (char)('0' + (value & 7));
        value >>= 3;
    } while (value);
    text_print(text, "0%s", digits + at);
}

SHOW(descriptor_info)
{
    (void)reader;
    const struct file *file = file_of(of);
    if (!file) {
        return -ENOENT;
    }
    bool closes = subject_task(of)->files->at[of->fd].close_on_exec;
    text_print(text, "pos:\t%lu\nflags:\t", file->offset);
    octal_show(text, file->flags | (closes ? O_CLOEXEC : 0));
    text_print(text, "\nmnt_id:\t%u\nino:\t%lu\n", file->place.mount->device, file->inode->number);
    return 0;
}

static int64_t mounts_seen(struct text *text, const struct subject *of, bool info)
{
    const struct task *task = subject_task(of);
    if (task && task->placement) {
        mounts_show(text, task, info);
    }
    return 0;
}

SHOW(mounts_of)
{
    (void)reader;
    return mounts_seen(text, of, false);
}

SHOW(mountinfo)
{
    (void)reader;
    return mounts_seen(text, of, true);
}

// ---- limits and the like -----------------------------------------------------------------------
static void limit_show(struct text *text, uint64_t value)
{
    if (value == UINT64_MAX) {
        text_print(text, "%-20s ", "unlimited");
    } else {
        text_print(text, "%-20lu ", value);
    }
}

SHOW(limits)
{
    (void)reader;
    static const struct {
        const char *name, *unit;
    } lines[LIMITS] = {
        { "Max cpu time", "seconds" },     { "Max file size", "bytes" },
        { "Max data size", "bytes" },      { "Max stack size", "bytes" },
        { "Max core file size", "bytes" }, { "Max resident set", "bytes" },
        { "Max processes", "processes" },  { "Max open files", "files" },
        { "Max locked memory", "bytes" },  { "Max address space", "bytes" },
        { "Max file locks", "locks" },     { "Max pending signals", "signals" },
        { "Max msgqueue size", "bytes" },  { "Max nice priority", "" },
        { "Max realtime priority", "" },   { "Max realtime timeout", "us" },
    };
    const struct process *process = subject_process(of);
    if (!process) {
        return -ESRCH;
    }
    text_print(text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (unsigned i = 0; i < LIMITS; i++) {
        text_print(text, "%-25s ", lines[i].name);
        limit_show(text, process->limits[i].soft);
        limit_show(text, process->limits[i].hard);
        text_print(text, "%-10s\n", lines[i].unit);
    }
    return 0;
}

// A text that is the same for all.
#define FIXED(name, fixed)       \
 SHOW(name)                      \
 {                               \
  (void)reader;                  \
  (void)of;                      \
  text_print(text, "%s", fixed); \
  return 0;                      \
 }

FIXED(cgroup, "0::/\n")

FIXED(zero, "0\n")

FIXED(nobody, "4294967295")

SHOW(personality)
{
    (void)reader;
    const struct task *task = subject_task(of);
    if (task) {
        text_print(text, "%08x\n", task->personality);
    }
    return task ? 0 : -ESRCH;
}

FIXED(id_map, "         0          0 4294967295\n")

FIXED(setgroups, "allow\n")

FIXED(io, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\n"
          "cancelled_write_bytes: 0\n")

SHOW(schedstat)
{
    (void)reader;
    const struct task *task = subject_task(of);
    text_print(text, "%lu 0 0\n", task ? task_cpu_ns(task) : 0);
    return 0;
}

SHOW(nothing)
{
    (void)text;
    (void)reader;
    (void)of;
    return 0;
}

// There is nobody who would kill by it, so that what is set is not kept.
static int64_t score_set(struct task *task, const struct subject *of, const char *from,
                         uint64_t bytes)
{
    (void)task;
    (void)of;
    bool number = bytes && (from[0] == '-' || (from[0] >= '0' && from[0] <= '9'));
    return number ? 0 : -EINVAL;
}

// ---- directories -------------------------------------------------------------------------------

const struct proc_item proc_fd = { .name = "fd", .mode = S_IFLNK | 0700, .follow = descriptor };
const struct proc_item proc_fd_info = { .name = "fdinfo",
                                        .mode = OWN_MODE,
                                        .show = descriptor_info };

static const struct proc_item net_items[] = {
    { .name = "dev", .mode = FILE_MODE, .show = nothing },
    { .name = "unix", .mode = FILE_MODE, .show = nothing },
    {},
};

// What processes and tasks have alike.
#define BOTH                                                                                \
 { .name = "auxv", .mode = OWN_MODE, .show = auxv },                                        \
     { .name = "cgroup", .mode = FILE_MODE, .show = cgroup },                               \
     { .name = "cmdline", .mode = FILE_MODE, .show = cmdline },                             \
     { .name = "comm", .mode = SET_MODE, .show = comm, .store = comm_set },                 \
     { .name = "cwd", .mode = LINK_MODE, .follow = cwd },                                   \
     { .name = "environ", .mode = OWN_MODE, .show = environ },                              \
     { .name = "exe", .mode = LINK_MODE, .follow = exe },                                   \
     { .name = "fd", .mode = OWN_DIR, .more = PROC_FDS },                                   \
     { .name = "fdinfo", .mode = DIR_MODE, .more = PROC_FD_INFOS },                         \
     { .name = "gid_map", .mode = FILE_MODE, .show = id_map },                              \
     { .name = "io", .mode = OWN_MODE, .show = io },                                        \
     { .name = "limits", .mode = FILE_MODE, .show = limits },                               \
     { .name = "loginuid", .mode = FILE_MODE, .show = nobody },                             \
     { .name = "maps", .mode = FILE_MODE, .show = maps },                                   \
     { .name = "mem", .mode = S_IFREG | 0600, .read = memory_read, .write = memory_write }, \
     { .name = "mountinfo", .mode = FILE_MODE, .show = mountinfo },                         \
     { .name = "mounts", .mode = FILE_MODE, .show = mounts_of },                            \
     { .name = "net", .mode = DIR_MODE, .items = net_items },                               \
     { .name = "oom_adj", .mode = SET_MODE, .show = zero, .store = score_set },             \
     { .name = "oom_score", .mode = FILE_MODE, .show = zero },                              \
     { .name = "oom_score_adj", .mode = SET_MODE, .show = zero, .store = score_set },       \
     { .name = "personality", .mode = OWN_MODE, .show = personality },                      \
     { .name = "root", .mode = LINK_MODE, .follow = root },                                 \
     { .name = "schedstat", .mode = FILE_MODE, .show = schedstat },                         \
     { .name = "sessionid", .mode = FILE_MODE, .show = nobody },                            \
     { .name = "setgroups", .mode = FILE_MODE, .show = setgroups },                         \
     { .name = "smaps", .mode = FILE_MODE, .show = smaps },                                 \
     { .name = "stat", .mode = FILE_MODE, .show = stat },                                   \
     { .name = "statm", .mode = FILE_MODE, .show = statm },                                 \
     { .name = "status", .mode = FILE_MODE, .show = status },                               \
     { .name = "uid_map", .mode = FILE_MODE, .show = id_map },                              \
 {                                                                                          \
  .name = "wchan", .mode = FILE_MODE, .show = nothing                                       \
 }

static const struct proc_item task_items[] = { BOTH, {} };
static const struct proc_item process_items[] = {
    BOTH,
    { .name = "task", .mode = DIR_MODE, .more = PROC_TASKS },
    {},
};

const struct proc_item proc_task = { .name = "task", .mode = DIR_MODE, .items = task_items };
const struct proc_item proc_process = { .name = "process",
                                        .mode = DIR_MODE,
                                        .items = process_items };
