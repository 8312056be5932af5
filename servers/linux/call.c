// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the table of system calls (calls.def) is made into: dispatch, what a signal does to each,
// and what is printed of it.
#include "call.h"

#include "seccomp.h"
#include "trace.h"

#include <rt/print.h>
#include <rt/string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// ---- dispatch ----------------------------------------------------------------------------------
#define ARG(n, T) (TYPE_##T) task->call.args[n]
#define CALL0(nr, name, restart)             \
 static int64_t do_##name(struct task *task) \
 {                                           \
  return call_##name(task);                  \
 }
#define CALL1(nr, name, restart, T1, a1)     \
 static int64_t do_##name(struct task *task) \
 {                                           \
  return call_##name(task, ARG(0, T1));      \
 }
#define CALL2(nr, name, restart, T1, a1, T2, a2)    \
 static int64_t do_##name(struct task *task)        \
 {                                                  \
  return call_##name(task, ARG(0, T1), ARG(1, T2)); \
 }
#define CALL3(nr, name, restart, T1, a1, T2, a2, T3, a3)        \
 static int64_t do_##name(struct task *task)                    \
 {                                                              \
  return call_##name(task, ARG(0, T1), ARG(1, T2), ARG(2, T3)); \
 }
#define CALL4(nr, name, restart, T1, a1, T2, a2, T3, a3, T4, a4)            \
 static int64_t do_##name(struct task *task)                                \
 {                                                                          \
  return call_##name(task, ARG(0, T1), ARG(1, T2), ARG(2, T3), ARG(3, T4)); \
 }
#define CALL5(nr, name, restart, T1, a1, T2, a2, T3, a3, T4, a4, T5, a5)                \
 static int64_t do_##name(struct task *task)                                            \
 {                                                                                      \
  return call_##name(task, ARG(0, T1), ARG(1, T2), ARG(2, T3), ARG(3, T4), ARG(4, T5)); \
 }
#define CALL6(nr, name, restart, T1, a1, T2, a2, T3, a3, T4, a4, T5, a5, T6, a6)       \
 static int64_t do_##name(struct task *task)                                           \
 {                                                                                     \
  return call_##name(task, ARG(0, T1), ARG(1, T2), ARG(2, T3), ARG(3, T4), ARG(4, T5), \
                     ARG(5, T6));                                                      \
 }
#include "calls.def"
#undef CALL0
#undef CALL1
#undef CALL2
#undef CALL3
#undef CALL4
#undef CALL5
#undef CALL6

// How an argument is shown.
enum shown {
    INT,
    UINT,
    LONG,
    SIZE,
    OFFSET,
    HEX,
    LHEX,
    OCTAL,
    FD,
    DIR,
    PATH,
    STRING,
    IN,
    OUT,
    USER,
    PID,
    SIGNAL
};

struct entry {
    int64_t (*carry_out)(struct task *task);
    const char *name;
    uint8_t restart, count;
    uint8_t shown[6];
};

#define ENTRY(nr, call, when, n, ...)                    [nr] = { do_##call, #call, when, n, { __VA_ARGS__ } },
#define CALL0(nr, name, restart)                         ENTRY(nr, name, restart, 0)
#define CALL1(nr, name, restart, T1, a1)                 ENTRY(nr, name, restart, 1, T1)
#define CALL2(nr, name, restart, T1, a1, T2, a2)         ENTRY(nr, name, restart, 2, T1, T2)
#define CALL3(nr, name, restart, T1, a1, T2, a2, T3, a3) ENTRY(nr, name, restart, 3, T1, T2, T3)
#define CALL4(nr, name, restart, T1, a1, T2, a2, T3, a3, T4, a4) \
 ENTRY(nr, name, restart, 4, T1, T2, T3, T4)
#define CALL5(nr, name, restart, T1, a1, T2, a2, T3, a3, T4, a4, T5, a5) \
 ENTRY(nr, name, restart, 5, T1, T2, T3, T4, T5)
#define CALL6(nr, name, restart, T1, a1, T2, a2, T3, a3, T4, a4, T5, a5, T6, a6) \
 ENTRY(nr, name, restart, 6, T1, T2, T3, T4, T5, T6)
static const struct entry entries[] = {
#include "calls.def"
};

static struct task *running;   // whose call is carried out
static uint64_t unknown[512];  // how often calls were asked for that there are not

int64_t call_dispatch(struct task *task)
{
    uint32_t number = task->call.number;
    int64_t stopped = 0;
    if (task->seccomp && !task->call.again && seccomp_stops(task, &stopped)) {
        return stopped;
    }
    if (number < COUNT(entries) && entries[number].carry_out) {
        running = task;
        int64_t result = entries[number].carry_out(task);
        running = NULL;
        return result;
    }
    unknown[number < COUNT(unknown) ? number : 0]++;
    return -ENOSYS;
}

struct task *call_task(void)
{
    return running;
}

enum restart call_restart(uint32_t number)
{
    return number < COUNT(entries) ? (enum restart)entries[number].restart : NEVER;
}

uint64_t call_unknown(uint32_t number)
{
    return number < COUNT(unknown) ? unknown[number] : 0;
}

// ---- --strace ----------------------------------------------------------------------------------
#define ERROR_NUMBER(number, name) [number] = #name,
static const char *const error_names[] = {
#include "errors.def"
};

const char *call_error_name(int64_t result)
{
    uint64_t error = (uint64_t)-result;
    return error < COUNT(error_names) ? error_names[error] : NULL;
}

struct line {
    struct rt_sink sink;
    char text[1024];
    unsigned bytes;
};

static void line_put(struct rt_sink *sink, char c)
{
    struct line *line = (struct line *)sink;
    if (line->bytes < sizeof(line->text)) {
        line->text[line->bytes++] = c;
    }
}

static void string_print(struct rt_sink *to, struct task *task, user_t from)
{
    char text[65];
    int64_t length = user_string(task, text, from, sizeof(text));
    if (length < 0 && length != -ENAMETOOLONG) {
        rt_print_to(to, "%#lx", from);
        return;
    }
    text[sizeof(text) - 1] = 0;
    rt_print_to(to, "\"%s\"%s", text, length < 0 ? "..." : "");
}

static void argument_print(struct rt_sink *to, struct task *task, unsigned shown, uint64_t value)
{
    switch ((enum shown)shown) {
    case INT:
    case FD:
    case PID:
    case SIGNAL: rt_print_to(to, "%d", (int32_t)value); break;
    case DIR:
        if ((int32_t)value == AT_FDCWD) {
            rt_print_to(to, "AT_FDCWD");
        } else {
            rt_print_to(to, "%d", (int32_t)value);
        }
        break;
    case UINT: rt_print_to(to, "%u", (uint32_t)value); break;
    case LONG:
    case OFFSET: rt_print_to(to, "%ld", (int64_t)value); break;
    case SIZE: rt_print_to(to, "%lu", value); break;
    case HEX: rt_print_to(to, "0x%x", (uint32_t)value); break;
    case OCTAL: rt_print_to(to, "%s0x%x", "", (uint32_t)value); break;
    case PATH:
    case STRING: string_print(to, task, value); break;
    case LHEX:
    case IN:
    case OUT:
    case USER: rt_print_to(to, "0x%lx", value); break;
    }
}

void call_print(struct task *task, int64_t result)
{
    static struct line line;
    uint32_t number = task->call.number;
    const struct entry *entry = number < COUNT(entries) ? &entries[number] : &entries[0];
    bool known = number < COUNT(entries) && entry->carry_out;
    line = (struct line){ .sink = { line_put } };
    rt_print_to(&line.sink, "[%u] ", task->tid);
    if (known) {
        rt_print_to(&line.sink, "%s(", entry->name);
    } else {
        rt_print_to(&line.sink, "call_%u(", number);
    }
    for (unsigned i = 0; known && i < entry->count; i++) {
        rt_print_to(&line.sink, i ? ", " : "");
        argument_print(&line.sink, task, entry->shown[i], task->call.args[i]);
    }
    const char *error = call_error_name(result);
    if (result == RESULT_NONE) {
        rt_print_to(&line.sink, ") = ?\n");
    } else if (error) {
        rt_print_to(&line.sink, ") = -1 %s\n", error);
    } else {
        rt_print_to(&line.sink,
                    result < 0 || (uint64_t)result > 0xffffffff ? ") = 0x%lx\n" : ") = %ld\n",
                    result);
    }
    trace_line(line.text, line.bytes);
}
