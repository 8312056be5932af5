// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The panic record.  Relies on frame pointers and on the build-id note that program.ld keeps.
#include "panic.h"

#include "abi.h"
#include "print.h"

#define BACKTRACE_DEPTH 16
#define STACK_SPAN      0x100000u  // a frame further away than this is not one
#define NOTE_HEADER     12u        // name size, descriptor size, type

extern const unsigned char rt_build_id_start[], rt_build_id_end[];

__attribute__((weak)) const char rt_task_name[] = "task";
static void (*panic_end)(void);

struct frame {
    const struct frame *caller;
    uint64_t return_address;
};

void rt_panic_end_set(void (*end)(void))
{
    panic_end = end;
}

// An ELF note: three words, the name ("GNU" and a zero), the identity.
static void print_build_id(void)
{
    const unsigned char *note = rt_build_id_start;
    for (const unsigned char *at = note + NOTE_HEADER + 4; at < rt_build_id_end; at++) {
        rt_print("%02x", *at);
    }
}

static bool frame_plausible(const struct frame *frame, const struct frame *above)
{
    uintptr_t distance = (uintptr_t)frame - (uintptr_t)above;
    return frame && (uintptr_t)frame % sizeof(uint64_t) == 0 && distance && distance < STACK_SPAN;
}

static void print_backtrace(const struct frame *frame)
{
    const struct frame *above = frame;
    for (unsigned depth = 0; depth < BACKTRACE_DEPTH; depth++) {
        rt_print("%s0x%lx", depth ? "," : "", frame->return_address);
        above = frame;
        frame = frame->caller;
        if (!frame_plausible(frame, above) || !frame->return_address) {
            break;
        }
    }
}

__attribute__((noreturn)) void rt_panic(const char *format, ...)
{
    va_list arguments;
    const struct frame *frame = __builtin_frame_address(0);
    rt_print("PITH-PANIC v1 task=%s build=", rt_task_name);
    print_build_id();
    rt_print(" rip=0x%lx bt=", frame->return_address);
    print_backtrace(frame);
    rt_print(" msg=\"");
    va_start(arguments, format);
    rt_vprint_to(rt_print_sink(), format, arguments);
    va_end(arguments);
    rt_print("\"\n");
    if (panic_end) {
        panic_end();
    }
    __builtin_trap();
}
