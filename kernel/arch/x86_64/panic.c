// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The panic record: one line on the debug UART that `./pith debug` turns into functions and lines.
//
//     PITH-PANIC v1 cpu=0 vector=14 error=0x2 build=<build-id> rip=0x.. rsp=0x.. cr2=0x..
//     bt=0x..,0x.. msg="..."
//
// vector, error and cr2 are there for an exception.  The kernel has no frame pointers, so that the
// backtrace is what on the stack looks like a return address: it points into the text, behind a
// call.  Uses nothing that could be what broke: no GS, no lock.
#include "arch.h"
#include "x86.h"

#include <arch/percpu.h>
#include <hal/cpu.h>

#include <abi/message.h>

#define BACKTRACE_MAX   24
#define CALL_NEAR       0xe8
#define CALL_INDIRECT   0xff
#define CALL_NEAR_BYTES 5

static void put_text(const char *text)
{
    while (*text) {
        hal_console_put(*text++);
    }
}

static void put_digit(unsigned digit)
{
    hal_console_put("0123456789abcdef"[digit & 15]);
}

static void put_hex(const char *name, uint64_t value)
{
    put_text(name);
    put_text("0x");
    unsigned shift = 60;
    while (shift && !(value >> shift)) {
        shift -= 4;
    }
    for (;; shift -= 4) {
        put_digit(value >> shift & 15);
        if (!shift) {
            break;
        }
    }
}

static void put_decimal(const char *name, unsigned value)
{
    char digits[10];
    unsigned n = 0;
    put_text(name);
    do {
        digits[n++] = (char)('0' + value % 10);
    } while (value /= 10);
    while (n) {
        hal_console_put(digits[--n]);
    }
}

// The descriptor of the note that the linker made.
static void put_build_id(void)
{
    const uint8_t *bytes = (const uint8_t *)(build_id_note + 3) + ((build_id_note[0] + 3) & ~3u);
    put_text(" build=");
    for (unsigned i = 0; i < build_id_note[1]; i++) {
        put_digit(bytes[i] >> 4);
        put_digit(bytes[i] & 15);
    }
}

static bool in_text(uint64_t address)
{
    return address > (uint64_t)text_start + CALL_NEAR_BYTES && address <= (uint64_t)text_end;
}

static bool is_return_address(uint64_t address)
{
    if (!in_text(address)) {
        return false;
    }
    const uint8_t *end = (const uint8_t *)address;
    if (end[-CALL_NEAR_BYTES] == CALL_NEAR) {
        return true;
    }
    // ff /2 with a register, an address, a short or a long displacement
    for (int length = 2; length <= 7; length++) {
        if (end[-length] == CALL_INDIRECT && (end[1 - length] & 0x38) == 0x10) {
            return true;
        }
    }
    return false;
}

struct range {
    uint64_t begin, end;
};

// The part of its stack above `rsp`; of the kernel's stack also where that ran over into the guard
// page below.
static struct range stack_used(uint64_t rsp)
{
    uint64_t area = rsp & ~(KERNEL_CPU_BYTES - 1), offset = rsp - area;
    if (area < KERNEL_CPU_BASE || area >= (uint64_t)hal_percpu_at(hal_cpu_count)) {
        return (struct range){ 0, 0 };
    }
    if (offset < AREA_STACK_END) {
        uint64_t begin = offset < AREA_STACK_START ? AREA_STACK_START : offset;
        return (struct range){ area + begin, area + AREA_STACK_END };
    }
    if (offset < AREA_PERCPU && KERNEL_CPU_PAGES >> (offset / PAGE_SIZE) & 1) {
        return (struct range){ rsp, (rsp | (PAGE_SIZE - 1)) + 1 };
    }
    return (struct range){ 0, 0 };
}

static void put_backtrace(uint64_t rsp)
{
    struct range stack = stack_used(rsp);
    unsigned found = 0;
    put_text(" bt=");
    for (uint64_t at = (stack.begin + 7) & ~7ull; at < stack.end && found < BACKTRACE_MAX;
         at += 8) {
        uint64_t value = *(const uint64_t *)at;
        if (is_return_address(value)) {
            put_hex(found++ ? "," : "", value);
        }
    }
}

// A panic inside a panic, or on a second CPU, ends at once: what there is to say has been begun.
// The number of the CPU is that of the stack it runs on.
static void put_begin(void)
{
    static bool begun;
    uint64_t rsp;
    if (__atomic_exchange_n(&begun, true, __ATOMIC_RELAXED)) {
        power_panic();
    }
    __asm__("mov %%rsp, %0" : "=r"(rsp));
    put_text("\nPITH-PANIC v1");
    put_decimal(" cpu=", (unsigned)((rsp - KERNEL_CPU_BASE) / KERNEL_CPU_BYTES));
}

static void put_place(uint64_t rip, uint64_t rsp)
{
    put_build_id();
    put_hex(" rip=", rip);
    put_hex(" rsp=", rsp);
}

void panic_trap(const struct arch_context *frame)
{
    put_begin();
    put_decimal(" vector=", (unsigned)frame->vector);
    put_hex(" error=", frame->error);
    put_place(frame->rip, frame->rsp);
    put_hex(" cr2=", cr2_read());
    put_backtrace(frame->rsp);
    put_text(" msg=\"exception in the kernel\"\n");
    power_panic();
}

void hal_panic(const char *file, int line, const char *what)
{
    uint64_t rip, rsp;
    __asm__ volatile("cli\n\tlea (%%rip), %0\n\tmov %%rsp, %1" : "=r"(rip), "=r"(rsp));
    put_begin();
    put_place(rip, rsp);
    put_backtrace(rsp);
    put_text(" msg=\"");
    put_text(file);
    put_decimal(":", (unsigned)line);
    put_text(": ");
    for (; *what; what++) {
        hal_console_put((char)(*what == '"' ? '\'' : *what));
    }
    put_text("\"\n");
    power_panic();
}
