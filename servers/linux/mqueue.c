// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A queue is an inode with its messages in order of priority, then of arrival.  All who have it
// open wait in one list.
#include "mqueue.h"

#include "attribute.h"
#include "call.h"
#include "capability.h"
#include "clock.h"
#include "dentry.h"
#include "descriptor.h"
#include "directory.h"
#include "heap.h"
#include "mount.h"

#include <rt/print.h>

#define ROOT_NUMBER    1u
#define QUEUES_MOST    256u  // without privileges
#define COUNT_USUAL    10
#define COUNT_HARD     65536
#define BYTES_USUAL    8192
#define BYTES_HARD     (16 << 20)
#define HEAP_MOST      (1 << 20)  // what one message can have of the heap
#define PRIORITIES     32768u
#define STATUS_MOST    80u
#define SIGEV_SIGNAL   0
#define SIGEV_NONE     1
#define SIGEVENT_BYTES 64u
#define SI_MESGQ       (-3)

struct message {
    struct list link;
    uint32_t priority;
    uint64_t bytes;
    char text[];
};

// As processes see it (struct mq_attr).
struct mq_attr {
    int64_t flags, most, bytes, count, reserved[4];
};

struct queue {
    struct inode inode;
    struct list messages;
    struct mq_attr is;   // but for the flags, which are a file's
    uint64_t filled;     // bytes in it
    uint32_t receivers;  // calls that wait for a message
    struct waitlist changes;
    uint32_t told;  // process that is told of the next message in the empty queue; 0: none
    int32_t method, signal;
    uint64_t value;
};

static struct dentry *root;
static uint32_t queues;
static const struct inode_ops ops;
static const struct file_ops queue_ops;

static struct queue *queue_of(struct inode *inode)
{
    return CONTAINER(inode, struct queue, inode);
}

bool mqueue_is(const struct inode *inode)
{
    return inode->ops == &ops;
}

// ---- the file system ---------------------------------------------------------------------------
static void queue_free(struct inode *inode)
{
    struct queue *queue = queue_of(inode);
    LIST_EACH(message, &queue->messages, struct message, link) {
        heap_free(message);
    }
    waitlist_end(&queue->changes);
    queues -= inode_is(inode, S_IFREG);
    heap_free(queue);
}

static struct inode *inode_new(uint32_t mode)
{
    static uint32_t device;
    static uint64_t numbers;
    struct queue *queue = heap_alloc(sizeof(*queue));
    if (!queue) {
        return NULL;
    }
    device = device ? device : mount_device();
    list_init(&queue->messages);
    waitlist_init(&queue->changes);
    queue->is = (struct mq_attr){ .most = COUNT_USUAL, .bytes = BYTES_USUAL };
    inode_init(&queue->inode, &ops, mode);
    queues += inode_is(&queue->inode, S_IFREG);
    queue->inode.device = device;
    queue->inode.number = ++numbers;
    queue->inode.is.links = 1;
    queue->inode.is.size = inode_is(&queue->inode, S_IFREG) ? STATUS_MOST : 0;
    return &queue->inode;
}

struct dentry *mqueue_root(void)
{
    if (!root) {
        const struct name none = name_of("");
        struct inode *inode = inode_new(S_IFDIR | S_ISVTX | 0777);
        root = inode ? dentry_new(NULL, &none, inode) : NULL;
    }
    if (root) {
        dentry_get(root);
    }
    return root;
}

static int64_t queue_create(struct task *task, struct dentry *directory, const char *text,
                            uint32_t mode, uint32_t device, struct dentry **made)
{
    (void)device;
    if (queues >= QUEUES_MOST && !task_capable(task, CAP_SYS_RESOURCE)) {
        return -ENOSPC;
    }
    struct name name = name_of(text);
    struct inode *inode = inode_is(directory->inode, S_IFDIR) && (mode & S_IFMT) == S_IFREG
                              ? inode_new(mode)
                              : NULL;
    if (!inode) {
        return (mode & S_IFMT) == S_IFREG ? -ENOMEM : -EPERM;
    }
    inode->is.uid = task->credentials.fsuid;
    inode->is.gid = task->credentials.fsgid;
    *made = dentry_new(directory, &name, inode);
    if (!*made) {
        return -ENOMEM;
    }
    dentry_link(*made);
    return 0;
}

static int64_t queue_remove(struct dentry *dentry)
{
    dentry->inode->is.links--;
    dentry_unlink(dentry);
    return 0;
}

static const struct file_ops directory_ops = { .list = directory_list, .seek = directory_seek };

static int64_t queue_open(struct task *task, struct place place, uint32_t flags, struct file **file)
{
    (void)task;
    bool directory = inode_is(place.dentry->inode, S_IFDIR);
    *file = file_new(directory ? &directory_ops : &queue_ops, place, flags);
    return *file ? 0 : -ENOMEM;
}

static const struct inode_ops ops = {
    .create = queue_create, .remove = queue_remove, .open = queue_open, .free = queue_free
};

// ---- as a file ---------------------------------------------------------------------------------
static int64_t status_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    (void)task;
    const struct queue *queue = queue_of(file->inode);
    char text[STATUS_MOST];
    bool tells = queue->told && queue->method == SIGEV_SIGNAL;
    uint64_t bytes = rt_format(text, sizeof(text), "QSIZE:%lu NOTIFY:%d SIGNO:%d NOTIFY_PID:%u\n",
                               queue->filled, queue->told ? queue->method : 0,
                               tells ? queue->signal : 0, queue->told);
    int64_t given = *offset < bytes ? io_give(io, text + *offset, bytes - *offset) : 0;
    *offset += given > 0 ? (uint64_t)given : 0;
    return given;
}

static uint32_t queue_ready(struct file *file)
{
    const struct queue *queue = queue_of(file->inode);
    return (queue->is.count ? POLLIN | POLLRDNORM : 0) |
           (queue->is.count < queue->is.most ? POLLOUT | POLLWRNORM : 0);
}

static struct waitlist *queue_waits(struct file *file)
{
    return &queue_of(file->inode)->changes;
}

// Who closes it is told nothing any more.
static void queue_flush(struct task *task, struct file *file)
{
    struct queue *queue = queue_of(file->inode);
    if (queue->told == task->process->pid) {
        queue->told = 0;
    }
}

static const struct file_ops queue_ops = {
    .read = status_read, .ready = queue_ready, .waits = queue_waits, .flush = queue_flush
};

// ---- mq_open, mq_unlink ------------------------------------------------------------------------
// 0, or why a name is none.
static int64_t name_take(struct task *task, char *to, user_t from)
{
    int64_t length = user_string(task, to, from, NAME_MAX_BYTES + 1);
    for (const char *at = to; length > 0 && *at; at++) {
        if (*at == '/') {
            return -EACCES;
        }
    }
    bool dots = length > 0 && to[0] == '.' && (!to[1] || (to[1] == '.' && !to[2]));
    return length < 0 ? length : !*to ? -ENOENT : dots ? -EACCES : 0;
}

static int64_t attributes_take(struct task *task, struct mq_attr *to, user_t from)
{
    if (user_read(task, to, from, sizeof(*to))) {
        return -EFAULT;
    }
    bool much = task_capable(task, CAP_SYS_RESOURCE);
    int64_t most = much ? COUNT_HARD : COUNT_USUAL, bytes = much ? BYTES_HARD : BYTES_USUAL;
    return to->most <= 0 || to->most > most || to->bytes <= 0 || to->bytes > bytes ? -EINVAL : 0;
}

// What mq_open is asked for.
struct opening {
    struct task *task;
    uint32_t flags, mode;
    user_t attributes;
};

static int64_t queue_make(const struct opening *opening, const char *name, struct dentry **made)
{
    struct task *task = opening->task;
    struct mq_attr is = { .most = COUNT_USUAL, .bytes = BYTES_USUAL };
    int64_t error = opening->attributes ? attributes_take(task, &is, opening->attributes) : 0;
    error = error ? error : inode_permits(task, root->inode, 2 | 1);
    uint32_t mode = opening->mode & 0777 & ~task->placement->umask;
    error = error ? error : queue_create(task, root, name, S_IFREG | mode, 0, made);
    if (!error) {
        struct queue *queue = queue_of((*made)->inode);
        queue->is.most = is.most;
        queue->is.bytes = is.bytes;
    }
    return error;
}

// The dentry with a reference, found or made.
static int64_t queue_get(const struct opening *opening, const char *text, struct dentry **found)
{
    static const uint8_t wanted[] = { 4, 2, 6, 6 };
    struct name name = name_of(text);
    *found = dentry_find(root, &name);
    if (!*found) {
        return opening->flags & O_CREAT ? queue_make(opening, text, found) : -ENOENT;
    }
    if (opening->flags & O_CREAT && opening->flags & O_EXCL) {
        return -EEXIST;
    }
    int64_t error = (opening->flags & O_ACCMODE) == O_ACCMODE
                        ? -EINVAL
                        : inode_permits(opening->task, (*found)->inode,
                                        wanted[opening->flags & O_ACCMODE]);
    if (!error) {
        dentry_get(*found);
    }
    return error;
}

int64_t call_mq_open(struct task *task, user_t name, uint32_t flags, uint32_t mode,
                     user_t attributes)
{
    const struct opening opening = { task, flags, mode, attributes };
    char text[NAME_MAX_BYTES + 1];
    struct dentry *found = NULL;
    int64_t error = root || mqueue_root() ? name_take(task, text, name) : -ENOMEM;
    // Nothing is made that could not be given.
    int64_t fd = error ? error : descriptor_free(task, 0);
    error = fd < 0 ? fd : queue_get(&opening, text, &found);
    if (error) {
        return error;
    }
    mount_unnamed->refs++;
    struct file *file = file_new(&queue_ops, (struct place){ mount_unnamed, found },
                                 flags & (O_ACCMODE | O_NONBLOCK));
    return file ? file_install(task, file, 0, flags & O_CLOEXEC) : -ENOMEM;
}

int64_t call_mq_unlink(struct task *task, user_t name)
{
    char text[NAME_MAX_BYTES + 1];
    int64_t error = root || mqueue_root() ? name_take(task, text, name) : -ENOMEM;
    if (error) {
        return error;
    }
    struct name wanted = name_of(text);
    struct dentry *found = dentry_find(root, &wanted);
    if (!found) {
        return -ENOENT;
    }
    if (!inode_owned(task, found->inode)) {  // the directory is sticky
        return -EPERM;
    }
    return queue_remove(found);
}

// ---- messages ----------------------------------------------------------------------------------
// The queue of a descriptor that allows this; NULL: -EBADF.
static struct queue *queue_at(struct file *file, bool writes)
{
    bool is = file && file->ops == &queue_ops && (writes ? file_writes(file) : file_reads(file));
    return is ? queue_of(file->inode) : NULL;
}

static int64_t timeout_take(struct task *task, user_t timeout)
{
    struct timespec time;
    int64_t error = timeout && !task->call.again ? timespec_read(task, timeout, &time) : 0;
    if (timeout && !task->call.again && !error) {
        wait_until(task, clock_deadline(CLOCK_REALTIME, timespec_ns(&time), true));
    }
    return error;
}

static int64_t queue_wait(struct task *task, struct file *file)
{
    if (file->flags & O_NONBLOCK) {
        return -EAGAIN;
    }
    return wait_over(task) ? -ETIMEDOUT : file_keep(task, file, wait_on(task, queue_waits(file)));
}

// Once, and then no more, where nobody waits for the message itself.
static void queue_tell(const struct task *task, struct queue *queue)
{
    struct process *process = queue->told ? process_find(queue->told) : NULL;
    if (queue->is.count != 1 || queue->receivers || !queue->told) {
        return;
    }
    queue->told = 0;
    if (process && queue->method == SIGEV_SIGNAL && queue->signal) {
        struct signal_info info = { .signal = queue->signal, .code = SI_MESGQ };
        info.sender = task->process->pid;
        info.sender_uid = task->credentials.uid;
        info.value = queue->value;
        (void)signal_send(process, &info);
    }
}

static void message_insert(struct queue *queue, struct message *message)
{
    struct list *at = &queue->messages;
    while (at->prev != &queue->messages &&
           CONTAINER(at->prev, struct message, link)->priority < message->priority) {
        at = at->prev;
    }
    list_add(at, &message->link);
    queue->is.count++;
    queue->filled += message->bytes;
}

int64_t call_mq_timedsend(struct task *task, int32_t fd, user_t from, uint64_t bytes,
                          uint32_t priority, user_t timeout)
{
    struct file *file = file_of_call(task, fd);
    if (priority >= PRIORITIES) {
        return -EINVAL;
    }
    int64_t error = timeout_take(task, timeout);
    struct queue *queue = error ? NULL : queue_at(file, true);
    if (!queue) {
        return error ? error : -EBADF;
    }
    if (bytes > (uint64_t)queue->is.bytes) {
        return -EMSGSIZE;
    }
    if (queue->is.count >= queue->is.most) {
        return queue_wait(task, file);
    }
    struct message *message = bytes < HEAP_MOST ? heap_alloc(sizeof(*message) + bytes) : NULL;
    if (!message || user_read(task, message->text, from, bytes)) {
        heap_free(message);
        return message ? -EFAULT : -ENOMEM;
    }
    message->priority = priority;
    message->bytes = bytes;
    message_insert(queue, message);
    queue_tell(task, queue);
    waitlist_wake(&queue->changes);
    return 0;
}

static void receiver_end(struct task *task)
{
    struct queue *queue = task->call.state;
    task->call.state = NULL;
    task->call.end = NULL;
    queue->receivers--;
}

static int64_t message_wait(struct task *task, struct file *file, struct queue *queue)
{
    int64_t result = queue_wait(task, file);
    if (result == RESULT_WAIT && !task->call.state) {
        queue->receivers++;
        task->call.state = queue;  // which stays as long as the file that the call keeps
        task->call.end = receiver_end;
    }
    return result;
}

int64_t call_mq_timedreceive(struct task *task, int32_t fd, user_t to, uint64_t bytes,
                             user_t priority, user_t timeout)
{
    struct file *file = file_of_call(task, fd);
    int64_t error = timeout_take(task, timeout);
    struct queue *queue = error ? NULL : queue_at(file, false);
    if (!queue) {
        return error ? error : -EBADF;
    }
    if (bytes < (uint64_t)queue->is.bytes) {
        return -EMSGSIZE;
    }
    if (list_empty(&queue->messages)) {
        return message_wait(task, file, queue);
    }
    struct message *message = CONTAINER(queue->messages.next, struct message, link);
    list_remove(&message->link);
    queue->is.count--;
    queue->filled -= message->bytes;
    waitlist_wake(&queue->changes);
    bool failed = user_write(task, to, message->text, message->bytes) ||
                  (priority &&
                   user_write(task, priority, &message->priority, sizeof(message->priority)));
    int64_t result = failed ? -EFAULT : (int64_t)message->bytes;
    heap_free(message);
    return result;
}

// ---- mq_notify, mq_getsetattr ------------------------------------------------------------------
int64_t call_mq_notify(struct task *task, int32_t fd, user_t from)
{
    struct {
        uint64_t value;
        int32_t signal, method;
        char rest[SIGEVENT_BYTES - 16];
    } event = { 0 };
    struct file *file = file_at(task, fd);
    uint32_t self = task->process->pid;
    if (from && user_read(task, &event, from, sizeof(event))) {
        return -EFAULT;
    }
    bool known = event.method == SIGEV_NONE ||
                 (event.method == SIGEV_SIGNAL && event.signal >= 0 && event.signal <= SIGNALS);
    if (from && !known) {
        return -EINVAL;
    }
    if (!file || file->ops != &queue_ops) {
        return -EBADF;
    }
    struct queue *queue = queue_of(file->inode);
    if (!from) {
        queue->told = queue->told == self ? 0 : queue->told;
        return 0;
    }
    if (queue->told) {
        return -EBUSY;
    }
    queue->told = self;
    queue->method = event.method;
    queue->signal = event.signal;
    queue->value = event.value;
    return 0;
}

int64_t call_mq_getsetattr(struct task *task, int32_t fd, user_t new, user_t old)
{
    struct mq_attr to;
    if (new &&user_read(task, &to, new, sizeof(to))) {
        return -EFAULT;
    }
    if (new &&to.flags & ~(int64_t)O_NONBLOCK) {
        return -EINVAL;
    }
    struct file *file = file_at(task, fd);
    if (!file || file->ops != &queue_ops) {
        return -EBADF;
    }
    struct mq_attr is = queue_of(file->inode)->is;
    is.flags = file->flags & O_NONBLOCK;
    if (new) {
        file->flags = (file->flags & ~O_NONBLOCK) | ((uint32_t)to.flags & O_NONBLOCK);
    }
    return old && user_write(task, old, &is, sizeof(is)) ? -EFAULT : 0;
}
