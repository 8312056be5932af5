// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What regular files of tmpfs hold: pages, by which shared mappings agree with read and write;
// below them what the root image has, which is never written to; else zeros, which need no page.
#include "area.h"
#include "attribute.h"
#include "content.h"
#include "outside.h"
#include "seal.h"
#include "task.h"
#include "tmpnode.h"

#include <rt/string.h>

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t tmpfs_pages;

// ---- pages -------------------------------------------------------------------------------------
// Whether a page of the root image is the file's as it stands, all of it.
static bool image_page_is_whole(const struct node *node, uint64_t index)
{
    return !((uintptr_t)node->image & PAGE_MASK) && index < node->image_bytes >> PAGE_BITS;
}

// What a new page holds before it is written to, from `from` on.
static void fill(const struct node *node, uint64_t index, char *page, uint64_t from)
{
    uint64_t start = (index << PAGE_BITS) + from;
    uint64_t known = start < node->image_bytes ? node->image_bytes - start : 0;
    known = least(known, PAGE_SIZE - from);
    if (known) {
        memcpy(page + from, node->image + start, known);
    }
    memset(page + from + known, 0, PAGE_SIZE - from - known);
}

// Put a page where none is, with what stood there from `from` on.  PAGE_NONE, with *error.
static uint32_t page_bring(struct node *node, uint64_t index, uint64_t from, int64_t *error)
{
    struct tmpfs *fs = node->fs;
    bool full = tmpfs_pages >= tmpfs_most() || (fs->most && fs->used >= fs->most);
    *error = full ? -ENOSPC : -ENOMEM;
    uint32_t page = *error == -ENOSPC ? PAGE_NONE : page_alloc();
    if (page == PAGE_NONE) {
        return PAGE_NONE;
    }
    if (!pagetree_put(&node->pages, index, page)) {
        page_put(page);
        return PAGE_NONE;
    }
    fill(node, index, page_here(page), from);
    fs->used++;
    tmpfs_pages++;
    if (index < PAGE_UP(node->image_bytes) >> PAGE_BITS && !list_empty(&node->inode.areas)) {
        area_replace(&node->inode, index);
    }
    return page;
}

static uint32_t page_there(const struct node *node, uint64_t index, bool write)
{
    uint32_t page = pagetree_get(&node->pages, index);
    if (page == PAGE_NONE && !write && image_page_is_whole(node, index)) {
        page = page_of(node->image) + (uint32_t)index;
    }
    return page;
}

static bool index_is_within(const struct file *file, uint64_t index)
{
    return index < PAGE_UP(file->inode->is.size) >> PAGE_BITS;
}

static uint32_t tmpfile_peek(const struct file *file, uint64_t index)
{
    return index_is_within(file, index) ? page_there(node_of(file->inode), index, false)
                                        : PAGE_NONE;
}

static uint32_t tmpfile_page(struct file *file, uint64_t index, bool write)
{
    struct node *node = node_of(file->inode);
    int64_t error = 0;
    if (!index_is_within(file, index)) {
        return PAGE_NONE;
    }
    uint32_t page = page_there(node, index, write);
    page = page == PAGE_NONE ? page_bring(node, index, 0, &error) : page;
    if (page != PAGE_NONE) {
        page_get(page);
    }
    if (write) {
        inode_touch(file->inode);
    }
    return page;
}

static void cut(struct node *node, uint64_t first, uint64_t end)
{
    uint64_t before = node->pages.count;
    pagetree_cut(&node->pages, first, end);
    node->fs->used -= before - node->pages.count;
    tmpfs_pages -= before - node->pages.count;
}

void tmpfile_free(struct node *node)
{
    cut(node, 0, UINT64_MAX);
}

void tmpfile_refresh(struct inode *inode)
{
    const struct node *node = node_of(inode);
    uint64_t count = node->pages.count, most = PAGE_UP(inode->is.size) >> PAGE_BITS;
    if (inode_is(inode, S_IFREG) && node->image_bytes) {
        count = least(count + (PAGE_UP(node->image_bytes) >> PAGE_BITS), most);
    }
    inode->is.blocks = count << (PAGE_BITS - 9);
}

// ---- reading -----------------------------------------------------------------------------------
// At most to the end of the page.
static int64_t give(struct node *node, struct io *io, uint64_t at, uint64_t bytes)
{
    uint64_t in = at & PAGE_MASK;
    bytes = least(bytes, PAGE_SIZE - in);
    uint32_t page = pagetree_get(&node->pages, at >> PAGE_BITS);
    if (page != PAGE_NONE) {
        return io_give(io, (char *)page_here(page) + in, bytes);
    }
    if (at < node->image_bytes) {
        return io_give(io, node->image + at, least(bytes, node->image_bytes - at));
    }
    return io_give_zero(io, bytes);
}

static int64_t tmpfile_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    (void)task;
    struct node *node = node_of(file->inode);
    uint64_t size = file->inode->is.size;
    int64_t done = 0;
    while (io->left && *offset < size) {
        int64_t given = give(node, io, *offset, least(io->left, size - *offset));
        if (given <= 0) {
            return done ? done : given;
        }
        done += given;
        *offset += (uint64_t)given;
    }
    return done;
}

// ---- writing -----------------------------------------------------------------------------------
// What a mapping wrote behind the end is not to be seen when the file grows over it.
static void clear_gap(struct node *node, uint64_t from, uint64_t to)
{
    uint32_t page = from & PAGE_MASK ? pagetree_get(&node->pages, from >> PAGE_BITS) : PAGE_NONE;
    if (page != PAGE_NONE && from < to) {
        uint64_t in = from & PAGE_MASK;
        memset((char *)page_here(page) + in, 0, least(PAGE_SIZE - in, to - from));
    }
}

static int64_t take(struct node *node, struct io *io, uint64_t at)
{
    uint64_t in = at & PAGE_MASK, index = at >> PAGE_BITS, bytes = least(io->left, PAGE_SIZE - in);
    int64_t error = 0;
    uint32_t page = pagetree_get(&node->pages, index);
    bool whole = page == PAGE_NONE && bytes == PAGE_SIZE;
    page = page == PAGE_NONE ? page_bring(node, index, whole ? PAGE_SIZE : 0, &error) : page;
    if (page == PAGE_NONE) {
        return error;
    }
    char *here = page_here(page);
    int64_t taken = io_take(io, here + in, bytes);
    if (whole && taken < (int64_t)PAGE_SIZE) {
        fill(node, index, here, taken < 0 ? 0 : (uint64_t)taken);
    }
    return taken;
}

static int64_t tmpfile_write(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    struct inode *inode = file->inode;
    if (file->flags & O_APPEND) {
        *offset = inode->is.size;
    }
    uint32_t seals = node_of(inode)->seals;
    int64_t done = content_limit(task, io, *offset);
    if (seals & (SEAL_WRITE | SEAL_FUTURE_WRITE) ||
        (seals & SEAL_GROW && *offset + io->left > inode->is.size)) {
        return io->left ? -EPERM : 0;
    }
    if (done < 0 || io->left == 0) {
        return done;
    }
    clear_gap(node_of(inode), inode->is.size, *offset);
    while (io->left) {
        int64_t taken = take(node_of(inode), io, *offset);
        if (taken <= 0) {
            done = done ? done : taken;
            break;
        }
        done += taken;
        *offset += (uint64_t)taken;
        inode->is.size = *offset > inode->is.size ? *offset : inode->is.size;
    }
    if (done > 0) {
        inode_strip(task, inode);
        inode_touch(inode);
    }
    return done;
}

// ---- size --------------------------------------------------------------------------------------
static void shrink(struct node *node, uint64_t size)
{
    struct inode *inode = &node->inode;
    uint64_t keep = PAGE_UP(size) >> PAGE_BITS, in = size & PAGE_MASK;
    bool mapped = !list_empty(&inode->areas);
    bool image = in && image_page_is_whole(node, size >> PAGE_BITS);
    node->image_bytes = least(node->image_bytes, size);
    uint32_t page = in ? pagetree_get(&node->pages, size >> PAGE_BITS) : PAGE_NONE;
    if (page != PAGE_NONE) {
        memset((char *)page_here(page) + in, 0, PAGE_SIZE - in);
    } else if (image && mapped) {
        area_replace(inode, size >> PAGE_BITS);
    }
    if (mapped) {
        area_truncate(inode, keep);
    }
    cut(node, keep, UINT64_MAX);
}

int64_t tmpfile_truncate(struct inode *inode, uint64_t size)
{
    struct node *node = node_of(inode);
    uint64_t old = inode->is.size;
    if ((size < old && node->seals & SEAL_SHRINK) || (size > old && node->seals & SEAL_GROW)) {
        return -EPERM;
    }
    inode->is.size = size;
    if (size < old) {
        shrink(node, size);
    } else {
        clear_gap(node, old, size);
    }
    inode_touch(inode);
    return 0;
}

// Whether a page is there for good: nothing has to be found for it when it is written to.
static bool is_allocated(const struct node *node, uint64_t index)
{
    return pagetree_get(&node->pages, index) != PAGE_NONE || index < node->image_bytes >> PAGE_BITS;
}

// Whether a file system has as many pages more as a file lacks in a range.
static bool has_pages(const struct node *node, uint64_t first, uint64_t end)
{
    const struct tmpfs *fs = node->fs;
    uint64_t left = tmpfs_most() > tmpfs_pages ? tmpfs_most() - tmpfs_pages : 0;
    uint64_t own = fs->most - fs->used;
    left = fs->most && own < left ? own : left;
    for (uint64_t index = first, lacks = 0; index < end; index++) {
        lacks += !is_allocated(node, index);
        if (lacks > left) {
            return false;
        }
    }
    return true;
}

int64_t tmpfs_allocate(struct inode *inode, uint64_t from, uint64_t to)
{
    struct node *node = node_of(inode);
    uint64_t first = from >> PAGE_BITS, end = PAGE_UP(to) >> PAGE_BITS;
    int64_t error = node->seals & SEAL_GROW && to > inode->is.size ? -EPERM : 0;
    if (error || !has_pages(node, first, end)) {
        return error ? error : -ENOSPC;
    }
    for (uint64_t index = first; index < end; index++) {
        if (!is_allocated(node, index) && page_bring(node, index, 0, &error) == PAGE_NONE) {
            return error;
        }
    }
    return 0;
}

static int64_t clear_part(struct node *node, uint64_t from, uint64_t to)
{
    int64_t error = 0;
    uint64_t index = from >> PAGE_BITS;
    uint32_t page = pagetree_get(&node->pages, index);
    if (page == PAGE_NONE && from < node->image_bytes) {
        page = page_bring(node, index, 0, &error);
    }
    if (page != PAGE_NONE) {
        memset((char *)page_here(page) + (from & PAGE_MASK), 0, to - from);
    }
    return error == 0 || page != PAGE_NONE ? 0 : error;
}

// The image has no holes: what is punched out of it becomes pages of zeros.
int64_t tmpfs_punch(struct inode *inode, uint64_t from, uint64_t to)
{
    struct node *node = node_of(inode);
    if (node->seals & (SEAL_WRITE | SEAL_FUTURE_WRITE)) {
        return -EPERM;
    }
    while (from < to) {
        uint64_t end = least(to, (from | PAGE_MASK) + 1);
        bool whole = end - from == PAGE_SIZE && from >= PAGE_UP(node->image_bytes);
        if (whole) {
            end = to & ~PAGE_MASK;
            if (!list_empty(&inode->areas)) {
                area_truncate(inode, from >> PAGE_BITS);
            }
            cut(node, from >> PAGE_BITS, end >> PAGE_BITS);
        } else {
            int64_t error = clear_part(node, from, end);
            if (error) {
                return error;
            }
        }
        from = end;
    }
    inode_touch(inode);
    return 0;
}

static bool holds(const struct node *node, uint64_t index)
{
    return index << PAGE_BITS < node->image_bytes || pagetree_get(&node->pages, index) != PAGE_NONE;
}

int64_t tmpfs_seek(struct inode *inode, uint64_t from, bool data)
{
    const struct node *node = node_of(inode);
    uint64_t size = inode->is.size, index = from >> PAGE_BITS;
    if (from >= size) {
        return -ENXIO;
    }
    if (holds(node, index) == data) {
        return (int64_t)from;
    }
    if (data) {
        uint64_t next = pagetree_next(&node->pages, index);
        bool found = next != UINT64_MAX && next << PAGE_BITS < size;
        return found ? (int64_t)(next << PAGE_BITS) : -ENXIO;
    }
    while (index << PAGE_BITS < size && holds(node, index)) {
        index++;
    }
    return (int64_t)least(index << PAGE_BITS, size);
}

static int64_t tmpfile_seek(struct file *file, int64_t offset, unsigned whence)
{
    if (whence == CONTENT_DATA || whence == CONTENT_HOLE) {
        int64_t to = offset < 0 ? -ENXIO
                                : tmpfs_seek(file->inode, (uint64_t)offset, whence == CONTENT_DATA);
        file->offset = to < 0 ? file->offset : (uint64_t)to;
        return to;
    }
    return content_seek(file, offset, whence);
}

const struct file_ops tmpfile_ops = {
    .read = tmpfile_read,
    .write = tmpfile_write,
    .seek = tmpfile_seek,
    .page = tmpfile_page,
    .peek = tmpfile_peek,
};
