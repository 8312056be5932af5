// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The file layer: what the host cannot be compared with (the root image, pages that are mapped,
// want of memory, mounts), and what a random walk does not find (locks, permissions, limits).
#include "../call.h"
#include "../cpio.h"
#include "../device.h"
#include "../mount.h"
#include "../page.h"
#include "../seal.h"
#include "file_fake.h"
#include "host.h"

#include <rt/print.h>
#include <rt/string.h>

#include <setjmp.h>

#include <stdarg.h>

#include <cmocka.h>

static struct task *task;

static int setup(void **state)
{
    (void)state;
    task = fake_begin();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_heap_left = UINT64_MAX;
    fake_end();
    return 0;
}

static int must_open(const char *path, uint32_t flags)
{
    int64_t fd = call_open(task, at(path), flags, 0666);
    assert_true(fd >= 0);
    return (int)fd;
}

// The start of struct stat.
struct stat_start {
    uint64_t device, number, links;
    uint32_t mode, uid, gid, padding;
    uint64_t special, size, more[11];
};

static struct stat_start must_stat(const char *path)
{
    struct stat_start stat = {};
    assert_int_equal(call_lstat(task, at(path), at(&stat)), 0);
    return stat;
}

static void must_hold(const char *path, const char *content)
{
    char text[64] = "";
    int fd = must_open(path, O_RDONLY);
    assert_int_equal(call_read(task, fd, at(text), sizeof(text)), strlen(content));
    assert_string_equal(text, content);
    assert_int_equal(call_close(task, fd), 0);
}

// ---- the root image ----------------------------------------------------------------------------
struct image {
    char *at;
    uint64_t bytes;
};

static void pad(struct image *image, uint64_t to)
{
    while (image->bytes % to) {
        image->at[image->bytes++] = '\0';
    }
}

struct header {
    const char *name;
    uint32_t number, mode, links, device;
    const char *data;
    uint32_t bytes;
    bool aligned;  // data begins a page
};

static void add(struct image *image, const struct header *header)
{
    uint32_t name = (uint32_t)strlen(header->name) + 1;
    if (header->aligned) {
        uint64_t end = (image->bytes + 110 + name + PAGE_MASK) & ~PAGE_MASK;
        name = (uint32_t)(end - image->bytes - 110);
    }
    const uint32_t fields[13] = {
        header->number,      header->mode,         7,    8, header->links, 99, header->bytes, 0, 1,
        header->device >> 8, header->device & 255, name, 0
    };
    image->bytes += rt_format(image->at + image->bytes, 7, "070701");
    for (unsigned i = 0; i < 13; i++) {
        image->bytes += rt_format(image->at + image->bytes, 9, "%08x", fields[i]);
    }
    memset(image->at + image->bytes, 0, name);
    memcpy(image->at + image->bytes, header->name, strlen(header->name));
    image->bytes += name;
    pad(image, 4);
    memcpy(image->at + image->bytes, header->data, header->bytes);
    image->bytes += header->bytes;
    pad(image, 4);
}

#define LARGE (2 * PAGE_SIZE + 100)
static struct image image_make(void)
{
    static char large[LARGE];
    memset(large, 'x', sizeof(large));
    const struct header headers[] = {
        { "./", 1, S_IFDIR | 0750, 2, 0, "", 0, false },
        { "bin", 2, S_IFDIR | 0755, 2, 0, "", 0, false },
        { "bin/one", 3, S_IFREG | 0755, 2, 0, "", 0, false },
        { "./bin/two", 3, S_IFREG | 0755, 2, 0, "both", 4, false },
        { "bin/large", 4, S_IFREG | 04755, 1, 0, large, LARGE, true },
        { "/link", 5, S_IFLNK | 0777, 1, 0, "bin/two", 7, false },
        { "null", 6, S_IFCHR | 0666, 1, 0x103, "", 0, false },
        { "TRAILER!!!", 0, 0, 1, 0, "", 0, false },
    };
    struct image image = { fake_image(16 << PAGE_BITS), 0 };
    for (unsigned i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        add(&image, &headers[i]);
    }
    return image;
}

static struct place root(void)
{
    return (struct place){ mount_root, mount_root->root };
}

static void image_is_unpacked(void **state)
{
    (void)state;
    struct image image = image_make();
    assert_null(cpio_unpack(image.at, image.bytes, root()));
    must_hold("/link", "both");
    must_hold("/bin/one", "both");
    struct stat_start one = must_stat("/bin/one"), large = must_stat("/bin/large");
    assert_int_equal(one.links, 2);
    assert_int_equal(one.number, must_stat("/bin/two").number);
    assert_int_equal(large.mode, S_IFREG | 04755);
    assert_int_equal(large.size, LARGE);
    assert_int_equal(large.uid, 7);
    assert_int_equal(large.gid, 8);
    assert_int_equal(must_stat("/null").special, 0x103);
    assert_int_equal(must_stat("/").mode, S_IFDIR | 0750);
    assert_int_equal(must_stat("/link").size, 7);
}

// Whole pages are those of the image until they are written; what is behind the end of the file is
// not seen in any case.
static void image_pages_are_shared(void **state)
{
    (void)state;
    struct image image = image_make();
    assert_null(cpio_unpack(image.at, image.bytes, root()));
    uint64_t before = page_free;
    int fd = must_open("/bin/large", O_RDWR);
    struct file *file = file_at(task, fd);
    uint32_t first = file->ops->page(file, 0, false), last = file->ops->page(file, 2, false);
    assert_int_equal(page_free, before - 1);
    assert_int_equal(file->ops->page(file, 3, false), PAGE_NONE);
    assert_memory_equal(page_here(first), "xxxx", 4);
    assert_int_equal(((char *)page_here(last))[99], 'x');
    assert_int_equal(((char *)page_here(last))[100], 0);
    struct list area;
    list_add(&file->inode->areas, &area);
    unsigned replaced = fake_replaced;
    assert_int_equal(call_pwrite64(task, fd, at("yz"), 2, 1), 2);
    assert_int_equal(fake_replaced, replaced + 1);
    list_remove(&area);
    uint32_t other = file->ops->page(file, 0, false);
    assert_true(other != first);
    assert_memory_equal(page_here(first), "xxxx", 4);
    assert_memory_equal(page_here(other), "xyzx", 4);
    page_put(first);
    page_put(other);
    page_put(last);
    assert_int_equal(call_ftruncate(task, fd, 10), 0);
    assert_int_equal(call_ftruncate(task, fd, 20), 0);
    char some[21] = "";
    assert_int_equal(call_pread64(task, fd, at(some), 21, 0), 20);
    assert_memory_equal(some, "xyzxxxxxxx\0\0\0\0\0\0\0\0\0", 20);
}

// Each bit of the archive's headers changed, and each length of it: no more than a complaint.
static void bad_images_are_refused(void **state)
{
    (void)state;
    struct image image = image_make();
    unsigned refused = 0;
    for (uint64_t bytes = 0; bytes < image.bytes; bytes += bytes < 1000 ? 1 : 37) {
        struct place to = place_make(root(), "x", 0755);
        char *copy = host_alloc(bytes + 1);
        memcpy(copy, image.at, bytes);
        assert_non_null(cpio_unpack(copy, bytes, to));
        place_put(to);
        teardown(NULL);
        host_free(copy);
        setup(NULL);
    }
    for (uint64_t bit = 0; bit < 900 * 8; bit++) {
        struct place to = place_make(root(), "x", 0755);
        image.at[bit / 8] ^= (char)(1 << bit % 8);
        refused += cpio_unpack(image.at, image.bytes, to) != NULL;
        image.at[bit / 8] ^= (char)(1 << bit % 8);
        place_put(to);
        teardown(NULL);
        setup(NULL);
    }
    assert_true(refused > 1000);
}

static void images_do_not_leave_their_root(void **state)
{
    (void)state;
    static const char *const names[] = { "../x", "bin/../../x", "none/x", "bin/.." };
    for (unsigned i = 0; i < 4; i++) {
        struct image image = { fake_image(PAGE_SIZE), 0 };
        const struct header headers[] = {
            { "bin", 2, S_IFDIR | 0755, 2, 0, "", 0, false },
            { names[i], 3, S_IFREG | 0755, 1, 0, "a", 1, false },
            { "TRAILER!!!", 0, 0, 1, 0, "", 0, false },
        };
        for (unsigned j = 0; j < 3; j++) {
            add(&image, &headers[j]);
        }
        struct place to = place_make(root(), "x", 0755);
        assert_non_null(cpio_unpack(image.at, image.bytes, to));
        place_put(to);
        teardown(NULL);
        setup(NULL);
    }
}

// ---- content -----------------------------------------------------------------------------------
static void holes_have_no_pages(void **state)
{
    (void)state;
    uint64_t before = page_free;
    int fd = must_open("/tmp/sparse", O_RDWR | O_CREAT);
    assert_int_equal(call_ftruncate(task, fd, 1ll << 40), 0);
    char some[8] = "1234567";
    assert_int_equal(call_pread64(task, fd, at(some), 8, 1ll << 39), 8);
    assert_int_equal(some[0], 0);
    assert_int_equal(page_free, before);
    assert_int_equal(call_pwrite64(task, fd, at("abc"), 3, (1ll << 39) - 1), 3);
    assert_int_equal(page_free, before - 2);
    assert_int_equal(call_lseek(task, fd, 0, 3), (1ll << 39) - PAGE_SIZE);
    assert_int_equal(call_lseek(task, fd, 1ll << 39, 4), (1ll << 39) + PAGE_SIZE);
    assert_int_equal(call_ftruncate(task, fd, 1ll << 39), 0);
    assert_int_equal(page_free, before - 1);
    assert_int_equal(call_fallocate(task, fd, 3, 0, 1ll << 39), 0);
    assert_int_equal(page_free, before);
}

static void limits_are_kept(void **state)
{
    (void)state;
    int fd = must_open("/tmp/a", O_RDWR | O_CREAT);
    task->process->limits[1].soft = 10;
    char some[20] = "0123456789abcdefghi";
    assert_int_equal(call_write(task, fd, at(some), 20), 10);
    fake_signal = 0;
    assert_int_equal(call_write(task, fd, at(some), 1), -EFBIG);
    assert_int_equal(fake_signal, SIGXFSZ);
    assert_int_equal(call_ftruncate(task, fd, 11), -EFBIG);
    assert_int_equal(call_ftruncate(task, fd, 10), 0);
    task->process->limits[7].soft = (uint64_t)fd + 1;
    assert_int_equal(call_open(task, at("/tmp/none"), 0, 0), -EMFILE);
    assert_int_equal(call_dup(task, fd), -EMFILE);
    assert_int_equal(call_dup2(task, fd, fd + 1), -EBADF);
    assert_int_equal(call_fcntl(task, fd, 0, (uint64_t)fd + 1), -EINVAL);
}

static void bad_addresses_are_refused(void **state)
{
    (void)state;
    int fd = must_open("/tmp/a", O_RDWR | O_CREAT);
    assert_int_equal(call_write(task, fd, at("abc"), 3), 3);
    assert_int_equal(call_write(task, fd, 8, 5000), -EFAULT);
    assert_int_equal(call_lseek(task, fd, 0, 0), 0);
    assert_int_equal(call_read(task, fd, 8, 1), -EFAULT);
    assert_int_equal(call_open(task, 8, 0, 0), -EFAULT);
    assert_int_equal(call_fstat(task, fd, 8), -EFAULT);
    assert_int_equal(call_getcwd(task, 8, 100), -EFAULT);
    must_hold("/tmp/a", "abc");
}

// What is done with n allocations left is done, or it is not and says so; nothing is lost.
static void want_of_memory_loses_nothing(void **state)
{
    (void)state;
    static char page[PAGE_SIZE];
    for (uint64_t left = 0; left < 40; left++) {
        fake_heap_left = left;
        (void)call_mkdir(task, at("/tmp/d"), 0777);
        (void)call_symlink(task, at("../a"), at("/tmp/d/s"));
        int64_t fd = call_open(task, at("/tmp/d/f"), O_CREAT | O_RDWR, 0666);
        if (fd >= 0) {
            (void)call_pwrite64(task, (int)fd, at(page), sizeof(page), 1 << 20);
            (void)call_close(task, (int)fd);
        }
        (void)call_link(task, at("/tmp/d/f"), at("/tmp/d/g"));
        (void)call_rename(task, at("/tmp/d/f"), at("/tmp/d/a much longer name than it had"));
        int64_t memory = call_memfd_create(task, at("m"), 0);
        if (memory >= 0) {
            (void)call_close(task, (int)memory);
        }
        fake_heap_left = UINT64_MAX;
        (void)call_unlink(task, at("/tmp/d/s"));
        (void)call_unlink(task, at("/tmp/d/f"));
        (void)call_unlink(task, at("/tmp/d/g"));
        (void)call_unlink(task, at("/tmp/d/a much longer name than it had"));
        int64_t gone = call_rmdir(task, at("/tmp/d"));
        assert_true(gone == 0 || gone == -ENOENT);
    }
}

// ---- who may -----------------------------------------------------------------------------------
static void become(uint32_t uid, uint32_t gid)
{
    struct credentials *who = &task->credentials;
    who->uid = who->euid = who->fsuid = uid;
    who->gid = who->egid = who->fsgid = gid;
    who->effective = who->permitted = uid ? 0 : UINT64_MAX;
}

static void modes_are_kept(void **state)
{
    (void)state;
    assert_int_equal(call_mkdir(task, at("/tmp/own"), 0700), 0);
    assert_int_equal(call_close(task, must_open("/tmp/file", O_CREAT | O_RDWR)), 0);
    assert_int_equal(call_chmod(task, at("/tmp/file"), 04640), 0);
    assert_int_equal(call_chown(task, at("/tmp/file"), 1, 2), 0);
    assert_int_equal(must_stat("/tmp/file").mode, S_IFREG | 0640);
    become(3, 2);
    assert_int_equal(call_open(task, at("/tmp/file"), O_RDONLY, 0) >= 0, 1);
    assert_int_equal(call_open(task, at("/tmp/file"), O_WRONLY, 0), -EACCES);
    assert_int_equal(call_open(task, at("/tmp/own/x"), O_RDONLY, 0), -EACCES);
    assert_int_equal(call_chmod(task, at("/tmp/file"), 0777), -EPERM);
    assert_int_equal(call_unlink(task, at("/tmp/file")), -EPERM);  // /tmp is sticky
    assert_int_equal(call_rename(task, at("/tmp/file"), at("/tmp/other")), -EPERM);
    assert_int_equal(call_access(task, at("/tmp/file"), 2), -EACCES);
    assert_int_equal(call_truncate(task, at("/tmp/file"), 0), -EACCES);
    become(4, 4);
    assert_int_equal(call_open(task, at("/tmp/file"), O_RDONLY, 0), -EACCES);
    task->credentials.groups[0] = 2;
    task->credentials.group_count = 1;
    assert_int_equal(call_access(task, at("/tmp/file"), 4), 0);
    become(0, 0);
    task->credentials.group_count = 0;
}

static void groups_are_inherited(void **state)
{
    (void)state;
    assert_int_equal(call_mkdir(task, at("/tmp/g"), 0777), 0);
    assert_int_equal(call_chown(task, at("/tmp/g"), 0, 9), 0);
    assert_int_equal(call_chmod(task, at("/tmp/g"), 02777), 0);
    become(3, 3);
    assert_int_equal(call_mkdir(task, at("/tmp/g/d"), 0755), 0);
    assert_int_equal(call_close(task, must_open("/tmp/g/f", O_CREAT)), 0);
    become(0, 0);
    assert_int_equal(must_stat("/tmp/g/d").gid, 9);
    assert_int_equal(must_stat("/tmp/g/d").mode, S_IFDIR | 02755);
    assert_int_equal(must_stat("/tmp/g/f").gid, 9);
    assert_int_equal(must_stat("/tmp/g/f").uid, 3);
}

// ---- locks -------------------------------------------------------------------------------------
struct flock {
    int16_t kind, whence;
    int32_t padding;
    int64_t start, bytes;
    int32_t pid, padding2;
};
enum {
    READ_LOCK,
    WRITE_LOCK,
    NO_LOCK
};
#define GET      5u
#define SET      6u
#define SET_WAIT 7u

static int64_t lock(struct files *files, int fd, uint32_t command, struct flock *flock)
{
    struct files *own = task->files;
    task->files = files;
    int64_t result = call_fcntl(task, fd, command, at(flock));
    task->files = own;
    return result;
}

static int64_t lock_range(struct files *files, int fd, int16_t kind, int64_t start, int64_t bytes)
{
    struct flock flock = { .kind = kind, .start = start, .bytes = bytes };
    return fake_done(task, lock(files, fd, SET, &flock));
}

static void record_locks(void **state)
{
    (void)state;
    int fd = must_open("/tmp/l", O_CREAT | O_RDWR);
    struct files *other = files_copy(task->files);
    assert_int_equal(lock_range(task->files, fd, WRITE_LOCK, 10, 20), 0);
    assert_int_equal(lock_range(other, fd, READ_LOCK, 0, 10), 0);
    assert_int_equal(lock_range(other, fd, READ_LOCK, 0, 11), -EAGAIN);
    assert_int_equal(lock_range(task->files, fd, NO_LOCK, 15, 5), 0);
    assert_int_equal(lock_range(other, fd, WRITE_LOCK, 15, 5), 0);
    struct flock flock = { .kind = WRITE_LOCK, .start = 20, .bytes = 0 };
    assert_int_equal(lock(other, fd, GET, &flock), 0);
    assert_int_equal(flock.kind, WRITE_LOCK);
    assert_int_equal(flock.start, 20);
    assert_int_equal(flock.bytes, 10);
    assert_int_equal(flock.pid, 1);
    flock = (struct flock){ .kind = READ_LOCK, .whence = 2, .start = 100 };
    assert_int_equal(lock(other, fd, GET, &flock), 0);
    assert_int_equal(flock.kind, NO_LOCK);
    files_put(task, other);
    assert_int_equal(lock_range(task->files, fd, WRITE_LOCK, 0, 0), 0);
}

static void circles_of_locks_are_found(void **state)
{
    (void)state;
    int fd = must_open("/tmp/l", O_CREAT | O_RDWR);
    struct files *other = files_copy(task->files);
    struct flock first = { .kind = WRITE_LOCK, .start = 0, .bytes = 1 }, second = first;
    second.start = 1;
    assert_int_equal(lock_range(task->files, fd, WRITE_LOCK, 0, 1), 0);
    assert_int_equal(lock_range(other, fd, WRITE_LOCK, 1, 1), 0);
    fake_waited = NULL;
    assert_int_equal(lock(task->files, fd, SET_WAIT, &second), RESULT_WAIT);
    assert_non_null(fake_waited);
    struct call waiting = task->call;
    task->call = (struct call){};
    assert_int_equal(fake_done(task, lock(other, fd, SET_WAIT, &first)), -EDEADLK);
    task->call = waiting;
    assert_int_equal(lock_range(other, fd, NO_LOCK, 1, 1), 0);
    assert_null(fake_waited);
    assert_int_equal(fake_done(task, lock(task->files, fd, SET_WAIT, &second)), 0);
    files_put(task, other);
}

static void whole_files_are_locked(void **state)
{
    (void)state;
    int one = must_open("/tmp/l", O_CREAT | O_RDWR), two = must_open("/tmp/l", O_RDWR);
    int same = (int)call_dup(task, one);
    assert_int_equal(call_flock(task, one, 2), 0);
    assert_int_equal(call_flock(task, same, 2), 0);
    assert_int_equal(call_flock(task, two, 1 | 4), -EAGAIN);
    assert_int_equal(call_flock(task, one, 1), 0);
    assert_int_equal(call_flock(task, two, 1 | 4), 0);
    assert_int_equal(call_flock(task, two, 2 | 4), -EAGAIN);
    assert_int_equal(call_close(task, one), 0);
    assert_int_equal(call_flock(task, two, 2 | 4), -EAGAIN);
    assert_int_equal(call_close(task, same), 0);
    assert_int_equal(call_flock(task, two, 2 | 4), 0);
}

// ---- mounts ------------------------------------------------------------------------------------
static int64_t mount_at(const char *source, const char *target, const char *type, uint64_t flags)
{
    return call_mount(task, at(source), at(target), at(type), flags, at("size=8k"));
}

#define SET_LEASE   1024u
#define WRITE_LEASE 1u
#define SECOND      1000000000ull

// Who wants to read waits on where another has asked for more, and later: not for what is past.
static void leases_are_waited_for(void **state)
{
    (void)state;
    int fd = must_open("/tmp/l", O_CREAT | O_WRONLY);
    assert_int_equal(call_fcntl(task, fd, SET_LEASE, WRITE_LEASE), 0);
    assert_int_equal(call_open(task, at("/tmp/l"), O_RDONLY, 0), RESULT_WAIT);
    struct call reading = task->call;
    task->call = (struct call){};
    fake_clock += SECOND;
    assert_int_equal(call_open(task, at("/tmp/l"), O_WRONLY, 0), RESULT_WAIT);
    uint64_t until = task->call.deadline;
    assert_true(until >= reading.deadline + SECOND);
    fake_clock = reading.deadline;
    task->call = reading;
    task->call.again = true;
    assert_int_equal(call_open(task, at("/tmp/l"), O_RDONLY, 0), RESULT_WAIT);
    assert_int_equal(task->call.deadline, until);
    fake_clock = until;
    must_open("/tmp/l", O_RDONLY);
    task->call = (struct call){};
}

static void mounts_cover(void **state)
{
    (void)state;
    static char page[PAGE_SIZE];
    assert_int_equal(call_mkdir(task, at("/tmp/m"), 0755), 0);
    assert_int_equal(mount_at("none", "/tmp/m", "tmpfs", 0), 0);
    assert_int_equal(mount_at("none", "/tmp/m", "unheard of", 0), -ENODEV);
    int fd = must_open("/tmp/m/f", O_CREAT | O_RDWR);
    assert_int_equal(call_pwrite64(task, fd, at(page), PAGE_SIZE, 0), PAGE_SIZE);
    assert_int_equal(call_pwrite64(task, fd, at(page), PAGE_SIZE, PAGE_SIZE), PAGE_SIZE);
    assert_int_equal(call_pwrite64(task, fd, at(page), PAGE_SIZE, 2 * PAGE_SIZE), -ENOSPC);
    assert_int_equal(call_rename(task, at("/tmp/m/f"), at("/tmp/f")), -EXDEV);
    assert_int_equal(call_rmdir(task, at("/tmp/m")), -EBUSY);
    assert_int_equal(call_umount2(task, at("/tmp/m"), 0), -EBUSY);
    assert_int_equal(call_close(task, fd), 0);
    assert_int_equal(call_mkdir(task, at("/tmp/b"), 0755), 0);
    assert_int_equal(mount_at("/tmp/m", "/tmp/b", "", MS_BIND), 0);
    assert_int_equal(must_stat("/tmp/b/f").number, must_stat("/tmp/m/f").number);
    assert_int_equal(call_umount2(task, at("/tmp/m"), 0), 0);
    assert_int_equal(call_access(task, at("/tmp/m/f"), 0), -ENOENT);
    assert_int_equal(mount_at("", "/tmp/b", "", MS_REMOUNT | MS_BIND | MS_RDONLY), 0);
    assert_int_equal(call_open(task, at("/tmp/b/f"), O_RDWR, 0), -EROFS);
    assert_int_equal(call_chdir(task, at("/tmp/b")), 0);
    char text[32];
    assert_int_equal(call_getcwd(task, at(text), sizeof(text)), 7);
    assert_string_equal(text, "/tmp/b");
    assert_int_equal(call_umount2(task, at("/tmp/b"), 2), 0);
    assert_true(call_getcwd(task, at(text), sizeof(text)) > 0);
    assert_string_equal(text, "(unreachable)/");
    assert_int_equal(call_chdir(task, at("/")), 0);
    assert_int_equal(call_umount2(task, at("/tmp"), 0), -EINVAL);
}

// ---- /proc -------------------------------------------------------------------------------------
static unsigned read_all(const char *path)
{
    char some[300];
    unsigned bytes = 0;
    int fd = must_open(path, O_RDONLY);
    for (int64_t got; (got = call_read(task, fd, at(some), sizeof(some))) > 0;) {
        bytes += (unsigned)got;
    }
    assert_int_equal(call_close(task, fd), 0);
    return bytes;
}

// Every name in it can be looked at: how many there are.
static unsigned walk(const char *path, unsigned depth)
{
    char entries[200], below[256];
    unsigned count = 0;
    int fd = must_open(path, O_RDONLY | O_DIRECTORY);
    for (int64_t bytes; (bytes = call_getdents64(task, fd, at(entries), sizeof(entries))) > 0;) {
        for (int64_t i = 0; i < bytes; i += *(uint16_t *)(void *)&entries[i + 16]) {
            const char *name = &entries[i + 19];
            if (name[0] == '.') {
                continue;
            }
            (void)rt_format(below, sizeof(below), "%s/%s", path, name);
            uint32_t kind = must_stat(below).mode & S_IFMT;
            assert_int_equal((unsigned char)entries[i + 18], kind >> 12);
            count++;
            if (kind == S_IFREG) {
                (void)read_all(below);
            } else if (kind == S_IFDIR && depth) {
                count += walk(below, depth - 1);
            }
        }
    }
    assert_int_equal(call_close(task, fd), 0);
    return count;
}

static void processes_tell_of_themselves(void **state)
{
    (void)state;
    char text[300] = "";
    assert_true(walk("/proc", 4) > 150);
    assert_int_equal(call_readlink(task, at("/proc/self"), at(text), 300), 1);
    assert_string_equal(text, "1");
    must_hold("/proc/self/comm", "test\n");
    must_hold("/proc/sys/kernel/ostype", "Linux\n");
    int fd = must_open("/tmp/gone", O_CREAT | O_RDWR);
    assert_int_equal(call_unlink(task, at("/tmp/gone")), 0);
    char path[32];
    (void)rt_format(path, sizeof(path), "/proc/self/fd/%d", fd);
    assert_int_equal(call_readlink(task, at(path), at(text), 300), 19);
    assert_string_equal(text, "/tmp/gone (deleted)");
    assert_int_equal(call_write(task, fd, at("ab"), 2), 2);
    must_hold(path, "ab");
    memset(text, 0, sizeof(text));
    fd = must_open("/proc/1/maps", O_RDONLY);
    assert_int_equal(call_read(task, fd, at(text), 300), 81);
    assert_string_equal(
        text, "00007000-00009000 rw-p 00000000 00:00 0                                  [stack]\n");
    assert_int_equal(call_open(task, at("/proc/1/x"), O_CREAT, 0), -ENOENT);
    assert_int_equal(call_mkdir(task, at("/proc/2"), 0), -ENOENT);
    assert_int_equal(call_unlink(task, at("/proc/1/maps")), -EPERM);
    assert_int_equal(call_chmod(task, at("/proc/1/maps"), 0), -EPERM);
    assert_int_equal(call_stat(task, at("/proc/99"), at(text)), -ENOENT);
}

// ---- the rest ----------------------------------------------------------------------------------
static void openat2_stays_within(void **state)
{
    (void)state;
    struct {
        uint64_t flags, mode, resolve;
    } how = { O_RDONLY, 0, 8 };
    assert_int_equal(call_mkdir(task, at("/tmp/in"), 0755), 0);
    assert_int_equal(call_symlink(task, at("/dev/null"), at("/tmp/in/out")), 0);
    assert_int_equal(call_symlink(task, at("../x"), at("/tmp/in/up")), 0);
    int fd = must_open("/tmp/in", O_PATH);
    uint64_t bytes = sizeof(how);
    assert_int_equal(call_openat2(task, fd, at("out"), at(&how), bytes), -EXDEV);
    assert_int_equal(call_openat2(task, fd, at("up"), at(&how), bytes), -EXDEV);
    assert_int_equal(call_openat2(task, fd, at("/x"), at(&how), bytes), -EXDEV);
    how.resolve = 16;
    assert_int_equal(call_openat2(task, fd, at("out"), at(&how), bytes), -ENOENT);
    assert_true(call_openat2(task, fd, at("/../.."), at(&how), bytes) > 0);
    how.resolve = 4;
    assert_int_equal(call_openat2(task, fd, at("out"), at(&how), bytes), -ELOOP);
    how.resolve = 1;
    assert_int_equal(call_openat2(task, AT_FDCWD, at("/dev/null"), at(&how), bytes), -EXDEV);
    assert_int_equal(call_openat2(task, fd, at("."), at(&how), bytes - 1), -EINVAL);
}

static void seals_hold(void **state)
{
    (void)state;
    int fd = (int)call_memfd_create(task, at("sealed"), 2);
    assert_int_equal(call_write(task, fd, at("abc"), 3), 3);
    assert_int_equal(call_fcntl(task, fd, 1034, 0), 0);
    assert_int_equal(call_fcntl(task, fd, 1033, SEAL_SHRINK), 0);
    assert_int_equal(call_ftruncate(task, fd, 2), -EPERM);
    assert_int_equal(call_ftruncate(task, fd, 5), 0);
    assert_int_equal(call_fcntl(task, fd, 1033, SEAL_WRITE | SEAL_SEAL), 0);
    assert_int_equal(call_pwrite64(task, fd, at("abc"), 3, 0), -EPERM);
    assert_int_equal(call_fcntl(task, fd, 1033, SEAL_GROW), -EPERM);
    assert_int_equal(call_close(task, fd), 0);
}

static void attributes_are_kept(void **state)
{
    (void)state;
    char value[16] = "";
    assert_int_equal(call_close(task, must_open("/tmp/x", O_CREAT)), 0);
    user_t path = at("/tmp/x"), name = at("user.colour");
    assert_int_equal(call_getxattr(task, path, name, at(value), 16), -ENODATA);
    assert_int_equal(call_setxattr(task, path, name, at("red"), 3, 2), -ENODATA);
    assert_int_equal(call_setxattr(task, path, name, at("red"), 3, 1), 0);
    assert_int_equal(call_setxattr(task, path, name, at("blue"), 4, 1), -EEXIST);
    assert_int_equal(call_setxattr(task, path, name, at("blue"), 4, 0), 0);
    assert_int_equal(call_getxattr(task, path, name, at(value), 3), -ERANGE);
    assert_int_equal(call_getxattr(task, path, name, 0, 0), 4);
    assert_int_equal(call_getxattr(task, path, name, at(value), 16), 4);
    assert_string_equal(value, "blue");
    assert_int_equal(call_listxattr(task, path, at(value), 16), 12);
    assert_string_equal(value, "user.colour");
    assert_int_equal(call_setxattr(task, path, at("system.x"), at("a"), 1, 0), -EOPNOTSUPP);
    assert_int_equal(call_removexattr(task, path, name), 0);
    assert_int_equal(call_removexattr(task, path, name), -ENODATA);
}

static void vectors_are_one_transfer(void **state)
{
    (void)state;
    char one[4], two[8] = "";
    const struct {
        user_t base;
        uint64_t bytes;
    } out[3] = { { at("abc"), 3 }, { 8, 0 }, { at("defg"), 4 } },
      in[2] = { { at(one), 4 }, { at(two), 8 } };
    int fd = must_open("/tmp/v", O_CREAT | O_RDWR);
    assert_int_equal(call_writev(task, fd, at(out), 3), 7);
    assert_int_equal(call_preadv(task, fd, at(in), 2, 1, 0), 6);
    assert_memory_equal(one, "bcde", 4);
    assert_string_equal(two, "fg");
    assert_int_equal(call_pwritev2(task, fd, at(out), 1, 0, 0, 0x10), 3);
    assert_int_equal(must_stat("/tmp/v").size, 10);
    assert_int_equal(call_copy_file_range(task, fd, 0, fd, 0, 0, 0), 0);
    int64_t offset = 2;
    int to = must_open("/tmp/w", O_CREAT | O_RDWR);
    assert_int_equal(call_sendfile(task, to, fd, at(&offset), 100), 8);
    assert_int_equal(offset, 10);
    must_hold("/tmp/w", "cdefgabc");
}

static void descriptors_are_shared_and_copied(void **state)
{
    (void)state;
    int fd = must_open("/tmp/d", O_CREAT | O_RDWR | O_CLOEXEC);
    assert_int_equal(call_fcntl(task, fd, 1, 0), 1);
    int high = (int)call_fcntl(task, fd, 0, 500);
    assert_int_equal(high, 500);
    assert_int_equal(call_write(task, high, at("ab"), 2), 2);
    assert_int_equal(call_lseek(task, fd, 0, 1), 2);
    files_exec(task);
    assert_null(file_at(task, fd));
    assert_non_null(file_at(task, high));
    assert_int_equal(call_close_range(task, 0, UINT32_MAX, 4), 0);
    assert_int_equal(call_fcntl(task, high, 1, 0), 1);
    assert_int_equal(call_close_range(task, 3, 2, 0), -EINVAL);
    assert_int_equal(call_close_range(task, 0, UINT32_MAX, 0), 0);
    assert_int_equal(call_close(task, high), -EBADF);
    assert_int_equal(must_open("/tmp/d", 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(image_is_unpacked),
        TEST(image_pages_are_shared),
        TEST(bad_images_are_refused),
        TEST(images_do_not_leave_their_root),
        TEST(holes_have_no_pages),
        TEST(limits_are_kept),
        TEST(bad_addresses_are_refused),
        TEST(want_of_memory_loses_nothing),
        TEST(modes_are_kept),
        TEST(groups_are_inherited),
        TEST(record_locks),
        TEST(circles_of_locks_are_found),
        TEST(whole_files_are_locked),
        TEST(leases_are_waited_for),
        TEST(mounts_cover),
        TEST(processes_tell_of_themselves),
        TEST(openat2_stays_within),
        TEST(seals_hold),
        TEST(attributes_are_kept),
        TEST(vectors_are_one_transfer),
        TEST(descriptors_are_shared_and_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
