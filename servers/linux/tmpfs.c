// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The file system in memory: inodes and directories.  What its regular files hold is in tmpfile.c.
// The dentries of what is in a directory are all there, so that a look-up asks nobody.
#include "tmpfs.h"

#include "attribute.h"
#include "dentry.h"
#include "directory.h"
#include "heap.h"
#include "mount.h"
#include "page.h"
#include "seal.h"
#include "task.h"
#include "tmpnode.h"

#include <rt/string.h>

#define ENTRY_BYTES 20     // what an entry adds to the size of a directory
#define INODE_ROOM  1024u  // what an inode, or a further link of one, counts as

static const struct inode_ops tmpfs_ops;
static uint64_t inodes, image_inodes;  // of all; those that the root image has brought

uint64_t tmpfs_most(void)
{
    return page_total / 2;
}

static uint64_t inodes_most(void)
{
    return tmpfs_most() + image_inodes;
}

bool tmpfs_is(const struct inode *inode)
{
    return inode->ops == &tmpfs_ops;
}

static void fs_put(struct tmpfs *fs)
{
    if (--fs->refs == 0) {
        heap_free(fs);
    }
}

static struct node *node_new(struct tmpfs *fs, uint32_t mode)
{
    struct node *node = heap_alloc(sizeof(*node));
    if (!node) {
        return NULL;
    }
    inode_init(&node->inode, &tmpfs_ops, mode);
    node->inode.device = fs->device;
    node->inode.number = ++fs->numbers;
    node->fs = fs;
    node->seals = SEAL_SEAL;
    fs->refs++;
    fs->room += INODE_ROOM;
    inodes++;
    if (inode_is(&node->inode, S_IFDIR)) {
        node->inode.is.links = 2;
        node->inode.is.size = 2ull * ENTRY_BYTES;
    }
    return node;
}

static bool has_room(const struct tmpfs *fs, uint64_t bytes)
{
    return !fs->room_most || fs->room + bytes <= fs->room_most;
}

static bool inode_possible(const struct tmpfs *fs)
{
    return inodes < inodes_most() && has_room(fs, INODE_ROOM);
}

// One that a program asks for.
static struct node *node_more(struct tmpfs *fs, uint32_t mode)
{
    return inode_possible(fs) ? node_new(fs, mode) : NULL;
}

int64_t tmpfs_refusal(struct inode *beside)
{
    return inode_possible(node_of(beside)->fs) ? -ENOMEM : -ENOSPC;
}

int64_t tmpfs_room_take(struct inode *inode, uint64_t bytes)
{
    struct tmpfs *fs = node_of(inode)->fs;
    if (!has_room(fs, bytes)) {
        return -ENOSPC;
    }
    fs->room += bytes;
    return 0;
}

void tmpfs_room_give(struct inode *inode, uint64_t bytes)
{
    node_of(inode)->fs->room -= bytes;
}

static void tmpfs_free(struct inode *inode)
{
    struct node *node = node_of(inode);
    if (inode_is(inode, S_IFREG)) {
        tmpfile_free(node);
    }
    heap_free(node->target);
    inodes--;
    node->fs->room -= INODE_ROOM;
    fs_put(node->fs);
    heap_free(node);
}

struct dentry *tmpfs_new(uint32_t mode)
{
    struct tmpfs *fs = heap_alloc(sizeof(*fs));
    if (!fs) {
        return NULL;
    }
    fs->refs = 1;
    fs->device = mount_device();
    struct node *root = node_new(fs, S_IFDIR | mode);
    fs_put(fs);
    if (!root) {
        return NULL;
    }
    struct name name = name_of("/");
    return dentry_new(NULL, &name, &root->inode);
}

struct inode *tmpfs_file(struct inode *beside, uint32_t mode)
{
    struct node *node = node_more(node_of(beside)->fs, S_IFREG | mode);
    if (!node) {
        return NULL;
    }
    node->inode.is.links = 0;
    return &node->inode;
}

// ---- directories -------------------------------------------------------------------------------
static void count_entry(struct dentry *directory, const struct inode *inode, int by)
{
    struct attributes *is = &directory->inode->is;
    is->size = (uint64_t)((int64_t)is->size + (int64_t)by * ENTRY_BYTES);
    if (inode_is(inode, S_IFDIR)) {
        is->links = (uint32_t)((int32_t)is->links + by);
    }
    inode_touch(directory->inode);
}

// Give an inode a name; takes over the reference to it.
static int64_t enter(struct dentry *directory, const char *text, struct inode *inode,
                     struct dentry **made)
{
    struct name name = name_of(text);
    struct dentry *dentry = dentry_new(directory, &name, inode);
    if (!dentry) {
        return -ENOMEM;
    }
    dentry_link(dentry);
    count_entry(directory, inode, 1);
    *made = dentry;
    return 0;
}

static int64_t tmpfs_create(struct task *task, struct dentry *directory, const char *name,
                            uint32_t mode, uint32_t device, struct dentry **made)
{
    struct node *node = node_more(node_of(directory->inode)->fs, mode);
    if (!node) {
        return tmpfs_refusal(directory->inode);
    }
    node->inode.is.device = device;
    inode_adopt(task, directory->inode, &node->inode);
    return enter(directory, name, &node->inode, made);
}

static int64_t tmpfs_symlink(struct task *task, struct dentry *directory, const char *name,
                             const char *target, struct dentry **made)
{
    uint64_t bytes = strlen(target);
    struct node *node = node_more(node_of(directory->inode)->fs, S_IFLNK | 0777);
    char *copy = heap_alloc(bytes + 1);
    if (!node || !copy) {
        heap_free(copy);
        if (node) {
            inode_put(&node->inode);
        }
        return tmpfs_refusal(directory->inode);
    }
    // NOLINTNEXTLINE(bugprone-not-null-terminated-result): its length says where it ends
    memcpy(copy, target, bytes);
    node->target = copy;
    node->image = copy;
    node->inode.is.size = bytes;
    inode_adopt(task, directory->inode, &node->inode);
    return enter(directory, name, &node->inode, made);
}

static int64_t tmpfs_link(struct dentry *directory, const char *name, struct inode *inode)
{
    struct dentry *made = NULL;
    uint64_t room = inode->is.links ? INODE_ROOM : 0;
    int64_t error = tmpfs_room_take(inode, room);
    if (error) {
        return error;
    }
    inode_get(inode);
    error = enter(directory, name, inode, &made);
    if (error) {
        tmpfs_room_give(inode, room);
        return error;
    }
    inode->is.links++;
    inode_changed(inode);
    dentry_put(made);
    return 0;
}

static void drop_link(struct inode *inode)
{
    bool directory = inode_is(inode, S_IFDIR);
    inode->is.links -= directory ? 2 : 1;
    if (!directory && inode->is.links) {
        tmpfs_room_give(inode, INODE_ROOM);
    }
    inode_changed(inode);
}

static int64_t tmpfs_remove(struct dentry *dentry)
{
    count_entry(dentry->parent, dentry->inode, -1);
    drop_link(dentry->inode);
    dentry_unlink(dentry);
    return 0;
}

static int64_t tmpfs_rename(struct dentry *from, struct dentry *directory, const char *text)
{
    struct name name = name_of(text);
    struct dentry *replaced = dentry_find(directory, &name), *old = from->parent;
    if (!dentry_move(from, directory, text)) {
        return -ENOMEM;
    }
    count_entry(old, from->inode, -1);
    count_entry(directory, from->inode, 1);
    inode_changed(from->inode);
    return replaced ? tmpfs_remove(replaced) : 0;
}

static int64_t tmpfs_exchange(struct dentry *one, struct dentry *other)
{
    struct dentry *first = one->parent, *second = other->parent;
    if (!dentry_exchange(one, other)) {
        return -ENOMEM;
    }
    count_entry(first, one->inode, -1);
    count_entry(second, one->inode, 1);
    count_entry(second, other->inode, -1);
    count_entry(first, other->inode, 1);
    inode_changed(one->inode);
    inode_changed(other->inode);
    return 0;
}

static int64_t tmpfs_readlink(struct task *task, struct inode *inode, char *to, uint64_t bytes)
{
    (void)task;
    uint64_t length = inode->is.size < bytes ? inode->is.size : bytes;
    memcpy(to, node_of(inode)->image, length);
    return (int64_t)length;
}

static const struct file_ops directory_ops = { .list = directory_list, .seek = directory_seek };

static int64_t tmpfs_open(struct task *task, struct place place, uint32_t flags, struct file **file)
{
    (void)task;
    bool directory = inode_is(place.dentry->inode, S_IFDIR);
    *file = file_new(directory ? &directory_ops : &tmpfile_ops, place, flags);
    return *file ? 0 : -ENOMEM;
}

static const struct inode_ops tmpfs_ops = {
    .create = tmpfs_create,
    .symlink = tmpfs_symlink,
    .link = tmpfs_link,
    .remove = tmpfs_remove,
    .rename = tmpfs_rename,
    .exchange = tmpfs_exchange,
    .readlink = tmpfs_readlink,
    .truncate = tmpfile_truncate,
    .open = tmpfs_open,
    .refresh = tmpfile_refresh,
    .free = tmpfs_free,
};

// ---- the root image ----------------------------------------------------------------------------
int64_t tmpfs_add(struct dentry *directory, const struct image_file *file, struct dentry **made)
{
    struct node *node = node_new(node_of(directory->inode)->fs, file->mode);
    if (!node) {
        return -ENOMEM;
    }
    image_inodes++;
    node->inode.is.device = file->device;
    if (inode_is(&node->inode, S_IFREG) || inode_is(&node->inode, S_IFLNK)) {
        tmpfs_fill(&node->inode, file->data, file->bytes);
    }
    return enter(directory, file->name, &node->inode, made);
}

void tmpfs_fill(struct inode *inode, const char *data, uint64_t bytes)
{
    struct node *node = node_of(inode);
    node->image = data;
    node->image_bytes = bytes;
    inode->is.size = bytes;
}

// ---- as a whole --------------------------------------------------------------------------------
// From the leaves on, without recursion: trees are as deep as somebody made them.
static void tree_free(struct dentry *root)
{
    struct dentry *at = root;
    while (at != root || !list_empty(&at->children)) {
        if (!list_empty(&at->children)) {
            at = CONTAINER(at->children.next, struct dentry, siblings);
            continue;
        }
        struct dentry *parent = at->parent;
        dentry_unlink(at);
        at = parent;
    }
}

void tmpfs_mounted(struct dentry *root, int by)
{
    struct tmpfs *fs = node_of(root->inode)->fs;
    fs->mounts += (uint32_t)by;
    if (fs->mounts) {
        return;
    }
    dentry_get(root);
    while (!dentry_is_root(root)) {
        struct dentry *parent = root->parent;
        dentry_get(parent);
        dentry_put(root);
        root = parent;
    }
    tree_free(root);
    dentry_put(root);
}

int64_t tmpfs_limit(struct inode *inode, const uint64_t *pages, const uint64_t *files)
{
    struct tmpfs *fs = node_of(inode)->fs;
    if ((pages && *pages && *pages < fs->used) ||
        (files &&
         (*files > UINT64_MAX / INODE_ROOM || (*files && *files * INODE_ROOM < fs->room)))) {
        return -EINVAL;
    }
    fs->most = pages ? *pages : fs->most;
    fs->room_most = files ? *files * INODE_ROOM : fs->room_most;
    return 0;
}

// How many inodes there can be, and how many more.
static void count_inodes(const struct tmpfs *fs, struct statfs *to)
{
    to->files = inodes_most();
    to->files_free = inodes_most() > inodes ? inodes_most() - inodes : 0;
    if (fs->room_most) {
        uint64_t left = (fs->room_most - fs->room) / INODE_ROOM;
        to->files = fs->room_most / INODE_ROOM;
        to->files_free = left < to->files_free ? left : to->files_free;
    }
}

void tmpfs_statfs(struct inode *inode, struct statfs *to)
{
    const struct tmpfs *fs = node_of(inode)->fs;
    uint64_t all = tmpfs_most(), most = fs->most && fs->most < all ? fs->most : all;
    uint64_t room = most - fs->used, left = room < page_free ? room : page_free;
    left = left < all - tmpfs_pages ? left : all - tmpfs_pages;
    *to = (struct statfs){ .type = TMPFS_MAGIC,
                           .block_bytes = PAGE_SIZE,
                           .fragment_bytes = PAGE_SIZE,
                           .blocks = most,
                           .blocks_free = left,
                           .blocks_available = left,
                           .name_bytes = NAME_MAX_BYTES };
    count_inodes(fs, to);
}
