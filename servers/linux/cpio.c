// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Unpacking of the root image.  Nothing in it is trusted: each length is checked against what is
// left of it.  The format: a header of 110 characters, the name with its zero, the data; name and
// data are filled up to multiples of four.  (cpio(5), "New ASCII Format")
#include "cpio.h"

#include "attribute.h"
#include "dentry.h"
#include "heap.h"
#include "tmpfs.h"

#include <rt/print.h>
#include <rt/string.h>

#define HEADER_BYTES 110u
#define MAGIC_BYTES  6u
#define TRAILER      "TRAILER!!!"
#define BUCKETS      1024u

enum field {
    F_NUMBER,
    F_MODE,
    F_UID,
    F_GID,
    F_LINKS,
    F_TIME,
    F_SIZE,
    F_MAJOR,
    F_MINOR,
    F_DEVICE_MAJOR,
    F_DEVICE_MINOR,
    F_NAME,
    F_CHECK,
    FIELDS,
};

// An inode with more than one link, as the archive names it.
struct known {
    struct known *next;
    uint32_t number, major, minor;
    struct inode *inode;
};

struct unpacking {
    const char *archive;
    uint64_t bytes, at;
    struct dentry *root;
    uint32_t fields[FIELDS];
    const char *name;  // of the entry, with its zero
    const char *data;
    struct known **known;
};

static const char *complain(const struct unpacking *unpacking, const char *what)
{
    static char text[128];
    (void)rt_format(text, sizeof(text), "at byte %lu: %s", unpacking->at, what);
    return text;
}

// ---- headers -----------------------------------------------------------------------------------
static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool field_read(const char *from, uint32_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < 8; i++) {
        int digit = digit_of(from[i]);
        if (digit < 0) {
            return false;
        }
        *value = *value << 4 | (uint32_t)digit;
    }
    return true;
}

static const char *header_read(struct unpacking *unpacking)
{
    const char *header = unpacking->archive + unpacking->at;
    if (unpacking->bytes - unpacking->at < HEADER_BYTES) {
        return "the archive ends in a header";
    }
    if (memcmp(header, "070701", MAGIC_BYTES) != 0 && memcmp(header, "070702", MAGIC_BYTES) != 0) {
        return "no header of a \"newc\" archive";
    }
    for (unsigned i = 0; i < FIELDS; i++) {
        if (!field_read(header + MAGIC_BYTES + (size_t)i * 8, &unpacking->fields[i])) {
            return "a field that is no hexadecimal number";
        }
    }
    return NULL;
}

static uint64_t four_up(uint64_t value)
{
    return (value + 3) & ~3ull;
}

// Name and data lie within the archive, and the name has its zero.
static const char *body_find(struct unpacking *unpacking)
{
    const uint64_t name_at = unpacking->at + HEADER_BYTES;
    const uint32_t name_bytes = unpacking->fields[F_NAME], size = unpacking->fields[F_SIZE];
    if (name_bytes == 0 || name_bytes > unpacking->bytes - name_at) {
        return "a name that reaches over the end";
    }
    unpacking->name = unpacking->archive + name_at;
    uint64_t length = 0;
    while (length < name_bytes && unpacking->name[length]) {
        length++;
    }
    if (length == name_bytes || length >= PATH_MAX_BYTES) {
        return "a name that is too long or has no end";
    }
    const uint64_t data_at = four_up(name_at + name_bytes);
    if (data_at > unpacking->bytes || size > unpacking->bytes - data_at) {
        return size || strcmp(unpacking->name, TRAILER) != 0 ? "data that reaches over the end"
                                                             : NULL;
    }
    unpacking->data = unpacking->archive + data_at;
    return NULL;
}

// ---- names -------------------------------------------------------------------------------------
// The directory of an entry, without a reference, and its last name.
static const char *directory_find(const struct unpacking *unpacking, struct dentry **directory,
                                  char last[NAME_MAX_BYTES + 1])
{
    *directory = unpacking->root;
    last[0] = '\0';
    for (const char *at = unpacking->name; *at;) {
        uint64_t bytes = 0;
        while (at[bytes] && at[bytes] != '/') {
            bytes++;
        }
        if (bytes > NAME_MAX_BYTES || (bytes == 2 && at[0] == '.' && at[1] == '.')) {
            return "a name that is too long, or \"..\"";
        }
        if (bytes && !(bytes == 1 && at[0] == '.')) {
            struct name name = name_of(last);
            *directory = last[0] ? dentry_find(*directory, &name) : *directory;
            if (!*directory || !inode_is((*directory)->inode, S_IFDIR)) {
                return "no directory for the name";
            }
            memcpy(last, at, bytes);
            last[bytes] = '\0';
        }
        at += bytes + (at[bytes] == '/');
    }
    return NULL;
}

// ---- inodes ------------------------------------------------------------------------------------
static void attributes_set(const struct unpacking *unpacking, struct inode *inode)
{
    const uint32_t *fields = unpacking->fields;
    inode->is.mode = (inode->is.mode & S_IFMT) | (fields[F_MODE] & 07777);
    inode->is.uid = fields[F_UID];
    inode->is.gid = fields[F_GID];
    inode->is.modified = (struct timespec){ fields[F_TIME], 0 };
}

static struct known **known_find(const struct unpacking *unpacking)
{
    const uint32_t *fields = unpacking->fields;
    struct known **at = &unpacking->known[fields[F_NUMBER] % BUCKETS];
    while (*at && ((*at)->number != fields[F_NUMBER] || (*at)->major != fields[F_MAJOR] ||
                   (*at)->minor != fields[F_MINOR])) {
        at = &(*at)->next;
    }
    return at;
}

static bool known_add(struct known **at, const uint32_t *fields, struct inode *inode)
{
    *at = heap_alloc(sizeof(**at));
    if (*at) {
        **at = (struct known){ NULL, fields[F_NUMBER], fields[F_MAJOR], fields[F_MINOR], inode };
        inode_get(inode);
    }
    return *at;
}

static void known_free(struct unpacking *unpacking)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (struct known *at = unpacking->known[i], *next; at; at = next) {
            next = at->next;
            inode_put(at->inode);
            heap_free(at);
        }
    }
    heap_free(unpacking->known);
}

// Another name of an inode that is there; the data may stand with any of them.
static const char *link_again(const struct unpacking *unpacking, struct dentry *directory,
                              const char *name, struct inode *inode)
{
    uint32_t size = unpacking->fields[F_SIZE];
    if (directory->inode->ops->link(directory, name, inode)) {
        return "no memory";
    }
    if (size) {
        tmpfs_fill(inode, unpacking->data, size);
    }
    attributes_set(unpacking, inode);
    return NULL;
}

static const char *kind_check(const struct unpacking *unpacking)
{
    const uint32_t *fields = unpacking->fields;
    switch (fields[F_MODE] & S_IFMT) {
    case S_IFLNK:
        if (!fields[F_SIZE] || fields[F_SIZE] >= PATH_MAX_BYTES) {
            return "a link whose target is empty or too long";
        }
        for (uint32_t i = 0; i < fields[F_SIZE]; i++) {
            if (!unpacking->data[i]) {
                return "a link whose target has a zero in it";
            }
        }
        return NULL;
    case S_IFREG: return NULL;
    case S_IFDIR:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK: return fields[F_SIZE] ? "data of what can have none" : NULL;
    default: return "a kind of file that there is not";
    }
}

static uint32_t device_of(const uint32_t *fields)
{
    uint32_t major = fields[F_DEVICE_MAJOR], minor = fields[F_DEVICE_MINOR];
    return (major & 0xfff) << 8 | (minor & 0xff) | (minor & 0xfff00) << 12;
}

static const char *make_new(struct unpacking *unpacking, struct dentry *directory, const char *name,
                            struct known **known)
{
    const uint32_t *fields = unpacking->fields;
    const struct image_file file = { name, fields[F_MODE] & (S_IFMT | 07777), device_of(fields),
                                     unpacking->data, fields[F_SIZE] };
    struct dentry *made = NULL;
    if (tmpfs_add(directory, &file, &made)) {
        return "no memory";
    }
    attributes_set(unpacking, made->inode);
    bool enough = !known || known_add(known, fields, made->inode);
    dentry_put(made);
    return enough ? NULL : "no memory";
}

// What has this name already.
static const char *meet(const struct unpacking *unpacking, struct dentry *there)
{
    if (!inode_is(there->inode, S_IFDIR) || (unpacking->fields[F_MODE] & S_IFMT) != S_IFDIR) {
        return "a name that is there already";
    }
    attributes_set(unpacking, there->inode);
    return NULL;
}

static const char *entry_make(struct unpacking *unpacking)
{
    char last[NAME_MAX_BYTES + 1];
    struct dentry *directory = NULL;
    const char *wrong = kind_check(unpacking);
    wrong = wrong ? wrong : directory_find(unpacking, &directory, last);
    if (wrong || !directory) {
        return wrong;
    }
    struct name name = name_of(last);
    struct dentry *there = last[0] ? dentry_find(directory, &name) : directory;
    if (there) {
        return meet(unpacking, there);
    }
    bool linked = unpacking->fields[F_LINKS] > 1 && (unpacking->fields[F_MODE] & S_IFMT) != S_IFDIR;
    struct known **known = linked ? known_find(unpacking) : NULL;
    if (!known || !*known) {
        return make_new(unpacking, directory, last, known);
    }
    if (((*known)->inode->is.mode ^ unpacking->fields[F_MODE]) & S_IFMT) {
        return "two names of one inode that are of different kinds";
    }
    return link_again(unpacking, directory, last, (*known)->inode);
}

// ---- in all ------------------------------------------------------------------------------------
static const char *unpack(struct unpacking *unpacking)
{
    for (;;) {
        const char *wrong = header_read(unpacking);
        wrong = wrong ? wrong : body_find(unpacking);
        if (wrong || !strcmp(unpacking->name, TRAILER)) {
            return wrong;
        }
        wrong = entry_make(unpacking);
        if (wrong) {
            return wrong;
        }
        uint64_t next = (uint64_t)(unpacking->data - unpacking->archive);
        next = four_up(next + unpacking->fields[F_SIZE]);
        unpacking->at = next < unpacking->bytes ? next : unpacking->bytes;
    }
}

const char *cpio_unpack(const void *archive, uint64_t bytes, struct place root)
{
    struct unpacking unpacking = { .archive = archive, .bytes = bytes, .root = root.dentry };
    unpacking.known = heap_alloc(BUCKETS * sizeof(struct known *));
    if (!unpacking.known) {
        return "no memory";
    }
    const char *wrong = unpack(&unpacking);
    known_free(&unpacking);
    return wrong ? complain(&unpacking, wrong) : NULL;
}
