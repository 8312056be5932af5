// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A TCG plugin for QEMU that counts what a whole machine executes between two marks in one of its
// programs (bench/linux/mark.h), whatever system it runs.  One virtual CPU only.  What the CPU
// sleeps through is not counted.
//
// Arguments: out=FILE, and if wanted entry=ADDRESS (hexadecimal): what is first executed there is a
// beginning, too; kinds=FILE: say what was for which kind of call (kinds.h). Writes a line for each
// end of a sample: `sample` and instructions of programs, of Pith's components, of the kernel, and
// what instructions with a REP prefix repeat.  Such an instruction counts once however often it
// repeats, again when it goes on after an interrupt or a fault; any instruction that faults counts
// each time that it begins.
#include "kinds.h"

#include <qemu-plugin.h>
#include <string.h>

#include <stdio.h>
#include <stdlib.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

#define UPPER_HALF (1ull << 63)
// Where components lie (servers/supervisor/image.c).
#define ARENA_START 0x10000000000ull
#define ARENA_BYTES (1ull << 45)
#define MARK_BYTES  7

static const uint8_t mark[MARK_BYTES - 1] = { 0x0f, 0x1f, 0x80, 'P', 'I', 'T' };

static struct counts now, begun;

static bool running;
static uint64_t entry;
static FILE *out;

// The REP instruction executed last, and how many instructions there had been with it.
static uint64_t rep_last, rep_when;

static uint64_t *counter_of(uint64_t address)
{
    if (address & UPPER_HALF) {
        return &now.kernel;
    }
    return address - ARENA_START < ARENA_BYTES ? &now.component : &now.guest;
}

static uint64_t instructions(void)
{
    return now.guest + now.component + now.kernel;
}

static void on_begin(unsigned cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    running = true;
    begun = now;
    kinds_begin(&now);
}

static void on_end_mark(unsigned cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    if (running) {
        fprintf(out, "sample %lu %lu %lu %lu\n", now.guest - begun.guest,
                now.component - begun.component, now.kernel - begun.kernel, now.rep - begun.rep);
        kinds_print(out);
    }
    running = false;
}

static void on_entry(unsigned cpu, void *unused)
{
    if (entry) {
        on_begin(cpu, unused);
    }
    entry = 0;
}

static void on_kind(unsigned cpu, void *data)
{
    (void)cpu;
    kind_enter((size_t)data);
}

static void on_guest(unsigned cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    kinds_settle(&now);
}

static void on_rep(unsigned cpu, void *data)
{
    (void)cpu;
    uint64_t address = (uint64_t)data;
    if (address == rep_last && instructions() == rep_when) {
        now.rep++;
        return;
    }
    ++*counter_of(address);
    rep_last = address;
    rep_when = instructions();
}

static bool is_prefix(uint8_t byte)
{
    return byte == 0xf2 || byte == 0xf3 || byte == 0x66 || byte == 0x67 || byte == 0x2e ||
           byte == 0x36 || byte == 0x3e || byte == 0x26 || byte == 0x64 || byte == 0x65;
}

// A string instruction (Intel SDM volume 2, appendix A) behind a REP prefix.
static bool is_repeating(const uint8_t *at, size_t size)
{
    const uint8_t *end = at + size;
    bool rep = false;
    for (; at < end - 1 && is_prefix(*at); at++) {
        rep |= *at == 0xf2 || *at == 0xf3;
    }
    at += at < end - 1 && (*at & 0xf0) == 0x40;  // REX
    return rep && ((*at >= 0x6c && *at <= 0x6f) || (*at >= 0xa4 && *at <= 0xa7) ||
                   (*at >= 0xaa && *at <= 0xaf));
}

static void watch(struct qemu_plugin_insn *insn)
{
    const uint8_t *bytes = qemu_plugin_insn_data(insn);
    size_t size = qemu_plugin_insn_size(insn);
    uint64_t address = qemu_plugin_insn_vaddr(insn);
    if (entry && address == entry) {
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_entry, QEMU_PLUGIN_CB_NO_REGS, NULL);
    }
    if (size == MARK_BYTES && memcmp(bytes, mark, sizeof(mark)) == 0) {
        qemu_plugin_register_vcpu_insn_exec_cb(insn,
                                               bytes[MARK_BYTES - 1] == '<' ? on_begin
                                                                            : on_end_mark,
                                               QEMU_PLUGIN_CB_NO_REGS, NULL);
    } else if (is_repeating(bytes, size)) {
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_rep, QEMU_PLUGIN_CB_NO_REGS,
                                               (void *)address);
    } else {
        qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                   counter_of(address), 1);
    }
}

// Bytes at the beginning of a block that is about to be translated.
static size_t first_bytes(struct qemu_plugin_tb *tb, uint8_t *bytes, size_t room)
{
    size_t size = 0;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        const struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        size_t more = qemu_plugin_insn_size(insn);
        if (size + more > room) {
            break;
        }
        memcpy(bytes + size, qemu_plugin_insn_data(insn), more);
        size += more;
    }
    return size;
}

static void watch_kinds(struct qemu_plugin_tb *tb)
{
    uint8_t bytes[64];
    uint64_t address = qemu_plugin_tb_vaddr(tb);
    if (counter_of(address) == &now.guest) {
        qemu_plugin_register_vcpu_tb_exec_cb(tb, on_guest, QEMU_PLUGIN_CB_NO_REGS, NULL);
    } else if (counter_of(address) == &now.component) {
        size_t kind = kind_at(address, bytes, first_bytes(tb, bytes, sizeof(bytes)));
        if (kind) {
            qemu_plugin_register_vcpu_tb_exec_cb(tb, on_kind, QEMU_PLUGIN_CB_NO_REGS, (void *)kind);
        }
    }
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    if (kinds_wanted()) {
        watch_kinds(tb);
    }
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        watch(qemu_plugin_tb_get_insn(tb, i));
    }
}

static void on_exit_of_qemu(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    if (fclose(out) != 0) {
        fprintf(stderr, "tally: error: the output could not be written\n");
    }
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                                           char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        } else if (strncmp(argv[i], "entry=", 6) == 0) {
            entry = strtoull(argv[i] + 6, NULL, 16);
        } else if (strncmp(argv[i], "kinds=", 6) == 0 && !kinds_read(argv[i] + 6)) {
            fprintf(stderr, "tally: error: %s is no list of functions\n", argv[i] + 6);
            return 1;
        }
    }
    if (!out || !info->system_emulation || info->system.max_vcpus != 1) {
        fprintf(stderr, "tally: error: needs out=FILE and a whole machine with one CPU\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
    return 0;
}
