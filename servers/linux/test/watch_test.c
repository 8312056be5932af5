// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// inotify, signalfd and splice.
#include "../notify.h"
#include "../pipe.h"
#include "../signalfd.h"
#include "ipc_fake.h"

#include <rt/string.h>

static struct task *const one = &tasks[0], *const two = &tasks[1];
static char big[100000], back[100000];

struct event {
    int32_t watch;
    uint32_t mask, cookie, bytes;
    char name[16];
};

static struct inode watched;

static int watch_all(uint32_t flags)
{
    int fd = (int)CALL(one, call_inotify_init1(one, flags));
    list_init(&watched.watches);
    fake_inode = &watched;
    return fd;
}

static void inotify_tells(void **state)
{
    struct event events[4];
    int fd = watch_all(O_NONBLOCK);
    (void)state;
    assert_int_equal(read_fd(one, fd, events, 100), -EAGAIN);
    assert_int_equal(CALL(one, call_inotify_add_watch(one, fd, at("/d"), IN_CREATE | IN_DELETE)),
                     1);
    assert_int_equal(CALL(one, call_inotify_add_watch(one, fd, at("/d"), IN_CREATE | 0x10000000u)),
                     -EEXIST);
    inotify_event(&watched, "file", IN_CREATE, 0);
    inotify_event(&watched, "file", IN_CREATE, 0);
    inotify_event(&watched, "file", IN_OPEN, 0);
    inotify_event(&watched, "d", IN_DELETE | IN_ISDIR, 7);
    assert_int_equal(ready_fd(one, fd), POLLIN | POLLRDNORM);
    assert_int_equal(read_fd(one, fd, events, 31), -EINVAL);
    // The same once more is told once.
    assert_int_equal(read_fd(one, fd, events, sizeof(events)), 64);
    assert_int_equal(events[0].watch, 1);
    assert_int_equal(events[0].mask, IN_CREATE);
    assert_string_equal(events[0].name, "file");
    assert_int_equal(events[1].mask, IN_DELETE | IN_ISDIR);
    assert_int_equal(events[1].cookie, 7);
    assert_int_equal(CALL(one, call_inotify_rm_watch(one, fd, 2)), -EINVAL);
    assert_int_equal(CALL(one, call_inotify_rm_watch(one, fd, 1)), 0);
    assert_int_equal(read_fd(one, fd, events, sizeof(events)), 16);
    assert_int_equal(events[0].mask, 0x8000);
    assert_int_equal(CALL(one, call_inotify_add_watch(one, fd, at("/d"), IN_MODIFY | 0x80000000u)),
                     2);
    inotify_event(&watched, NULL, IN_MODIFY, 0);
    assert_true(list_empty(&watched.watches));
    assert_int_equal(read_fd(one, fd, events, sizeof(events)), 32);
    assert_int_equal(CALL(one, call_inotify_add_watch(one, fd, at("/d"), 0)), -EINVAL);
}

static void inotify_overflows(void **state)
{
    struct event events[4];
    int fd = watch_all(0);
    unsigned count = 0;
    (void)state;
    assert_int_equal(CALL(one, call_inotify_add_watch(one, fd, at("/d"), IN_ACCESS)), 1);
    assert_int_equal(read_fd(one, fd, events, 16), RESULT_WAIT);
    for (unsigned i = 0; i < 20000; i++) {
        inotify_event(&watched, NULL, IN_ACCESS, i);
    }
    assert_true(task_woken(one));
    do {
        assert_int_equal(read_fd(one, fd, events, 16), 16);
        count++;
    } while (events[0].mask != 0x4000);
    assert_int_equal(count, 16385);
    assert_int_equal(events[0].watch, -1);
    inotify_event(&watched, NULL, IN_ACCESS, 0);
    fake_room = 0;
    inotify_event(&watched, NULL, IN_ACCESS, 1);
    fake_room = -1;
    assert_int_equal(read_fd(one, fd, events, 16), 16);
    inotify_forget(&watched);
    assert_true(list_empty(&watched.watches));
}

static void signalfd_gives_signals(void **state)
{
    struct {
        uint32_t signal;
        int32_t error, code;
        uint32_t pid, uid, rest[27];
    } records[2];
    sigset set = SIGNAL_BIT(SIGUSR1);
    int fd = (int)CALL(one, call_signalfd4(one, -1, at(&set), 8, 0));
    (void)state;
    assert_int_equal(read_fd(one, fd, records, 127), -EINVAL);
    assert_int_equal(read_fd(one, fd, records, sizeof(records)), RESULT_WAIT);
    signalfd_notify(SIGUSR2);
    assert_false(task_woken(one));
    fake_pending = (struct signal_info){ .signal = SIGUSR1, .code = SI_USER };
    fake_pending.pid = 42;
    signalfd_notify(SIGUSR1);
    assert_true(task_woken(one));
    assert_int_equal(read_fd(one, fd, records, sizeof(records)), 128);
    assert_int_equal(records[0].signal, SIGUSR1);
    assert_int_equal(records[0].pid, 42);
    set = SIGNAL_BIT(SIGUSR2);
    assert_int_equal(CALL(one, call_signalfd4(one, fd, at(&set), 8, 0)), fd);
    assert_int_equal(CALL(one, call_signalfd4(one, -1, at(&set), 4, 0)), -EINVAL);
    assert_int_equal(CALL(one, call_signalfd4(one, 50, at(&set), 8, 0)), -EBADF);
    call_pipe2(one, at(back), 0);
    assert_int_equal(CALL(one, call_signalfd4(one, fd + 1, at(&set), 8, 0)), -EINVAL);
}

static void splices_between_pipes(void **state)
{
    int a[2], b[2];
    (void)state;
    for (unsigned i = 0; i < sizeof(big); i++) {
        big[i] = (char)(i * 11);
    }
    assert_int_equal(CALL(one, call_pipe2(one, at(a), 0)), 0);
    assert_int_equal(CALL(one, call_pipe2(one, at(b), 0)), 0);
    assert_int_equal(CALL(two, call_splice(two, a[0], 0, b[1], 0, 5, 0)), -EBADF);
    assert_int_equal(CALL(one, call_splice(one, a[0], 0, b[1], 0, 5, 2)), -EAGAIN);
    assert_int_equal(CALL(one, call_splice(one, a[0], 0, a[1], 0, 5, 0)), -EINVAL);
    assert_int_equal(CALL(one, call_splice(one, a[0], at(back), b[1], 0, 5, 0)), -ESPIPE);
    write_fd(one, a[1], big, 10000);
    assert_int_equal(CALL(one, call_tee(one, a[0], b[1], 6000, 0)), 6000);
    assert_int_equal(CALL(one, call_splice(one, a[0], 0, b[1], 0, 99999, 0)), 10000);
    assert_int_equal(read_fd(one, b[0], back, 99999), 16000);
    assert_memory_equal(back, big, 6000);
    assert_memory_equal(back + 6000, big, 10000);
    assert_int_equal(CALL(one, call_splice(one, a[0], 0, b[1], 0, 5, 0)), RESULT_WAIT);
    call_break(one);
    file_close(one, a[1]);
    assert_int_equal(CALL(one, call_splice(one, a[0], 0, b[1], 0, 5, 0)), 0);
    file_close(one, b[0]);
    assert_int_equal(CALL(one, call_splice(one, a[0], 0, b[1], 0, 5, 0)), 0);
}

static void splices_with_files(void **state)
{
    int a[2];
    uint64_t pieces[4] = { at(big), 100, at(big + 100), 50 };
    (void)state;
    assert_int_equal(CALL(one, call_pipe2(one, at(a), 0)), 0);
    int event = (int)CALL(one, call_eventfd2(one, 9, 0));
    assert_int_equal(CALL(one, call_splice(one, event, 0, a[1], 0, 100, 0)), 8);
    assert_int_equal(CALL(one, call_splice(one, event, 0, a[1], 0, 100, 0)), RESULT_WAIT);
    call_break(one);
    assert_int_equal(CALL(one, call_splice(one, event, 0, event, 0, 100, 0)), -EINVAL);
    assert_int_equal(CALL(one, call_splice(one, a[0], 0, event, 0, 8, 0)), 8);
    assert_int_equal(read_fd(one, event, back, 8), 8);
    assert_int_equal(back[0], 9);
    assert_int_equal(CALL(one, call_vmsplice(one, a[1], at(pieces), 2, 0)), 150);
    assert_int_equal(read_fd(one, a[0], back, 200), 150);
    assert_memory_equal(back, big, 150);
    assert_int_equal(CALL(one, call_vmsplice(one, event, at(pieces), 2, 0)), -EBADF);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(inotify_tells),         TEST(inotify_overflows),  TEST(signalfd_gives_signals),
        TEST(splices_between_pipes), TEST(splices_with_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
