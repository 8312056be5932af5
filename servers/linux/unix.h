// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// UNIX sockets: what their files share (unix.c: names and connections; unix_data.c: what is sent;
// unix_collect.c: sockets that only messages know of).
#pragma once

#include "socket.h"

#define UNIX_PATH_MAX   108u
#define UNIX_PATH_AT    2u   // in an address
#define UNIX_DGRAMS_MAX 10u  // that wait at a datagram socket, beyond the first

enum unix_state {
    UNIX_NEW,
    UNIX_LISTENS,
    UNIX_CONNECTED
};

// (`unix` is a word of the compiler.)
struct local {
    struct socket socket;
    struct list all;
    enum unix_state state;
    uint32_t shut;          // SHUT_*
    struct local *peer;     // the other end, NULL once it has gone; datagrams: where they go
    struct list followers;  // datagram sockets whose peer it is
    struct list following;
    struct list queue;         // packets that have come
    uint32_t queued, packets;  // bytes and packets in it
    struct list pending;       // connections that nobody has accepted
    struct list in_pending;
    uint32_t backlog, pending_count;
    struct address name, peer_name;
    struct place place;    // that it is bound to; no dentry: none
    struct list named;     // among those with abstract names
    struct sender sender;  // who made it listen or connect
    struct sender peer_sender;
    // Collection.
    uint32_t under_way;  // in how many messages its file is
    bool reached;
    struct list work;  // reached, and what it leads to not yet
};

struct packet {
    struct list link;
    struct passed *passed;
    struct sender sender;
    uint32_t bytes, taken;
    uint32_t from;  // bytes of the sender's address, which stand before the data
    char data[];
};

extern struct list unix_all;

static inline struct local *unix_of(struct socket *socket)
{
    return CONTAINER(socket, struct local, socket);
}
static inline bool unix_is_dgram(const struct local *local)
{
    return local->socket.type == SOCK_DGRAM;
}
static inline void unix_wake(struct local *local)
{
    if (!list_empty(&local->socket.changes.waiters)) {
        waitlist_wake(&local->socket.changes);
    }
}

// Who the task is, by its effective (or real) ids.
struct sender sender_of(const struct task *task, bool effective);
// Find who a datagram or a connection is for: 0, -EINVAL, -ECONNREFUSED, -EACCES, -EPROTOTYPE, ...
int64_t unix_find(struct task *task, const struct address *address, uint32_t type,
                  struct local **found);

int64_t unix_send(struct task *task, struct socket *socket, struct message *message);
int64_t unix_receive(struct task *task, struct socket *socket, struct message *message);
uint32_t unix_ready(struct socket *socket);
int64_t unix_ioctl(struct task *task, struct socket *socket, uint32_t request, uint64_t argument);
// Take what has come away, unread.
void unix_drop_queue(struct local *local);

// Close sockets that can be reached from no descriptor any more.
void unix_collect(void);
