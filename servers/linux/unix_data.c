// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What is sent over UNIX sockets.  Each send makes packets in the queue of the other end; a stream
// is read across their bounds, except where files or another sender begin.
#include "call.h"
#include "heap.h"
#include "ioctl.h"
#include "pipe.h"
#include "progress.h"
#include "unix.h"

#include <rt/string.h>

#define STREAM_CHUNK 16000u  // most bytes of a stream in one packet
#define OVERHEAD     32u     // of a message, out of its buffer's size

// ---- packets -----------------------------------------------------------------------------------
static void packet_free(struct packet *packet)
{
    list_remove(&packet->link);
    passed_free(packet->passed);
    heap_free(packet);
}

void unix_drop_queue(struct local *local)
{
    LIST_EACH(packet, &local->queue, struct packet, link) {
        packet_free(packet);
    }
    local->queued = local->packets = 0;
}

// A packet of the next bytes of a message: 0, -ENOMEM, -EFAULT.  What the message carries goes
// along.
static int64_t packet_make(struct task *task, const struct local *local, struct message *message,
                           uint32_t bytes, struct packet **made)
{
    uint32_t from = unix_is_dgram(local) ? local->name.bytes : 0;
    struct packet *packet = heap_alloc(sizeof(*packet) + from + bytes);

    if (!packet) {
        return -ENOMEM;
    }
    if (bytes && io_take(&message->io, packet->data + from, bytes) != (int64_t)bytes) {
        heap_free(packet);
        return -EFAULT;
    }
    memcpy(packet->data, local->name.data, from);
    list_init(&packet->link);
    packet->from = from;
    packet->bytes = bytes;
    packet->sender = message->has_sender ? message->sender : sender_of(task, false);
    packet->passed = message->passed;
    message->passed = NULL;
    *made = packet;
    return 0;
}

static void packet_deliver(struct local *to, struct packet *packet)
{
    list_add(&to->queue, &packet->link);
    to->queued += packet->bytes;
    to->packets++;
    unix_wake(to);
}

// A packet has been read; those who wait for room find out.
static void packet_done(struct local *local, struct packet *packet)
{
    local->packets--;
    packet_free(packet);
    if (!unix_is_dgram(local)) {
        return;
    }
    unix_wake(local);
    LIST_EACH(follower, &local->followers, struct local, following) {
        unix_wake(follower);
    }
}

// ---- sending -----------------------------------------------------------------------------------
static int64_t unix_broken(struct task *task, const struct message *message)
{
    return message->flags & MSG_NOSIGNAL ? -EPIPE : pipe_broken(task);
}

static int64_t send_wait(struct task *task, struct local *local, struct local *at,
                         const struct message *message)
{
    if (message->flags & MSG_DONTWAIT) {
        return -EAGAIN;
    }
    return socket_wait(task, &at->socket, local->socket.send_timeout);
}

// What keeps a connected socket from sending: 0 or an error.
static int64_t connected_check(struct task *task, const struct local *local,
                               const struct message *message)
{
    if (local->state != UNIX_CONNECTED) {
        return -ENOTCONN;
    }
    if (local->shut & SHUT_WR || !local->peer || local->peer->shut & SHUT_RD) {
        return unix_broken(task, message);
    }
    return 0;
}

// As much as there is room for: 0 or an error.
static int64_t stream_fill(struct task *task, struct local *local, struct message *message)
{
    while (message->io.left && local->peer->queued < local->socket.send_bytes) {
        uint32_t room = local->socket.send_bytes - local->peer->queued;
        uint32_t bytes = room < STREAM_CHUNK ? room : STREAM_CHUNK;
        struct packet *packet;
        if (bytes > message->io.left) {
            bytes = (uint32_t)message->io.left;
        }
        int64_t error = packet_make(task, local, message, bytes, &packet);
        if (error) {
            return error;
        }
        packet_deliver(local->peer, packet);
    }
    return 0;
}

static int64_t stream_send(struct task *task, struct local *local, struct message *message)
{
    bool process = message->io.task != NULL;
    uint64_t done = process && task->call.again ? task->call.done & UINT32_MAX : 0;
    uint64_t before = message->io.left;
    int64_t error;

    if (message->address.bytes) {
        return local->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
    }
    error = connected_check(task, local, message);
    if (!error && done) {
        // What goes along went with the first part.
        passed_free(message->passed);
        message->passed = NULL;
        error = io_skip(&message->io, done);
    }
    if (!error) {
        error = stream_fill(task, local, message);
    }
    if (error && before == message->io.left) {
        return done ? (int64_t)done : error;
    }
    done = before - message->io.left;
    if (error || message->io.left == 0 || (!process && done)) {
        return done ? (int64_t)done : error;
    }
    // The peer wakes this one when it reads.
    error = send_wait(task, local, local, message);
    if (error != RESULT_WAIT) {
        return done ? (int64_t)done : error;
    }
    task->call.done = process ? done : task->call.done;
    return RESULT_WAIT;
}

// Send a whole message to another socket, once there is room.
static int64_t packet_send(struct task *task, struct local *local, struct local *to,
                           struct message *message)
{
    uint64_t bytes = message->io.left;
    bool dgram = unix_is_dgram(local);
    struct packet *packet;
    int64_t error;

    if (bytes > local->socket.send_bytes - OVERHEAD) {
        return -EMSGSIZE;
    }
    if (to->packets &&
        (dgram ? to->packets > UNIX_DGRAMS_MAX : to->queued + bytes > local->socket.send_bytes)) {
        return send_wait(task, local, dgram ? to : local, message);
    }
    error = packet_make(task, local, message, (uint32_t)bytes, &packet);
    if (error) {
        return error;
    }
    packet_deliver(to, packet);
    return (int64_t)bytes;
}

// What has become of the connection, which is told once: 0 or an error.
static int64_t error_take(struct local *local)
{
    int32_t error = local->socket.error;

    local->socket.error = 0;
    return -error;
}

static int64_t dgram_send(struct task *task, struct local *local, struct message *message)
{
    struct local *to = local->peer;
    int64_t error;

    if (message->address.bytes) {
        error = unix_find(task, &message->address, SOCK_DGRAM, &to);
        if (error) {
            return error;
        }
    }
    if (!to && local->state == UNIX_CONNECTED) {
        local->state = UNIX_NEW;
        return -ECONNREFUSED;
    }
    if (!to) {
        return -ENOTCONN;
    }
    if (local->shut & SHUT_WR || to->shut & SHUT_RD) {
        return unix_broken(task, message);
    }
    if (to->peer && to->peer != local) {
        return -EPERM;
    }
    return packet_send(task, local, to, message);
}

int64_t unix_send(struct task *task, struct socket *socket, struct message *message)
{
    struct local *local = unix_of(socket);
    int64_t error;

    if (message->flags & MSG_OOB) {
        return -EOPNOTSUPP;
    }
    if (unix_is_dgram(local)) {
        return dgram_send(task, local, message);
    }
    if (socket->type == SOCK_STREAM) {
        return stream_send(task, local, message);
    }
    error = error_take(local);
    error = error ? error : connected_check(task, local, message);
    return error ? error : packet_send(task, local, local->peer, message);
}

// ---- receiving ---------------------------------------------------------------------------------
// What goes beside the bytes of a packet.
static int64_t packet_tell(struct packet *packet, struct message *message)
{
    bool peeks = message->flags & MSG_PEEK;

    message->sender = packet->sender;
    message->has_sender = true;
    if (!packet->passed) {
        return 0;
    }
    message->passed = peeks ? passed_copy(packet->passed) : packet->passed;
    if (!message->passed) {
        return -ENOMEM;
    }
    if (!peeks) {
        packet->passed = NULL;
    }
    return 0;
}

// Nothing is there: 0 (the end), an error, or wait.
static int64_t receive_nothing(struct task *task, struct local *local,
                               const struct message *message)
{
    int64_t error = error_take(local);

    if (error) {
        return error;
    }
    if (local->shut & SHUT_RD) {
        return 0;
    }
    if (message->flags & MSG_DONTWAIT) {
        return -EAGAIN;
    }
    return socket_wait(task, &local->socket, local->socket.receive_timeout);
}

static int64_t packet_receive(struct task *task, struct local *local, struct message *message)
{
    struct packet *packet = CONTAINER(local->queue.next, struct packet, link);
    uint32_t length, bytes;

    if (list_empty(&local->queue)) {
        return receive_nothing(task, local, message);
    }
    length = bytes = packet->bytes;
    if (bytes > message->io.left) {
        bytes = (uint32_t)message->io.left;
        message->told |= MSG_TRUNC;
    }
    if (bytes && io_give(&message->io, packet->data + packet->from, bytes) != (int64_t)bytes) {
        return -EFAULT;
    }
    if (packet_tell(packet, message) < 0) {
        return -ENOMEM;
    }
    if (packet->from > UNIX_PATH_AT) {
        message->address.bytes = packet->from;
        memcpy(message->address.data, packet->data, packet->from);
    }
    if (!(message->flags & MSG_PEEK)) {
        local->queued -= length;
        packet_done(local, packet);
        if (local->peer && !unix_is_dgram(local)) {
            unix_wake(local->peer);
        }
    }
    return message->flags & MSG_TRUNC ? length : bytes;
}

// Whether a stream is read on past the beginning of a packet, after some bytes.
static bool packet_goes_on(const struct local *local, const struct packet *packet,
                           const struct message *message)
{
    if (message->passed) {
        return false;
    }
    return !local->socket.passes_sender || !message->has_sender ||
           memcmp(&message->sender, &packet->sender, sizeof(packet->sender)) == 0;
}

// Bytes of one packet: how many, or an error.
static int64_t stream_take(struct local *local, struct packet *packet, struct message *message)
{
    uint32_t left = packet->bytes - packet->taken;
    int64_t given = io_give(&message->io, packet->data + packet->taken, left);

    if (given <= 0) {
        return given;
    }
    if (packet_tell(packet, message) < 0) {
        return -ENOMEM;
    }
    if (message->flags & MSG_PEEK) {
        return given;
    }
    packet->taken += (uint32_t)given;
    local->queued -= (uint32_t)given;
    if (packet->taken == packet->bytes) {
        packet_done(local, packet);
    }
    return given;
}

// What is there: bytes or an error.
static int64_t stream_drain(struct local *local, struct message *message)
{
    bool was_full = local->peer && local->queued * 4 > local->peer->socket.send_bytes;
    int64_t done = 0, given = 0;

    LIST_EACH(packet, &local->queue, struct packet, link) {
        if (!message->io.left || !packet_goes_on(local, packet, message)) {
            break;
        }
        given = stream_take(local, packet, message);
        if (given <= 0) {
            break;
        }
        done += given;
    }
    if (was_full && done) {
        unix_wake(local->peer);
    }
    return done ? done : given;
}

static int64_t stream_receive(struct task *task, struct local *local, struct message *message)
{
    bool waits_for_all = message->flags & MSG_WAITALL && !(message->flags & MSG_PEEK) &&
                         message->io.task != NULL;
    uint64_t done = waits_for_all && task->call.again ? task->call.done : 0;
    int64_t got, result;

    if (local->state != UNIX_CONNECTED) {
        return -EINVAL;
    }
    if (message->io.left == 0) {
        return 0;
    }
    if (done && io_skip(&message->io, done) < 0) {
        return (int64_t)done;
    }
    got = stream_drain(local, message);
    if (got < 0) {
        return done ? (int64_t)done : got;
    }
    done += (uint64_t)got;
    if (done && (!waits_for_all || !message->io.left || message->passed)) {
        return (int64_t)done;
    }
    result = receive_nothing(task, local, message);
    if (result != RESULT_WAIT) {
        return done ? (int64_t)done : result;
    }
    if (waits_for_all) {
        task->call.done = done;
    }
    return RESULT_WAIT;
}

int64_t unix_receive(struct task *task, struct socket *socket, struct message *message)
{
    struct local *local = unix_of(socket);

    if (message->flags & MSG_OOB) {
        return -EOPNOTSUPP;
    }
    if (message->flags & MSG_ERRQUEUE) {
        return -EAGAIN;
    }
    if (socket->type == SOCK_STREAM) {
        return stream_receive(task, local, message);
    }
    if (socket->type == SOCK_SEQPACKET && local->state != UNIX_CONNECTED) {
        return -ENOTCONN;
    }
    return packet_receive(task, local, message);
}

// ---- readiness ---------------------------------------------------------------------------------
static bool unix_writable(const struct local *local)
{
    const struct local *peer = local->peer;

    if (local->state == UNIX_LISTENS) {
        return false;
    }
    if (!peer) {
        return true;
    }
    return unix_is_dgram(local) ? peer->packets <= UNIX_DGRAMS_MAX
                                : peer->queued * 4 <= local->socket.send_bytes;
}

uint32_t unix_ready(struct socket *socket)
{
    const struct local *local = unix_of(socket);
    uint32_t ready = socket->error ? POLLERR : 0;

    if (local->shut == (SHUT_RD | SHUT_WR)) {
        ready |= POLLHUP;
    }
    if (local->shut & SHUT_RD) {
        ready |= POLLRDHUP | POLLIN | POLLRDNORM;
    }
    if (!list_empty(&local->queue) || !list_empty(&local->pending)) {
        ready |= POLLIN | POLLRDNORM;
    }
    if (!unix_is_dgram(local) && local->state == UNIX_NEW) {
        ready |= POLLHUP;
    }
    if (unix_writable(local)) {
        ready |= POLLOUT | POLLWRNORM | POLLWRBAND;
    }
    return ready;
}

int64_t unix_ioctl(struct task *task, struct socket *socket, uint32_t request, uint64_t argument)
{
    const struct local *local = unix_of(socket);
    int32_t bytes;

    if (request == FIONREAD) {
        if (local->state == UNIX_LISTENS) {
            return -EINVAL;
        }
        bytes = (int32_t)local->queued;
        if (unix_is_dgram(local)) {
            struct list *first = list_first(&local->queue);
            bytes = first ? (int32_t)CONTAINER(first, struct packet, link)->bytes : 0;
        }
    } else if (request == TIOCOUTQ) {
        bytes = local->peer ? (int32_t)local->peer->queued : 0;
    } else {
        return -ENOTTY;
    }
    return user_write(task, argument, &bytes, sizeof(bytes));
}
