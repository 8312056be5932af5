// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Messages as sendmsg and recvmsg have them: struct msghdr, addresses, and control data (unix(7)):
// open files and who sends.
#include "call.h"
#include "capability.h"
#include "heap.h"
#include "socket.h"

#include <rt/string.h>

#define SOL_SOCKET           1
#define SCM_RIGHTS           1
#define SCM_CREDENTIALS      2
#define CONTROL_MAX          20480u  // bytes of control data
#define CONTROL_ALIGN(bytes) (((bytes) + 7) & ~7ull)

struct control {
    uint64_t bytes;  // with this
    int32_t level, type;
};

int64_t address_read(struct task *task, user_t from, int64_t bytes, struct address *address)
{
    address->family = AF_UNSPEC;
    address->bytes = 0;
    if (bytes < 0 || bytes > (int64_t)ADDRESS_MAX) {
        return -EINVAL;
    }
    if (user_read(task, address->data, from, (uint64_t)bytes) < 0) {
        return -EFAULT;
    }
    address->bytes = (uint32_t)bytes;
    return 0;
}

int64_t address_write(struct task *task, const struct address *address, user_t to, user_t bytes)
{
    int32_t room, length = (int32_t)address->bytes;

    if (user_read(task, &room, bytes, sizeof(room)) < 0) {
        return -EFAULT;
    }
    if (room < 0) {
        return -EINVAL;
    }
    if (user_write(task, to, address->data, (uint64_t)(room < length ? room : length)) < 0) {
        return -EFAULT;
    }
    return user_write(task, bytes, &length, sizeof(length));
}

// ---- what is sent ------------------------------------------------------------------------------
// Giving up a file may end a socket, and with it messages that carry other files: one after the
// other, however long the chain is that a process has made.
void passed_free(struct passed *passed)
{
    static struct passed *later;
    static bool busy;

    if (!passed) {
        return;
    }
    passed->next = later;
    later = passed;
    if (busy) {
        return;
    }
    busy = true;
    while (later) {
        struct passed *now = later;
        later = now->next;
        for (uint32_t i = 0; i < now->count; i++) {
            file_arrives(now->files[i]);
            file_put(now->files[i]);
        }
        heap_free(now);
    }
    busy = false;
}

static struct passed *passed_new(void)
{
    return heap_alloc(sizeof(struct passed) + PASSED_MAX * sizeof(struct file *));
}

static void passed_add(struct passed *passed, struct file *file)
{
    file_get(file);
    file_departs(file);
    passed->files[passed->count++] = file;
}

struct passed *passed_copy(const struct passed *passed)
{
    struct passed *copy = passed_new();

    for (uint32_t i = 0; copy && i < passed->count; i++) {
        passed_add(copy, passed->files[i]);
    }
    return copy;
}

// SCM_RIGHTS: descriptors at an address of the process.
static int64_t rights_read(struct task *task, user_t from, uint64_t bytes, struct message *message)
{
    int32_t fds[PASSED_MAX];
    uint64_t count = bytes / sizeof(fds[0]);
    uint32_t before = message->passed ? message->passed->count : 0;

    if (count == 0) {
        return 0;
    }
    if (count > PASSED_MAX - before) {
        return -EINVAL;
    }
    if (user_read(task, fds, from, count * sizeof(fds[0])) < 0) {
        return -EFAULT;
    }
    if (files_under_way() + count > task_limit(task, RLIMIT_NOFILE) &&
        !task_capable(task, CAP_SYS_RESOURCE) && !task_capable(task, CAP_SYS_ADMIN)) {
        return -ETOOMANYREFS;
    }
    if (!message->passed) {
        message->passed = passed_new();
    }
    for (uint64_t i = 0; message->passed && i < count; i++) {
        struct file *file = file_at_any(task, fds[i]);
        if (!file) {
            return -EBADF;
        }
        passed_add(message->passed, file);
    }
    return message->passed ? 0 : -ENOMEM;
}

static bool id_is(uint32_t id, uint32_t real, uint32_t effective, uint32_t saved)
{
    return id == real || id == effective || id == saved;
}

// SCM_CREDENTIALS: a process says only who it is, unless it may pretend.
static int64_t sender_read(struct task *task, user_t from, uint64_t bytes, struct message *message)
{
    const struct credentials *own = &task->credentials;
    struct sender *sender = &message->sender;

    if (bytes != sizeof(*sender)) {
        return -EINVAL;
    }
    if (user_read(task, sender, from, sizeof(*sender)) < 0) {
        return -EFAULT;
    }
    if ((sender->pid != task->process->pid && !task_capable(task, CAP_SYS_ADMIN)) ||
        (!id_is(sender->uid, own->uid, own->euid, own->suid) && !task_capable(task, CAP_SETUID)) ||
        (!id_is(sender->gid, own->gid, own->egid, own->sgid) && !task_capable(task, CAP_SETGID))) {
        return -EPERM;
    }
    message->has_sender = true;
    return 0;
}

static int64_t control_read_one(struct task *task, user_t from, const struct control *control,
                                struct message *message)
{
    user_t data = from + sizeof(*control);
    uint64_t bytes = control->bytes - sizeof(*control);

    if (control->level != SOL_SOCKET) {
        return 0;
    }
    if (control->type == SCM_RIGHTS) {
        return rights_read(task, data, bytes, message);
    }
    return control->type == SCM_CREDENTIALS ? sender_read(task, data, bytes, message) : -EINVAL;
}

static int64_t control_read(struct task *task, user_t from, uint64_t bytes, struct message *message)
{
    struct control control;
    int64_t error = 0;

    if (bytes > CONTROL_MAX) {
        return -ENOBUFS;
    }
    while (!error && bytes >= sizeof(control)) {
        if (user_read(task, &control, from, sizeof(control)) < 0) {
            return -EFAULT;
        }
        if (control.bytes < sizeof(control) || control.bytes > bytes) {
            return -EINVAL;
        }
        error = control_read_one(task, from, &control, message);
        uint64_t step = CONTROL_ALIGN(control.bytes);
        from += step;
        bytes -= step < bytes ? step : bytes;
    }
    return error;
}

int64_t message_read(struct task *task, const struct header *header, struct message *message)
{
    uint32_t flags = message->flags;
    struct io io;
    int64_t error;

    *message = (struct message){ .flags = flags };
    if (header->name && header->name_bytes) {
        uint32_t bytes = header->name_bytes < ADDRESS_MAX ? header->name_bytes : ADDRESS_MAX;
        error = (int32_t)header->name_bytes < 0
                    ? -EINVAL
                    : address_read(task, header->name, bytes, &message->address);
        if (error) {
            return error;
        }
    }
    error = io_vector(&io, task, header->vector, header->pieces);
    if (error) {
        return error == -EINVAL && header->pieces > 1024 ? -EMSGSIZE : error;
    }
    message->io = io;
    message->io.writes = true;
    if (header->control_bytes) {
        error = control_read(task, header->control, header->control_bytes, message);
    }
    if (error) {
        passed_free(message->passed);
        message->passed = NULL;
    }
    return error;
}

// ---- what was received -------------------------------------------------------------------------
// Where control data goes, and what room is left.
struct controls {
    user_t at;
    uint64_t room;
    bool cut;
    bool bad;
};

static void control_put(struct task *task, struct controls *controls, const struct control *control,
                        const void *data)
{
    uint64_t bytes = control->bytes - sizeof(*control), step = CONTROL_ALIGN(control->bytes);

    if (user_write(task, controls->at, control, sizeof(*control)) < 0 ||
        user_write(task, controls->at + sizeof(*control), data, bytes) < 0) {
        controls->bad = true;
        return;
    }
    controls->at += step;
    controls->room -= step < controls->room ? step : controls->room;
}

static void sender_put(struct task *task, struct controls *controls, const struct sender *sender)
{
    struct control control = { sizeof(control) + sizeof(*sender), SOL_SOCKET, SCM_CREDENTIALS };

    if (controls->room < sizeof(control)) {
        controls->cut = true;
        return;
    }
    if (controls->room < control.bytes) {
        controls->cut = true;
        control.bytes = controls->room;
    }
    control_put(task, controls, &control, sender);
}

// As many files as there is room for, and descriptors; the others are closed.
static void rights_put(struct task *task, struct controls *controls, struct passed *passed,
                       bool close_on_exec)
{
    int32_t fds[PASSED_MAX];
    struct control control = { sizeof(control), SOL_SOCKET, SCM_RIGHTS };
    uint32_t count = 0;

    while (count < passed->count &&
           sizeof(control) + (count + 1) * sizeof(fds[0]) <= controls->room) {
        file_get(passed->files[count]);
        int64_t fd = file_install(task, passed->files[count], 0, close_on_exec);
        if (fd < 0) {
            break;
        }
        fds[count++] = (int32_t)fd;
    }
    if (count < passed->count) {
        controls->cut = true;
    }
    if (!count) {
        return;
    }
    control.bytes += count * sizeof(fds[0]);
    control_put(task, controls, &control, fds);
}

int64_t message_write_control(struct task *task, struct header *header, struct message *message,
                              bool tells_sender)
{
    struct controls controls = { .at = header->control, .room = header->control_bytes };

    if (tells_sender) {
        sender_put(task, &controls, &message->sender);
    }
    if (message->passed) {
        rights_put(task, &controls, message->passed, message->flags & MSG_CMSG_CLOEXEC);
        passed_free(message->passed);
        message->passed = NULL;
    }
    if (controls.cut) {
        message->told |= MSG_CTRUNC;
    }
    header->control_bytes = controls.at - header->control;
    return controls.bad ? -EFAULT : 0;
}
