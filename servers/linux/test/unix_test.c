// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// UNIX sockets.
#include "../unix.h"

#include "ipc_fake.h"

#include <rt/string.h>

#define SOL_SOCKET 1
#define RIGHTS     1
#define CREDS      2

static struct task *const one = &tasks[0], *const two = &tasks[1];
static char big[400000], back[400000];

struct name {
    uint16_t family;
    char path[108];
};

struct iovec {
    const void *at;
    uint64_t bytes;
};

struct control {
    uint64_t bytes;
    int32_t level, type;
    int32_t data[8];
};

static int sockets(struct task *task, uint32_t type, int fds[2])
{
    return (int)CALL(task, call_socketpair(task, AF_UNIX, type, 0, at(fds)));
}

static int make(struct task *task, uint32_t type)
{
    return (int)CALL(task, call_socket(task, AF_UNIX, type, 0));
}

static int name_bytes(const struct name *name)
{
    return (int)(2 + (name->path[0] ? strlen(name->path) + 1 : 1 + strlen(name->path + 1)));
}

static int64_t bind_to(struct task *task, int fd, const struct name *name)
{
    return CALL(task, call_bind(task, fd, at(name), name_bytes(name)));
}

static int64_t connect_to(struct task *task, int fd, const struct name *name)
{
    return CALL(task, call_connect(task, fd, at(name), name_bytes(name)));
}

static int64_t send_message(struct task *task, int fd, const void *data, uint64_t bytes,
                            const struct control *control)
{
    struct iovec piece = { data, bytes };
    struct header header = { .vector = at(&piece), .pieces = 1 };
    header.control = at(control);
    header.control_bytes = control ? control->bytes : 0;
    return CALL(task, call_sendmsg(task, fd, at(&header), 0));
}

// What comes: bytes; flags and length of control data in the header.
static int64_t receive_message(struct task *task, int fd, uint32_t flags, struct control *control,
                               struct header *header)
{
    struct iovec piece = { back, 100 };
    *header = (struct header){ .vector = at(&piece), .pieces = 1 };
    header->control = at(control);
    header->control_bytes = control ? sizeof(*control) : 0;
    return CALL(task, call_recvmsg(task, fd, at(header), flags));
}

static void refuses(void **state)
{
    int fds[2];
    (void)state;
    assert_int_equal(CALL(one, call_socket(one, 2, 1, 0)), -EAFNOSUPPORT);
    assert_int_equal(CALL(one, call_socket(one, 99, 1, 0)), -EAFNOSUPPORT);
    assert_int_equal(CALL(one, call_socket(one, 1, 4, 0)), -ESOCKTNOSUPPORT);
    assert_int_equal(CALL(one, call_socket(one, 1, 1, 6)), -EPROTONOSUPPORT);
    assert_int_equal(CALL(one, call_socket(one, 1, 0x101, 0)), -EINVAL);
    assert_int_equal(CALL(one, call_socketpair(one, 1, 1, 0, BAD)), -EFAULT);
    assert_int_equal(CALL(one, call_pipe2(one, at(fds), 0)), 0);
    assert_int_equal(CALL(one, call_listen(one, fds[0], 1)), -ENOTSOCK);
    assert_int_equal(CALL(one, call_listen(one, 50, 1)), -EBADF);
    int fd = make(one, SOCK_STREAM);
    assert_int_equal(write_fd(one, fd, "a", 1), -ENOTCONN);
    assert_int_equal(read_fd(one, fd, back, 1), -EINVAL);
    assert_int_equal(CALL(one, call_listen(one, fd, 1)), -EINVAL);
    assert_int_equal(CALL(one, call_getpeername(one, fd, at(back), at(fds))), -ENOTCONN);
    assert_int_equal(ready_fd(one, fd), POLLOUT | POLLWRNORM | POLLWRBAND | POLLHUP);
    for (int room = 0; room < 14; room++) {
        fake_room = room;
        int64_t result = sockets(one, SOCK_STREAM, fds);
        assert_true(result == 0 || result == -ENOMEM);
    }
}

static void pair_passes_a_stream(void **state)
{
    int fds[2];
    (void)state;
    assert_int_equal(sockets(one, SOCK_STREAM, fds), 0);
    assert_int_equal(read_fd(one, fds[0], back, 10), RESULT_WAIT);
    assert_int_equal(write_fd(two, 0, "x", 1), -EBADF);
    file_get(file_at(one, fds[1]));
    assert_int_equal(file_install(two, file_at(one, fds[1]), 0, false), 0);
    assert_int_equal(write_fd(two, 0, "abc", 3), 3);
    assert_true(task_woken(one));
    assert_int_equal(write_fd(two, 0, "def", 3), 3);
    assert_int_equal(read_fd(one, fds[0], back, 4), 4);
    assert_memory_equal(back, "abcd", 4);
    assert_int_equal(CALL(one, call_recvfrom(one, fds[0], at(back), 9, MSG_PEEK, 0, 0)), 2);
    assert_int_equal(CALL(one, call_recvfrom(one, fds[0], at(back), 9, 0, 0, 0)), 2);
    assert_memory_equal(back, "ef", 2);
    assert_int_equal(CALL(one, call_recvfrom(one, fds[0], at(back), 9, MSG_DONTWAIT, 0, 0)),
                     -EAGAIN);
    assert_int_equal(CALL(one, call_recvfrom(one, fds[0], at(back), 5, MSG_WAITALL, 0, 0)),
                     RESULT_WAIT);
    write_fd(two, 0, "12", 2);
    assert_int_equal(CALL(one, call_recvfrom(one, fds[0], at(back), 5, MSG_WAITALL, 0, 0)),
                     RESULT_WAIT);
    write_fd(two, 0, "3456", 4);
    assert_int_equal(CALL(one, call_recvfrom(one, fds[0], at(back), 5, MSG_WAITALL, 0, 0)), 5);
    assert_memory_equal(back, "12345", 5);
}

static void stream_holds_back(void **state)
{
    int fds[2];
    unsigned got = 0;
    (void)state;
    for (unsigned i = 0; i < sizeof(big); i++) {
        big[i] = (char)(i * 13 + i / 1000);
    }
    assert_int_equal(sockets(one, SOCK_STREAM, fds), 0);
    int64_t result = write_fd(one, fds[0], big, sizeof(big));
    assert_int_equal(result, RESULT_WAIT);
    assert_false(ready_fd(one, fds[0]) & POLLOUT);
    file_get(file_at(one, fds[1]));
    file_install(two, file_at(one, fds[1]), 0, false);
    for (unsigned rounds = 0; got < sizeof(big); rounds++) {
        int64_t now = read_fd(two, 0, back + got, 30011);
        assert_true(now > 0 && rounds < 100);
        got += (unsigned)now;
        if (result == RESULT_WAIT && task_woken(one)) {
            result = write_fd(one, fds[0], big, sizeof(big));
        }
    }
    assert_int_equal(result, sizeof(big));
    assert_memory_equal(big, back, sizeof(big));
    assert_int_equal(CALL(one, call_sendto(one, fds[0], at(big), sizeof(big), MSG_DONTWAIT, 0, 0)),
                     212992);
    assert_int_equal(CALL(one, call_sendto(one, fds[0], at(big), 1, MSG_DONTWAIT, 0, 0)), -EAGAIN);
}

static void ends_are_told(void **state)
{
    int fds[2];
    (void)state;
    assert_int_equal(sockets(one, SOCK_STREAM, fds), 0);
    write_fd(one, fds[0], "abc", 3);
    assert_int_equal(CALL(one, call_shutdown(one, fds[0], 1)), 0);
    assert_int_equal(write_fd(one, fds[0], "a", 1), -EPIPE);
    assert_int_equal(fake_signals, 1);
    assert_int_equal(CALL(one, call_sendto(one, fds[0], at(big), 1, MSG_NOSIGNAL, 0, 0)), -EPIPE);
    assert_int_equal(fake_signals, 1);
    assert_int_equal(read_fd(one, fds[1], back, 9), 3);
    assert_int_equal(read_fd(one, fds[1], back, 9), 0);
    assert_true(ready_fd(one, fds[1]) & POLLRDHUP);
    assert_int_equal(write_fd(one, fds[1], "back", 4), 4);
    file_close(one, fds[0]);
    // What was sent to it has not been read.
    assert_int_equal(ready_fd(one, fds[1]) & (POLLERR | POLLHUP), POLLERR | POLLHUP);
    assert_int_equal(read_fd(one, fds[1], back, 9), -ECONNRESET);
    assert_int_equal(read_fd(one, fds[1], back, 9), 0);
    assert_int_equal(CALL(one, call_shutdown(one, fds[1], 3)), -EINVAL);
}

static void packets_keep_their_bounds(void **state)
{
    int fds[2];
    struct header header;
    (void)state;
    assert_int_equal(sockets(one, SOCK_SEQPACKET | O_NONBLOCK, fds), 0);
    assert_int_equal(write_fd(one, fds[0], "abcdef", 6), 6);
    assert_int_equal(write_fd(one, fds[0], "", 0), 0);
    assert_int_equal(write_fd(one, fds[0], "gh", 2), 2);
    assert_int_equal(CALL(one, call_recvfrom(one, fds[1], at(back), 2, MSG_PEEK | MSG_TRUNC, 0, 0)),
                     6);
    assert_int_equal(read_fd(one, fds[1], back, 4), 4);
    assert_int_equal(read_fd(one, fds[1], back, 4), 0);
    assert_int_equal(receive_message(one, fds[1], 0, NULL, &header), 2);
    assert_int_equal(header.flags, 0);
    assert_int_equal(write_fd(one, fds[0], big, 212992), -EMSGSIZE);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(write_fd(one, fds[0], big, 50000), 50000);
    }
    assert_int_equal(write_fd(one, fds[0], big, 50000), -EAGAIN);
}

static void connects_by_name(const struct name *name)
{
    struct name got;
    int32_t bytes = sizeof(got);
    int listener = make(one, SOCK_STREAM), client = make(two, SOCK_STREAM),
        third = make(two, SOCK_STREAM);
    assert_int_equal(connect_to(two, client, name), name->path[0] ? -ENOENT : -ECONNREFUSED);
    assert_int_equal(bind_to(one, listener, name), 0);
    assert_int_equal(bind_to(one, listener, name), -EINVAL);
    assert_int_equal(bind_to(two, third, name), -EADDRINUSE);
    assert_int_equal(connect_to(two, client, name), -ECONNREFUSED);
    assert_int_equal(CALL(one, call_listen(one, listener, 0)), 0);
    assert_int_equal(CALL(one, call_accept(one, listener, 0, 0)), RESULT_WAIT);
    two->credentials.euid = 77;
    assert_int_equal(connect_to(two, client, name), 0);
    assert_true(task_woken(one));
    // The queue is full: another one waits until the first is accepted.
    assert_int_equal(connect_to(two, third, name), RESULT_WAIT);
    int server = (int)CALL(one, call_accept(one, listener, 0, 0));
    assert_true(server > listener);
    assert_true(task_woken(two));
    assert_int_equal(connect_to(two, third, name), 0);
    assert_int_equal(connect_to(two, client, name), -EISCONN);
    assert_int_equal(write_fd(two, client, "hi", 2), 2);
    assert_int_equal(read_fd(one, server, back, 9), 2);
    assert_int_equal(CALL(two, call_getpeername(two, client, at(&got), at(&bytes))), 0);
    assert_int_equal(bytes, name_bytes(name));
    assert_memory_equal(&got, name, (size_t)bytes);
    struct sender sender;
    bytes = sizeof(sender);
    assert_int_equal(
        CALL(one, call_getsockopt(one, server, SOL_SOCKET, 17, at(&sender), at(&bytes))), 0);
    assert_int_equal(sender.pid, 101);
    assert_int_equal(sender.uid, 77);
    bytes = 20;
    assert_int_equal(CALL(one, call_getsockname(one, client, at(back), at(&bytes))), 0);
    file_close(one, listener);
    // The one that nobody accepted.
    assert_int_equal(read_fd(two, third, back, 1), -ECONNRESET);
    assert_int_equal(connect_to(two, make(two, SOCK_STREAM), name), -ECONNREFUSED);
}

static void connects_by_abstract_name(void **state)
{
    struct name name = { AF_UNIX, "\0service" };
    (void)state;
    connects_by_name(&name);
}

static void connects_by_path(void **state)
{
    struct name name = { AF_UNIX, "sock" };
    (void)state;
    connects_by_name(&name);
    // Its file stays.
    assert_int_equal(bind_to(one, make(one, SOCK_STREAM), &name), -EADDRINUSE);
}

static void bad_addresses(void **state)
{
    struct name name = { 2, "x" };
    int fd = make(one, SOCK_STREAM);
    (void)state;
    assert_int_equal(bind_to(one, fd, &name), -EINVAL);
    assert_int_equal(connect_to(one, fd, &name), -EINVAL);
    assert_int_equal(CALL(one, call_bind(one, fd, at(&name), -1)), -EINVAL);
    assert_int_equal(CALL(one, call_bind(one, fd, at(&name), 200)), -EINVAL);
    assert_int_equal(CALL(one, call_bind(one, fd, BAD, 10)), -EFAULT);
    name.family = AF_UNIX;
    assert_int_equal(CALL(one, call_bind(one, fd, at(&name), 2)), 0);
    int32_t bytes = 100;
    assert_int_equal(CALL(one, call_getsockname(one, fd, at(back), at(&bytes))), 0);
    assert_int_equal(bytes, 8);
    assert_int_equal(back[2], 0);
}

static void datagrams_find_their_way(void **state)
{
    struct name a = { AF_UNIX, "\0a" }, b = { AF_UNIX, "\0b" }, got;
    int32_t bytes = sizeof(got);
    int first = make(one, SOCK_DGRAM), second = make(two, SOCK_DGRAM),
        third = make(two, SOCK_DGRAM);
    (void)state;
    assert_int_equal(bind_to(one, first, &a), 0);
    assert_int_equal(bind_to(two, second, &b), 0);
    assert_int_equal(write_fd(two, second, "x", 1), -ENOTCONN);
    assert_int_equal(CALL(two, call_sendto(two, second, at("hello"), 5, 0, at(&a), name_bytes(&a))),
                     5);
    assert_int_equal(CALL(one, call_recvfrom(one, first, at(back), 3, 0, at(&got), at(&bytes))), 3);
    assert_int_equal(bytes, name_bytes(&b));
    assert_memory_equal(&got, &b, (size_t)bytes);
    assert_int_equal(connect_to(two, second, &a), 0);
    assert_int_equal(connect_to(one, first, &b), 0);
    assert_int_equal(connect_to(two, third, &a), -EPERM);
    for (unsigned i = 0; i < 11; i++) {
        assert_int_equal(write_fd(two, second, "y", 1), 1);
    }
    assert_false(ready_fd(two, second) & POLLOUT);
    assert_int_equal(write_fd(two, second, "y", 1), RESULT_WAIT);
    assert_int_equal(read_fd(one, first, back, 9), 1);
    assert_true(task_woken(two));
    assert_int_equal(write_fd(two, second, "y", 1), 1);
    file_close(one, first);
    assert_int_equal(write_fd(two, second, "y", 1), -ECONNREFUSED);
    assert_int_equal(write_fd(two, second, "y", 1), -ENOTCONN);
    assert_int_equal(CALL(two, call_listen(two, second, 1)), -EOPNOTSUPP);
}

static void descriptors_pass(void **state)
{
    int fds[2], ends[2];
    struct control control = { 16 + 8, SOL_SOCKET, RIGHTS, { 0 } }, got;
    struct header header;
    (void)state;
    assert_int_equal(sockets(one, SOCK_STREAM, fds), 0);
    assert_int_equal(CALL(one, call_pipe2(one, at(ends), 0)), 0);
    control.data[0] = ends[0];
    control.data[1] = ends[1];
    write_fd(one, fds[0], "a", 1);
    assert_int_equal(send_message(one, fds[0], "bc", 2, &control), 2);
    write_fd(one, fds[0], "d", 1);
    assert_int_equal(files_under_way(), 2);
    file_close(one, ends[0]);
    file_close(one, ends[1]);
    // A read goes up to the packet with the files, and not beyond.
    assert_int_equal(receive_message(one, fds[1], MSG_PEEK, &got, &header), 3);
    assert_int_equal(got.bytes, 24);
    file_close(one, got.data[0]);
    file_close(one, got.data[1]);
    assert_int_equal(receive_message(one, fds[1], MSG_CMSG_CLOEXEC, &got, &header), 3);
    assert_int_equal(files_under_way(), 0);
    assert_int_equal(header.control_bytes, 24);
    assert_int_equal(got.type, RIGHTS);
    assert_true(one->files->at[got.data[0]].close_on_exec);
    assert_int_equal(write_fd(one, got.data[1], "pipe", 4), 4);
    assert_int_equal(read_fd(one, got.data[0], back, 9), 4);
    // No room for them: they are closed.
    assert_int_equal(send_message(one, fds[0], "e", 1,
                                  &(struct control){ 20, SOL_SOCKET, RIGHTS, { fds[0] } }),
                     1);
    assert_int_equal(receive_message(one, fds[1], 0, NULL, &header), 2);
    assert_int_equal(header.flags, MSG_CTRUNC);
    control.data[0] = 60;
    assert_int_equal(send_message(one, fds[0], "f", 1, &control), -EBADF);
    control.type = 9;
    assert_int_equal(send_message(one, fds[0], "f", 1, &control), -EINVAL);
    // Still under way when all is closed.
    control.type = RIGHTS;
    control.data[0] = control.data[1] = got.data[0];
    assert_int_equal(send_message(one, fds[0], "g", 1, &control), 1);
}

static void senders_are_told(void **state)
{
    int fds[2];
    int32_t on = 1;
    struct control control = { 16 + 12, SOL_SOCKET, CREDS, { 100, 5, 6 } }, got;
    struct header header;
    (void)state;
    assert_int_equal(sockets(one, SOCK_STREAM, fds), 0);
    one->credentials.uid = 5;
    assert_int_equal(CALL(one, call_setsockopt(one, fds[1], SOL_SOCKET, 16, at(&on), 4)), 0);
    assert_int_equal(send_message(one, fds[0], "a", 1, &control), -EPERM);
    one->credentials.gid = 6;
    assert_int_equal(send_message(one, fds[0], "a", 1, &control), 1);
    one->credentials.gid = 7;
    write_fd(one, fds[0], "b", 1);
    // Bytes of different senders are not read together.
    assert_int_equal(receive_message(one, fds[1], 0, &got, &header), 1);
    assert_int_equal(got.type, CREDS);
    assert_int_equal(got.data[0], 100);
    assert_int_equal(got.data[2], 6);
    assert_int_equal(receive_message(one, fds[1], 0, &got, &header), 1);
    assert_int_equal(got.data[2], 7);
    fake_capable = true;
    control.data[0] = 1;
    assert_int_equal(send_message(one, fds[0], "a", 1, &control), 1);
}

// Sockets that are only in each other's queues, and a long chain of them.
static void cycles_are_collected(void **state)
{
    int fds[2], other[2];
    struct control control = { 16 + 8, SOL_SOCKET, RIGHTS, { 0 } };
    unsigned before = fake_objects;
    (void)state;
    assert_int_equal(sockets(one, SOCK_STREAM, fds), 0);
    assert_int_equal(sockets(one, SOCK_DGRAM, other), 0);
    control.data[0] = fds[1];
    control.data[1] = fds[0];
    assert_int_equal(send_message(one, fds[0], "a", 1, &control), 1);
    control.data[0] = fds[1];
    control.data[1] = other[1];
    assert_int_equal(send_message(one, other[0], "b", 1, &control), 1);
    file_close(one, fds[0]);
    file_close(one, fds[1]);
    assert_true(files_under_way() > 0);
    file_close(one, other[0]);
    assert_true(files_under_way() > 0);
    file_close(one, other[1]);
    // Nothing tells of that, but the next socket.
    file_close(one, make(one, SOCK_DGRAM));
    assert_int_equal(files_under_way(), 0);
    assert_int_equal(fake_objects, before);
    int top = -1;
    one->process->limits[7] = (struct limit){ 100000, 100000 };
    for (unsigned i = 0; i < 5000; i++) {
        assert_int_equal(sockets(one, SOCK_STREAM, fds), 0);
        if (top >= 0) {
            struct control next = { 20, SOL_SOCKET, RIGHTS, { top } };
            assert_int_equal(send_message(one, fds[0], "a", 1, &next), 1);
            file_close(one, top);
        }
        file_close(one, fds[0]);
        top = fds[1];
    }
    file_close(one, top);
    assert_int_equal(files_under_way(), 0);
    assert_int_equal(fake_objects, before);
}

static void many_at_once(void **state)
{
    int fds[2];
    struct {
        struct header header;
        uint32_t bytes, padding;
    } many[3];
    struct iovec pieces[3] = { { "a", 1 }, { "bb", 2 }, { "ccc", 3 } };
    (void)state;
    memset(many, 0, sizeof(many));
    for (unsigned i = 0; i < 3; i++) {
        many[i].header.vector = at(&pieces[i]);
        many[i].header.pieces = 1;
    }
    assert_int_equal(sockets(one, SOCK_DGRAM, fds), 0);
    assert_int_equal(CALL(one, call_sendmmsg(one, fds[0], at(many), 3, 0)), 3);
    assert_int_equal(many[2].bytes, 3);
    for (unsigned i = 0; i < 3; i++) {
        pieces[i] = (struct iovec){ back + i * 10, 10 };
    }
    assert_int_equal(CALL(one, call_recvmmsg(one, fds[1], at(many), 2, 0, 0)), 2);
    assert_int_equal(many[1].bytes, 2);
    assert_int_equal(CALL(one, call_recvmmsg(one, fds[1], at(many), 3, MSG_WAITFORONE, 0)), 1);
    file_get(file_at(one, fds[0]));
    assert_int_equal(file_install(two, file_at(one, fds[0]), 0, false), 0);
    assert_int_equal(CALL(one, call_recvmmsg(one, fds[1], at(many), 2, 0, 0)), RESULT_WAIT);
    write_fd(two, 0, "x", 1);
    assert_int_equal(CALL(one, call_recvmmsg(one, fds[1], at(many), 2, 0, 0)), RESULT_WAIT);
    write_fd(two, 0, "y", 1);
    assert_int_equal(CALL(one, call_recvmmsg(one, fds[1], at(many), 2, 0, 0)), 2);
}

static void options(void **state)
{
    int fds[2];
    int32_t value = 1000, bytes = 4;
    int64_t time[2] = { 0, 5000 };
    (void)state;
    assert_int_equal(sockets(one, SOCK_STREAM, fds), 0);
    assert_int_equal(CALL(one, call_setsockopt(one, fds[0], SOL_SOCKET, 7, at(&value), 4)), 0);
    assert_int_equal(CALL(one, call_getsockopt(one, fds[0], SOL_SOCKET, 7, at(&value), at(&bytes))),
                     0);
    assert_int_equal(value, 4608);
    assert_int_equal(CALL(one, call_getsockopt(one, fds[0], SOL_SOCKET, 3, at(&value), at(&bytes))),
                     0);
    assert_int_equal(value, SOCK_STREAM);
    assert_int_equal(CALL(one, call_setsockopt(one, fds[0], SOL_SOCKET, 2, at(&value), 3)),
                     -EINVAL);
    assert_int_equal(CALL(one, call_setsockopt(one, fds[0], SOL_SOCKET, 99, at(&value), 4)),
                     -ENOPROTOOPT);
    assert_int_equal(CALL(one, call_setsockopt(one, fds[0], 6, 1, at(&value), 4)), -EOPNOTSUPP);
    assert_int_equal(CALL(one,
                          call_getsockopt(one, fds[0], SOL_SOCKET, 99, at(&value), at(&bytes))),
                     -ENOPROTOOPT);
    assert_int_equal(CALL(one, call_setsockopt(one, fds[0], SOL_SOCKET, 20, at(time), 16)), 0);
    assert_int_equal(read_fd(one, fds[0], back, 1), RESULT_WAIT);
    fake_wait(5000000);
    assert_int_equal(read_fd(one, fds[0], back, 1), -EAGAIN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refuses),
        TEST(pair_passes_a_stream),
        TEST(stream_holds_back),
        TEST(ends_are_told),
        TEST(packets_keep_their_bounds),
        TEST(connects_by_abstract_name),
        TEST(connects_by_path),
        TEST(bad_addresses),
        TEST(datagrams_find_their_way),
        TEST(descriptors_pass),
        TEST(senders_are_told),
        TEST(cycles_are_collected),
        TEST(many_at_once),
        TEST(options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
