// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What /proc tells of the system (proc(5)).
#include "capability.h"
#include "clock.h"
#include "cpu.h"
#include "device.h"
#include "mount.h"
#include "page.h"
#include "proc.h"
#include "random.h"
#include "sysv.h"
#include "task.h"
#include "walk.h"

#include <rt/clock.h>
#include <rt/string.h>

#define FILE_MODE (S_IFREG | 0444)
#define SET_MODE  (S_IFREG | 0644)
#define DIR_MODE  (S_IFDIR | 0555)
#define LINK_MODE (S_IFLNK | 0777)
#define SHOW(name) \
 static int64_t name(struct text *text, struct task *reader, const struct subject *of)
#define UNUSED (void)reader, (void)of

// ---- processes ---------------------------------------------------------------------------------
SHOW(self)
{
    (void)of;
    text_print(text, "%u", reader->process->pid);
    return 0;
}

SHOW(thread_self)
{
    (void)of;
    text_print(text, "%u/task/%u", reader->process->pid, reader->tid);
    return 0;
}

// ---- memory and time ---------------------------------------------------------------------------
SHOW(meminfo)
{
    UNUSED;
    const uint64_t total = page_total << (PAGE_BITS - 10), left = page_free << (PAGE_BITS - 10);
    const struct {
        const char *name;
        uint64_t kib;
    } lines[] = {
        { "MemTotal:", total },
        { "MemFree:", left },
        { "MemAvailable:", left },
        { "Buffers:", 0 },
        { "Cached:", 0 },
        { "SwapCached:", 0 },
        { "Active:", total - left },
        { "Inactive:", 0 },
        { "SwapTotal:", 0 },
        { "SwapFree:", 0 },
        { "Dirty:", 0 },
        { "Writeback:", 0 },
        { "AnonPages:", total - left },
        { "Mapped:", 0 },
        { "Shmem:", 0 },
        { "KReclaimable:", 0 },
        { "Slab:", 0 },
        { "SReclaimable:", 0 },
        { "SUnreclaim:", 0 },
        { "KernelStack:", 0 },
        { "PageTables:", 0 },
        { "CommitLimit:", total },
        { "Committed_AS:", total - left },
        { "VmallocTotal:", 0 },
        { "VmallocUsed:", 0 },
        { "VmallocChunk:", 0 },
    };
    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        text_print(text, "%-16s%8lu kB\n", lines[i].name, lines[i].kib);
    }
    text_print(text,
               "HugePages_Total:       0\nHugePages_Free:        0\nHugepagesize:       2048 kB\n");
    return 0;
}

static uint64_t busy_ns(void)
{
    uint64_t ticks = 0;
    LIST_EACH(process, process_list(), struct process, all) {
        ticks += process->ended_ticks;
        LIST_EACH(task, &process->tasks, struct task, in_process) {
            ticks += task->ticks;
        }
    }
    return rt_nanoseconds(ticks, rt_clock_hz());
}

SHOW(uptime)
{
    UNUSED;
    uint64_t up = rt_clock_monotonic() / 10000000, busy = busy_ns() / 10000000;
    uint64_t idle = up > busy ? up - busy : 0;
    text_print(text, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100, idle % 100);
    return 0;
}

struct counts {
    unsigned processes, tasks, running;
    uint32_t last;
};

static struct counts count(void)
{
    struct counts counts = {};
    LIST_EACH(process, process_list(), struct process, all) {
        counts.processes++;
        counts.last = process->pid > counts.last ? process->pid : counts.last;
        LIST_EACH(task, &process->tasks, struct task, in_process) {
            counts.tasks++;
            counts.running += task->state == TASK_RUNS || task->state == TASK_TRAPPED;
        }
    }
    return counts;
}

SHOW(loadavg)
{
    UNUSED;
    struct counts counts = count();
    text_print(text, "0.00 0.00 0.00 %u/%u %u\n", counts.running, counts.tasks, counts.last);
    return 0;
}

SHOW(stat)
{
    UNUSED;
    uint64_t up = rt_clock_monotonic() / 10000000, all = up * cpu_number;
    uint64_t busy = busy_ns() / 10000000, idle = all > busy ? all - busy : 0;
    struct counts counts = count();
    int64_t since = (int64_t)(rt_clock_monotonic() / RT_SECOND);
    text_print(text, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", busy, idle);
    for (unsigned i = 0; i < cpu_number; i++) {
        uint64_t used = cpu_used(i) / 10000000;
        text_print(text, "cpu%u %lu 0 0 %lu 0 0 0 0 0 0\n", i, used, up > used ? up - used : 0);
    }
    text_print(text, "intr 0\nctxt 0\nbtime %ld\nprocesses %u\nprocs_running %u\nprocs_blocked 0\n",
               clock_real().seconds - since, counts.last, counts.running);
    text_print(text, "softirq 0 0 0 0 0 0 0 0 0 0 0\n");
    return 0;
}

static void cpu_show(struct text *text, unsigned cpu)
{
    text_print(text, "processor\t: %u\n", cpu);
    text_print(text, "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 60\n");
    text_print(text, "model name\t: Pith virtual processor\nstepping\t: 1\n");
    text_print(text, "cpu MHz\t\t: %lu.000\ncache size\t: 4096 KB\n", rt_clock_hz() / 1000000);
    text_print(text, "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n",
               cpu_number, cpu, cpu_number);
    text_print(text, "apicid\t\t: %u\ninitial apicid\t: %u\n", cpu, cpu);
    text_print(text, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: 13\nwp\t\t: yes\n");
    text_print(text,
               "flags\t\t: fpu de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 "
               "clflush mmx fxsr sse sse2 syscall nx lm constant_tsc nopl cpuid pni cx16\n");
    text_print(text, "bugs\t\t:\nbogomips\t: %lu.00\nclflush size\t: 64\ncache_alignment\t: 64\n",
               rt_clock_hz() / 500000);
    text_print(text, "address sizes\t: 40 bits physical, 48 bits virtual\npower management:\n\n");
}

SHOW(cpuinfo)
{
    UNUSED;
    for (unsigned i = 0; i < cpu_number; i++) {
        cpu_show(text, i);
    }
    return 0;
}

// ---- what there is -----------------------------------------------------------------------------
SHOW(version)
{
    UNUSED;
    text_print(text, "Linux version %s (pith@pith) (cc) %s\n", SYSTEM_RELEASE, SYSTEM_VERSION);
    return 0;
}

SHOW(filesystems)
{
    UNUSED;
    text_print(
        text,
        "nodev\ttmpfs\nnodev\tdevtmpfs\nnodev\tproc\nnodev\tdevpts\nnodev\tmqueue\nnodev\tramfs\nnodev\tsysfs\n");
    return 0;
}

SHOW(devices)
{
    UNUSED;
    text_print(
        text,
        "Character devices:\n  1 mem\n  4 tty\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n"
        "136 pts\n\nBlock devices:\n");
    return 0;
}

SHOW(swaps)
{
    UNUSED;
    text_print(text, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    return 0;
}

SHOW(partitions)
{
    UNUSED;
    text_print(text, "major minor  #blocks  name\n\n");
    return 0;
}

SHOW(vmstat)
{
    UNUSED;
    text_print(text, "nr_free_pages %lu\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\n", page_free);
    return 0;
}

SHOW(nothing)
{
    UNUSED;
    (void)text;
    return 0;
}

SHOW(cmdline)
{
    UNUSED;
    text_print(text, "pith\n");
    return 0;
}

// ---- mounts ------------------------------------------------------------------------------------
static void options_show(struct text *text, const struct mount *mount)
{
    text_print(text, "%s%s%s%s", mount->flags & MS_RDONLY ? "ro" : "rw",
               mount->flags & MS_NOSUID ? ",nosuid" : "", mount->flags & MS_NODEV ? ",nodev" : "",
               mount->flags & MS_NOEXEC ? ",noexec" : "");
    text_print(text, "%s", mount->flags & MS_NOATIME ? ",noatime" : ",relatime");
}

static void info_show(struct text *text, const struct mount *mount, const char *at)
{
    const struct mount *over = mount->over.mount ? mount->over.mount : mount_unnamed;
    uint32_t number = mount->root->inode->device;
    static char root[PATH_MAX_BYTES];
    const struct place place = { (struct mount *)(uintptr_t)mount, mount->root };
    struct place top = place;
    while (top.dentry->parent != top.dentry) {
        top.dentry = top.dentry->parent;
    }
    struct mount whole = { .root = top.dentry };
    const struct place below = { &whole, mount->root }, from = { &whole, top.dentry };
    bool known = place_text(below, &from, root, sizeof(root)) >= 0;
    text_print(text, "%u %u %u:%u %s %s ", mount->device, over == mount_unnamed ? 1 : over->device,
               DEVICE_MAJOR(number), DEVICE_MINOR(number), known ? root : "/", at);
    options_show(text, mount);
    text_print(text, " - %s %s rw\n", mount->type, mount->source);
}

void mounts_show(struct text *text, const struct task *as, bool info)
{
    static char at[PATH_MAX_BYTES];
    LIST_EACH(mount, &mounts, struct mount, all) {
        const struct place place = { mount, mount->root };
        if (place_text(place, &as->placement->root, at, sizeof(at)) < 0 || at[0] != '/') {
            continue;  // not below its root
        }
        if (info) {
            info_show(text, mount, at);
            continue;
        }
        text_print(text, "%s %s %s ", mount->source, at, mount->type);
        options_show(text, mount);
        text_print(text, " 0 0\n");
    }
}

SHOW(mounts_link)
{
    UNUSED;
    text_print(text, "self/mounts");
    return 0;
}

SHOW(net_link)
{
    UNUSED;
    text_print(text, "self/net");
    return 0;
}

// ---- sys ---------------------------------------------------------------------------------------
#define CONSTANT(name, value)      \
 SHOW(name)                        \
 {                                 \
  UNUSED;                          \
  text_print(text, "%s\n", value); \
  return 0;                        \
 }
CONSTANT(ostype, "Linux")
CONSTANT(osrelease, SYSTEM_RELEASE)
CONSTANT(osversion, SYSTEM_VERSION)
CONSTANT(host, host_name)
CONSTANT(domain, domain_name)
CONSTANT(pid_max, "4194304")
CONSTANT(threads_max, "16384")
CONSTANT(cap_last, "40")
CONSTANT(groups_max, "32")
CONSTANT(overflow_id, "65534")
CONSTANT(zero, "0")
CONSTANT(two, "2")
CONSTANT(core_pattern, "core")
CONSTANT(printk, "4\t4\t1\t7")
CONSTANT(pool_bits, "256")
CONSTANT(shared_most, "18446744073692774399")
CONSTANT(shared_count, "4096")
CONSTANT(message_bytes, "8192")
CONSTANT(message_count, "32000")
CONSTANT(queue_bytes, "16384")
CONSTANT(semaphores, "32000\t1024000000\t500\t32000")
CONSTANT(map_count, "65530")
CONSTANT(swappiness, "60")
CONSTANT(ratio, "50")
CONSTANT(lowest, "65536")
CONSTANT(file_most, "1048576")
CONSTANT(file_counts, "0\t0\t1048576")
CONSTANT(pipe_most, "1048576")
CONSTANT(watches, "65536")
CONSTANT(instances, "128")
CONSTANT(events, "16384")
CONSTANT(backlog, "4096")

static void uuid_show(struct text *text, unsigned char bytes[16])
{
    bytes[6] = (unsigned char)((bytes[6] & 15) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 63) | 0x80);
    for (unsigned i = 0; i < 16; i++) {
        text_print(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
    }
    text_print(text, "\n");
}

SHOW(uuid)
{
    UNUSED;
    unsigned char bytes[16];
    random_bytes(bytes, sizeof(bytes));
    uuid_show(text, bytes);
    return 0;
}

SHOW(boot_id)
{
    UNUSED;
    static unsigned char bytes[16];
    static bool known;
    if (!known) {
        random_bytes(bytes, sizeof(bytes));
        known = true;
    }
    uuid_show(text, bytes);
    return 0;
}

// What can be set takes what it is given, and stays as it is.
static int64_t ignore(struct task *task, const struct subject *of, const char *from, uint64_t bytes)
{
    (void)of;
    (void)from;
    (void)bytes;
    return task_capable(task, CAP_SYS_ADMIN) ? 0 : -EPERM;
}

static int64_t host_set(struct task *task, const struct subject *of, const char *from,
                        uint64_t bytes)
{
    (void)of;
    if (!task_capable(task, CAP_SYS_ADMIN)) {
        return -EPERM;
    }
    uint64_t length = 0;
    while (length < bytes && length < 64 && from[length] && from[length] != '\n') {
        length++;
    }
    memcpy(host_name, from, length);
    host_name[length] = '\0';
    return 0;
}

static const struct proc_item random_items[] = {
    { .name = "boot_id", .mode = FILE_MODE, .show = boot_id },
    { .name = "entropy_avail", .mode = FILE_MODE, .show = pool_bits },
    { .name = "poolsize", .mode = FILE_MODE, .show = pool_bits },
    { .name = "uuid", .mode = FILE_MODE, .show = uuid },
    {},
};

static const struct proc_item kernel_items[] = {
    { .name = "cap_last_cap", .mode = FILE_MODE, .show = cap_last },
    { .name = "core_pattern", .mode = SET_MODE, .show = core_pattern, .store = ignore },
    { .name = "domainname", .mode = FILE_MODE, .show = domain },
    { .name = "hostname", .mode = SET_MODE, .show = host, .store = host_set },
    { .name = "msgmax", .mode = FILE_MODE, .show = message_bytes },
    { .name = "msgmnb", .mode = FILE_MODE, .show = queue_bytes },
    { .name = "msgmni", .mode = FILE_MODE, .show = message_count },
    { .name = "ngroups_max", .mode = FILE_MODE, .show = groups_max },
    { .name = "osrelease", .mode = FILE_MODE, .show = osrelease },
    { .name = "ostype", .mode = FILE_MODE, .show = ostype },
    { .name = "overflowgid", .mode = FILE_MODE, .show = overflow_id },
    { .name = "overflowuid", .mode = FILE_MODE, .show = overflow_id },
    { .name = "perf_event_paranoid", .mode = FILE_MODE, .show = two },
    { .name = "pid_max", .mode = SET_MODE, .show = pid_max, .store = ignore },
    { .name = "printk", .mode = SET_MODE, .show = printk, .store = ignore },
    { .name = "random", .mode = DIR_MODE, .items = random_items },
    { .name = "randomize_va_space", .mode = SET_MODE, .show = two, .store = ignore },
    { .name = "sem", .mode = FILE_MODE, .show = semaphores },
    { .name = "shmall", .mode = FILE_MODE, .show = shared_most },
    { .name = "shmmax", .mode = FILE_MODE, .show = shared_most },
    { .name = "shmmni", .mode = FILE_MODE, .show = shared_count },
    { .name = "tainted", .mode = FILE_MODE, .show = zero },
    { .name = "threads-max", .mode = FILE_MODE, .show = threads_max },
    { .name = "version", .mode = FILE_MODE, .show = osversion },
    {},
};

static const struct proc_item vm_items[] = {
    { .name = "max_map_count", .mode = SET_MODE, .show = map_count, .store = ignore },
    { .name = "mmap_min_addr", .mode = FILE_MODE, .show = lowest },
    { .name = "overcommit_memory", .mode = SET_MODE, .show = zero, .store = ignore },
    { .name = "overcommit_ratio", .mode = SET_MODE, .show = ratio, .store = ignore },
    { .name = "swappiness", .mode = SET_MODE, .show = swappiness, .store = ignore },
    {},
};

static const struct proc_item inotify_items[] = {
    { .name = "max_queued_events", .mode = SET_MODE, .show = events, .store = ignore },
    { .name = "max_user_instances", .mode = SET_MODE, .show = instances, .store = ignore },
    { .name = "max_user_watches", .mode = SET_MODE, .show = watches, .store = ignore },
    {},
};

static const struct proc_item fs_items[] = {
    { .name = "file-max", .mode = SET_MODE, .show = file_most, .store = ignore },
    { .name = "file-nr", .mode = FILE_MODE, .show = file_counts },
    { .name = "inotify", .mode = DIR_MODE, .items = inotify_items },
    { .name = "nr_open", .mode = SET_MODE, .show = file_most, .store = ignore },
    { .name = "pipe-max-size", .mode = SET_MODE, .show = pipe_most, .store = ignore },
    { .name = "protected_hardlinks", .mode = FILE_MODE, .show = zero },
    { .name = "protected_symlinks", .mode = FILE_MODE, .show = zero },
    {},
};

static const struct proc_item core_items[] = {
    { .name = "somaxconn", .mode = SET_MODE, .show = backlog, .store = ignore },
    {},
};

static const struct proc_item net_items[] = {
    { .name = "core", .mode = DIR_MODE, .items = core_items },
    {},
};

static const struct proc_item sys_items[] = {
    { .name = "fs", .mode = DIR_MODE, .items = fs_items },
    { .name = "kernel", .mode = DIR_MODE, .items = kernel_items },
    { .name = "net", .mode = DIR_MODE, .items = net_items },
    { .name = "vm", .mode = DIR_MODE, .items = vm_items },
    {},
};

SHOW(sysv_messages)
{
    UNUSED;
    return msg_show(text);
}

SHOW(sysv_semaphores)
{
    UNUSED;
    return sem_show(text);
}

SHOW(sysv_memory)
{
    UNUSED;
    return shm_show(text);
}

static const struct proc_item sysv_items[] = {
    { .name = "msg", .mode = FILE_MODE, .show = sysv_messages },
    { .name = "sem", .mode = FILE_MODE, .show = sysv_semaphores },
    { .name = "shm", .mode = FILE_MODE, .show = sysv_memory },
    {},
};

static const struct proc_item top_items[] = {
    { .name = "cmdline", .mode = FILE_MODE, .show = cmdline },
    { .name = "cpuinfo", .mode = FILE_MODE, .show = cpuinfo },
    { .name = "devices", .mode = FILE_MODE, .show = devices },
    { .name = "filesystems", .mode = FILE_MODE, .show = filesystems },
    { .name = "loadavg", .mode = FILE_MODE, .show = loadavg },
    { .name = "meminfo", .mode = FILE_MODE, .show = meminfo },
    { .name = "modules", .mode = FILE_MODE, .show = nothing },
    { .name = "mounts", .mode = LINK_MODE, .show = mounts_link },
    { .name = "net", .mode = LINK_MODE, .show = net_link },
    { .name = "partitions", .mode = FILE_MODE, .show = partitions },
    { .name = "self", .mode = LINK_MODE, .show = self },
    { .name = "stat", .mode = FILE_MODE, .show = stat },
    { .name = "swaps", .mode = FILE_MODE, .show = swaps },
    { .name = "sys", .mode = DIR_MODE, .items = sys_items },
    { .name = "sysvipc", .mode = DIR_MODE, .items = sysv_items },
    { .name = "thread-self", .mode = LINK_MODE, .show = thread_self },
    { .name = "uptime", .mode = FILE_MODE, .show = uptime },
    { .name = "version", .mode = FILE_MODE, .show = version },
    { .name = "vmstat", .mode = FILE_MODE, .show = vmstat },
    {},
};

const struct proc_item proc_top = {
    .name = "/", .mode = DIR_MODE, .items = top_items, .more = PROC_PROCESSES
};
