// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// UNIX sockets (unix(7)): their names, and who is connected to whom.  A name in the file system is
// an inode that knows its socket (inode->pipe); abstract names are in a list.
#include "unix.h"

#include "call.h"
#include "heap.h"
#include "mount.h"
#include "walk.h"

#include <rt/print.h>
#include <rt/string.h>

#define SOL_SOCKET     1
#define SO_PEERCRED    17
#define AUTOBIND_NAMES 0x100000u

struct list unix_all = LIST_EMPTY(unix_all);
static struct list named = LIST_EMPTY(named);

static const struct socket_ops unix_ops;

struct sender sender_of(const struct task *task, bool effective)
{
    const struct credentials *own = &task->credentials;

    return (struct sender){ task->process->pid, effective ? own->euid : own->uid,
                            effective ? own->egid : own->gid };
}

static struct local *unix_new(uint32_t type)
{
    struct local *local = heap_alloc(sizeof(*local));

    if (!local) {
        return NULL;
    }
    socket_init(&local->socket, &unix_ops, AF_UNIX, type);
    local->name.bytes = local->peer_name.bytes = UNIX_PATH_AT;
    local->name.family = local->peer_name.family = AF_UNIX;
    list_init(&local->followers);
    list_init(&local->following);
    list_init(&local->queue);
    list_init(&local->pending);
    list_init(&local->in_pending);
    list_init(&local->named);
    list_init(&local->work);
    list_add(&unix_all, &local->all);
    return local;
}

static int64_t unix_create(struct task *task, uint32_t type, uint32_t protocol,
                           struct socket **made)
{
    (void)task;
    if (protocol > AF_UNIX) {
        return -EPROTONOSUPPORT;
    }
    if (type == SOCK_RAW) {
        type = SOCK_DGRAM;
    }
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET) {
        return -ESOCKTNOSUPPORT;
    }
    // Nothing tells when the last descriptor goes of a socket that a message carries.
    unix_collect();
    struct local *local = unix_new(type);
    if (!local) {
        return -ENOMEM;
    }
    *made = &local->socket;
    return 0;
}

const struct socket_family unix_family = { AF_UNIX, unix_create };

// ---- names -------------------------------------------------------------------------------------
static int64_t address_check(const struct address *address)
{
    bool valid = address->bytes > UNIX_PATH_AT && address->bytes <= UNIX_PATH_AT + UNIX_PATH_MAX &&
                 address->family == AF_UNIX;

    return valid ? 0 : -EINVAL;
}

static bool address_is_abstract(const struct address *address)
{
    return address->data[UNIX_PATH_AT] == 0;
}

// The path in an address, with a zero, which need not be in it.
static const char *address_path(const struct address *address, char path[UNIX_PATH_MAX + 1])
{
    uint32_t bytes = address->bytes - UNIX_PATH_AT;

    memcpy(path, address->data + UNIX_PATH_AT, bytes);
    path[bytes] = 0;
    return path;
}

static struct local *abstract_find(const struct address *address, uint32_t type)
{
    LIST_EACH(local, &named, struct local, named) {
        if (local->socket.type == type && local->name.bytes == address->bytes &&
            memcmp(local->name.data, address->data, address->bytes) == 0) {
            return local;
        }
    }
    return NULL;
}

static int64_t abstract_bind(struct local *local, const struct address *address)
{
    if (abstract_find(address, local->socket.type)) {
        return -EADDRINUSE;
    }
    local->name = *address;
    list_add(&named, &local->named);
    return 0;
}

// A name that nobody has: five digits.
static int64_t unix_autobind(struct local *local)
{
    static uint32_t next;
    struct address address = { .bytes = UNIX_PATH_AT + 6 };
    char digits[8];

    if (local->name.bytes > UNIX_PATH_AT) {
        return 0;
    }
    address.family = AF_UNIX;
    for (uint32_t tries = 0; tries < AUTOBIND_NAMES; tries++) {
        rt_format(digits, sizeof(digits), "%05x", next++ % AUTOBIND_NAMES);
        memcpy(address.data + UNIX_PATH_AT + 1, digits, 5);
        if (abstract_bind(local, &address) == 0) {
            return 0;
        }
    }
    return -ENOSPC;
}

// Make the socket's file in a directory that was found.
static int64_t path_make(struct task *task, struct path_result *result, struct dentry **made)
{
    struct dentry *directory = result->directory.dentry;
    uint32_t mode = S_IFSOCK | (0777u & ~task->placement->umask);
    int64_t error = place_writes(result->directory);

    error = error ? error : inode_permits(task, directory->inode, 3);
    if (error) {
        return error;
    }
    if (!directory->inode->ops->create) {
        return -EPERM;
    }
    return directory->inode->ops->create(task, directory, result->last, mode, 0, made);
}

static int64_t path_bind(struct task *task, struct local *local, const struct address *address)
{
    struct path_result result;
    char path[UNIX_PATH_MAX + 1];
    struct dentry *made;
    int64_t error = path_find(task, AT_FDCWD, address_path(address, path), PATH_CREATE, &result);

    if (error) {
        return error == -EEXIST ? -EADDRINUSE : error;
    }
    if (result.at.dentry) {
        path_put(&result);
        return -EADDRINUSE;
    }
    error = path_make(task, &result, &made);
    if (!error) {
        local->name = *address;
        local->name.bytes = UNIX_PATH_AT + (uint32_t)strlen(path) + 1;
        local->name.data[local->name.bytes - 1] = 0;
        // The reference to the new dentry goes with the place.
        local->place = (struct place){ result.directory.mount, made };
        local->place.mount->refs++;
        made->inode->pipe = local;
    }
    path_put(&result);
    return error == -EEXIST ? -EADDRINUSE : error;
}

static int64_t unix_bind(struct task *task, struct socket *socket, const struct address *address)
{
    struct local *local = unix_of(socket);
    int64_t error;

    if (address->bytes == UNIX_PATH_AT && address->family == AF_UNIX) {
        return unix_autobind(local);
    }
    error = address_check(address);
    if (error) {
        return error;
    }
    if (local->name.bytes > UNIX_PATH_AT) {
        return -EINVAL;
    }
    return address_is_abstract(address) ? abstract_bind(local, address)
                                        : path_bind(task, local, address);
}

static int64_t unix_name(struct socket *socket, bool peer, struct address *address)
{
    const struct local *local = unix_of(socket);

    if (peer && local->state != UNIX_CONNECTED && !local->peer) {
        return -ENOTCONN;
    }
    *address = peer ? local->peer_name : local->name;
    return 0;
}

static int64_t path_find_socket(struct task *task, const struct address *address,
                                struct local **found)
{
    struct path_result result;
    char path[UNIX_PATH_MAX + 1];
    int64_t error = path_find(task, AT_FDCWD, address_path(address, path), PATH_FOLLOW, &result);

    if (error) {
        return error;
    }
    const struct inode *inode = result.at.dentry->inode;
    error = inode_permits(task, inode, 2);
    if (!error) {
        *found = (inode->is.mode & S_IFMT) == S_IFSOCK ? inode->pipe : NULL;
        error = *found ? 0 : -ECONNREFUSED;
    }
    place_put(result.at);
    return error;
}

int64_t unix_find(struct task *task, const struct address *address, uint32_t type,
                  struct local **found)
{
    int64_t error = address_check(address);

    if (error) {
        return error;
    }
    if (address_is_abstract(address)) {
        *found = abstract_find(address, type);
        return *found ? 0 : -ECONNREFUSED;
    }
    error = path_find_socket(task, address, found);
    if (!error && (*found)->socket.type != type) {
        return -EPROTOTYPE;
    }
    return error;
}

// ---- connections -------------------------------------------------------------------------------
// A datagram socket talks to another from now on, or to nobody (NULL).
static void unix_follow(struct local *local, struct local *peer)
{
    list_remove(&local->following);
    local->peer = peer;
    if (peer) {
        local->peer_name = peer->name;
        list_add(&peer->followers, &local->following);
    }
    unix_wake(local);
}

static void unix_join(struct local *a, struct local *b)
{
    a->peer = b;
    b->peer = a;
    a->state = b->state = UNIX_CONNECTED;
    a->peer_name = b->name;
    b->peer_name = a->name;
    a->peer_sender = b->sender;
    b->peer_sender = a->sender;
}

static int64_t unix_pair(struct socket *a, struct socket *b, struct task *task)
{
    struct local *first = unix_of(a), *second = unix_of(b);

    first->sender = second->sender = sender_of(task, true);
    unix_join(first, second);
    if (unix_is_dgram(first)) {
        list_add(&second->followers, &first->following);
        list_add(&first->followers, &second->following);
    }
    return 0;
}

static int64_t unix_connect_dgram(struct task *task, struct local *local,
                                  const struct address *address)
{
    struct local *peer = NULL;
    int64_t error;

    if (address->bytes >= UNIX_PATH_AT && address->family == AF_UNSPEC) {
        local->state = UNIX_NEW;
        unix_follow(local, NULL);
        return 0;
    }
    error = unix_find(task, address, SOCK_DGRAM, &peer);
    if (error) {
        return error;
    }
    if (peer->peer && peer->peer != local) {
        return -EPERM;
    }
    local->sender = sender_of(task, true);
    local->peer_sender = peer->sender;
    local->state = UNIX_CONNECTED;
    unix_follow(local, peer);
    return 0;
}

// The other end of a new connection stands in the queue of who listens until it is accepted.
static int64_t unix_knock(struct task *task, struct local *local, struct local *listener)
{
    struct local *made = unix_new(local->socket.type);

    if (!made) {
        return -ENOMEM;
    }
    made->name = listener->name;
    made->sender = listener->sender;
    made->socket.passes_sender = listener->socket.passes_sender;
    local->sender = sender_of(task, true);
    unix_join(local, made);
    list_add(&listener->pending, &made->in_pending);
    listener->pending_count++;
    unix_wake(listener);
    unix_wake(local);
    return 0;
}

static int64_t unix_connect(struct task *task, struct socket *socket, const struct address *address,
                            bool waits)
{
    struct local *local = unix_of(socket), *listener;
    int64_t error;

    if (unix_is_dgram(local)) {
        return unix_connect_dgram(task, local, address);
    }
    error = address_check(address);
    if (!error && local->state == UNIX_CONNECTED) {
        return -EISCONN;
    }
    if (!error && local->state == UNIX_LISTENS) {
        return -EINVAL;
    }
    if (!error) {
        error = unix_find(task, address, socket->type, &listener);
    }
    if (error) {
        return error;
    }
    if (listener->state != UNIX_LISTENS || listener->shut & SHUT_RD) {
        return -ECONNREFUSED;
    }
    if (listener->pending_count > listener->backlog) {
        return waits ? socket_wait(task, &listener->socket, socket->send_timeout) : -EAGAIN;
    }
    return unix_knock(task, local, listener);
}

static int64_t unix_listen(struct task *task, struct socket *socket, uint32_t backlog)
{
    struct local *local = unix_of(socket);

    if (unix_is_dgram(local)) {
        return -EOPNOTSUPP;
    }
    if (local->name.bytes == UNIX_PATH_AT || local->state == UNIX_CONNECTED) {
        return -EINVAL;
    }
    local->state = UNIX_LISTENS;
    local->backlog = backlog;
    local->sender = sender_of(task, true);
    unix_wake(local);
    return 0;
}

static int64_t unix_accept(struct task *task, struct socket *socket, bool waits,
                           struct socket **made)
{
    struct local *local = unix_of(socket);

    if (unix_is_dgram(local)) {
        return -EOPNOTSUPP;
    }
    if (local->state != UNIX_LISTENS || local->shut & SHUT_RD) {
        return -EINVAL;
    }
    if (list_empty(&local->pending)) {
        return waits ? socket_wait(task, socket, socket->receive_timeout) : -EAGAIN;
    }
    struct local *first = CONTAINER(local->pending.next, struct local, in_pending);
    list_remove(&first->in_pending);
    local->pending_count--;
    unix_wake(local);
    *made = &first->socket;
    return 0;
}

// ---- ends --------------------------------------------------------------------------------------
static int64_t unix_shutdown(struct socket *socket, uint32_t how)
{
    struct local *local = unix_of(socket);

    local->shut |= how;
    if (local->peer && !unix_is_dgram(local)) {
        local->peer->shut |= (how & SHUT_RD ? SHUT_WR : 0) | (how & SHUT_WR ? SHUT_RD : 0);
        unix_wake(local->peer);
    }
    unix_wake(local);
    return 0;
}

static void unix_unbind(struct local *local)
{
    list_remove(&local->named);
    if (local->place.dentry) {
        local->place.dentry->inode->pipe = NULL;
        place_put(local->place);
    }
}

// Who was connected to it finds the end of its stream, or that its last bytes were not read.
static void unix_part(struct local *local, bool unread)
{
    struct local *peer = local->peer;

    if (peer && !unix_is_dgram(local)) {
        peer->peer = NULL;
        peer->shut = SHUT_RD | SHUT_WR;
        peer->socket.error = unread ? ECONNRESET : peer->socket.error;
        unix_wake(peer);
    }
    LIST_EACH(follower, &local->followers, struct local, following) {
        list_remove(&follower->following);
        follower->peer = NULL;
        unix_wake(follower);
    }
    list_remove(&local->following);
}

static void unix_end(struct local *local, bool unread)
{
    unix_unbind(local);
    unix_part(local, unread || !list_empty(&local->queue));
    local->peer = NULL;
    list_remove(&local->all);
    waitlist_end(&local->socket.changes);
    unix_drop_queue(local);
    heap_free(local);
}

static void unix_close(struct socket *socket)
{
    struct local *local = unix_of(socket);

    LIST_EACH(waiting, &local->pending, struct local, in_pending) {
        list_remove(&waiting->in_pending);
        unix_end(waiting, true);
    }
    unix_end(local, false);
    unix_collect();
}

static int64_t unix_option_get(struct socket *socket, int32_t level, int32_t name, void *value,
                               uint32_t *bytes)
{
    const struct local *local = unix_of(socket);
    struct sender sender = local->peer_sender;

    if (level != SOL_SOCKET) {
        return -EOPNOTSUPP;
    }
    if (name != SO_PEERCRED) {
        return -ENOPROTOOPT;
    }
    if (!sender.pid) {
        sender.uid = sender.gid = UINT32_MAX;
    }
    *bytes = *bytes < sizeof(sender) ? *bytes : (uint32_t)sizeof(sender);
    memcpy(value, &sender, *bytes);
    return 0;
}

static bool unix_listens(struct socket *socket)
{
    return unix_of(socket)->state == UNIX_LISTENS;
}

static const struct socket_ops unix_ops = {
    .bind = unix_bind,
    .listen = unix_listen,
    .listens = unix_listens,
    .connect = unix_connect,
    .accept = unix_accept,
    .name = unix_name,
    .send = unix_send,
    .receive = unix_receive,
    .shutdown = unix_shutdown,
    .pair = unix_pair,
    .ioctl = unix_ioctl,
    .option_get = unix_option_get,
    .ready = unix_ready,
    .close = unix_close,
};
