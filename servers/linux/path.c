// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Paths: from text to a place (path_resolution(7)) and back.  Owns the text of the path that is
// being looked up: there is one at a time.
#include "attribute.h"
#include "dentry.h"
#include "mount.h"
#include "task.h"
#include "walk.h"

#include <rt/string.h>

// A look-up on its way.
struct walk {
    struct task *task;
    struct place at;    // with a reference
    struct place root;  // not to be left upwards
    const char *left;   // of the path
    unsigned how;
    unsigned links;    // followed so far
    struct name name;  // the component
    bool last, slash;  // nothing but slashes follows; some do
};

// What is left of a path after a link may be as long as a path, and so may the link.
static char text[2 * PATH_MAX_BYTES];
static char target[PATH_MAX_BYTES];

static unsigned resolve_of(const struct walk *walk)
{
    return walk->how >> 8;
}

// ---- beginning ---------------------------------------------------------------------------------
static int64_t begin_at(struct walk *walk, int at, bool empty)
{
    if (at == AT_FDCWD) {
        walk->at = walk->task->placement->work;
        return 0;
    }
    const struct file *file = file_at_any(walk->task, at);
    if (!file) {
        return -EBADF;
    }
    if (!empty && !inode_is(file->inode, S_IFDIR)) {
        return -ENOTDIR;
    }
    walk->at = file->place;
    return 0;
}

static int64_t begin(struct walk *walk, int at)
{
    unsigned resolve = resolve_of(walk);
    walk->root = walk->task->placement->root;
    bool absolute = *walk->left == '/';
    if (*walk->left == '\0' && !(walk->how & PATH_EMPTY)) {
        return -ENOENT;
    }
    if (absolute && resolve & RESOLVE_BENEATH) {
        return -EXDEV;
    }
    int64_t error = 0;
    if (absolute && !(resolve & RESOLVE_IN_ROOT)) {
        walk->at = walk->root;
    } else {
        error = begin_at(walk, at, *walk->left == '\0');
    }
    if (!error && resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) {
        walk->root = walk->at;
    }
    if (!error) {
        place_get(walk->at);
    }
    return error;
}

// ---- one component -----------------------------------------------------------------------------
static int64_t next_name(struct walk *walk)
{
    const char *at = walk->left;
    uint32_t hash = NAME_HASH_BEGIN;
    walk->name.text = at;
    for (; *at && *at != '/'; at++) {
        hash = name_hash(hash, *at);
    }
    uint64_t bytes = (uint64_t)(at - walk->left);
    walk->name.bytes = (uint32_t)bytes;
    walk->name.hash = hash;
    walk->slash = *at == '/';
    while (*at == '/') {
        at++;
    }
    walk->left = at;
    walk->last = !*at;
    return bytes > NAME_MAX_BYTES ? -ENAMETOOLONG : 0;
}

static bool name_dots(const struct name *name, unsigned dots)
{
    return name->bytes == dots && name->text[0] == '.' && name->text[dots - 1] == '.';
}

static void set_dentry(struct walk *walk, struct dentry *dentry)
{
    struct dentry *old = walk->at.dentry;
    walk->at.dentry = dentry;
    dentry_put(old);
}

static int64_t go_up(struct walk *walk)
{
    struct mount *mount = walk->at.mount;
    if (place_same(&walk->at, &walk->root)) {
        return resolve_of(walk) & RESOLVE_BENEATH ? -EXDEV : 0;
    }
    mount_leave(&walk->at, &walk->root);
    if (!place_same(&walk->at, &walk->root)) {
        struct dentry *parent = walk->at.dentry->parent;
        dentry_get(parent);
        set_dentry(walk, parent);
        mount_cross(&walk->at);
    }
    return mount != walk->at.mount && resolve_of(walk) & RESOLVE_NO_XDEV ? -EXDEV : 0;
}

static struct dentry *ask(struct task *task, struct dentry *directory, const struct name *name)
{
    if (!directory->inode->ops->lookup || directory->removed) {
        return FAILURE(ENOENT);
    }
    char copy[NAME_MAX_BYTES + 1];
    memcpy(copy, name->text, name->bytes);
    copy[name->bytes] = '\0';
    return directory->inode->ops->lookup(task, directory, copy);
}

static struct dentry *look(struct task *task, struct dentry *directory, const struct name *name)
{
    struct dentry *found = dentry_find(directory, name);
    if (!found) {
        return ask(task, directory, name);
    }
    dentry_get(found);
    return found;
}

struct dentry *path_lookup(struct task *task, struct dentry *directory, const char *name)
{
    struct name of = name_of(name);
    return look(task, directory, &of);
}

// ---- links -------------------------------------------------------------------------------------
// A link like /proc/self/exe leads to a place, whatever its text is.
static int64_t follow_magic(struct walk *walk, struct inode *link)
{
    if (resolve_of(walk) & (RESOLVE_NO_MAGICLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT)) {
        return resolve_of(walk) & RESOLVE_NO_MAGICLINKS ? -ELOOP : -EXDEV;
    }
    struct place to = link->ops->follow(walk->task, link);
    if (!to.dentry) {
        return 1;
    }
    place_put(walk->at);
    walk->at = to;
    return 0;
}

static int64_t follow_text(struct walk *walk, struct inode *link)
{
    int64_t bytes = link->ops->readlink(walk->task, link, target, sizeof(target));
    if (bytes <= 0) {
        return bytes < 0 ? bytes : -ENOENT;
    }
    uint64_t rest = strlen(walk->left), between = walk->slash;
    if ((uint64_t)bytes + between + rest >= sizeof(text)) {
        return -ENAMETOOLONG;
    }
    memmove(text + bytes + between, walk->left, rest + 1);
    memcpy(text, target, (uint64_t)bytes);
    if (between) {
        text[bytes] = '/';
    }
    walk->left = text;
    if (text[0] == '/') {
        if (resolve_of(walk) & RESOLVE_BENEATH) {
            return -EXDEV;
        }
        place_put(walk->at);
        walk->at = walk->root;
        place_get(walk->at);
    }
    walk->last = false;
    return 0;
}

// The link's dentry has been found in walk->at, which its text counts from.
static int64_t follow(struct walk *walk, struct dentry *dentry)
{
    struct inode *link = dentry->inode;
    int64_t result = -ELOOP;
    if (++walk->links <= LINKS_MAX && !(resolve_of(walk) & RESOLVE_NO_SYMLINKS) &&
        !(walk->at.mount->flags & MS_NOSYMFOLLOW)) {
        result = link->ops->follow ? follow_magic(walk, link) : 1;
        result = result == 1 ? follow_text(walk, link) : result;
    }
    dentry_put(dentry);
    return result;
}

// ---- the walk ----------------------------------------------------------------------------------
static bool follows(const struct walk *walk)
{
    return !walk->last || walk->how & PATH_FOLLOW || (walk->slash && !(walk->how & PATH_CREATE));
}

static int64_t enter(struct walk *walk, struct dentry *found)
{
    const struct mount *mount = walk->at.mount;
    set_dentry(walk, found);
    if (found->mounts && (!walk->last || !(walk->how & PATH_CREATE) || walk->how & PATH_FOLLOW)) {
        mount_cross(&walk->at);
    }
    return mount != walk->at.mount && resolve_of(walk) & RESOLVE_NO_XDEV ? -EXDEV : 0;
}

static int64_t step(struct walk *walk)
{
    if (name_dots(&walk->name, 1)) {
        return 0;
    }
    if (name_dots(&walk->name, 2)) {
        return go_up(walk);
    }
    struct dentry *found = look(walk->task, walk->at.dentry, &walk->name);
    if (IS_ERROR(found)) {
        return ERROR_OF(found);
    }
    if (inode_is(found->inode, S_IFLNK) && follows(walk)) {
        return follow(walk, found);
    }
    return enter(walk, found);
}

// Where the last name would be made.
static void keep_directory(struct walk *walk, struct path_result *result)
{
    if (result->directory.dentry) {
        place_put(result->directory);
    }
    result->directory = walk->at;
    place_get(walk->at);
    memcpy(result->last, walk->name.text, walk->name.bytes);
    result->last[walk->name.bytes] = '\0';
    result->slash = walk->slash;
}

static int64_t check_directory(const struct walk *walk)
{
    const struct inode *inode = walk->at.dentry->inode;
    return inode_is(inode, S_IFDIR) ? inode_permits(walk->task, inode, 1) : -ENOTDIR;
}

static int64_t walk_on(struct walk *walk, struct path_result *result)
{
    for (bool slash = false;; slash = walk->slash) {
        while (*walk->left == '/') {
            walk->left++;
        }
        if (!*walk->left) {
            bool must = slash && !(walk->how & PATH_CREATE);
            return must && !inode_is(walk->at.dentry->inode, S_IFDIR) ? -ENOTDIR : 0;
        }
        int64_t error = check_directory(walk);
        error = error ? error : next_name(walk);
        if (error) {
            return error;
        }
        if (walk->last && walk->how & PATH_CREATE) {
            keep_directory(walk, result);
            if (walk->slash && walk->how & PATH_FOLLOW) {
                return -EISDIR;  // open makes no directories, whatever stands there
            }
        }
        error = step(walk);
        if (error == -ENOENT && walk->last && walk->how & PATH_CREATE && result->last[0]) {
            place_put(walk->at);
            walk->at = (struct place){};
            return 0;
        }
        if (error) {
            return error;
        }
    }
}

// A path without a name: "/", or an empty one.
static void name_nothing(struct walk *walk, struct path_result *result)
{
    if (walk->how & PATH_CREATE && !result->directory.dentry) {
        result->directory = walk->at;
        place_get(walk->at);
    }
}

int64_t path_find(struct task *task, int at, const char *path, unsigned how,
                  struct path_result *result)
{
    struct walk walk = { .task = task, .left = path, .how = how };
    result->at = result->directory = (struct place){};
    result->last[0] = '\0';
    result->slash = false;
    int64_t error = begin(&walk, at);
    if (error) {
        return error;
    }
    error = walk_on(&walk, result);
    if (!error && how & PATH_DIRECTORY && walk.at.dentry &&
        !inode_is(walk.at.dentry->inode, S_IFDIR)) {
        error = -ENOTDIR;
    }
    result->at = walk.at;
    if (!error) {
        name_nothing(&walk, result);
        return 0;
    }
    path_put(result);
    return error;
}

int64_t path_find_user(struct task *task, int at, user_t path, unsigned how,
                       struct path_result *result)
{
    int64_t bytes = user_string(task, text, path, PATH_MAX_BYTES);
    return bytes < 0 ? bytes : path_find(task, at, text, how, result);
}

int64_t path_find_flags(struct task *task, int at, user_t path, uint32_t flags,
                        struct path_result *result)
{
    unsigned how = (flags & AT_SYMLINK_NOFOLLOW ? 0 : PATH_FOLLOW) |
                   (flags & AT_EMPTY_PATH ? PATH_EMPTY : 0);
    if (!path && flags & AT_EMPTY_PATH) {
        return path_find(task, at, "", how, result);
    }
    return path_find_user(task, at, path, how, result);
}

void path_put(struct path_result *result)
{
    if (result->at.dentry) {
        place_put(result->at);
    }
    if (result->directory.dentry) {
        place_put(result->directory);
    }
    result->at = result->directory = (struct place){};
}

// ---- back to text ------------------------------------------------------------------------------
// Written from the end of the memory on; moved to its beginning at last.
struct writing {
    char *to;
    uint64_t at;  // first byte that is written
    bool full;
};

static void put_before(struct writing *writing, const char *from, uint64_t bytes)
{
    if (writing->full || bytes > writing->at) {
        writing->full = true;
        return;
    }
    writing->at -= bytes;
    memcpy(writing->to + writing->at, from, bytes);
}

// false: it ended at another root than the one that was given.
static bool write_up(struct writing *writing, struct place at, const struct place *root)
{
    while (!place_same(&at, root)) {
        if (at.dentry == at.mount->root) {
            if (!at.mount->over.dentry) {
                return false;
            }
            at = at.mount->over;
            continue;
        }
        if (dentry_is_root(at.dentry)) {
            return false;
        }
        put_before(writing, at.dentry->name, at.dentry->bytes);
        put_before(writing, "/", 1);
        at.dentry = at.dentry->parent;
    }
    return true;
}

int64_t place_text(struct place place, const struct place *root, char *to, uint64_t bytes)
{
    static const char unreachable[] = "(unreachable)";
    struct writing writing = { to, bytes, bytes == 0 };
    put_before(&writing, "", 1);
    if (place.mount == mount_unnamed) {
        put_before(&writing, place.dentry->name, place.dentry->bytes);
    } else {
        uint64_t end = writing.at;
        bool below = write_up(&writing, place, root);
        if (writing.at == end) {
            put_before(&writing, "/", 1);
        }
        if (!below) {
            put_before(&writing, unreachable, sizeof(unreachable) - 1);
        }
    }
    if (writing.full) {
        return -ENAMETOOLONG;
    }
    memmove(to, to + writing.at, bytes - writing.at);
    return (int64_t)(bytes - writing.at - 1);
}

int64_t path_text(struct task *task, struct place place, char *to, uint64_t bytes)
{
    return place_text(place, &task->placement->root, to, bytes);
}
