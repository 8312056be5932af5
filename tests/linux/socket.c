// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// UNIX sockets (unix(7)): streams, datagrams, sequenced packets, names, descriptors and identities
// that are passed.
#include "check.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

static int pair[2] = { -1, -1 };
static char buffer[300000];
static char control[1024] __attribute__((aligned(8)));

static struct sockaddr_un named(const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
    return address;
}

static long bind_to(int fd, const char *name)
{
    struct sockaddr_un address = named(name);
    return bind(fd, (struct sockaddr *)&address, sizeof(address));
}

static long connect_to(int fd, const char *name)
{
    struct sockaddr_un address = named(name);
    return connect(fd, (struct sockaddr *)&address, sizeof(address));
}

// One byte, to a name or (NULL) to whom the socket is connected.
static long send_to(int fd, const char *name, int flags)
{
    struct sockaddr_un address = named(name != NULL ? name : "");
    return sendto(fd, "x", 1, flags, name != NULL ? (struct sockaddr *)&address : NULL,
                  name != NULL ? sizeof(address) : 0);
}

static long message_to(int fd, const char *name, int flags)
{
    struct sockaddr_un address = named(name != NULL ? name : "");
    struct iovec part = { buffer, 1 };
    struct msghdr message = { .msg_name = name != NULL ? &address : NULL,
                              .msg_namelen = name != NULL ? sizeof(address) : 0,
                              .msg_iov = &part,
                              .msg_iovlen = 1 };
    return sendmsg(fd, &message, flags);
}

static long message_from(int fd, int flags)
{
    struct iovec part = { buffer, 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    return recvmsg(fd, &message, flags);
}

static int listen_at(const char *name, int type)
{
    int fd = NEED(socket(AF_UNIX, type, 0));
    NEED(bind_to(fd, name));
    NEED(listen(fd, 5));
    return fd;
}

static int option_of(int fd, int option)
{
    int value = -1;
    socklen_t length = sizeof(value);
    NEED(getsockopt(fd, SOL_SOCKET, option, &value, &length));
    return value;
}

CASE(create)
{
    CHECK(socket(AF_UNIX, SOCK_STREAM, 0), 3);
    CHECK(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), 4);
    CHECK(fcntl(4, F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(4, F_GETFL), O_RDWR | O_NONBLOCK);
    CHECK(socket(AF_UNIX, SOCK_SEQPACKET, 0), 5);
    CHECK(socket(AF_UNIX, SOCK_STREAM, 77), -EPROTONOSUPPORT);
    CHECK(socket(AF_UNIX, 77, 0), -EINVAL);
    CHECK(socket(AF_UNIX, SOCK_RDM, 0), -ESOCKTNOSUPPORT);
    CHECK(socket(77, SOCK_STREAM, 0), -EAFNOSUPPORT);
    CHECK(SYS(socketpair, AF_UNIX, SOCK_STREAM, 0, BAD), -EFAULT);
    CHECK(option_of(3, SO_TYPE), SOCK_STREAM);
    CHECK(option_of(4, SO_TYPE), SOCK_DGRAM);
    CHECK(option_of(3, SO_DOMAIN), AF_UNIX);
    CHECK(option_of(3, SO_ERROR), 0);
    CHECK(option_of(3, SO_ACCEPTCONN), 0);
    struct stat about;
    CHECK(fstat(3, &about), 0);
    CHECK(about.st_mode, S_IFSOCK | 0777);
    CHECK(lseek(3, 0, SEEK_CUR), -ESPIPE);
}

CASE(pair_of_streams)
{
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CHECK(write(pair[0], "hello", 5), 5);
    CHECK(send(pair[0], "world", 5, 0), 5);
    CHECK(recv(pair[1], buffer, 7, 0), 7);
    CHECK(read(pair[1], buffer, 100), 3);
    CHECK(write(pair[1], "back", 4), 4);
    CHECK(recv(pair[0], buffer, 100, MSG_PEEK), 4);
    CHECK(recv(pair[0], buffer, 100, 0), 4);
    CHECK(recv(pair[0], buffer, 100, MSG_DONTWAIT), -EAGAIN);
    int waiting = -1;
    NEED(write(pair[1], "abc", 3));
    CHECK(ioctl(pair[0], FIONREAD, &waiting), 0);
    CHECK(waiting, 3);
    close(pair[1]);
    CHECK(read(pair[0], buffer, 100), 3);
    CHECK(read(pair[0], buffer, 100), 0);
    CHECK(send(pair[0], "x", 1, MSG_NOSIGNAL), -EPIPE);
    signal(SIGPIPE, SIG_IGN);
    CHECK(write(pair[0], "x", 1), -EPIPE);
}

// Who closes with something unread resets the connection.
CASE(reset)
{
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    NEED(write(pair[0], "unread", 6));
    close(pair[1]);
    CHECK(read(pair[0], buffer, 10), -ECONNRESET);
    CHECK(read(pair[0], buffer, 10), 0);
}

CASE(pair_of_datagrams)
{
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    CHECK(send(pair[0], "hello", 5, 0), 5);
    CHECK(send(pair[0], "", 0, 0), 0);
    CHECK(send(pair[0], "world", 5, 0), 5);
    CHECK(recv(pair[1], buffer, 2, 0), 2);
    CHECK(recv(pair[1], buffer, 100, 0), 0);
    CHECK(recv(pair[1], buffer, 2, MSG_TRUNC), 5);
    CHECK(recv(pair[1], buffer, 2, MSG_DONTWAIT), -EAGAIN);
    close(pair[1]);
    CHECK(send(pair[0], "x", 1, MSG_NOSIGNAL), -ECONNREFUSED);
}

CASE(pair_of_packets)
{
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    CHECK(send(pair[0], "hello", 5, 0), 5);
    CHECK(send(pair[0], "world", 5, 0), 5);
    struct iovec part = { buffer, 3 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    CHECK(recvmsg(pair[1], &message, 0), 3);
    CHECK(message.msg_flags, MSG_TRUNC);
    CHECK(recv(pair[1], buffer, 100, 0), 5);
    close(pair[0]);
    CHECK(recv(pair[1], buffer, 100, 0), 0);
}

CASE(connect)
{
    int server = listen_at("s", SOCK_STREAM);
    struct sockaddr_un address = named("");
    socklen_t length = sizeof(address);
    CHECK(option_of(server, SO_ACCEPTCONN), 1);
    int client = NEED(socket(AF_UNIX, SOCK_STREAM, 0));
    CHECK(connect_to(client, "s"), 0);
    CHECK(write(client, "early", 5), 5);
    int side = accept4(server, (struct sockaddr *)&address, &length, SOCK_CLOEXEC);
    CHECK_TRUE(side > client);
    CHECK(length, sizeof(sa_family_t));
    CHECK(address.sun_family, AF_UNIX);
    CHECK(fcntl(side, F_GETFD), FD_CLOEXEC);
    CHECK(read(side, buffer, 100), 5);
    length = sizeof(address);
    CHECK(getpeername(client, (struct sockaddr *)&address, &length), 0);
    CHECK_TEXT(address.sun_path, "s");
    CHECK(length, 4);
    length = sizeof(address);
    CHECK(getsockname(side, (struct sockaddr *)&address, &length), 0);
    CHECK_TEXT(address.sun_path, "s");
    CHECK(connect_to(client, "s"), -EISCONN);
    CHECK(write(side, "back", 4), 4);
    CHECK(read(client, buffer, 100), 4);
    fcntl(server, F_SETFL, O_NONBLOCK);
    CHECK(accept(server, NULL, NULL), -EAGAIN);
    struct stat about;
    CHECK(stat("s", &about), 0);
    CHECK(about.st_mode, S_IFSOCK | 0755);
}

CASE(connect_errors)
{
    int server = listen_at("s", SOCK_STREAM);
    int client = NEED(socket(AF_UNIX, SOCK_STREAM, 0));
    int packets = NEED(socket(AF_UNIX, SOCK_DGRAM, 0));
    close(check_file("f", ""));
    CHECK(connect_to(client, "missing"), -ENOENT);
    CHECK(connect_to(client, "f"), -ECONNREFUSED);
    CHECK(connect_to(packets, "s"), -EPROTOTYPE);
    CHECK(SYS(connect, client, BAD, 16), -EFAULT);
    CHECK(connect(client, (struct sockaddr *)buffer, 1), -EINVAL);
    CHECK(connect_to(check_file("f", ""), "s"), -ENOTSOCK);
    CHECK(connect_to(99, "s"), -EBADF);
    CHECK(accept(client, NULL, NULL), -EINVAL);
    CHECK(accept(packets, NULL, NULL), -EOPNOTSUPP);
    CHECK(listen(packets, 1), -EOPNOTSUPP);
    CHECK(listen(client, 1), -EINVAL);
    CHECK(write(packets, "x", 1), -ENOTCONN);
    CHECK(read(client, buffer, 1), -EINVAL);
    signal(SIGPIPE, SIG_IGN);
    CHECK(write(client, "x", 1), -ENOTCONN);
    socklen_t length = sizeof(buffer);
    CHECK(getpeername(client, (struct sockaddr *)buffer, &length), -ENOTCONN);
    close(server);
    CHECK(connect_to(client, "s"), -ECONNREFUSED);
    NEED(unlink("s"));
    listen_at("s", SOCK_STREAM);
    NEED(chmod("s", 0700));
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            CHECK(connect_to(client, "s"), -EACCES);
        }
    }
}

CASE(bind)
{
    int one = NEED(socket(AF_UNIX, SOCK_STREAM, 0));
    int other = NEED(socket(AF_UNIX, SOCK_STREAM, 0));
    CHECK(bind_to(one, "s"), 0);
    CHECK(bind_to(other, "s"), -EADDRINUSE);
    CHECK(bind_to(one, "t"), -EINVAL);
    CHECK(bind_to(other, "missing/s"), -ENOENT);
    struct sockaddr_un address = { .sun_family = AF_INET };
    CHECK(bind(other, (struct sockaddr *)&address, sizeof(address)), -EINVAL);
    CHECK(SYS(bind, other, BAD, 16), -EFAULT);
    address.sun_family = AF_UNIX;
    CHECK(bind(other, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
    socklen_t length = sizeof(address);
    CHECK(getsockname(other, (struct sockaddr *)&address, &length), 0);
    CHECK(length, sizeof(sa_family_t) + 6);
    CHECK(address.sun_path[0], 0);
}

// Names of no file, which begin with a zero byte.
CASE(abstract_names)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    socklen_t length = (socklen_t)(sizeof(sa_family_t) + 1 +
                                   (size_t)snprintf(address.sun_path + 1,
                                                    sizeof(address.sun_path) - 1, "check-%d",
                                                    getpid()));
    int server = NEED(socket(AF_UNIX, SOCK_STREAM, 0));
    int client = NEED(socket(AF_UNIX, SOCK_STREAM, 0));
    CHECK(connect(client, (struct sockaddr *)&address, length), -ECONNREFUSED);
    CHECK(bind(server, (struct sockaddr *)&address, length), 0);
    CHECK(listen(server, 1), 0);
    CHECK(connect(client, (struct sockaddr *)&address, length - 1), -ECONNREFUSED);
    CHECK(connect(client, (struct sockaddr *)&address, length), 0);
    close(server);
    server = NEED(socket(AF_UNIX, SOCK_STREAM, 0));
    CHECK(bind(server, (struct sockaddr *)&address, length), 0);
}

CASE(datagrams)
{
    int server = NEED(socket(AF_UNIX, SOCK_DGRAM, 0));
    int client = NEED(socket(AF_UNIX, SOCK_DGRAM, 0));
    struct sockaddr_un address = named("s");
    socklen_t length = sizeof(address);
    NEED(bind_to(server, "s"));
    NEED(bind_to(client, "c"));
    CHECK(sendto(client, "hello", 5, 0, (struct sockaddr *)&address, length), 5);
    CHECK(recvfrom(server, buffer, 100, 0, (struct sockaddr *)&address, &length), 5);
    CHECK_TEXT(address.sun_path, "c");
    CHECK(length, 4);
    CHECK(connect_to(client, "s"), 0);
    CHECK(send(client, "x", 1, 0), 1);
    CHECK(connect_to(server, "c"), 0);
    int third = NEED(socket(AF_UNIX, SOCK_DGRAM, 0));
    address = named("s");
    CHECK(sendto(third, "x", 1, 0, (struct sockaddr *)&address, sizeof(address)), -EPERM);
    NEED(unlink("s"));
    CHECK(sendto(third, "x", 1, 0, (struct sockaddr *)&address, sizeof(address)), -ENOENT);
    CHECK(send(client, "x", 1, 0), 1);
    CHECK(send(client, buffer, sizeof(buffer), 0), -EMSGSIZE);
}

// One message with these descriptors; how many arrive.
static long send_descriptors(int fd, const int *descriptors, size_t count)
{
    struct iovec part = { (char[]){ "d" }, 1 };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    return sendmsg(fd, &message, 0);
}

static int flags_received;

static long receive_descriptors(int fd, int *descriptors, size_t room, int flags)
{
    struct iovec part = { buffer, 10 };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = room == 0 ? 0 : CMSG_LEN(room * sizeof(int)) };
    NEED(recvmsg(fd, &message, flags));
    flags_received = message.msg_flags;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_type != SCM_RIGHTS) {
        return 0;
    }
    size_t length = header->cmsg_len - CMSG_LEN(0);
    memcpy(descriptors, CMSG_DATA(header), length);
    return (long)(length / sizeof(int));
}

CASE(pass_descriptors)
{
    int got[4] = { -1, -1, -1, -1 };
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    int file = check_file("f", "hello");
    int both[2] = { file, pair[0] };
    CHECK(send_descriptors(pair[0], both, 2), 1);
    close(file);
    CHECK(receive_descriptors(pair[1], got, 4, 0), 2);
    CHECK(flags_received, 0);
    CHECK(got[0], file);
    CHECK(fcntl(got[0], F_GETFD), 0);
    CHECK(read(got[0], buffer, 10), 5);
    CHECK(send_descriptors(pair[0], got, 1), 1);
    CHECK(receive_descriptors(pair[1], got, 4, MSG_CMSG_CLOEXEC), 1);
    CHECK(fcntl(got[0], F_GETFD), FD_CLOEXEC);
    CHECK(lseek(got[0], 0, SEEK_CUR), 5);
    CHECK(send_descriptors(pair[0], both, 2), 1);
    CHECK(receive_descriptors(pair[1], got, 1, 0), 1);
    CHECK(flags_received, MSG_CTRUNC);
    CHECK(send_descriptors(pair[0], both, 2), 1);
    CHECK(receive_descriptors(pair[1], got, 0, 0), 0);
    CHECK(flags_received, MSG_CTRUNC);
    both[0] = 99;
    CHECK(send_descriptors(pair[0], both, 1), -EBADF);
}

CASE(pass_descriptors_between)
{
    int got[1] = { -1 };
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    pid_t child = check_fork();
    if (child == 0) {
        int file = check_file("f", "hello");
        NEED(send_descriptors(pair[0], &file, 1));
        check_exit();
    }
    CHECK(receive_descriptors(pair[1], got, 1, 0), 1);
    check_join(child);
    CHECK(read(got[0], buffer, 10), 5);
}

// Descriptors in messages that nobody reads are closed with the socket.
CASE(pass_descriptors_unread)
{
    int ends[2];
    NEED(pipe(ends));
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    NEED(send_descriptors(pair[0], &ends[1], 1));
    close(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    CHECK(read(ends[0], buffer, 1), -EAGAIN);
    close(pair[0]);
    close(pair[1]);
    CHECK(read(ends[0], buffer, 1), 0);
}

// A message with descriptors is read together with what precedes it, but not with what follows it.
CASE(pass_descriptors_divide)
{
    int got[1] = { -1 };
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    NEED(write(pair[0], "ab", 2));
    NEED(send_descriptors(pair[0], &pair[0], 1));
    NEED(write(pair[0], "cd", 2));
    CHECK(receive_descriptors(pair[1], got, 1, 0), 1);
    CHECK_TRUE(memcmp(buffer, "abd", 3) == 0);
    CHECK(read(pair[1], buffer, 10), 2);
}

CASE(identities)
{
    struct ucred who = { 0, 0, 0 };
    socklen_t length = sizeof(who);
    int on = 1;
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    CHECK(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &who, &length), 0);
    CHECK_TRUE(who.pid == getpid() && who.uid == geteuid() && who.gid == getegid());
    CHECK(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
    pid_t child = check_fork();
    if (child == 0) {
        check_become_nobody();
        NEED(write(pair[0], "x", 1));
        check_exit();
    }
    struct iovec part = { buffer, 10 };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
    };
    CHECK(recvmsg(pair[1], &message, 0), 1);
    const struct cmsghdr *header = (void *)control;
    CHECK_TRUE(message.msg_controllen >= CMSG_LEN(sizeof(who)));
    CHECK(header->cmsg_type, SCM_CREDENTIALS);
    memcpy(&who, CMSG_DATA(header), sizeof(who));
    CHECK_TRUE(who.pid == child);
    CHECK_TRUE(who.uid == (check_is_root() ? CHECK_NOBODY : getuid()));
    check_join(child);
}

CASE(shut_down)
{
    signal(SIGPIPE, SIG_IGN);
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    NEED(write(pair[0], "ab", 2));
    CHECK(shutdown(pair[0], SHUT_WR), 0);
    CHECK(write(pair[0], "x", 1), -EPIPE);
    CHECK(read(pair[1], buffer, 10), 2);
    CHECK(read(pair[1], buffer, 10), 0);
    CHECK(write(pair[1], "back", 4), 4);
    CHECK(read(pair[0], buffer, 10), 4);
    CHECK(shutdown(pair[1], SHUT_RD), 0);
    CHECK(shutdown(pair[1], 77), -EINVAL);
    CHECK(shutdown(NEED(socket(AF_UNIX, SOCK_STREAM, 0)), SHUT_RDWR), 0);
    CHECK(shutdown(99, SHUT_RD), -EBADF);
}

CASE(events)
{
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    struct pollfd one = { .fd = pair[0], .events = POLLIN | POLLOUT | POLLRDHUP };
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLOUT);
    NEED(write(pair[1], "x", 1));
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLIN | POLLOUT);
    NEED(shutdown(pair[1], SHUT_WR));
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLIN | POLLOUT | POLLRDHUP);
    close(pair[1]);
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
    int server = listen_at("s", SOCK_STREAM);
    one.fd = server;
    CHECK(poll(&one, 1, 0), 0);
    NEED(connect_to(NEED(socket(AF_UNIX, SOCK_STREAM, 0)), "s"));
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLIN);
    one.fd = NEED(socket(AF_UNIX, SOCK_STREAM, 0));
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLOUT | POLLHUP);
}

CASE(fill)
{
    NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
    long total = 0;
    for (ssize_t done = 0; (done = write(pair[0], buffer, 10000)) > 0;) {
        total += done;
    }
    CHECK_TRUE(total >= 65536);
    CHECK(write(pair[0], buffer, 1), -EAGAIN);
    struct pollfd one = { .fd = pair[0], .events = POLLOUT };
    CHECK(poll(&one, 1, 0), 0);
    for (ssize_t done = 0; (done = read(pair[1], buffer, sizeof(buffer))) > 0;) {
        total -= done;
    }
    CHECK(total, 0);
    CHECK(poll(&one, 1, 0), 1);
}

CASE(waiting)
{
    int server = listen_at("s", SOCK_STREAM);
    pid_t child = check_fork();
    if (child == 0) {
        int side = NEED(accept(server, NULL, NULL));
        CHECK(read(side, buffer, 10), 5);
        CHECK(recv(side, buffer, 6, MSG_WAITALL), 6);
        CHECK(read(side, buffer, 10), 0);
        check_exit();
    }
    check_wait_asleep(child);
    int client = NEED(socket(AF_UNIX, SOCK_STREAM, 0));
    NEED(connect_to(client, "s"));
    check_wait_asleep(child);
    NEED(write(client, "hello", 5));
    check_wait_asleep(child);
    NEED(write(client, "abc", 3));
    check_wait_asleep(child);
    NEED(write(client, "def", 3));
    check_wait_asleep(child);
    close(client);
    check_join(child);
}

CASE(timeouts)
{
    struct timeval little = { 0, 30000 };
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    CHECK(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &little, sizeof(little)), 0);
    long before = check_now();
    CHECK(read(pair[0], buffer, 1), -EAGAIN);
    CHECK_TRUE(check_now() - before >= 29);
}

CASE(options)
{
    int value = 0;
    socklen_t length = sizeof(value);
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    CHECK(getsockopt(pair[0], SOL_SOCKET, 7777, &value, &length), -ENOPROTOOPT);
    CHECK(getsockopt(pair[0], 77, SO_TYPE, &value, &length), -EOPNOTSUPP);
    CHECK(SYS(getsockopt, pair[0], SOL_SOCKET, SO_TYPE, BAD, &length), -EFAULT);
    CHECK(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, 1), -EINVAL);
    value = 20000;
    CHECK(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)), 0);
    CHECK(option_of(pair[0], SO_SNDBUF), 40000);
    CHECK(getsockopt(check_file("f", ""), SOL_SOCKET, SO_TYPE, &value, &length), -ENOTSOCK);
    CHECK(option_of(pair[0], SO_PASSCRED), 0);
    CHECK(option_of(pair[0], SO_REUSEADDR), 0);
}

CASE(several_messages)
{
    struct iovec parts[3] = { { buffer, 2 }, { buffer + 10, 2 }, { buffer + 20, 2 } };
    struct mmsghdr messages[3];
    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    memset(messages, 0, sizeof(messages));
    for (int i = 0; i < 3; i++) {
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    CHECK(sendmmsg(pair[0], messages, 3, 0), 3);
    CHECK(messages[2].msg_len, 2);
    CHECK(recvmmsg(pair[1], messages, 2, 0, NULL), 2);
    CHECK(recvmmsg(pair[1], messages, 3, MSG_DONTWAIT, NULL), 1);
    CHECK(recvmmsg(pair[1], messages, 3, MSG_DONTWAIT, NULL), -EAGAIN);
}

// ---- what is refused ----------------------------------------------------------------------------

CASE(names_refused)
{
    int fd = NEED(socket(AF_UNIX, SOCK_STREAM, 0));
    NEED(mkdir("closed", 0700));
    NEED(symlink("loop", "loop"));
    close(check_file("f", ""));
    CHECK(bind_to(fd, "f/s"), -ENOTDIR);
    CHECK(bind_to(fd, "loop/s"), -ELOOP);
    CHECK(connect_to(fd, "f/s"), -ENOTDIR);
    CHECK(connect_to(fd, "loop/s"), -ELOOP);
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            CHECK(bind_to(fd, "closed/s"), -EACCES);
        }
    }
}

CASE(lengths_refused)
{
    socklen_t length = (socklen_t)-1;
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    CHECK(SYS(getsockname, pair[0], buffer, &length), -EINVAL);
    CHECK(SYS(getpeername, pair[0], buffer, &length), -EINVAL);
    CHECK(SYS(getsockopt, pair[0], SOL_SOCKET, SO_TYPE, buffer, &length), -EINVAL);
    CHECK(SYS(getpeername, pair[0], buffer, BAD), -EFAULT);
    CHECK(SYS(getpeername, pair[0], BAD, &(socklen_t){ 10 }), -EFAULT);
    CHECK(SYS(sendto, pair[0], buffer, 1, 0, buffer, -1), -EINVAL);
    CHECK(SYS(socketpair, 77, SOCK_STREAM, 0, pair), -EAFNOSUPPORT);
}

CASE(streams_refused)
{
    int lone = NEED(socket(AF_UNIX, SOCK_STREAM, 0));
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    CHECK(send_to(lone, "s", 0), -EOPNOTSUPP);
    CHECK(message_to(lone, "s", 0), -EOPNOTSUPP);
    CHECK(send_to(pair[0], "s", 0), -EISCONN);
    CHECK(message_to(pair[0], "s", 0), -EISCONN);
    CHECK(message_to(lone, NULL, 0), -ENOTCONN);
    CHECK(message_from(lone, 0), -EINVAL);
    CHECK(message_from(pair[0], MSG_DONTWAIT), -EAGAIN);
    while (SYS(sendto, pair[0], buffer, 4096, MSG_DONTWAIT, NULL, 0) > 0) {}
    CHECK(send_to(pair[0], NULL, MSG_DONTWAIT), -EAGAIN);
    CHECK(message_to(pair[0], NULL, MSG_DONTWAIT), -EAGAIN);
    close(pair[1]);
    CHECK(send_to(pair[0], NULL, MSG_NOSIGNAL), -EPIPE);
    CHECK(message_to(pair[0], NULL, MSG_NOSIGNAL), -EPIPE);
}

CASE(datagrams_refused)
{
    struct iovec part = { buffer, sizeof(buffer) };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    struct sockaddr_un address = { .sun_family = AF_INET };
    int server = NEED(socket(AF_UNIX, SOCK_DGRAM, 0));
    int client = NEED(socket(AF_UNIX, SOCK_DGRAM, 0));
    NEED(bind_to(server, "s"));
    NEED(chmod("s", 0700));
    CHECK(send_to(client, NULL, 0), -ENOTCONN);
    CHECK(message_to(client, NULL, 0), -ENOTCONN);
    CHECK(send_to(client, "s", MSG_OOB), -EOPNOTSUPP);
    CHECK(SYS(sendto, client, buffer, 1, 0, &address, sizeof(address)), -EINVAL);
    NEED(connect_to(client, "s"));
    CHECK(SYS(sendto, client, buffer, sizeof(buffer), 0, NULL, 0), -EMSGSIZE);
    CHECK(sendmsg(client, &message, 0), -EMSGSIZE);
    message.msg_name = &address;
    message.msg_namelen = sizeof(address);
    CHECK(sendmsg(client, &message, 0), -EINVAL);
    message.msg_controllen = 1ul << 31;
    CHECK(sendmsg(client, &message, 0), -ENOBUFS);
    while (send_to(client, NULL, MSG_DONTWAIT) > 0) {}
    CHECK(send_to(client, NULL, MSG_DONTWAIT), -EAGAIN);
    CHECK(message_to(client, NULL, MSG_DONTWAIT), -EAGAIN);
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            CHECK(send_to(client, "s", 0), -EACCES);
            CHECK(message_to(client, "s", 0), -EACCES);
        }
    }
}

// A packet that nobody read resets the connection, which the next call tells, once.
static void reset_packets(void)
{
    NEED(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
    NEED(send_to(pair[0], NULL, 0));
    close(pair[1]);
}

CASE(packets_refused)
{
    int lone = NEED(socket(AF_UNIX, SOCK_SEQPACKET, 0));
    CHECK(SYS(recvfrom, lone, buffer, 1, 0, NULL, NULL), -ENOTCONN);
    CHECK(message_from(lone, 0), -ENOTCONN);
    reset_packets();
    CHECK(send_to(pair[0], NULL, MSG_NOSIGNAL), -ECONNRESET);
    CHECK(send_to(pair[0], NULL, MSG_NOSIGNAL), -EPIPE);
    reset_packets();
    CHECK(message_to(pair[0], NULL, MSG_NOSIGNAL), -ECONNRESET);
    CHECK(SYS(recvfrom, pair[0], buffer, 1, 0, NULL, NULL), 0);
}

CASE(several_messages_refused)
{
    struct timespec wrong = { 0, 1000000000 };
    struct mmsghdr messages = { 0 };
    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    CHECK(recvmmsg(pair[0], &messages, 1, 0, &wrong), -EINVAL);
}

CASE(connections_refused)
{
    int server = listen_at("s", SOCK_STREAM);
    int packets = NEED(socket(AF_UNIX, SOCK_DGRAM, 0));
    CHECK(accept4(server, NULL, NULL, 77), -EINVAL);
    CHECK(accept4(packets, NULL, NULL, 0), -EOPNOTSUPP);
    NEED(connect_to(NEED(socket(AF_UNIX, SOCK_STREAM, 0)), "s"));
    NEED(connect_to(NEED(socket(AF_UNIX, SOCK_STREAM, 0)), "s"));
    CHECK(SYS(accept, server, BAD, BAD), -EFAULT);
    CHECK(SYS(accept4, server, BAD, &(socklen_t){ 10 }, 0), -EFAULT);
    NEED(fcntl(server, F_SETFL, O_NONBLOCK));
    CHECK(accept4(server, NULL, NULL, 0), -EAGAIN);
}

CASE(interrupted)
{
    int server = listen_at("s", SOCK_STREAM);
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    INTERRUPTED
    {
        CHECK(SYS(recvfrom, pair[0], buffer, 1, 0, NULL, NULL), -EINTR);
    }
    INTERRUPTED
    {
        CHECK(message_from(pair[0], 0), -EINTR);
    }
    while (SYS(sendto, pair[0], buffer, 4096, MSG_DONTWAIT, NULL, 0) > 0) {}
    INTERRUPTED
    {
        CHECK(send_to(pair[0], NULL, 0), -EINTR);
    }
    INTERRUPTED
    {
        CHECK(message_to(pair[0], NULL, 0), -EINTR);
    }
    INTERRUPTED
    {
        CHECK(accept(server, NULL, NULL), -EINTR);
    }
    INTERRUPTED
    {
        CHECK(accept4(server, NULL, NULL, 0), -EINTR);
    }
}

// More connections than may wait to be accepted.
CASE(full)
{
    int server = listen_at("s", SOCK_STREAM);
    int client = NEED(socket(AF_UNIX, SOCK_STREAM, 0));
    NEED(listen(server, 0));
    NEED(connect_to(NEED(socket(AF_UNIX, SOCK_STREAM, 0)), "s"));
    INTERRUPTED
    {
        CHECK(connect_to(client, "s"), -EINTR);
    }
    NEED(fcntl(client, F_SETFL, O_NONBLOCK));
    CHECK(connect_to(client, "s"), -EAGAIN);
    NEED(accept(server, NULL, NULL));
    CHECK(connect_to(client, "s"), 0);
}
