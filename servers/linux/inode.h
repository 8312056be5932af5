// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What files are, and names for them.  An inode is a file of whatever kind; a dentry is a name of
// it in a directory and knows its parent.  tmpfs keeps its dentries for good; others (proc) make
// them when they are asked for, and they go with their last reference.
#pragma once

#include "file.h"
#include "list.h"
#include "types.h"

#include <rt/abi.h>

#define NAME_MAX_BYTES 255
#define PATH_MAX_BYTES 4096
#define LINKS_MAX      40  // symbolic links in one look-up

struct inode;
struct mount;
struct space;

struct attributes {
    uint32_t mode, uid, gid, links;
    uint64_t size;
    uint64_t blocks;  // of 512 bytes
    uint32_t device;  // of a device: major << 8 | minor, as far as both are bytes
    struct timespec accessed, modified, changed, born;
};

// What a file system does for its inodes; NULL: refused with what stands there.
struct inode_ops {
    // The dentry of a name in a directory, with a reference; an error as FAILURE(E...).  tmpfs's
    // are found without this (dentry_find).
    struct dentry *(*lookup)(struct task *task, struct dentry *directory, const char *name);
    // Make what `mode` says (regular, directory, FIFO, socket, device) under a name that is not
    // there yet; -EPERM.
    int64_t (*create)(struct task *task, struct dentry *directory, const char *name, uint32_t mode,
                      uint32_t device, struct dentry **made);
    int64_t (*symlink)(struct task *task, struct dentry *directory, const char *name,
                       const char *target, struct dentry **made);
    int64_t (*link)(struct dentry *directory, const char *name, struct inode *inode);
    int64_t (*remove)(struct dentry *dentry);  // unlink, rmdir: checked by the caller
    int64_t (*rename)(struct dentry *from, struct dentry *directory, const char *name);
    int64_t (*exchange)(struct dentry *one, struct dentry *other);  // RENAME_EXCHANGE: -EINVAL
    // The target of a symbolic link, without a zero: its length.
    int64_t (*readlink)(struct task *task, struct inode *inode, char *to, uint64_t bytes);
    // Where a magic link (/proc/self/fd/3) leads, with a reference; no dentry: by its text.
    struct place (*follow)(struct task *task, struct inode *inode);
    int64_t (*truncate)(struct inode *inode, uint64_t size);
    // A new open file of it: takes over the references to the place.  -ENXIO
    int64_t (*open)(struct task *task, struct place place, uint32_t flags, struct file **file);
    void (*refresh)(struct inode *inode);  // before attributes are read
    void (*free)(struct inode *inode);     // the last reference is gone
};

struct inode {
    const struct inode_ops *ops;
    uint32_t device;  // st_dev
    uint64_t number;
    uint32_t refs;    // dentries, files, areas
    int32_t writers;  // files open for writing; below 0: programs that run from it
    int32_t readers;  // files open for nothing but reading
    struct attributes is;
    struct list areas;    // mappings of it (area.h)
    struct list locks;    // of fcntl and flock
    struct list leases;   // that files hold on it
    struct list watches;  // of inotify
    void *attributes;     // extended ones
    void *state;          // of ops
    void *pipe;           // FIFO: its pipe while it is open; socket: who listens
};

struct dentry {
    struct inode *inode;
    struct dentry *parent;  // has a reference to it; itself: a root
    struct list siblings;   // in the parent's children
    struct list children;
    struct list hashed;  // by parent and name, while it is in its directory
    uint32_t mounts;     // how many mounts are on top of it, at whatever place
    uint32_t refs;
    uint32_t hash;
    uint16_t bytes;   // of its name
    uint16_t room;    // for it behind this structure
    bool removed;     // from its directory
    uint64_t cookie;  // of its place in the directory: rising from child to child
    char *name;       // the room behind this, or the heap's
};

// A tree of files somewhere in the tree of all: a file system, or a part of one once more (a bind
// mount), so that a dentry can be found at several places.
struct mount {
    struct list all;      // in the order in which they were mounted
    struct dentry *root;  // has a reference
    struct place over;    // what it covers, with a reference; no dentry: the root of all
    const char *type, *source;
    uint32_t flags;      // MS_*
    uint32_t device;     // its own number (mountinfo)
    uint32_t magic;      // of its file system, for statfs
    uint32_t refs;       // places; the mount itself is one
    uint32_t writers;    // files open for writing by it
    struct mount *copy;  // made of it by the bind that is under way
    bool expires;        // nobody has used it since umount2 was told MNT_EXPIRE
};

static inline void inode_get(struct inode *inode)
{
    inode->refs++;
}
void inode_put(struct inode *inode);
static inline void dentry_get(struct dentry *dentry)
{
    dentry->refs++;
}
void dentry_put(struct dentry *dentry);

static inline void place_get(struct place place)
{
    place.mount->refs++;
    place.dentry->refs++;
}
void place_put(struct place place);

// An error in place of a pointer.
#define FAILURE(error)    ((void *)(intptr_t) - (error))
#define IS_ERROR(pointer) ((uintptr_t)(pointer) > (uintptr_t)-4096)
#define ERROR_OF(pointer) ((int64_t)(intptr_t)(pointer))

// ---- path.c
#define PATH_FOLLOW    1u  // a symbolic link at the end
#define PATH_CREATE    2u  // the last name need not be there: *last is set, the directory is found
#define PATH_DIRECTORY 4u  // what is found must be one
#define PATH_EMPTY     8u  // an empty path is the directory itself

struct path_result {
    struct place at;                // with a reference; PATH_CREATE: no dentry where there is none
    struct place directory;         // PATH_CREATE: with a reference
    char last[NAME_MAX_BYTES + 1];  // "", ".", "..": no name that could be made
    bool slash;                     // PATH_CREATE: with a slash behind it
};
// Look a path up from a directory's descriptor (or AT_FDCWD): 0 or minus an error, with nothing to
// be given up.
int64_t path_find(struct task *task, int at, const char *path, unsigned how,
                  struct path_result *result);
// The same with the path in the process.
int64_t path_find_user(struct task *task, int at, user_t path, unsigned how,
                       struct path_result *result);
// The path of a place as the task's root sees it: its length without the zero, or -ENAMETOOLONG;
// what is not below that root begins with "(unreachable)", as in Linux.
int64_t path_text(struct task *task, struct place place, char *to, uint64_t bytes);

// Whether the task may read (4), write (2), execute or search (1): 0, -EACCES.
int64_t inode_permits(const struct task *task, const struct inode *inode, unsigned access);

// ---- tmpfs.c
// A file of so many bytes, all zero, that is in no directory, open for reading and writing; NULL:
// no memory.
struct file *shared_memory_new(struct task *task, uint64_t bytes);
