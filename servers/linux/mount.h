// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What is mounted where, and places in the tree of all files.
#pragma once

#include "inode.h"

struct task;

#define MS_RDONLY      1u
#define MS_NOSUID      2u
#define MS_NODEV       4u
#define MS_NOEXEC      8u
#define MS_SYNCHRONOUS 16u
#define MS_REMOUNT     32u
#define MS_MANDLOCK    64u
#define MS_DIRSYNC     128u
#define MS_NOSYMFOLLOW 256u
#define MS_NOATIME     1024u
#define MS_NODIRATIME  2048u
#define MS_BIND        4096u
#define MS_MOVE        8192u
#define MS_REC         16384u
#define MS_SILENT      32768u
#define MS_UNBINDABLE  (1u << 17)
#define MS_PRIVATE     (1u << 18)
#define MS_SLAVE       (1u << 19)
#define MS_SHARED      (1u << 20)
#define MS_RELATIME    (1u << 21)
#define MS_STRICTATIME (1u << 24)
#define MS_KEPT                                                                                \
 (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW | MS_NOATIME | MS_NODIRATIME | \
  MS_RELATIME)

// As statfs gives it.
struct statfs {
    uint64_t type, block_bytes, blocks, blocks_free, blocks_available, files, files_free, id;
    uint64_t name_bytes, fragment_bytes, flags, spare[4];
};
_Static_assert(sizeof(struct statfs) == 120, "struct statfs");

extern struct list mounts;           // in the order in which they were mounted
extern struct mount *mount_root;     // NULL until vfs_init
extern struct mount *mount_unnamed;  // of files in no directory; not among `mounts`

// The number of a device that is none (st_dev).
uint32_t mount_device(void);

// The root of all, /dev, /proc and /tmp where they are not there yet; before all else here.  false:
// no memory.
bool vfs_init(void);
// Once the root image is unpacked: what has to be there in any case, and is mounted.
bool vfs_populate(void);

// Mount a tree at a place (both references are taken over, on failure too; no dentry: the root of
// all).  FAILURE(ENOMEM).
struct mount *mount_new(struct dentry *root, struct place over, const char *type,
                        const char *source, uint32_t flags);
void mount_put(struct mount *mount);
// Move a place (with a reference) on to what is mounted over it.
void mount_cross(struct place *place);
// To where the root of a mount lies, as far as it is one; stops at `root`.
void mount_leave(struct place *place, const struct place *root);
static inline bool place_same(const struct place *one, const struct place *other)
{
    return one->dentry == other->dentry && one->mount == other->mount;
}
// -EROFS where nothing may be written.
int64_t place_writes(struct place place);
// Make a directory unless it is there: its place with a reference, or no dentry.
struct place place_make(struct place directory, const char *name, uint32_t mode);
