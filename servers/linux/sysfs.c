// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// /sys, as far as programs look: how many CPUs there are, and directories in which they look for
// devices that there are not.
#include "cpu.h"
#include "proc.h"

#define FILE_MODE (S_IFREG | 0444)
#define DIR_MODE  (S_IFDIR | 0755)

static int64_t cpus_show(struct text *text, struct task *reader, const struct subject *of)
{
    (void)reader, (void)of;
    text_print(text, cpu_number > 1 ? "0-%u\n" : "%u\n", cpu_number - 1);
    return 0;
}

static int64_t zero_show(struct text *text, struct task *reader, const struct subject *of)
{
    (void)reader, (void)of;
    text_print(text, "0\n");
    return 0;
}

static int64_t never_show(struct text *text, struct task *reader, const struct subject *of)
{
    (void)reader, (void)of;
    text_print(text, "always madvise [never]\n");
    return 0;
}

static const struct proc_item no_items[] = { {} };

static const struct proc_item cpu_items[] = {
    { .name = "online", .mode = FILE_MODE, .show = cpus_show },
    { .name = "possible", .mode = FILE_MODE, .show = cpus_show },
    { .name = "present", .mode = FILE_MODE, .show = cpus_show },
    {},
};

static const struct proc_item node_items[] = {
    { .name = "online", .mode = FILE_MODE, .show = zero_show },
    { .name = "possible", .mode = FILE_MODE, .show = zero_show },
    {},
};

static const struct proc_item system_items[] = {
    { .name = "cpu", .mode = DIR_MODE, .items = cpu_items },
    { .name = "node", .mode = DIR_MODE, .items = node_items },
    {},
};

static const struct proc_item devices_items[] = {
    { .name = "system", .mode = DIR_MODE, .items = system_items },
    {},
};

static const struct proc_item huge_items[] = {
    { .name = "enabled", .mode = FILE_MODE, .show = never_show },
    {},
};

static const struct proc_item mm_items[] = {
    { .name = "transparent_hugepage", .mode = DIR_MODE, .items = huge_items },
    {},
};

static const struct proc_item kernel_items[] = {
    { .name = "mm", .mode = DIR_MODE, .items = mm_items },
    {},
};

static const struct proc_item fs_items[] = {
    { .name = "cgroup", .mode = DIR_MODE, .items = no_items },
    {},
};

static const struct proc_item top_items[] = {
    { .name = "block", .mode = DIR_MODE, .items = no_items },
    { .name = "bus", .mode = DIR_MODE, .items = no_items },
    { .name = "class", .mode = DIR_MODE, .items = no_items },
    { .name = "dev", .mode = DIR_MODE, .items = no_items },
    { .name = "devices", .mode = DIR_MODE, .items = devices_items },
    { .name = "fs", .mode = DIR_MODE, .items = fs_items },
    { .name = "kernel", .mode = DIR_MODE, .items = kernel_items },
    { .name = "module", .mode = DIR_MODE, .items = no_items },
    {},
};

const struct proc_item sysfs_top = { .name = "/", .mode = DIR_MODE, .items = top_items };
