// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The driver's half of a 16550 on a device of the test's own: a good one, its relatives without a
// FIFO, and devices that lie or hang.
#include "../uart.h"

#include <setjmp.h>
#include <string.h>

#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define FIFO_BYTES 16u
#define LINE_BYTES 4096u

// What is wrong with the device.
enum fault {
    GOOD,
    NO_FIFO,      // a 16450
    BROKEN_FIFO,  // a 16550 without A
    ABSENT,       // all ones
    ZERO,         // all zeroes
    HANGS,        // takes bytes and never sends them
    NEVER_EMPTY,  // sends, but says of its shift register that it is busy
    STORMS,       // always has an interrupt and a byte
    RANDOM,       // anything
    LOST,         // never raises the interrupt of the empty transmitter
};

static struct device {
    enum fault fault;
    uint8_t enable, line, modem, fifo;
    uint8_t sending[FIFO_BYTES], received[FIFO_BYTES];
    unsigned sending_count, received_count, shift;  // shift: a byte is in the shift register
    uint8_t shift_byte;
    uint8_t errors;  // of the next received byte
    bool overrun, empty_pending;
    uint8_t on_line[LINE_BYTES];
    unsigned on_line_count;
    unsigned accesses;
    bool time_passes;  // with each access
    unsigned long seed;
} device;

static struct source {
    const char *text;
    size_t count, at;
    uint8_t got[LINE_BYTES];
    size_t got_count;
} source;

static struct uart uart;

// ---- the device --------------------------------------------------------------------------------

static unsigned device_depth(void)
{
    bool fifo = device.fault != NO_FIFO && device.fault != BROKEN_FIFO && device.fifo & 1;
    return fifo ? FIFO_BYTES : 1;
}

static uint8_t device_random(void)
{
    device.seed = device.seed * 6364136223846793005ul + 1442695040888963407ul;
    return (uint8_t)(device.seed >> 56);
}

static uint8_t device_status(void)
{
    uint8_t status = (uint8_t)((device.received_count ? 0x01 : 0) | (device.overrun ? 0x02 : 0) |
                               device.errors);
    bool holding = device.sending_count == 0;
    status |= (uint8_t)(holding ? 0x20 : 0);
    status |= (uint8_t)(holding && !device.shift && device.fault != NEVER_EMPTY ? 0x40 : 0);
    device.overrun = false;
    return status;
}

static void device_receive(uint8_t byte)
{
    if (device.received_count == device_depth()) {
        device.overrun = true;
        return;
    }
    device.received[device.received_count++] = byte;
}

static uint8_t device_take(void)
{
    uint8_t byte = device.received[0];
    if (device.received_count) {
        device.received_count--;
        memmove(device.received, &device.received[1], device.received_count);
        device.errors = 0;
    }
    return byte;
}

// One byte's time passes.
static void device_shift(void)
{
    if (device.shift) {
        device.shift = 0;
        if (device.modem & 0x10) {
            device_receive(device.shift_byte);
        } else if (device.on_line_count < LINE_BYTES) {
            device.on_line[device.on_line_count++] = device.shift_byte;
        }
    }
    if (device.sending_count && device.fault != HANGS) {
        device.shift = 1;
        device.shift_byte = device.sending[0];
        device.sending_count--;
        memmove(device.sending, &device.sending[1], device.sending_count);
        device.empty_pending |= device.sending_count == 0;
    }
}

static uint8_t device_identify(void)
{
    uint8_t fifo = device.fault == BROKEN_FIFO ? 0x80 : device.fault == NO_FIFO ? 0 : 0xc0;
    fifo = device.fifo & 1 ? fifo : 0;
    if (device.enable & 1 && device.received_count) {
        return fifo | 0x04;
    }
    if (device.enable & 2 && device.empty_pending && device.fault != LOST) {
        device.empty_pending = false;
        return fifo | 0x02;
    }
    return fifo | 0x01;
}

static uint8_t device_read(void *context, unsigned number)
{
    (void)context;
    device.accesses++;
    // In the device's own loop, and where the test says so, time passes while the driver waits.
    if (device.accesses % 8 == 0 && (device.modem & 0x10 || device.time_passes)) {
        device_shift();
    }
    switch (device.fault) {
    case ABSENT: return 0xff;
    case ZERO: return 0;
    case RANDOM: return device_random();
    case STORMS:
        if (!(device.modem & 0x10)) {
            return number == 2 ? 0xc4 : number == 5 ? 0x61 : 'x';
        }
        break;
    case GOOD:
    case NO_FIFO:
    case BROKEN_FIFO:
    case HANGS:
    case NEVER_EMPTY:
    case LOST: break;
    }
    switch (number) {
    case 0: return device_take();
    case 2: return device_identify();
    case 5: return device_status();
    default: return 0;
    }
}

static void device_send(uint8_t byte)
{
    assert_true(device.fault == RANDOM || device.fault == ABSENT || device.fault == STORMS ||
                device.sending_count < device_depth());
    if (device.sending_count < device_depth()) {
        device.sending[device.sending_count++] = byte;
    }
    device.empty_pending = false;
    if (!device.shift) {
        device_shift();
    }
}

static void device_write(void *context, unsigned number, uint8_t value)
{
    (void)context;
    device.accesses++;
    if (device.line & 0x80 && number < 2) {
        return;  // the divisor
    }
    switch (number) {
    case 0: device_send(value); break;
    case 1:
        device.empty_pending |= value & ~device.enable & 2 && device.sending_count == 0;
        device.enable = value;
        break;
    case 2:
        device.fifo = value;
        device.sending_count = value & 4 ? 0 : device.sending_count;
        break;
    case 3: device.line = value; break;
    case 4: device.modem = value; break;
    default: break;
    }
}

static const struct uart_registers registers = { device_read, device_write };

// ---- the stream --------------------------------------------------------------------------------

static bool stream_next(void *context, uint8_t *byte)
{
    (void)context;
    if (source.at == source.count) {
        return false;
    }
    *byte = (uint8_t)source.text[source.at++];
    return true;
}

static void stream_received(void *context, uint8_t byte)
{
    (void)context;
    if (source.got_count < LINE_BYTES) {
        source.got[source.got_count++] = byte;
    }
}

static bool no_room;

static bool stream_room(void *context)
{
    (void)context;
    return !no_room;
}

static const struct uart_stream stream = { stream_next, stream_received, stream_room };

static bool begin(enum fault fault)
{
    device = (struct device){ .fault = fault, .seed = 1 };
    no_room = false;
    source = (struct source){ .text = "" };
    uart = (struct uart){ .registers = &registers, .stream = &stream };
    return uart_start(&uart);
}

static void say(const char *text)
{
    source.text = text;
    source.count = strlen(text);
    source.at = 0;
    uart_kick(&uart);
}

// Let time pass; the driver runs when the device interrupts.
static void run(unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        device_shift();
        bool received = device.enable & 1 && device.received_count;
        bool empty = device.enable & 2 && device.empty_pending && device.fault != LOST;
        if (received || empty) {
            assert_int_equal(uart_service(&uart), UART_QUIET);
        }
    }
}

static void check_line(const char *wanted)
{
    assert_int_equal(device.on_line_count, strlen(wanted));
    assert_memory_equal(device.on_line, wanted, strlen(wanted));
}

// ---- tests -------------------------------------------------------------------------------------

static const char text[] = "The quick brown fox jumps over the lazy dog, and then over another.";

static void test_start(void **state)
{
    (void)state;
    assert_true(begin(GOOD));
    assert_int_equal(uart.depth, FIFO_BYTES);
    assert_int_equal(device.line, 0x03);
    assert_int_equal(device.modem, 0x0b);
    assert_int_equal(device.enable, 0x05);
    assert_int_equal(device.on_line_count, 0);
    assert_int_equal(source.got_count, 0);
    assert_true(begin(NO_FIFO));
    assert_int_equal(uart.depth, 1);
    assert_true(begin(BROKEN_FIFO));
    assert_int_equal(uart.depth, 1);
    assert_int_equal(device.fifo, 0);
}

static void test_absent(void **state)
{
    (void)state;
    assert_false(begin(ABSENT));
    assert_false(begin(ZERO));
    assert_true(device.accesses < 10000);
}

static void test_sends(void **state)
{
    (void)state;
    static const enum fault faults[] = { GOOD, NO_FIFO, BROKEN_FIFO, NEVER_EMPTY };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        assert_true(begin(faults[i]));
        say(text);
        assert_true(uart_busy(&uart));
        run(200);
        check_line(text);
        assert_int_equal(uart.sent, strlen(text));
        assert_false(device.enable & 2);
    }
}

// The interrupts, not the status, tell when the next bytes go out.
static void test_sends_by_interrupt(void **state)
{
    (void)state;
    assert_true(begin(GOOD));
    say(text);
    assert_int_equal(source.at, FIFO_BYTES);
    assert_true(device.enable & 2);
    assert_int_equal(uart_service(&uart), UART_QUIET);
    assert_int_equal(source.at, FIFO_BYTES);
    run(FIFO_BYTES);
    assert_int_equal(source.at, 2 * FIFO_BYTES);
}

static void test_stamps(void **state)
{
    (void)state;
    assert_true(begin(GOOD));
    uint64_t stamp = uart_stamp(&uart);
    say("abc");
    assert_false(uart_passed(&uart, stamp));
    for (unsigned i = 0; i < 100 && !uart_passed(&uart, stamp); i++) {
        assert_true(device.on_line_count < 3 || i < 4);
        run(1);
        (void)uart_tick(&uart);
        (void)uart_service(&uart);
    }
    assert_true(uart_passed(&uart, stamp));
    check_line("abc");
    assert_false(uart_busy(&uart));
}

// A drain ends while others go on writing, and not before its bytes are on the line.
static void test_stamps_under_load(void **state)
{
    (void)state;
    static char load[LINE_BYTES];
    assert_true(begin(GOOD));
    memset(load, 'x', sizeof(load) - 1);
    uint64_t stamp = uart_stamp(&uart);
    say(load);
    unsigned passed = 0;
    for (unsigned i = 0; i < 200; i++) {
        if (!passed && uart_passed(&uart, stamp)) {
            passed = device.on_line_count;
        }
        run(1);
    }
    assert_true(passed >= FIFO_BYTES);
    assert_true(passed <= 4 * FIFO_BYTES);
}

static void test_receives(void **state)
{
    (void)state;
    assert_true(begin(GOOD));
    for (size_t i = 0; i < strlen(text); i++) {
        device_receive((uint8_t)text[i]);
        if (i % 5 == 4) {
            assert_int_equal(uart_service(&uart), UART_QUIET);
        }
    }
    assert_int_equal(uart_service(&uart), UART_QUIET);
    assert_int_equal(source.got_count, strlen(text));
    assert_memory_equal(source.got, text, strlen(text));
    assert_int_equal(uart.overruns, 0);
}

static void test_overrun(void **state)
{
    (void)state;
    assert_true(begin(GOOD));
    for (unsigned i = 0; i < FIFO_BYTES + 3; i++) {
        device_receive((uint8_t)text[i]);
    }
    assert_int_equal(uart_service(&uart), UART_QUIET);
    assert_int_equal(uart.overruns, 1);
    assert_int_equal(source.got_count, FIFO_BYTES);
    device_receive('!');
    assert_int_equal(uart_service(&uart), UART_QUIET);
    assert_int_equal(source.got[FIFO_BYTES], '!');
}

static void test_line_errors(void **state)
{
    (void)state;
    assert_true(begin(GOOD));
    for (uint8_t error = 0x04; error <= 0x10; error = (uint8_t)(error << 1)) {
        device_receive('e');
        device.errors = error;
        assert_int_equal(uart_service(&uart), UART_QUIET);
    }
    assert_int_equal(uart.errors, 3);
    assert_int_equal(source.got_count, 0);
}

static void test_spurious(void **state)
{
    (void)state;
    assert_true(begin(GOOD));
    unsigned accesses = device.accesses;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(uart_service(&uart), UART_QUIET);
    }
    assert_true(device.accesses - accesses < 100 * 8);
    check_line("");
    assert_int_equal(source.got_count, 0);
    assert_false(uart_busy(&uart));
}

// What was typed while the driver was away, and what its predecessor had sent.
static void test_restart(void **state)
{
    (void)state;
    assert_true(begin(GOOD));
    say("before ");
    device_receive('k');
    device.time_passes = true;
    uart = (struct uart){ .registers = &registers, .stream = &stream };
    assert_true(uart_start(&uart));
    assert_int_equal(source.got_count, 1);
    assert_int_equal(source.got[0], 'k');
    device.time_passes = false;
    say("after");
    run(50);
    check_line("before after");
}

// ---- devices that lie --------------------------------------------------------------------------

static void test_storm(void **state)
{
    (void)state;
    assert_true(begin(STORMS));
    unsigned accesses = device.accesses;
    assert_int_equal(uart_service(&uart), UART_MORE);
    assert_true(device.accesses - accesses < 1000);
}

static void test_random(void **state)
{
    (void)state;
    for (unsigned long seed = 1; seed < 2000; seed++) {
        assert_true(begin(GOOD));
        device.fault = RANDOM;
        device.seed = seed;
        device.accesses = 0;
        say(text);
        (void)uart_service(&uart);
        (void)uart_tick(&uart);
        (void)uart_start(&uart);
        assert_true(device.accesses < 10000);
    }
}

static unsigned ticks_to_stall(void)
{
    unsigned ticks = 1;
    while (uart_tick(&uart) == UART_WELL && ticks < 1000) {
        (void)uart_service(&uart);
        ticks++;
    }
    return ticks;
}

static void test_hang(void **state)
{
    (void)state;
    assert_true(begin(GOOD));
    device.fault = HANGS;
    say(text);
    assert_in_range(ticks_to_stall(), UART_PATIENCE, UART_PATIENCE + 2);
    device.fault = GOOD;
    source.count = source.at = 0;  // as the caller drops its output
    device.on_line_count = 0;
    assert_true(uart_start(&uart));
    device.on_line_count = 0;
    say("again");
    run(50);
    check_line("again");
}

static void test_gone(void **state)
{
    (void)state;
    assert_true(begin(GOOD));
    device.fault = ABSENT;
    say(text);
    assert_in_range(ticks_to_stall(), UART_PATIENCE, UART_PATIENCE + 2);
    assert_int_equal(source.got_count, 0);
    assert_int_equal(uart.overruns, 0);
    assert_int_equal(uart.errors, 0);
}

static void test_lost_interrupt(void **state)
{
    (void)state;
    assert_true(begin(LOST));
    say(text);
    for (unsigned i = 0; i < 20; i++) {
        run(FIFO_BYTES + 1);
        assert_int_equal(uart_tick(&uart), UART_WELL);
        (void)uart_service(&uart);
    }
    check_line(text);
}

// Where there is no room bytes stay in the device, which no longer asks; then they are all there.
static void test_no_room(void **state)
{
    (void)state;
    assert_true(begin(GOOD));
    no_room = true;
    device_receive('a');
    device_receive('b');
    assert_int_equal(uart_service(&uart), UART_QUIET);
    assert_int_equal(device.enable & 1, 0);
    assert_int_equal(source.got_count, 0);
    assert_false(uart_resume(&uart));
    say(text);  // goes on
    run(2 * sizeof(text));
    check_line(text);
    assert_int_equal(device.enable & 1, 0);
    no_room = false;
    assert_true(uart_resume(&uart));
    assert_int_equal(device.enable & 1, 1);
    assert_int_equal(uart_service(&uart), UART_QUIET);
    assert_int_equal(source.got_count, 2);
    assert_memory_equal(source.got, "ab", 2);
    assert_false(uart_resume(&uart));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),       cmocka_unit_test(test_absent),
        cmocka_unit_test(test_sends),       cmocka_unit_test(test_sends_by_interrupt),
        cmocka_unit_test(test_stamps),      cmocka_unit_test(test_stamps_under_load),
        cmocka_unit_test(test_receives),    cmocka_unit_test(test_overrun),
        cmocka_unit_test(test_line_errors), cmocka_unit_test(test_spurious),
        cmocka_unit_test(test_restart),     cmocka_unit_test(test_storm),
        cmocka_unit_test(test_random),      cmocka_unit_test(test_hang),
        cmocka_unit_test(test_gone),        cmocka_unit_test(test_lost_interrupt),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
