// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Names in directories.  Owns the table by which they are found and the memory of each.
#include "dentry.h"

#include "heap.h"

#include <rt/string.h>

#define TABLE_BITS   14
#define FIRST_COOKIE 2  // "." and ".." stand before

static struct list table[1u << TABLE_BITS];

void dentry_init(void)
{
    for (unsigned i = 0; i < 1u << TABLE_BITS; i++) {
        list_init(&table[i]);
    }
}

struct name name_of(const char *text)
{
    struct name name = { text, 0, NAME_HASH_BEGIN };
    for (; text[name.bytes]; name.bytes++) {
        name.hash = name_hash(name.hash, text[name.bytes]);
    }
    return name;
}

static struct list *bucket(const struct dentry *directory, uint32_t hash)
{
    uint64_t mixed = ((uintptr_t)directory >> 4 ^ hash) * 0x9e3779b97f4a7c15u;
    return &table[mixed >> (64 - TABLE_BITS)];
}

struct dentry *dentry_new(struct dentry *parent, const struct name *name, struct inode *inode)
{
    struct dentry *dentry = heap_alloc(sizeof(*dentry) + name->bytes + 1);
    if (!dentry) {
        inode_put(inode);
        return NULL;
    }
    dentry->name = (char *)(dentry + 1);
    dentry->bytes = dentry->room = (uint16_t)name->bytes;
    memcpy(dentry->name, name->text, name->bytes);
    dentry->hash = name->hash;
    dentry->inode = inode;
    dentry->refs = 1;
    dentry->parent = parent ? parent : dentry;
    if (parent) {
        dentry_get(parent);
    }
    list_init(&dentry->siblings);
    list_init(&dentry->children);
    list_init(&dentry->hashed);
    return dentry;
}

static void dentry_free(struct dentry *dentry)
{
    inode_put(dentry->inode);
    if (dentry->name != (char *)(dentry + 1)) {
        heap_free(dentry->name);
    }
    heap_free(dentry);
}

// Its parent may go with it, and so on: not by recursion, since paths are deep.
void dentry_put(struct dentry *dentry)
{
    while (--dentry->refs == 0) {
        struct dentry *parent = dentry->parent;
        bool root = parent == dentry;
        dentry_free(dentry);
        if (root) {
            return;
        }
        dentry = parent;
    }
}

struct dentry *dentry_find(const struct dentry *directory, const struct name *name)
{
    const struct list *head = bucket(directory, name->hash);
    for (struct list *at = head->next; at != head; at = at->next) {
        struct dentry *dentry = CONTAINER(at, struct dentry, hashed);
        if (dentry->hash == name->hash && dentry->parent == directory &&
            dentry->bytes == name->bytes && !memcmp(dentry->name, name->text, name->bytes)) {
            return dentry;
        }
    }
    return NULL;
}

static void enter(struct dentry *dentry)
{
    struct list *children = &dentry->parent->children;
    const struct dentry *last = CONTAINER(children->prev, struct dentry, siblings);
    dentry->cookie = list_empty(children) ? FIRST_COOKIE : last->cookie + 1;
    list_add(children, &dentry->siblings);
    list_add_first(bucket(dentry->parent, dentry->hash), &dentry->hashed);
}

static void leave(struct dentry *dentry)
{
    list_remove(&dentry->siblings);
    list_remove(&dentry->hashed);
}

void dentry_link(struct dentry *dentry)
{
    dentry_get(dentry);
    enter(dentry);
}

void dentry_unlink(struct dentry *dentry)
{
    leave(dentry);
    dentry->removed = true;
    dentry_put(dentry);
}

// Where the name can stand; NULL: no memory.
static char *name_room(struct dentry *dentry, uint32_t bytes)
{
    return bytes <= dentry->room ? (char *)(dentry + 1) : heap_alloc(bytes + 1);
}

static void name_set(struct dentry *dentry, char *at, const struct name *name)
{
    char *old = dentry->name;
    memmove(at, name->text, name->bytes);
    at[name->bytes] = '\0';
    dentry->name = at;
    dentry->bytes = (uint16_t)name->bytes;
    dentry->hash = name->hash;
    if (old != at && old != (char *)(dentry + 1)) {
        heap_free(old);
    }
}

// The references of both parents count what is below them.
static void parent_set(struct dentry *dentry, struct dentry *parent)
{
    struct dentry *old = dentry->parent;
    dentry_get(parent);
    dentry->parent = parent;
    dentry_put(old);
}

bool dentry_move(struct dentry *dentry, struct dentry *directory, const char *text)
{
    struct name name = name_of(text);
    char *at = name_room(dentry, name.bytes);
    if (!at) {
        return false;
    }
    leave(dentry);
    name_set(dentry, at, &name);
    parent_set(dentry, directory);
    enter(dentry);
    return true;
}

bool dentry_exchange(struct dentry *one, struct dentry *other)
{
    char first[NAME_MAX_BYTES + 1], second[NAME_MAX_BYTES + 1];
    struct name of_one = { first, one->bytes, one->hash };
    struct name of_other = { second, other->bytes, other->hash };
    struct dentry *parent = one->parent;
    char *at_one = name_room(one, other->bytes), *at_other = name_room(other, one->bytes);
    if (!at_one || !at_other) {
        heap_free(at_one == (char *)(one + 1) ? NULL : at_one);
        heap_free(at_other == (char *)(other + 1) ? NULL : at_other);
        return false;
    }
    memcpy(first, one->name, one->bytes);
    memcpy(second, other->name, other->bytes);
    leave(one);
    leave(other);
    name_set(one, at_one, &of_other);
    name_set(other, at_other, &of_one);
    dentry_get(parent);
    parent_set(one, other->parent);
    parent_set(other, parent);
    dentry_put(parent);
    enter(one);
    enter(other);
    return true;
}

bool dentry_below(const struct dentry *dentry, const struct dentry *directory)
{
    while (dentry != directory && !dentry_is_root(dentry)) {
        dentry = dentry->parent;
    }
    return dentry == directory;
}
