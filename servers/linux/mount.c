// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What is mounted where.  Each place has at most one mount over it: another one goes over the root
// of that.
#include "mount.h"

#include "attribute.h"
#include "call.h"
#include "capability.h"
#include "dentry.h"
#include "device.h"
#include "devpts.h"
#include "heap.h"
#include "mqueue.h"
#include "page.h"
#include "proc.h"
#include "random.h"
#include "tmpfs.h"
#include "walk.h"

#include <rt/clock.h>
#include <rt/string.h>

#define MNT_FORCE       1u
#define MNT_DETACH      2u
#define MNT_EXPIRE      4u
#define UMOUNT_NOFOLLOW 8u
#define MS_MGC_VALUE    0xc0ed0000u
#define MS_MGC_MASK     0xffff0000u
#define TEXT_BYTES      256u

struct list mounts = LIST_EMPTY(mounts);
struct mount *mount_root;
struct mount *mount_unnamed;

uint32_t mount_device(void)
{
    static uint32_t numbers;
    return ++numbers;
}

static char *text_copy(const char *text)
{
    uint64_t bytes = strlen(text) + 1;
    char *copy = heap_alloc(bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

// ---- records -----------------------------------------------------------------------------------
static void uncover(struct mount *mount)
{
    struct place over = mount->over;
    mount->over = (struct place){};
    if (over.dentry) {
        over.dentry->mounts--;
        place_put(over);
    }
}

static void mount_free(struct mount *mount)
{
    if (tmpfs_is(mount->root->inode)) {
        tmpfs_mounted(mount->root, -1);
    }
    dentry_put(mount->root);
    heap_free((void *)(uintptr_t)mount->type);
    heap_free((void *)(uintptr_t)mount->source);
    heap_free(mount);
}

void mount_put(struct mount *mount)
{
    mount->expires = false;
    if (--mount->refs == 0) {
        mount_free(mount);
    }
}

static struct mount *record_new(struct dentry *root, const char *type, const char *source)
{
    static uint32_t numbers;
    struct mount *mount = heap_alloc(sizeof(*mount));
    if (!mount) {
        dentry_put(root);
        return NULL;
    }
    mount->root = root;
    mount->refs = 1;
    mount->device = ++numbers;
    mount->type = text_copy(type);
    mount->source = text_copy(source);
    list_init(&mount->all);
    if (tmpfs_is(root->inode)) {
        tmpfs_mounted(root, 1);
    }
    if (!mount->type || !mount->source) {
        mount_free(mount);
        return NULL;
    }
    return mount;
}

static uint32_t magic_of(const struct inode *root)
{
    return tmpfs_is(root)    ? TMPFS_MAGIC
           : devpts_is(root) ? DEVPTS_MAGIC
           : mqueue_is(root) ? MQUEUE_MAGIC
                             : PROC_MAGIC;
}

struct mount *mount_new(struct dentry *root, struct place over, const char *type,
                        const char *source, uint32_t flags)
{
    struct mount *mount = record_new(root, type, source);
    if (!mount) {
        if (over.dentry) {
            place_put(over);
        }
        return FAILURE(ENOMEM);
    }
    mount->flags = flags & MS_KEPT;
    mount->magic = magic_of(root->inode);
    mount->over = over;
    if (over.dentry) {
        over.dentry->mounts++;
    }
    list_add(&mounts, &mount->all);
    return mount;
}

// ---- places ------------------------------------------------------------------------------------
static struct mount *mounted_over(const struct place *place)
{
    LIST_EACH(at, &mounts, struct mount, all) {
        if (place_same(&at->over, place)) {
            return at;
        }
    }
    return NULL;
}

static void place_go(struct place *place, struct mount *mount, struct dentry *dentry)
{
    struct place old = *place;
    *place = (struct place){ mount, dentry };
    place_get(*place);
    place_put(old);
}

void mount_cross(struct place *place)
{
    while (place->dentry->mounts) {
        struct mount *mount = mounted_over(place);
        if (!mount) {
            return;
        }
        place_go(place, mount, mount->root);
    }
}

void mount_leave(struct place *place, const struct place *root)
{
    while (place->dentry == place->mount->root && place->mount->over.dentry &&
           !place_same(place, root)) {
        place_go(place, place->mount->over.mount, place->mount->over.dentry);
    }
}

int64_t place_writes(struct place place)
{
    return place.mount->flags & MS_RDONLY ? -EROFS : 0;
}

// ---- at boot -----------------------------------------------------------------------------------
bool vfs_init(void)
{
    dentry_init();
    struct dentry *root = tmpfs_new(0755), *unnamed = tmpfs_new(0755);
    if (!root || !unnamed) {
        return false;
    }
    mount_unnamed = record_new(unnamed, "anon_inodefs", "none");
    mount_root = mount_new(root, (struct place){}, "tmpfs", "root", 0);
    if (!mount_unnamed || IS_ERROR(mount_root)) {
        return false;
    }
    mount_unnamed->device = unnamed->inode->device;
    return true;
}

struct place place_make(struct place directory, const char *name, uint32_t mode)
{
    struct dentry *found = path_lookup(NULL, directory.dentry, name);
    const struct image_file file = { .name = name, .mode = S_IFDIR | mode };
    if (IS_ERROR(found) && tmpfs_add(directory.dentry, &file, &found)) {
        return (struct place){};
    }
    directory.mount->refs++;
    return (struct place){ directory.mount, found };
}

static bool mount_at(struct place directory, const char *name, struct dentry *root,
                     const char *type)
{
    struct place at = root ? place_make(directory, name, 0755) : (struct place){};
    return at.dentry && !IS_ERROR(mount_new(root, at, type, type, MS_NOSUID));
}

bool vfs_populate(void)
{
    for (unsigned i = 0; i < 4; i++) {
        const uint64_t seed = rt_seed();
        random_seed(&seed, sizeof(seed));
    }
    struct place root = { mount_root, mount_root->root };
    struct dentry *devices = tmpfs_new(0755);
    if (!devices || !mount_at(root, "dev", devices, "devtmpfs")) {
        return false;
    }
    struct place dev = { CONTAINER(mounts.prev, struct mount, all), devices };
    struct place shared = place_make(dev, "shm", S_ISVTX | 0777);
    struct place temporary = place_make(root, "tmp", S_ISVTX | 0777);
    if (!shared.dentry || !temporary.dentry) {
        return false;
    }
    place_put(shared);
    place_put(temporary);
    return device_populate(dev) && mount_at(dev, "pts", devpts_root(), "devpts") &&
           mount_at(root, "proc", proc_root(), "proc") &&
           mount_at(root, "sys", sysfs_root(), "sysfs");
}

// ---- file systems ------------------------------------------------------------------------------
// As far as a number goes, with K, M, G behind it; what comes next.
static const char *number_of(const char *text, uint64_t *value)
{
    *value = 0;
    for (; *text >= '0' && *text <= '9' && *value < UINT64_MAX / 16; text++) {
        *value = *value * 10 + (uint64_t)(*text - '0');
    }
    char unit = (char)(*text | 0x20);
    *value <<= unit == 'k' ? 10 : unit == 'm' ? 20 : unit == 'g' ? 30 : 0;
    return text;
}

// A number, or % of all memory, in pages.
static uint64_t size_of(const char *text)
{
    uint64_t value = 0;
    const char *unit = number_of(text, &value);
    return *unit == '%' ? value * page_total / 100 : PAGE_UP(value) >> PAGE_BITS;
}

static uint32_t decimal_of(const char *text)
{
    uint32_t value = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        value = value * 10 + (uint32_t)(*text - '0');
    }
    return value;
}

static uint32_t octal_of(const char *text)
{
    uint32_t value = 0;
    for (; *text >= '0' && *text <= '7'; text++) {
        value = value * 8 + (uint32_t)(*text - '0');
    }
    return value & 07777;
}

// The value of an option in "one=1,other=2", or NULL.
static const char *option(const char *options, const char *name)
{
    uint64_t bytes = strlen(name);
    for (const char *at = options; *at;) {
        if (!strncmp(at, name, bytes) && at[bytes] == '=') {
            return at + bytes + 1;
        }
        while (*at && *at++ != ',') {}
    }
    return NULL;
}

// What options say of a tmpfs's limits: -EINVAL where it has more already.
static int64_t limits_set(struct inode *root, const char *options)
{
    const char *size = option(options, "size"), *files = option(options, "nr_inodes");
    uint64_t pages = size ? size_of(size) : 0, count = 0;
    if (files) {
        number_of(files, &count);
    }
    return tmpfs_limit(root, size ? &pages : NULL, files ? &count : NULL);
}

static struct dentry *memory_new(const char *options)
{
    const char *mode = option(options, "mode");
    struct dentry *root = tmpfs_new(mode ? octal_of(mode) : S_ISVTX | 0777);
    if (root) {
        limits_set(root->inode, options);
    }
    return root;
}

static struct dentry *processes_new(const char *options)
{
    (void)options;
    return proc_root();
}

static struct dentry *queues_new(const char *options)
{
    (void)options;
    return mqueue_root();
}

#define TTY_MODE  0600u
#define GROUP_OWN UINT32_MAX

static struct dentry *terminals_new(const char *options)
{
    const char *mode = option(options, "mode"), *group = option(options, "gid");
    devpts_set(mode ? octal_of(mode) : TTY_MODE, group ? decimal_of(group) : GROUP_OWN);
    return devpts_root();
}

static struct dentry *system_new(const char *options)
{
    (void)options;
    return sysfs_root();
}

static const struct type {
    const char *name;
    struct dentry *(*make)(const char *options);
} types[] = {
    { "tmpfs", memory_new },   { "ramfs", memory_new }, { "devtmpfs", memory_new },
    { "proc", processes_new }, { "sysfs", system_new }, { "devpts", terminals_new },
    { "mqueue", queues_new },
};

static const struct type *type_find(const char *name)
{
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (!strcmp(types[i].name, name)) {
            return &types[i];
        }
    }
    return NULL;
}

// ---- mount -------------------------------------------------------------------------------------
struct request {
    struct task *task;
    struct place target;
    uint32_t flags;
    char source[TEXT_BYTES], type[TEXT_BYTES], options[TEXT_BYTES];
};

static bool is_root_of_mount(const struct place *place)
{
    return place->dentry == place->mount->root;
}

static int64_t remount(const struct request *request)
{
    struct mount *mount = request->target.mount;
    if (!is_root_of_mount(&request->target)) {
        return -EINVAL;
    }
    if (request->flags & MS_RDONLY && mount->writers) {
        return -EBUSY;
    }
    struct inode *root = mount->root->inode;
    int64_t error = tmpfs_is(root) ? limits_set(root, request->options) : 0;
    if (error) {
        return error;
    }
    mount->flags = request->flags & MS_KEPT;
    return 0;
}

// With *made, for who goes on with it.
static int64_t mount_tree(const struct request *request, struct dentry *root, const char *type,
                          struct mount **made)
{
    bool directory = inode_is(root->inode, S_IFDIR);
    if (directory != inode_is(request->target.dentry->inode, S_IFDIR)) {
        dentry_put(root);
        return -ENOTDIR;
    }
    place_get(request->target);
    struct mount *mount = mount_new(root, request->target, type,
                                    request->source[0] ? request->source : "none", request->flags);
    if (IS_ERROR(mount)) {
        return ERROR_OF(mount);
    }
    *made = mount;
    return 0;
}

// A mount once more, over the same place of the copy of what it covers.
static int64_t mount_again(struct mount *mount)
{
    const struct place over = { mount->over.mount->copy, mount->over.dentry };
    dentry_get(mount->root);
    place_get(over);
    struct mount *made = mount_new(mount->root, over, mount->type, mount->source, mount->flags);
    mount->copy = IS_ERROR(made) ? NULL : made;
    return IS_ERROR(made) ? ERROR_OF(made) : 0;
}

// One that lies below a tree that has been bound elsewhere, and has not been itself yet.
static bool wants_copy(const struct mount *mount, const struct place *bound)
{
    const struct place *over = &mount->over;
    return !mount->copy && over->dentry && over->mount->copy &&
           (over->mount != bound->mount || dentry_below(over->dentry, bound->dentry));
}

// What is mounted below `bound` goes with it (MS_REC).  What covers something is mounted after it,
// but for mounts that were moved: until there is nothing more.
static int64_t bind_below(const struct place *bound, struct mount *made)
{
    const struct list *last = &made->all;
    int64_t error = 0;
    bound->mount->copy = made;
    for (bool more = true; more && !error;) {
        more = false;
        for (struct list *at = mounts.next; at != last && !error; at = at->next) {
            struct mount *mount = CONTAINER(at, struct mount, all);
            if (wants_copy(mount, bound)) {
                error = mount_again(mount);
                more = true;
            }
        }
    }
    LIST_EACH(mount, &mounts, struct mount, all) {
        mount->copy = NULL;
    }
    return error;
}

static int64_t bind(struct request *request, user_t source)
{
    struct path_result found;
    int64_t error = path_find_user(request->task, AT_FDCWD, source, PATH_FOLLOW, &found);
    if (error) {
        return error;
    }
    dentry_get(found.at.dentry);
    struct mount *made = NULL;
    bool whole = request->flags & MS_REC;
    request->flags = (request->flags & MS_RDONLY) | found.at.mount->flags;
    error = mount_tree(request, found.at.dentry, found.at.mount->type, &made);
    error = error || !whole ? error : bind_below(&found.at, made);
    path_put(&found);
    return error;
}

static int64_t move(const struct request *request, user_t source)
{
    struct path_result found;
    int64_t error = path_find_user(request->task, AT_FDCWD, source, PATH_FOLLOW, &found);
    if (error) {
        return error;
    }
    struct mount *mount = found.at.mount;
    struct place up = request->target;
    bool below = false;
    const struct mount *at = up.mount;
    do {
        below |= at == mount;
        at = at->over.mount;
    } while (at);
    if (!is_root_of_mount(&found.at) || !mount->over.dentry) {
        error = -EINVAL;
    } else if (below) {
        error = -ELOOP;
    } else {
        uncover(mount);
        place_get(up);
        mount->over = up;
        up.dentry->mounts++;
    }
    path_put(&found);
    return error;
}

static int64_t mount_type(const struct request *request)
{
    const struct type *type = type_find(request->type);
    if (!type) {
        return -ENODEV;
    }
    if (!inode_is(request->target.dentry->inode, S_IFDIR)) {
        return -ENOTDIR;
    }
    struct dentry *root = type->make(request->options);
    struct mount *made = NULL;
    return root ? mount_tree(request, root, type->name, &made) : -ENOMEM;
}

static int64_t mount_as_asked(struct request *request, user_t source)
{
    uint32_t flags = request->flags;
    if (flags & MS_REMOUNT) {
        return remount(request);
    }
    if (flags & MS_BIND) {
        return bind(request, source);
    }
    if (flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)) {
        return is_root_of_mount(&request->target) ? 0 : -EINVAL;
    }
    return flags & MS_MOVE ? move(request, source) : mount_type(request);
}

static int64_t text_take(struct task *task, char *to, user_t from)
{
    int64_t bytes = from ? user_string(task, to, from, TEXT_BYTES) : 0;
    return bytes == -ENAMETOOLONG ? -EINVAL : bytes < 0 ? bytes : 0;
}

int64_t call_mount(struct task *task, user_t source, user_t target, user_t type, uint64_t flags,
                   user_t data)
{
    struct request request = { .task = task, .flags = (uint32_t)flags };
    struct path_result found;
    if ((request.flags & MS_MGC_MASK) == MS_MGC_VALUE) {
        request.flags &= ~MS_MGC_MASK;
    }
    int64_t error = text_take(task, request.type, type);
    error = error ? error : text_take(task, request.source, source);
    error = error ? error : text_take(task, request.options, data);
    error = error ? error : path_find_user(task, AT_FDCWD, target, PATH_FOLLOW, &found);
    if (error) {
        return error;
    }
    request.target = found.at;
    error = task_capable(task, CAP_SYS_ADMIN) ? mount_as_asked(&request, source) : -EPERM;
    path_put(&found);
    return error;
}

// ---- umount ------------------------------------------------------------------------------------
static bool covers_others(const struct mount *mount)
{
    LIST_EACH(at, &mounts, struct mount, all) {
        if (at->over.mount == mount) {
            return true;
        }
    }
    return false;
}

static void mount_detach(struct mount *mount)
{
    list_remove(&mount->all);
    uncover(mount);
    mount_put(mount);
}

// With what is mounted over it, and over that, and so on: nobody could name it any more.
static void tree_detach(struct mount *top)
{
    mount_detach(top);
    for (bool more = true; more;) {
        more = false;
        LIST_EACH(mount, &mounts, struct mount, all) {
            if (mount->over.dentry && list_empty(&mount->over.mount->all)) {
                mount_detach(mount);
                more = true;
                break;
            }
        }
    }
}

// The look-up that found it has a reference as well.
static int64_t unmount(struct task *task, const struct place *at, uint32_t flags)
{
    struct mount *mount = at->mount;
    if (!task_capable(task, CAP_SYS_ADMIN)) {
        return -EPERM;
    }
    if (!is_root_of_mount(at)) {
        return -EINVAL;
    }
    if (!mount->over.dentry) {
        return -EBUSY;
    }
    bool busy = mount->refs > 2 || covers_others(mount);
    if (busy && !(flags & MNT_DETACH)) {
        return -EBUSY;
    }
    if (flags & MNT_EXPIRE && !mount->expires) {
        return -EAGAIN;
    }
    tree_detach(mount);
    return 0;
}

int64_t call_umount2(struct task *task, user_t target, uint32_t flags)
{
    struct path_result found;
    if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW) ||
        (flags & MNT_EXPIRE && flags & (MNT_FORCE | MNT_DETACH))) {
        return -EINVAL;
    }
    unsigned how = flags & UMOUNT_NOFOLLOW ? 0 : PATH_FOLLOW;
    int64_t error = path_find_user(task, AT_FDCWD, target, how, &found);
    if (error) {
        return error;
    }
    struct mount *mount = found.at.mount;
    error = unmount(task, &found.at, flags);
    path_put(&found);
    if (error == -EAGAIN) {  // it is mounted still
        mount->expires = true;
    }
    return error;
}
