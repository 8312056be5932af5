// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The console on a 16550 UART: serves the protocol `console`.  Needs the grants
//     ports "uart"    the eight registers
//     irq "uart"      its interrupt
//     timer "watch"   for a device that says nothing
// and may have the signal "changed", for one that exchanges (proto/console.idl).
// What the device does is in uart.c, what clients have in terminal.c; here they meet the kernel.
#include "terminal.h"
#include "uart.h"

#include <proto/console.h>
#include <rt/clock.h>
#include <rt/panic.h>
#include <rt/print.h>

#include <gen/rt_stubs.h>
#include <svc/serve.h>

_Static_assert(TERMINAL_PIECE == CONSOLE_CHUNK && TERMINAL_CLIENTS == SVC_CLIENTS,
               "one piece a call");

#define TICKS_PER_SECOND 50u  // of the watch, while bytes are under way

const char rt_task_name[] = "uart16550";

static struct uart uart;
static struct terminal terminal;
static const struct component_grant *ports, *irq, *watch, *changed;
static uint64_t labels[64];  // of the requests that Replies stand for; Reply slots are few
static bool watching;

// ---- the device --------------------------------------------------------------------------------

static uint8_t register_read(void *context, unsigned number)
{
    (void)context;
    struct io_ports_in_result got = io_ports_in(ports->slot, ports->address + number, 1);
    if (!rt_ok(got.status)) {
        rt_panic("port 0x%lx: error %u", ports->address + number, rt_error(got.status));
    }
    return (uint8_t)got.value;
}

static void register_write(void *context, unsigned number, uint8_t value)
{
    (void)context;
    struct rt_status status = io_ports_out(ports->slot, ports->address + number, 1, value);
    if (!rt_ok(status)) {
        rt_panic("port 0x%lx: error %u", ports->address + number, rt_error(status));
    }
}

static const struct uart_registers registers = { register_read, register_write };

static bool stream_next(void *context, uint8_t *byte)
{
    (void)context;
    return terminal_next(&terminal, uart_stamp(&uart), byte);
}

static void stream_received(void *context, uint8_t byte)
{
    (void)context;
    terminal_typed(&terminal, byte);
}

static bool stream_room(void *context)
{
    (void)context;
    return terminal_typed_room(&terminal);
}

static const struct uart_stream stream = { stream_next, stream_received, stream_room };

static bool stream_passed(void *context, uint64_t stamp)
{
    (void)context;
    return uart_passed(&uart, stamp);
}

// ---- callers that wait -------------------------------------------------------------------------

static uint64_t label_now;  // of the request at hand

static uint64_t *label_of(uint64_t reply)
{
    return &labels[(reply - COMPONENT_SLOT_REPLIES) % (sizeof(labels) / sizeof(labels[0]))];
}

static uint64_t caller_keep(void *context)
{
    (void)context;
    cap_t reply = svc_keep();
    if (reply) {
        *label_of(reply) = label_now & ~WIRE_METHOD_MASK;
    }
    return reply;
}

static void caller_done(void *context, uint64_t reply, bool drain)
{
    (void)context;
    struct wire_message answer;
    uint64_t label = *label_of(reply);
    uint32_t code = drain ? console_drain_put_results(label, &answer)
                          : console_write_put_results(label, &answer);
    if (code) {
        rt_panic("an answer without results: %s", wire_code_text(code));
    }
    svc_answer(reply, &answer);
}

static void caller_refuse(void *context, uint64_t reply)
{
    (void)context;
    struct wire_message request = { .label = *label_of(reply) }, answer;
    wire_refuse(&request, CONSOLE_ERROR_BUSY, &answer);
    svc_answer(reply, &answer);
}

static bool caller_give(void *context, uint64_t reply, const uint8_t *text, size_t count)
{
    (void)context;
    struct console_read_results results = { .text_count = (uint32_t)count };
    struct wire_message answer;
    __builtin_memcpy(results.text, text, count);
    uint32_t code = console_read_put_results(*label_of(reply), &results, &answer);
    if (code) {
        rt_panic("%zu bytes of input: %s", count, wire_code_text(code));
    }
    return svc_answer(reply, &answer);
}

static const struct terminal_callers callers = { caller_keep, caller_done, caller_refuse,
                                                 caller_give };

// ---- requests ----------------------------------------------------------------------------------

static void watch_arm(void)
{
    uint64_t tick = component_info()->clock_hz / TICKS_PER_SECOND;
    struct rt_status status = timer_arm(watch->slot, rt_clock() + tick);
    if (!rt_ok(status)) {
        rt_panic("timer: error %u", rt_error(status));
    }
    watching = true;
}

// After anything that may have changed something: feed the line, answer who waited long enough.
static void go_on(void)
{
    if (terminal_pending(&terminal)) {
        uart_kick(&uart);
    }
    terminal_settle(&terminal, stream_passed);
    if (terminal_pending(&terminal)) {
        uart_kick(&uart);
    }
    if (uart_resume(&uart) && uart_service(&uart) == UART_MORE && !watching) {
        watch_arm();
    }
    if (uart_busy(&uart) && !watching) {
        watch_arm();
    }
    if (changed && terminal_news(&terminal)) {
        rt_ignore(notification_signal(changed->slot));
    }
}

static uint32_t code_of(enum terminal_answer answer)
{
    static const uint32_t codes[] = { [TERMINAL_DONE] = WIRE_OK,
                                      [TERMINAL_LATER] = WIRE_LATER,
                                      [TERMINAL_BUSY] = CONSOLE_ERROR_BUSY };
    go_on();
    return codes[answer];
}

static unsigned client_of(const struct wire_peer *peer)
{
    return svc_client(peer->badge) % TERMINAL_CLIENTS;
}

static uint32_t serve_write(const struct wire_peer *peer, const struct console_write_args *args)
{
    return code_of(terminal_write(&terminal, client_of(peer), args->text, args->text_count));
}

static uint32_t serve_read(const struct wire_peer *peer, struct console_read_results *results)
{
    size_t count = 0;
    enum terminal_answer answer = terminal_read(&terminal, client_of(peer), results->text, &count);
    results->text_count = (uint32_t)count;
    return code_of(answer);
}

static uint32_t serve_drain(const struct wire_peer *peer)
{
    return code_of(terminal_drain(&terminal, client_of(peer)));
}

// What was taken out of the terminal may be more of what is in the device.
static uint32_t serve_exchange(const struct wire_peer *peer,
                               const struct console_exchange_args *args,
                               struct console_exchange_results *results)
{
    uint8_t text[CONSOLE_CHUNK];
    __builtin_memcpy(text, args->text, args->text_count);
    struct terminal_text in = { .text = results->text, .count = args->most };
    results->taken = (uint32_t)terminal_exchange(&terminal, client_of(peer),
                                                 (struct terminal_text){ text, args->text_count },
                                                 &in);
    results->text_count = (uint32_t)in.count;
    go_on();
    return WIRE_OK;
}

static const struct console_server server = { serve_write, serve_read, serve_drain,
                                              serve_exchange };

static bool serve(const struct wire_peer *peer, const struct wire_message *request,
                  struct wire_message *answer)
{
    label_now = request->label;
    return console_serve(&server, peer, request, answer);
}

// ---- what is not a request ---------------------------------------------------------------------

static void tick(void)
{
    watching = false;
    if (uart_tick(&uart) == UART_STALLED) {
        rt_print("the device does not send: output dropped, device started anew\n");
        terminal_discard(&terminal);
        if (!uart_start(&uart)) {
            rt_print("the device does not answer\n");
        }
    }
}

// The interrupt comes again only after the acknowledgement: a device that asks without end is
// served no more often than the watch ticks.
static void notified(void *context, uint64_t bits)
{
    (void)context;
    if (bits & watch->badge) {
        tick();
    }
    if (uart_service(&uart) == UART_MORE && !watching) {
        watch_arm();
    }
    if (bits & irq->badge) {
        rt_ignore(irq_handler_ack(irq->slot));
    }
    go_on();
}

int component_main(const struct component_info *info)
{
    static svc_serve *const services[] = { serve };
    static const struct svc svc = {
        .service_count = 1, .keeps = 4, .services = services, .notified = notified
    };
    ports = component_need(GRANT_PORTS, "uart");
    irq = component_need(GRANT_IRQ, "uart");
    watch = component_need(GRANT_TIMER, "watch");
    changed = component_grant(GRANT_SIGNAL, "changed");
    if (ports->bytes < UART_PORTS || info->reply_count > sizeof(labels) / sizeof(labels[0])) {
        rt_panic("%lu ports and %u replies do not do", ports->bytes, info->reply_count);
    }
    uart = (struct uart){ .registers = &registers, .stream = &stream };
    terminal.callers = &callers;
    if (!uart_start(&uart)) {
        rt_panic("no UART at port 0x%lx", ports->address);
    }
    rt_ignore(irq_handler_ack(irq->slot));
    notified(NULL, 0);
    if (changed) {  // who exchanged with an incarnation before this one goes on
        rt_ignore(notification_signal(changed->slot));
    }
    svc_run(&svc);
}
