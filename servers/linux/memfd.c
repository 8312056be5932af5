// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Files in memory that are in no directory, and their seals.
#include "area.h"
#include "attribute.h"
#include "call.h"
#include "dentry.h"
#include "mount.h"
#include "seal.h"
#include "tmpnode.h"

#include <rt/print.h>
#include <rt/string.h>

#define MFD_CLOEXEC       1u
#define MFD_ALLOW_SEALING 2u
#define MFD_NOEXEC_SEAL   8u
#define MFD_EXEC          16u
#define MEMFD_NAME_MOST   250u  // with its zero

// They are files of a file system that is mounted nowhere.
static struct dentry *home(void)
{
    static struct dentry *root;
    root = root ? root : tmpfs_new(01777);
    return root;
}

static struct file *unnamed(const char *text, uint32_t mode, uint32_t seals)
{
    struct dentry *directory = home();
    struct inode *inode = directory ? tmpfs_file(directory->inode, mode) : NULL;
    if (!inode) {
        return NULL;
    }
    struct name name = name_of(text);
    struct dentry *dentry = dentry_new(NULL, &name, inode);
    if (!dentry) {
        return NULL;
    }
    dentry->removed = true;
    node_of(inode)->seals = seals;
    mount_unnamed->refs++;
    return file_new(&tmpfile_ops, (struct place){ mount_unnamed, dentry }, O_RDWR | O_LARGEFILE);
}

struct file *shared_memory_new(struct task *task, uint64_t bytes)
{
    struct file *file = unnamed("/dev/zero", 0777, SEAL_SEAL);
    if (file) {
        file->inode->is.uid = task->credentials.fsuid;
        file->inode->is.gid = task->credentials.fsgid;
        file->inode->is.size = bytes;
    }
    return file;
}

int64_t call_memfd_create(struct task *task, user_t name, uint32_t flags)
{
    char text[sizeof("/memfd:") + MEMFD_NAME_MOST] = "/memfd:";
    char *own = text + strlen(text);
    if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC) ||
        (flags & (MFD_NOEXEC_SEAL | MFD_EXEC)) == (MFD_NOEXEC_SEAL | MFD_EXEC)) {
        return -EINVAL;
    }
    int64_t length = user_string(task, own, name, MEMFD_NAME_MOST);
    if (length < 0) {
        return length == -ENAMETOOLONG ? -EINVAL : length;
    }
    bool seals = flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    uint32_t sealed = (seals ? 0 : SEAL_SEAL) | (flags & MFD_NOEXEC_SEAL ? SEAL_EXEC : 0);
    struct file *file = unnamed(text, flags & MFD_NOEXEC_SEAL ? 0666 : 0777, sealed);
    if (!file) {
        return -ENOMEM;
    }
    file->inode->is.uid = task->credentials.fsuid;
    file->inode->is.gid = task->credentials.fsgid;
    return file_install(task, file, 0, flags & MFD_CLOEXEC);
}

// ---- seals -------------------------------------------------------------------------------------
int64_t seal_get(const struct file *file)
{
    bool can = file->place.mount == mount_unnamed && tmpfs_is(file->inode);
    return can ? (int64_t)node_of(file->inode)->seals : -EINVAL;
}

static bool mapped_to_write(const struct inode *inode)
{
    LIST_EACH(area, &inode->areas, struct area, in_file) {
        if (area->flags & AREA_SHARED && area->prot_most & PROT_WRITE) {
            return true;
        }
    }
    return false;
}

int64_t seal_add(struct file *file, uint32_t seals)
{
    int64_t now = seal_get(file);
    const uint32_t known = SEAL_SEAL | SEAL_SHRINK | SEAL_GROW | SEAL_WRITE | SEAL_FUTURE_WRITE |
                           SEAL_EXEC;
    if (!file_writes(file)) {
        return -EPERM;
    }
    if (now < 0 || seals & ~known) {
        return -EINVAL;
    }
    if (now & SEAL_SEAL) {
        return -EPERM;
    }
    if (seals & ~(uint32_t)now & SEAL_WRITE && mapped_to_write(file->inode)) {
        return -EBUSY;
    }
    node_of(file->inode)->seals |= seals;
    return 0;
}

int64_t seal_permits_mapping(const struct file *file, bool writes)
{
    int64_t seals = seal_get(file);
    return writes && seals > 0 && seals & (SEAL_WRITE | SEAL_FUTURE_WRITE) ? -EPERM : 0;
}
