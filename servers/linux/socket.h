// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Sockets of all families: what the system calls ask of a family.
#pragma once

#include "inode.h"

#define AF_UNSPEC 0u
#define AF_UNIX   1u

#define SOCK_STREAM    1u
#define SOCK_DGRAM     2u
#define SOCK_RAW       3u
#define SOCK_SEQPACKET 5u
#define SOCK_TYPE_MASK 15u

#define MSG_OOB          0x1u
#define MSG_PEEK         0x2u
#define MSG_CTRUNC       0x8u
#define MSG_TRUNC        0x20u
#define MSG_DONTWAIT     0x40u
#define MSG_EOR          0x80u
#define MSG_WAITALL      0x100u
#define MSG_ERRQUEUE     0x2000u
#define MSG_NOSIGNAL     0x4000u
#define MSG_WAITFORONE   0x10000u
#define MSG_CMSG_CLOEXEC 0x40000000u

#define SHUT_RD 1u  // bits; the system call counts from 0
#define SHUT_WR 2u

#define ADDRESS_MAX 128u
#define PASSED_MAX  253u  // files in one message

// An address of a socket, checked by its family only.
struct address {
    uint32_t bytes;  // 0: none
    union {
        uint16_t family;
        char data[ADDRESS_MAX];
    };
};

// Who sent something, or is at the other end (struct ucred).
struct sender {
    uint32_t pid, uid, gid;
};

// Open files that are under way, with a reference to each.
struct passed {
    struct passed *next;  // of those that are being given up
    uint32_t count;
    struct file *files[];
};

// What is sent or received.
struct message {
    struct io io;
    uint32_t flags;          // MSG_* of the call; MSG_DONTWAIT also for O_NONBLOCK
    uint32_t told;           // MSG_* for who receives
    struct address address;  // to; from
    struct passed *passed;   // the message's own; NULL: none
    struct sender sender;
    bool has_sender;  // given by the process; known to who receives
};

struct socket;

// As setsockopt gives it.
struct option {
    int32_t level, name;
    user_t value;
    uint32_t bytes;
};

// What a family does.  NULL: -EOPNOTSUPP.  Those that wait answer as those of files do.
struct socket_ops {
    int64_t (*bind)(struct task *task, struct socket *socket, const struct address *address);
    int64_t (*listen)(struct task *task, struct socket *socket, uint32_t backlog);
    int64_t (*connect)(struct task *task, struct socket *socket, const struct address *address,
                       bool waits);
    // The socket of a new connection, which has no file yet.
    int64_t (*accept)(struct task *task, struct socket *socket, bool waits, struct socket **made);
    // Its own address, or the peer's.
    int64_t (*name)(struct socket *socket, bool peer, struct address *address);
    // Bytes moved; takes message->passed where it sends anything.
    int64_t (*send)(struct task *task, struct socket *socket, struct message *message);
    int64_t (*receive)(struct task *task, struct socket *socket, struct message *message);
    int64_t (*shutdown)(struct socket *socket, uint32_t how);
    int64_t (*pair)(struct socket *a, struct socket *b, struct task *task);
    int64_t (*ioctl)(struct task *task, struct socket *socket, uint32_t request, uint64_t argument);
    // Options of its levels.  `value` has room for `*bytes`, which become what there are.
    int64_t (*option_get)(struct socket *socket, int32_t level, int32_t name, void *value,
                          uint32_t *bytes);
    int64_t (*option_set)(struct task *task, struct socket *socket, const struct option *option);
    bool (*listens)(struct socket *socket);
    uint32_t (*ready)(struct socket *socket);
    // The socket is at its end; gives up its memory.
    void (*close)(struct socket *socket);
};

struct socket {
    const struct socket_ops *ops;
    struct file *file;  // NULL: not accepted yet
    uint16_t family, type, protocol;
    bool passes_sender;                      // SO_PASSCRED
    int32_t error;                           // SO_ERROR
    uint32_t send_bytes, receive_bytes;      // SO_SNDBUF, SO_RCVBUF
    uint64_t send_timeout, receive_timeout;  // ns; 0: none
    uint64_t switches;                       // options that do nothing, by number
    uint32_t low_mark;                       // SO_RCVLOWAT
    uint64_t linger;                         // as it was given
    struct waitlist changes;                 // of anything that makes it ready, or somebody go on
};

// A family of sockets; further ones take their place in the table of socket.c.
struct socket_family {
    uint32_t number;
    // A new one: 0, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -ENOMEM.
    int64_t (*create)(struct task *task, uint32_t type, uint32_t protocol, struct socket **made);
};
extern const struct socket_family unix_family;

// Set what all have.
void socket_init(struct socket *socket, const struct socket_ops *ops, uint32_t family,
                 uint32_t type);
// The socket of a file; NULL: it is none.
struct socket *socket_of(const struct file *file);
// Wait for a change of `of`, no longer than the time-out says (0: none): RESULT_WAIT, or -EAGAIN.
int64_t socket_wait(struct task *task, struct socket *of, uint64_t timeout);

// ---- message.c: struct msghdr and what it carries.
struct header {
    user_t name;
    uint32_t name_bytes, padding;
    user_t vector;
    uint64_t pieces;
    user_t control;
    uint64_t control_bytes;
    uint32_t flags, padding2;
};
// Read an address: 0, -EINVAL, -EFAULT.
int64_t address_read(struct task *task, user_t from, int64_t bytes, struct address *address);
// Give one, cut to the room that the int at `bytes` says, which becomes its true length.
int64_t address_write(struct task *task, const struct address *address, user_t to, user_t bytes);
// What is to be sent: header's name, vector and control data.  On failure nothing is to be given
// up.
int64_t message_read(struct task *task, const struct header *header, struct message *message);
// Control data of what was received: files become descriptors.  header->control_bytes and
// message->told are set.
int64_t message_write_control(struct task *task, struct header *header, struct message *message,
                              bool tells_sender);
void passed_free(struct passed *passed);
// The same files once more; NULL: no memory.
struct passed *passed_copy(const struct passed *passed);

// ---- unix_collect.c
// A file is under way in a message, or no longer.
void file_departs(struct file *file);
void file_arrives(struct file *file);
uint32_t files_under_way(void);
