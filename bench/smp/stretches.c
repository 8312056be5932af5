// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A QEMU plugin for several CPUs: how many instructions each one executes in the kernel between
// user mode and user mode, or a halt.  Used by bench/smp.py; the CPUs run in turn (icount), so no
// locks.
//
// Arguments: out=FILE.  Writes one line for each stretch that begins or ends at a watched
// address (watch=HEX, any number): CPU, last address in user mode (0: halted before), first in the
// kernel, instructions, and where it ended: address in user mode, or 0 for a halt.
#include <qemu-plugin.h>
#include <string.h>

#include <stdio.h>
#include <stdlib.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

#define MAX_CPUS    64
#define MAX_WATCHED 64
#define KERNEL      0xffff800000000000ull
#define OPCODE_HLT  0xf4

static struct stretch {
    uint64_t user;   // last address in user mode; 0: halted
    uint64_t first;  // in the kernel; 0: in user mode or halted now
    uint64_t count;
} stretches[MAX_CPUS];

static uint64_t watched[MAX_WATCHED];
static unsigned watched_count;
static FILE *out;

static bool is_watched(uint64_t address)
{
    for (unsigned i = 0; i < watched_count; i++) {
        if (watched[i] == address) {
            return true;
        }
    }
    return false;
}

static void stretch_end(unsigned cpu, uint64_t address)
{
    struct stretch *stretch = &stretches[cpu];
    if (stretch->first && (is_watched(stretch->user) || is_watched(address))) {
        fprintf(out, "%u %lx %lx %lu %lx\n", cpu, stretch->user, stretch->first, stretch->count,
                address);
    }
    *stretch = (struct stretch){ .user = address };
}

static void on_user(unsigned cpu, void *address)
{
    if (stretches[cpu].first) {
        stretch_end(cpu, (uint64_t)address);
    }
    stretches[cpu].user = (uint64_t)address;
}

static void on_kernel(unsigned cpu, void *address)
{
    struct stretch *stretch = &stretches[cpu];
    stretch->first = stretch->first ? stretch->first : (uint64_t)address;
    stretch->count++;
}

static void on_halt(unsigned cpu, void *address)
{
    on_kernel(cpu, address);
    stretch_end(cpu, 0);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t address = qemu_plugin_insn_vaddr(insn);
        const uint8_t *bytes = qemu_plugin_insn_data(insn);
        qemu_plugin_vcpu_udata_cb_t callback = address < KERNEL         ? on_user
                                               : bytes[0] == OPCODE_HLT ? on_halt
                                                                        : on_kernel;
        qemu_plugin_register_vcpu_insn_exec_cb(insn, callback, QEMU_PLUGIN_CB_NO_REGS,
                                               (void *)address);
    }
}

static void on_end(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    if (fclose(out) != 0) {
        fprintf(stderr, "stretches: error: the output could not be written\n");
    }
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                                           char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        } else if (strncmp(argv[i], "watch=", 6) == 0 && watched_count < MAX_WATCHED) {
            watched[watched_count++] = strtoull(argv[i] + 6, NULL, 16);
        }
    }
    if (!out || !info->system_emulation || info->system.max_vcpus > MAX_CPUS) {
        fprintf(stderr, "stretches: error: needs out=FILE, a whole machine and at most %d CPUs\n",
                MAX_CPUS);
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_end, NULL);
    return 0;
}
