// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Options of sockets that all families have (socket(7)).
#include "call.h"
#include "capability.h"
#include "clock.h"
#include "descriptor.h"
#include "heap.h"
#include "socket.h"

#include <rt/string.h>

#define SOL_SOCKET     1
#define SO_DEBUG       1
#define SO_REUSEADDR   2
#define SO_TYPE        3
#define SO_ERROR       4
#define SO_DONTROUTE   5
#define SO_BROADCAST   6
#define SO_SNDBUF      7
#define SO_RCVBUF      8
#define SO_KEEPALIVE   9
#define SO_OOBINLINE   10
#define SO_PRIORITY    12
#define SO_LINGER      13
#define SO_REUSEPORT   15
#define SO_PASSCRED    16
#define SO_RCVLOWAT    18
#define SO_SNDLOWAT    19
#define SO_RCVTIMEO    20
#define SO_SNDTIMEO    21
#define SO_TIMESTAMP   29
#define SO_ACCEPTCONN  30
#define SO_SNDBUFFORCE 32
#define SO_RCVBUFFORCE 33
#define SO_PASSSEC     34
#define SO_TIMESTAMPNS 35
#define SO_PROTOCOL    38
#define SO_DOMAIN      39
#define OPTION_MAX     64u  // bytes of a value

#define BUFFER_MIN_SEND    4608u
#define BUFFER_MIN_RECEIVE 2304u
#define BUFFER_MAX         212992u

// Those that are kept and do nothing.
#define SWITCHES                                                                              \
 (1ull << SO_DEBUG | 1ull << SO_REUSEADDR | 1ull << SO_DONTROUTE | 1ull << SO_BROADCAST |     \
  1ull << SO_KEEPALIVE | 1ull << SO_OOBINLINE | 1ull << SO_REUSEPORT | 1ull << SO_TIMESTAMP | \
  1ull << SO_PASSSEC | 1ull << SO_TIMESTAMPNS)

static struct socket *socket_at(const struct task *task, int32_t fd)
{
    struct file *file = file_at(task, fd);
    struct socket *socket;

    if (!file) {
        return FAILURE(EBADF);
    }
    socket = socket_of(file);
    return socket ? socket : FAILURE(ENOTSOCK);
}

static bool is_switch(int32_t name)
{
    return name > 0 && name < 64 && SWITCHES >> name & 1;
}

// ---- what they are -----------------------------------------------------------------------------
// Those that are an int: false: it is none of them.
static bool option_number(struct socket *socket, int32_t name, int32_t *value)
{
    switch (name) {
    case SO_TYPE: *value = socket->type; return true;
    case SO_DOMAIN: *value = socket->family; return true;
    case SO_PROTOCOL: *value = socket->protocol; return true;
    case SO_SNDBUF: *value = (int32_t)socket->send_bytes; return true;
    case SO_RCVBUF: *value = (int32_t)socket->receive_bytes; return true;
    case SO_PASSCRED: *value = socket->passes_sender; return true;
    case SO_RCVLOWAT: *value = (int32_t)socket->low_mark; return true;
    case SO_SNDLOWAT: *value = 1; return true;
    case SO_PRIORITY: *value = 0; return true;
    case SO_ACCEPTCONN: *value = socket->ops->listens && socket->ops->listens(socket); return true;
    case SO_ERROR:
        *value = socket->error;
        socket->error = 0;
        return true;
    default: *value = is_switch(name) && socket->switches >> name & 1; return is_switch(name);
    }
}

static int64_t option_give(struct task *task, const void *value, uint32_t bytes, user_t to,
                           user_t length)
{
    if (user_write(task, length, &bytes, sizeof(bytes)) < 0) {
        return -EFAULT;
    }
    return user_write(task, to, value, bytes);
}

static uint32_t smaller(uint32_t a, uint64_t b)
{
    return a < b ? a : (uint32_t)b;
}

int64_t call_getsockopt(struct task *task, int32_t fd, int32_t level, int32_t name, user_t to,
                        user_t length)
{
    struct socket *socket = socket_at(task, fd);
    char value[OPTION_MAX] = "";
    int32_t number, room;
    uint32_t bytes;

    if (IS_ERROR(socket)) {
        return ERROR_OF(socket);
    }
    if (user_read(task, &room, length, sizeof(room)) < 0) {
        return -EFAULT;
    }
    if (room < 0) {
        return -EINVAL;
    }
    if (level == SOL_SOCKET && option_number(socket, name, &number)) {
        return option_give(task, &number, smaller((uint32_t)room, sizeof(number)), to, length);
    }
    if (level == SOL_SOCKET && name == SO_LINGER) {
        return option_give(task, &socket->linger, smaller((uint32_t)room, 8), to, length);
    }
    if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO)) {
        struct timespec time = timespec_of((int64_t)(name == SO_RCVTIMEO ? socket->receive_timeout
                                                                         : socket->send_timeout));
        time.nanoseconds /= 1000;
        return option_give(task, &time, smaller((uint32_t)room, sizeof(time)), to, length);
    }
    if (!socket->ops->option_get) {
        return level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;
    }
    bytes = smaller(OPTION_MAX, (uint32_t)room);
    int64_t error = socket->ops->option_get(socket, level, name, value, &bytes);
    return error ? error : option_give(task, value, bytes, to, length);
}

// ---- what they become --------------------------------------------------------------------------
// Linux doubles what is asked for, for its own records.
static void buffer_set(uint32_t *buffer, uint32_t wanted, uint32_t least, uint32_t most)
{
    if (wanted > most) {
        wanted = most;
    }
    *buffer = wanted * 2 < least ? least : wanted * 2;
}

static int64_t buffer_force(const struct task *task, uint32_t *buffer, int32_t wanted,
                            uint32_t least)
{
    if (!task_capable(task, CAP_NET_ADMIN)) {
        return -EPERM;
    }
    buffer_set(buffer, wanted < 0 ? 0 : (uint32_t)wanted, least, INT32_MAX / 2);
    return 0;
}

static int64_t timeout_set(struct task *task, const struct option *option, uint64_t *timeout)
{
    struct timespec time;

    if (option->bytes < sizeof(time)) {
        return -EINVAL;
    }
    if (user_read(task, &time, option->value, sizeof(time)) < 0) {
        return -EFAULT;
    }
    if (time.nanoseconds < 0 || time.nanoseconds >= 1000000) {
        return -EDOM;
    }
    time.nanoseconds *= 1000;
    // A time that is past is over at once.
    *timeout = time.seconds < 0 ? 1 : timespec_ns(&time);
    return 0;
}

static int64_t number_set(struct task *task, struct socket *socket, int32_t name, int32_t value)
{
    switch (name) {
    case SO_SNDBUF:
        buffer_set(&socket->send_bytes, (uint32_t)value, BUFFER_MIN_SEND, BUFFER_MAX);
        return 0;
    case SO_RCVBUF:
        buffer_set(&socket->receive_bytes, (uint32_t)value, BUFFER_MIN_RECEIVE, BUFFER_MAX);
        return 0;
    case SO_SNDBUFFORCE: return buffer_force(task, &socket->send_bytes, value, BUFFER_MIN_SEND);
    case SO_RCVBUFFORCE:
        return buffer_force(task, &socket->receive_bytes, value, BUFFER_MIN_RECEIVE);
    case SO_PASSCRED: socket->passes_sender = value != 0; return 0;
    case SO_RCVLOWAT: socket->low_mark = value > 0 ? (uint32_t)value : 1; return 0;
    case SO_PRIORITY: return 0;
    default:
        if (!is_switch(name)) {
            return -ENOPROTOOPT;
        }
        socket->switches &= ~(1ull << name);
        socket->switches |= (uint64_t)(value != 0) << name;
        return 0;
    }
}

static int64_t option_set(struct task *task, struct socket *socket, const struct option *option)
{
    int32_t value;

    if (option->bytes < sizeof(value)) {
        return -EINVAL;
    }
    if (user_read(task, &value, option->value, sizeof(value)) < 0) {
        return -EFAULT;
    }
    switch (option->name) {
    case SO_RCVTIMEO: return timeout_set(task, option, &socket->receive_timeout);
    case SO_SNDTIMEO: return timeout_set(task, option, &socket->send_timeout);
    case SO_LINGER:
        if (option->bytes < sizeof(socket->linger)) {
            return -EINVAL;
        }
        return user_read(task, &socket->linger, option->value, sizeof(socket->linger));
    default: return number_set(task, socket, option->name, value);
    }
}

int64_t call_setsockopt(struct task *task, int32_t fd, int32_t level, int32_t name, user_t from,
                        int32_t bytes)
{
    struct socket *socket = socket_at(task, fd);
    struct option option = { level, name, from, (uint32_t)bytes };

    if (IS_ERROR(socket)) {
        return ERROR_OF(socket);
    }
    if (bytes < 0) {
        return -EINVAL;
    }
    if (level == SOL_SOCKET) {
        return option_set(task, socket, &option);
    }
    return socket->ops->option_set ? socket->ops->option_set(task, socket, &option) : -EOPNOTSUPP;
}
