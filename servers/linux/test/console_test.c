// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Tests of the console and the control port, over the real protocol with drivers of the test's own;
// and of the module that says what is to run.
#include "../console.h"

#include "../port.h"
#include "../pty.h"
#include "../session.h"
#include "tty_fake.h"

#include <proto/console.h>
#include <rt/component.h>
#include <wire/call.h>

#include <string.h>

#define SHARE 512u

// ---- drivers -----------------------------------------------------------------------------------

static struct driver {
    char said[20000];
    uint32_t said_count, room;  // room: what it takes until it is drained
    char typed[20000];
    uint32_t typed_at, typed_count;
    bool dead, absent;
    unsigned drains;
} drivers[2];

static struct driver *driver_now;

static uint32_t serve_write(const struct wire_peer *peer, const struct console_write_args *args)
{
    (void)peer, (void)args;
    return CONSOLE_ERROR_BUSY;
}

static uint32_t serve_read(const struct wire_peer *peer, struct console_read_results *results)
{
    (void)peer, (void)results;
    return CONSOLE_ERROR_BUSY;
}

static uint32_t serve_drain(const struct wire_peer *peer)
{
    (void)peer;
    driver_now->room = SHARE;
    driver_now->drains++;
    return WIRE_OK;
}

static uint32_t serve_exchange(const struct wire_peer *peer,
                               const struct console_exchange_args *args,
                               struct console_exchange_results *results)
{
    (void)peer;
    struct driver *driver = driver_now;
    uint32_t taken = args->text_count < driver->room ? args->text_count : driver->room;
    memcpy(&driver->said[driver->said_count], args->text, taken);
    driver->said_count += taken;
    driver->room -= taken;
    uint32_t left = driver->typed_count - driver->typed_at;
    results->text_count = left < args->most ? left : args->most;
    memcpy(results->text, &driver->typed[driver->typed_at], results->text_count);
    driver->typed_at += results->text_count;
    results->taken = taken;
    return WIRE_OK;
}

uint32_t wire_call(cap_t endpoint, const struct wire_window *window, struct wire_message *message)
{
    static const struct console_server server = { serve_write, serve_read, serve_drain,
                                                  serve_exchange };
    const struct wire_peer peer = { 0 };
    struct wire_message answer;
    (void)window;
    driver_now = &drivers[endpoint - 100];
    if (driver_now->dead) {
        return WIRE_KERNEL + 1;
    }
    assert_true(console_serve(&server, &peer, message, &answer));
    *message = answer;
    return WIRE_OK;
}

static struct component_words last_words;

const struct component_info *component_info(void)
{
    static struct component_info info = {
        .grant_count = 2,
        .grants = { { .name = "other_uart.changed", .kind = GRANT_SIGNALLED, .badge = 4 },
                    { .name = "control.changed", .kind = GRANT_SIGNALLED, .badge = 8 } },
    };
    info.words = (uint64_t)&last_words;
    return &info;
}

const struct component_grant *component_grant(enum component_grant_kind kind, const char *name)
{
    static const struct component_grant grants[] = {
        { .name = "console", .kind = GRANT_CALL, .slot = 100 },
        { .name = "control", .kind = GRANT_CALL, .slot = 101 },
    };
    for (unsigned i = 0; i < 2; i++) {
        if (grants[i].kind == kind && strcmp(grants[i].name, name) == 0) {
            return drivers[1].absent && i % 2 ? NULL : &grants[i];
        }
    }
    return NULL;
}

static void type(unsigned port, const char *text)
{
    struct driver *driver = &drivers[port];
    memcpy(&driver->typed[driver->typed_count], text, strlen(text));
    driver->typed_count += (uint32_t)strlen(text);
    console_notified(port ? 8 : 4);
}

static void said(unsigned port, const char *wanted)
{
    struct driver *driver = &drivers[port];
    driver->said[driver->said_count] = '\0';
    assert_string_equal(driver->said, wanted);
    driver->said_count = 0;
}

static struct task *const task = &tasks[0];

static void start(uint32_t options)
{
    static const struct command usual = { .rows = 25, .columns = 81 };
    struct command command = usual;
    command.options = options;
    console_open();
    console_start(task, &command);
}

static int setup(void **state)
{
    fake_setup(state);
    for (unsigned i = 0; i < 2; i++) {
        drivers[i] = (struct driver){ .room = UINT32_MAX };
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int fd = 0; fd < 3; fd++) {
        (void)file_close(task, fd);
    }
    return fake_objects ? -1 : 0;
}

static int64_t read_fd(int fd, char *to, uint64_t bytes)
{
    fake_begin(task);
    return file_read_text(task, file_at(task, fd), to, bytes);
}

static int64_t write_fd(int fd, const char *text)
{
    fake_begin(task);
    return file_write_text(task, file_at(task, fd), text);
}

#define TERMINALS (COMMAND_INPUT_TERMINAL | COMMAND_OUTPUT_TERMINAL | COMMAND_ERROR_TERMINAL)

// ---- tests -------------------------------------------------------------------------------------

static void test_terminal(void **state)
{
    (void)state;
    char text[100];
    start(TERMINALS);
    assert_ptr_equal(file_at(task, 0), file_at(task, 2));
    assert_ptr_equal(task->process->terminal, console_terminal());
    assert_int_equal(console_terminal()->size.columns, 81);
    said(0, "\x02");
    assert_int_equal(read_fd(0, text, 99), RESULT_WAIT);
    type(0, "hi\r");
    said(0, "hi\r\n");
    assert_int_equal(read_fd(0, text, 99), 3);
    assert_int_equal(write_fd(1, "out\n"), 4);
    assert_int_equal(write_fd(2, "err\n"), 4);
    said(0, "out\r\nerr\r\n");
    type(0, "\x03");
    assert_int_equal(fake_signals(0), SIGNAL_BIT(SIGINT));
    type(1, "size 30 90\n");
    assert_int_equal(fake_signals(0), SIGNAL_BIT(SIGWINCH));
    assert_int_equal(console_terminal()->size.rows, 30);
    type(1, "end 4\n");
    assert_int_equal(fake_signals(0), SIGNAL_BIT(SIGHUP) | SIGNAL_BIT(SIGCONT));
    assert_int_equal(read_fd(0, text, 99), 0);
}

static void test_streams(void **state)
{
    (void)state;
    char text[100];
    uint32_t count = 0;
    start(0);
    assert_int_equal(read_fd(0, text, 99), RESULT_WAIT);
    type(0, "raw\r\x03");
    assert_int_equal(file_at(task, 0)->ops->ready(file_at(task, 0)), POLLIN | POLLRDNORM);
    assert_int_equal(file_at(task, 0)->ops->ioctl(task, file_at(task, 0), 0x541b, at(&count)), 0);
    assert_int_equal(count, 5);
    assert_int_equal(read_fd(0, text, 3), 3);
    assert_string_equal(text, "raw");
    assert_int_equal(read_fd(0, text, 99), 2);
    assert_int_equal(write_fd(1, "a\n"), 2);
    said(0, "\x02"
            "a\n");
    assert_int_equal(write_fd(2, "wrong\n"), 6);
    said(1, "error 6\nwrong\n");
}

// The end may be known before the last bytes have come.
static void test_end(void **state)
{
    (void)state;
    char text[100];
    start(0);
    type(1, "end 5\n");
    type(0, "abc");
    assert_int_equal(read_fd(0, text, 99), 3);
    assert_int_equal(read_fd(0, text, 99), RESULT_WAIT);
    type(0, "de");
    assert_int_equal(file_at(task, 0)->ops->ready(file_at(task, 0)), POLLIN | POLLRDNORM | POLLHUP);
    assert_int_equal(read_fd(0, text, 99), 2);
    assert_int_equal(read_fd(0, text, 99), 0);
    assert_int_equal(read_fd(0, text, 99), 0);
}

static void test_control_lines(void **state)
{
    (void)state;
    char text[100], many[200];
    start(TERMINALS);
    memset(many, 'x', 199);
    many[199] = '\0';
    type(1, "size\nsize 1\nsize x y\nsize 70000 1\nsize -1 -1\nend\nend x\nsi");
    type(1, many);
    type(1, "\nsize 99999999999999999999999999 1\nnonsense\n\n");
    assert_int_equal(console_terminal()->size.rows, 25);
    type(1, "size 1");
    type(1, " 2\n");
    assert_int_equal(console_terminal()->size.rows, 1);
    assert_int_equal(read_fd(0, text, 99), RESULT_WAIT);
    type(1, "hangup\n");
    assert_int_equal(read_fd(0, text, 99), 0);
}

// A driver without room: the writer waits, and everything comes, in order.
static void test_no_room(void **state)
{
    (void)state;
    static char long_text[12001];
    start(0);
    said(0, "\x02");
    memset(long_text, 'x', 12000);
    long_text[11999] = 'y';
    drivers[0].room = 100;
    assert_int_equal(write_fd(1, long_text), RESULT_WAIT);
    assert_int_equal(drivers[0].said_count, 100);
    assert_false(file_at(task, 1)->ops->ready(file_at(task, 1)) & POLLOUT);
    drivers[0].room = 5000;
    console_notified(4);
    fake_again(task);
    assert_int_equal(file_write_text(task, file_at(task, 1), long_text), 12000);
    drivers[0].room = UINT32_MAX;
    console_notified(4);
    said(0, long_text);
    // Standard error, too.
    drivers[1].room = 0;
    assert_int_equal(write_fd(2, long_text), RESULT_WAIT);
    file_at(task, 2)->flags |= O_NONBLOCK;
    assert_int_equal(write_fd(2, "x"), -EAGAIN);
}

// Much typed at once: what has no room stays with the driver.
static void test_much_input(void **state)
{
    (void)state;
    static char many[10001], got[10001], text[5001];
    start(0);
    memset(many, 'x', 10000);
    many[9999] = 'y';
    type(0, many);
    assert_true(drivers[0].typed_at < 5000);
    uint64_t bytes = 0;
    while (bytes < 10000) {
        int64_t now = read_fd(0, text, 5000);
        assert_true(now > 0);
        memcpy(&got[bytes], text, (size_t)now);
        bytes += (uint64_t)now;
    }
    assert_string_equal(got, many);
}

static void test_end_of_program(void **state)
{
    (void)state;
    start(TERMINALS);
    drivers[0].room = 10;
    write_fd(1, "the last words of a program\n");
    console_say("%s %u\n", "trace", 7u);
    console_end(300);
    said(0, "\x02the last words of a program\r\n");
    said(1, "error 8\ntrace 7\nexit 44\n");
    assert_true(drivers[0].drains > 0 && drivers[1].drains > 0);
}

// What is said waits for room.
static void test_say_waits(void **state)
{
    (void)state;
    static char many[20000];
    start(0);
    drivers[1].room = 0;
    memset(many, 'x', sizeof(many));
    console_tell(many, 15000);
    console_end(0);
    assert_true(drivers[1].said_count > 15000);
    assert_memory_equal(&drivers[1].said[drivers[1].said_count - 7], "exit 0\n", 7);
}

// The last words, from wherever in their ring they stand: after what was on its way.
static void test_panic(void **state)
{
    (void)state;
    static const char words[] = "PITH-PANIC v1 of the test\n";
    start(0);
    console_say("before\n");
    last_words.written = COMPONENT_WORDS_TEXT - 5;
    memset(last_words.text, '.', sizeof(last_words.text));
    for (const char *at = words; *at; at++) {
        last_words.text[last_words.written++ % COMPONENT_WORDS_TEXT] = *at;
    }
    drivers[1].said_count = 0;
    console_panicked();
    drivers[1].said[drivers[1].said_count] = '\0';
    assert_memory_equal(drivers[1].said, "error 512\n.....", 15);
    assert_non_null(strstr(drivers[1].said, ".....PITH-PANIC v1 of the test\n"));
    assert_int_equal(drivers[1].said_count, 10 + 512);
}

static void test_driver_dies(void **state)
{
    (void)state;
    start(TERMINALS);
    said(0, "\x02");
    drivers[0].dead = true;
    assert_int_equal(write_fd(1, "later\n"), 6);
    console_end(0);  // ends
    drivers[0].dead = false;
    console_notified(4);
    said(0, "later\r\n");
}

static void test_without_control(void **state)
{
    (void)state;
    drivers[1].absent = true;
    start(0);
    assert_int_equal(write_fd(2, "x"), 1);
    console_say("y");
    console_end(3);
    said(0, "\x02xy");
    said(1, "");
}

static void test_without_memory(void **state)
{
    (void)state;
    fake_short = true;
    start(TERMINALS);
    assert_null(file_at(task, 0));
    fake_short = false;
    fake_missing = "/dev/console";
    start(TERMINALS);
    assert_int_equal(write_fd(1, "x"), 1);
}

// ---- the command -------------------------------------------------------------------------------

static uint8_t module[200];

static uint64_t module_make(uint32_t arguments, uint32_t environment, const char *strings,
                            uint32_t bytes)
{
    struct command_header header = { .magic = COMMAND_MAGIC,
                                     .options = 3,
                                     .arguments = arguments,
                                     .environment = environment,
                                     .bytes = bytes,
                                     .rows = 24,
                                     .columns = 80,
                                     .seconds = 5 };
    memcpy(module, &header, sizeof(header));
    memcpy(module + sizeof(header), strings, bytes);
    return sizeof(header) + bytes;
}

static void test_command(void **state)
{
    (void)state;
    static const char strings[] = "/root\0ls\0-l\0HOME=/root\0PATH=/a::/b/\0";
    struct command command;
    char path[10];
    uint64_t bytes = module_make(2, 2, strings, sizeof(strings) - 1);
    assert_true(command_read(&command, module, bytes));
    assert_string_equal(command.directory, "/root");
    assert_string_equal(command.first_argument, "ls");
    assert_string_equal(command_next(command.first_argument), "-l");
    assert_string_equal(command_variable(&command, "HOME"), "/root");
    assert_null(command_variable(&command, "HOM"));
    assert_true(command_path(&command, 0, path, sizeof(path)));
    assert_string_equal(path, "/a/ls");
    assert_true(command_path(&command, 1, path, sizeof(path)));
    assert_string_equal(path, "ls");
    assert_true(command_path(&command, 2, path, sizeof(path)));
    assert_string_equal(path, "/b//ls");
    assert_false(command_path(&command, 3, path, sizeof(path)));
    assert_true(command_path(&command, 2, path, 6));
    assert_string_equal(path, "");
    bytes = module_make(1, 0, "/\0./x\0", 6);
    assert_true(command_read(&command, module, bytes));
    assert_true(command_path(&command, 0, path, sizeof(path)));
    assert_string_equal(path, "./x");
    assert_false(command_path(&command, 1, path, sizeof(path)));
    bytes = module_make(1, 0, "/\0x\0", 4);
    assert_true(command_read(&command, module, bytes));
    assert_true(command_path(&command, 5, path, sizeof(path)));
    assert_string_equal(path, "/bin/x");
}

// Any part of a module, and any byte of it changed: read within its bounds, or refused.
static void test_command_refused(void **state)
{
    (void)state;
    static const char strings[] = "/\0ls\0A=b\0";
    struct command command;
    uint64_t bytes = module_make(1, 1, strings, sizeof(strings) - 1);
    for (uint64_t cut = 0; cut < bytes; cut++) {
        char *part = __builtin_malloc(cut + 1);
        memcpy(part, module, cut);
        assert_false(command_read(&command, part, cut));
        __builtin_free(part);
    }
    for (uint64_t i = 0; i < bytes; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            uint8_t *changed = __builtin_malloc(bytes);
            char path[64];
            memcpy(changed, module, bytes);
            changed[i] ^= (uint8_t)(1u << bit);
            if (command_read(&command, changed, bytes)) {
                (void)command_variable(&command, "PATH");
                (void)command_path(&command, 0, path, sizeof(path));
            }
            __builtin_free(changed);
        }
    }
    bytes = module_make(0, 1, strings, sizeof(strings) - 1);
    assert_false(command_read(&command, module, bytes));
    bytes = module_make(UINT32_MAX, UINT32_MAX, strings, sizeof(strings) - 1);
    assert_false(command_read(&command, module, bytes));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_terminal),
        TEST(test_streams),
        TEST(test_end),
        TEST(test_control_lines),
        TEST(test_no_room),
        TEST(test_much_input),
        TEST(test_end_of_program),
        TEST(test_say_waits),
        TEST(test_panic),
        TEST(test_driver_dies),
        TEST(test_without_control),
        TEST(test_without_memory),
        cmocka_unit_test(test_command),
        cmocka_unit_test(test_command_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
