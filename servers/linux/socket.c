// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The system calls about sockets.  What they do is the families' business (socket.h).
#include "socket.h"

#include "call.h"
#include "clock.h"
#include "descriptor.h"
#include "heap.h"
#include "install.h"

#include <rt/string.h>

#define FAMILIES_MAX 46u  // numbers of families that Linux has
#define TYPES_MAX    11u
#define SOMAXCONN    4096u
#define BUFFER_BYTES 212992u
#define MESSAGES_MAX 1024u  // in one sendmmsg or recvmmsg

// Families; the internet protocols take their place here.
static const struct socket_family *const families[] = { &unix_family };

// ---- the operations of its files ---------------------------------------------------------------
static int64_t socket_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    struct socket *socket = file->state;
    struct message message = { .io = *io };

    (void)offset;
    message.flags = file->flags & O_NONBLOCK ? MSG_DONTWAIT : 0;
    if (!socket->ops->receive) {
        return -EOPNOTSUPP;
    }
    int64_t result = socket->ops->receive(task, socket, &message);
    *io = message.io;
    passed_free(message.passed);
    return result;
}

static int64_t socket_write(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    struct socket *socket = file->state;
    struct message message = { .io = *io };

    (void)offset;
    message.flags = file->flags & O_NONBLOCK ? MSG_DONTWAIT : 0;
    if (!socket->ops->send) {
        return -EOPNOTSUPP;
    }
    int64_t result = socket->ops->send(task, socket, &message);
    *io = message.io;
    return result;
}

static int64_t socket_ioctl(struct task *task, struct file *file, uint32_t request,
                            uint64_t argument)
{
    struct socket *socket = file->state;

    return socket->ops->ioctl ? socket->ops->ioctl(task, socket, request, argument) : -ENOTTY;
}

static uint32_t socket_ready(struct file *file)
{
    struct socket *socket = file->state;

    return socket->ops->ready(socket);
}

static struct waitlist *socket_waits(struct file *file)
{
    struct socket *socket = file->state;

    return &socket->changes;
}

static void socket_close(struct file *file)
{
    struct socket *socket = file->state;

    waitlist_end(&socket->changes);
    socket->ops->close(socket);
}

static const struct file_ops socket_file_ops = {
    .read = socket_read,
    .write = socket_write,
    .ioctl = socket_ioctl,
    .ready = socket_ready,
    .waits = socket_waits,
    .close = socket_close,
};

void socket_init(struct socket *socket, const struct socket_ops *ops, uint32_t family,
                 uint32_t type)
{
    socket->ops = ops;
    socket->family = (uint16_t)family;
    socket->type = (uint16_t)type;
    socket->send_bytes = socket->receive_bytes = BUFFER_BYTES;
    socket->low_mark = 1;
    waitlist_init(&socket->changes);
}

struct socket *socket_of(const struct file *file)
{
    return file->ops == &socket_file_ops ? file->state : NULL;
}

int64_t socket_wait(struct task *task, struct socket *of, uint64_t timeout)
{
    if (timeout && !task->call.again) {
        wait_until(task, clock_deadline(CLOCK_MONOTONIC, timeout, false));
    }
    return wait_over(task) ? -EAGAIN : wait_on(task, &of->changes);
}

// ---- making them -------------------------------------------------------------------------------
static const struct socket_family *family_find(uint32_t number)
{
    for (unsigned i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (families[i]->number == number) {
            return families[i];
        }
    }
    return NULL;
}

static int64_t socket_create(struct task *task, uint32_t number, uint32_t type, uint32_t protocol,
                             struct socket **made)
{
    const struct socket_family *family = number < FAMILIES_MAX ? family_find(number) : NULL;
    uint32_t kind = type & SOCK_TYPE_MASK;

    if (type & ~(SOCK_TYPE_MASK | O_NONBLOCK | O_CLOEXEC)) {
        return -EINVAL;
    }
    if (number < FAMILIES_MAX && kind >= TYPES_MAX) {
        return -EINVAL;
    }
    return family ? family->create(task, kind, protocol, made) : -EAFNOSUPPORT;
}

// A file for a socket, which is closed where there cannot be one.
static struct file *socket_file(struct socket *socket, uint32_t flags)
{
    struct file *file = file_new_unnamed(&socket_file_ops, "socket:[%u]", S_IFSOCK | 0777,
                                         O_RDWR | (flags & O_NONBLOCK), socket);

    if (!file) {
        waitlist_end(&socket->changes);
        socket->ops->close(socket);
        return NULL;
    }
    socket->file = file;
    return file;
}

int64_t call_socket(struct task *task, uint32_t family, uint32_t type, uint32_t protocol)
{
    struct socket *socket;
    int64_t error = socket_create(task, family, type, protocol, &socket);

    if (error) {
        return error;
    }
    struct file *file = socket_file(socket, type);
    return file ? file_install(task, file, 0, type & O_CLOEXEC) : -ENOMEM;
}

int64_t call_socketpair(struct task *task, uint32_t family, uint32_t type, uint32_t protocol,
                        user_t fds)
{
    struct file *files[2];
    struct socket *a, *b;
    int64_t error = socket_create(task, family, type, protocol, &a);

    if (error) {
        return error;
    }
    files[0] = socket_file(a, type);
    if (!files[0]) {
        return -ENOMEM;
    }
    error = a->ops->pair ? socket_create(task, family, type, protocol, &b) : -EOPNOTSUPP;
    files[1] = error ? NULL : socket_file(b, type);
    if (!files[1]) {
        file_put(files[0]);
        return error ? error : -ENOMEM;
    }
    error = a->ops->pair(a, b, task);
    if (error) {
        file_put(files[0]);
        file_put(files[1]);
        return error;
    }
    return install_two(task, files, fds, type & O_CLOEXEC);
}

// The socket of a descriptor for a call, or why not in its place.
static struct socket *socket_at(const struct task *task, int32_t fd)
{
    struct file *file = file_of_call(task, fd);
    struct socket *socket;

    if (!file) {
        return FAILURE(EBADF);
    }
    socket = socket_of(file);
    return socket ? socket : FAILURE(ENOTSOCK);
}

static bool socket_waits_here(const struct socket *socket, uint32_t flags)
{
    return !(flags & MSG_DONTWAIT) && !(socket->file->flags & O_NONBLOCK);
}

int64_t call_bind(struct task *task, int32_t fd, user_t from, int32_t bytes)
{
    struct socket *socket = socket_at(task, fd);
    struct address address;
    int64_t error;

    if (IS_ERROR(socket)) {
        return ERROR_OF(socket);
    }
    error = address_read(task, from, bytes, &address);
    if (error) {
        return error;
    }
    return socket->ops->bind ? socket->ops->bind(task, socket, &address) : -EOPNOTSUPP;
}

int64_t call_listen(struct task *task, int32_t fd, uint32_t backlog)
{
    struct socket *socket = socket_at(task, fd);

    if (IS_ERROR(socket)) {
        return ERROR_OF(socket);
    }
    if (backlog > SOMAXCONN) {
        backlog = SOMAXCONN;
    }
    return socket->ops->listen ? socket->ops->listen(task, socket, backlog) : -EOPNOTSUPP;
}

int64_t call_connect(struct task *task, int32_t fd, user_t from, int32_t bytes)
{
    struct socket *socket = socket_at(task, fd);
    struct address address;
    int64_t error;

    if (IS_ERROR(socket)) {
        return ERROR_OF(socket);
    }
    error = address_read(task, from, bytes, &address);
    if (error) {
        return error;
    }
    if (!socket->ops->connect) {
        return -EOPNOTSUPP;
    }
    error = socket->ops->connect(task, socket, &address, socket_waits_here(socket, 0));
    return file_keep(task, socket->file, error);
}

static int64_t accept_install(struct task *task, struct socket *made, uint32_t flags, user_t to,
                              user_t bytes)
{
    struct file *file = socket_file(made, flags);
    struct address address;
    int64_t error = 0;

    if (!file) {
        return -ENOMEM;
    }
    if (to) {
        error = made->ops->name(made, true, &address);
        // The peer may have gone already: Linux says so.
        error = error ? -ECONNABORTED : address_write(task, &address, to, bytes);
    }
    if (error) {
        file_put(file);
        return error;
    }
    return file_install(task, file, 0, flags & O_CLOEXEC);
}

int64_t call_accept4(struct task *task, int32_t fd, user_t to, user_t bytes, uint32_t flags)
{
    struct socket *socket = socket_at(task, fd), *made;
    int64_t result;

    if (flags & ~(O_NONBLOCK | O_CLOEXEC)) {
        return -EINVAL;
    }
    if (IS_ERROR(socket)) {
        return ERROR_OF(socket);
    }
    if (!socket->ops->accept) {
        return -EOPNOTSUPP;
    }
    // Not waited for, nor taken, where it could not be given.
    result = descriptor_free(task, 0);
    if (result < 0) {
        return result;
    }
    result = socket->ops->accept(task, socket, socket_waits_here(socket, 0), &made);
    return result ? file_keep(task, socket->file, result)
                  : accept_install(task, made, flags, to, bytes);
}

int64_t call_accept(struct task *task, int32_t fd, user_t to, user_t bytes)
{
    return call_accept4(task, fd, to, bytes, 0);
}

static int64_t socket_name(struct task *task, int32_t fd, bool peer, user_t to, user_t bytes)
{
    struct socket *socket = socket_at(task, fd);
    struct address address;
    int64_t error;

    if (IS_ERROR(socket)) {
        return ERROR_OF(socket);
    }
    error = socket->ops->name(socket, peer, &address);
    return error ? error : address_write(task, &address, to, bytes);
}

int64_t call_getsockname(struct task *task, int32_t fd, user_t to, user_t bytes)
{
    return socket_name(task, fd, false, to, bytes);
}

int64_t call_getpeername(struct task *task, int32_t fd, user_t to, user_t bytes)
{
    return socket_name(task, fd, true, to, bytes);
}

int64_t call_shutdown(struct task *task, int32_t fd, uint32_t how)
{
    struct socket *socket = socket_at(task, fd);

    if (IS_ERROR(socket)) {
        return ERROR_OF(socket);
    }
    if (how > 2) {
        return -EINVAL;
    }
    return socket->ops->shutdown ? socket->ops->shutdown(socket, how + 1) : -EOPNOTSUPP;
}

// ---- sending -----------------------------------------------------------------------------------
// Send a message that has been read; what it carries is given up.
static int64_t socket_send(struct task *task, struct socket *socket, struct message *message)
{
    int64_t result = -EOPNOTSUPP;

    if (!socket_waits_here(socket, message->flags)) {
        message->flags |= MSG_DONTWAIT;
    }
    if (socket->ops->send) {
        result = socket->ops->send(task, socket, message);
    }
    passed_free(message->passed);
    return file_keep(task, socket->file, result);
}

int64_t call_sendto(struct task *task, int32_t fd, user_t from, uint64_t bytes, uint32_t flags,
                    user_t to, int32_t address_bytes)
{
    struct socket *socket = socket_at(task, fd);
    struct message message = { .flags = flags };
    int64_t error = 0;

    if (IS_ERROR(socket)) {
        return ERROR_OF(socket);
    }
    if (to) {
        error = address_read(task, to, address_bytes, &message.address);
    }
    if (error) {
        return error;
    }
    message.io = io_user(task, from, bytes, true);
    return socket_send(task, socket, &message);
}

int64_t call_sendmsg(struct task *task, int32_t fd, user_t from, uint32_t flags)
{
    struct socket *socket = socket_at(task, fd);
    struct message message = { .flags = flags };
    struct header header;
    int64_t error;

    if (IS_ERROR(socket)) {
        return ERROR_OF(socket);
    }
    if (user_read(task, &header, from, sizeof(header)) < 0) {
        return -EFAULT;
    }
    error = message_read(task, &header, &message);
    return error ? error : socket_send(task, socket, &message);
}

// ---- receiving ---------------------------------------------------------------------------------
static int64_t socket_receive(struct task *task, struct socket *socket, struct message *message)
{
    if (!socket_waits_here(socket, message->flags)) {
        message->flags |= MSG_DONTWAIT;
    }
    if (!socket->ops->receive) {
        return -EOPNOTSUPP;
    }
    return file_keep(task, socket->file, socket->ops->receive(task, socket, message));
}

int64_t call_recvfrom(struct task *task, int32_t fd, user_t to, uint64_t bytes, uint32_t flags,
                      user_t from, user_t address_bytes)
{
    struct socket *socket = socket_at(task, fd);
    struct message message = { .flags = flags };
    int64_t result, error;

    if (IS_ERROR(socket)) {
        return ERROR_OF(socket);
    }
    message.io = io_user(task, to, bytes, false);
    result = socket_receive(task, socket, &message);
    if (result < 0) {
        return result;
    }
    passed_free(message.passed);
    error = from ? address_write(task, &message.address, from, address_bytes) : 0;
    return error ? error : result;
}

// Give the process what goes beside the bytes.
static int64_t header_write(struct task *task, struct socket *socket, struct header *header,
                            struct message *message, user_t to)
{
    int64_t error = message_write_control(task, header, message,
                                          message->has_sender && socket->passes_sender);

    if (!error && header->name) {
        uint32_t bytes = message->address.bytes, room = header->name_bytes;
        error = (int32_t)room < 0 ? -EINVAL
                                  : user_write(task, header->name, message->address.data,
                                               room < bytes ? room : bytes);
        header->name_bytes = bytes;
    }
    header->flags = message->told | (message->flags & MSG_CMSG_CLOEXEC);
    return error ? error : user_write(task, to, header, sizeof(*header));
}

static int64_t socket_recvmsg(struct task *task, struct socket *socket, user_t to, uint32_t flags)
{
    struct message message = { .flags = flags };
    struct header header;
    int64_t result, error;

    if (user_read(task, &header, to, sizeof(header)) < 0) {
        return -EFAULT;
    }
    error = io_vector(&message.io, task, header.vector, header.pieces);
    if (error) {
        return error == -EINVAL && header.pieces > 1024 ? -EMSGSIZE : error;
    }
    result = socket_receive(task, socket, &message);
    if (result < 0) {
        return result;
    }
    error = header_write(task, socket, &header, &message, to);
    return error ? error : result;
}

int64_t call_recvmsg(struct task *task, int32_t fd, user_t to, uint32_t flags)
{
    struct socket *socket = socket_at(task, fd);

    return IS_ERROR(socket) ? ERROR_OF(socket) : socket_recvmsg(task, socket, to, flags);
}

// ---- several at once ---------------------------------------------------------------------------
// struct mmsghdr: a header, and how many bytes were moved.
#define MANY_BYTES (sizeof(struct header) + 8)

int64_t call_sendmmsg(struct task *task, int32_t fd, user_t from, uint32_t count, uint32_t flags)
{
    uint64_t done = task->call.again ? task->call.done >> 32 : 0;
    int64_t result = 0;

    if (count > MESSAGES_MAX) {
        count = MESSAGES_MAX;
    }
    // The upper half of call.done counts messages, the lower one bytes of the one that is sent.
    for (; done < count; done++) {
        user_t at = from + done * MANY_BYTES;
        task->call.done &= UINT32_MAX;
        result = call_sendmsg(task, fd, at, flags);
        if (result == RESULT_WAIT) {
            task->call.done = done << 32 | (task->call.done & UINT32_MAX);
            return result;
        }
        task->call.done = 0;
        uint32_t bytes = (uint32_t)result;
        if (result < 0 || user_write(task, at + sizeof(struct header), &bytes, sizeof(bytes)) < 0) {
            break;
        }
    }
    return done ? (int64_t)done : result;
}

static int64_t many_until(struct task *task, user_t timeout)
{
    struct timespec time;
    int64_t error = timeout && !task->call.again ? timespec_read(task, timeout, &time) : 0;

    if (!error && timeout && !task->call.again) {
        wait_until(task, clock_deadline(CLOCK_MONOTONIC, timespec_ns(&time), false));
    }
    return error;
}

int64_t call_recvmmsg(struct task *task, int32_t fd, user_t to, uint32_t count, uint32_t flags,
                      user_t timeout)
{
    struct socket *socket = socket_at(task, fd);
    uint64_t done = task->call.again ? task->call.done : 0;
    int64_t result = many_until(task, timeout);

    if (result) {
        return result;
    }
    if (IS_ERROR(socket)) {
        return ERROR_OF(socket);
    }
    if (count > MESSAGES_MAX) {
        count = MESSAGES_MAX;
    }
    for (; done < count; done++) {
        user_t at = to + done * MANY_BYTES;
        uint32_t how = done && flags & MSG_WAITFORONE ? flags | MSG_DONTWAIT : flags;
        task->call.done = 0;
        result = socket_recvmsg(task, socket, at, how & ~MSG_WAITFORONE);
        if (result == RESULT_WAIT) {
            task->call.done = done;
            return result;
        }
        uint32_t bytes = (uint32_t)result;
        if (result < 0 || user_write(task, at + sizeof(struct header), &bytes, sizeof(bytes)) < 0) {
            break;
        }
        if (wait_over(task)) {
            done++;
            break;
        }
    }
    return done ? (int64_t)done : result;
}
