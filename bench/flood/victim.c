// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What hostile clients of its servers cost a client (docs/services.md).  At random instants it
// wants something of both servers; measured is from that instant to the second answer, in
// instructions where the clock counts them: alone, then with each of the hostile ones, then with
// all.  Prints a line "PITH-BENCH NAME NUMBER" for each, the worst of its samples, and ends the
// machine.
#include <proto/log_client.h>
#include <proto/system_client.h>
#include <rt/clock.h>
#include <rt/panic.h>
#include <rt/print.h>
#include <rt/serial.h>
#include <rt/string.h>

#include <client/counter.h>
#include <gen/rt_stubs.h>

#define SAMPLES 2000u
#define PAUSE   40000u     // nanoseconds between two samples, at least
#define SPREAD  60000u     // and at random
#define WARM_UP 20000000u  // nanoseconds that a hostile client has before it is measured

const char rt_task_name[] = "victim";

static struct counter_client counter;
static cap_t log, supervisor;
static uint64_t seed = 0x9e3779b97f4a7c15ull;

static void must(uint32_t code, const char *what)
{
    if (code != WIRE_OK) {
        rt_panic("%s: %x", what, code);
    }
}

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

// Wait for an instant; gives it.
static uint64_t instant(uint64_t nanoseconds)
{
    uint64_t at = rt_clock() + rt_ticks(nanoseconds, component_info()->clock_hz);
    rt_ignore(timer_arm(component_need(GRANT_TIMER, "instant")->slot, at));
    rt_ignore(notification_wait(COMPONENT_SLOT_NOTIFICATION).status);
    return at;
}

static uint64_t sample(void)
{
    uint64_t value = 0, wanted = instant(PAUSE + draw(SPREAD));
    struct log_extent_results extent;
    must(counter_client_add(&counter, 1, &value), "add");
    must(log_extent(log, &extent), "extent");
    if (value != counter.sequence) {
        rt_panic("the counter is %lu after %lu requests", value, counter.sequence);
    }
    return rt_clock() - wanted;
}

static void measure(const char *name)
{
    uint64_t worst = 0, sum = 0;
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t ticks = sample();
        worst = ticks > worst ? ticks : worst;
        sum += ticks;
    }
    rt_print("PITH-BENCH flood.%s %lu\nPITH-BENCH flood.%s.mean %lu\n", name, worst, name,
             sum / SAMPLES);
}

static uint16_t number_of(const char *name)
{
    for (struct system_component_args args = { 0 };; args.number++) {
        struct system_component_results found = {};
        must(system_component(supervisor, &args, &found), name);
        if (found.name_count == strlen(name) && !memcmp(found.name, name, found.name_count)) {
            return args.number;
        }
    }
}

static void command(const char *name, enum system_command what)
{
    const struct system_control_args args = { number_of(name), what };
    must(system_control(supervisor, &args), name);
}

// With one of them for company.
static void measure_with(const char *hostile)
{
    command(hostile, SYSTEM_COMMAND_START);
    (void)instant(WARM_UP);
    measure(hostile);
    command(hostile, SYSTEM_COMMAND_STOP);
}

int component_main(const struct component_info *info)
{
    static const char *const hostile[] = { "lower", "same", "mute" };
    (void)info;
    supervisor = component_need(GRANT_CALL, "system")->slot;
    log = component_need(GRANT_CALL, "log")->slot;
    rt_serial_use(component_need(GRANT_PORTS, "uart")->slot);
    must(counter_client_open(&counter, component_need(GRANT_CALL, "counter")->slot, 1), "open");
    measure("alone");
    for (unsigned i = 0; i < 3; i++) {
        measure_with(hostile[i]);
    }
    for (unsigned i = 0; i < 3; i++) {
        command(hostile[i], SYSTEM_COMMAND_START);
    }
    (void)instant(WARM_UP);
    measure("all");
    return (int)system_power(supervisor, &(struct system_power_args){ 0 });
}
