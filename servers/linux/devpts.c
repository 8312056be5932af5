// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// One directory of devices that nobody but pty.c puts names into.
#include "devpts.h"

#include "attribute.h"
#include "dentry.h"
#include "directory.h"
#include "heap.h"
#include "mount.h"
#include "task.h"
#include "terminal.h"

#include <rt/print.h>

#define ROOT_NUMBER  1u
#define PTMX_NUMBER  2u
#define FIRST_NUMBER 3u
#define MODE_USUAL   0620u
#define GROUP_OWN    UINT32_MAX

static struct dentry *root;
static uint32_t mode_new = MODE_USUAL, group_new = GROUP_OWN;

static const struct file_ops directory_ops = { .list = directory_list, .seek = directory_seek };

static int64_t devpts_open(struct task *task, struct place place, uint32_t flags,
                           struct file **file)
{
    (void)task;
    *file = file_new(&directory_ops, place, flags);
    return *file ? 0 : -ENOMEM;
}

static void devpts_free(struct inode *inode)
{
    heap_free(inode);
}

static const struct inode_ops ops = { .open = devpts_open, .free = devpts_free };

bool devpts_is(const struct inode *inode)
{
    return inode->ops == &ops;
}

static struct inode *inode_new(uint32_t mode, uint64_t number)
{
    static uint32_t device;
    struct inode *inode = heap_alloc(sizeof(*inode));
    if (!inode) {
        return NULL;
    }
    device = device ? device : mount_device();
    inode_init(inode, &ops, mode);
    inode->device = device;
    inode->number = number;
    inode->is.links = inode_is(inode, S_IFDIR) ? 2 : 1;
    return inode;
}

// In the root, with a reference; NULL: no memory.
static struct dentry *name_add(const char *text, struct inode *inode)
{
    struct name name = name_of(text);
    struct dentry *made = inode ? dentry_new(root, &name, inode) : NULL;
    if (made) {
        dentry_link(made);
    }
    return made;
}

static bool ptmx_add(void)
{
    struct inode *inode = inode_new(S_IFCHR, PTMX_NUMBER);
    if (inode) {
        inode->is.device = DEVICE_PTMX;
    }
    struct dentry *made = name_add("ptmx", inode);
    if (made) {
        dentry_put(made);
    }
    return made;
}

struct dentry *devpts_root(void)
{
    if (!root) {
        const struct name none = name_of("");
        struct inode *inode = inode_new(S_IFDIR | 0755, ROOT_NUMBER);
        root = inode ? dentry_new(NULL, &none, inode) : NULL;
        if (!root || !ptmx_add()) {
            return NULL;
        }
    }
    dentry_get(root);
    return root;
}

void devpts_set(uint32_t mode, uint32_t group)
{
    mode_new = mode;
    group_new = group;
}

struct dentry *devpts_add(const struct task *task, uint32_t number, uint32_t device)
{
    char text[12];
    struct inode *inode = root ? inode_new(S_IFCHR | mode_new, (uint64_t)number + FIRST_NUMBER)
                               : NULL;
    if (!inode) {
        return NULL;
    }
    inode->is.device = device;
    inode->is.uid = task->credentials.fsuid;
    inode->is.gid = group_new == GROUP_OWN ? task->credentials.fsgid : group_new;
    rt_format(text, sizeof(text), "%u", number);
    return name_add(text, inode);
}

void devpts_remove(struct dentry *name)
{
    dentry_unlink(name);
    dentry_put(name);
}
