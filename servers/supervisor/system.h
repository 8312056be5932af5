// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A compiled system description.  tools/mksys writes it as C, from systems/NAME.toml and the
// components' ELF files, and has checked it; it is linked with the supervisor, which trusts it.
// Times are nanoseconds.  Indices are those of the arrays of struct system.
#pragma once

#include <rt/component.h>

#define SYSTEM_COMPONENTS 62  // each has a bit in a notification of the supervisor
#define SYSTEM_NAME_BYTES COMPONENT_NAME_BYTES

// Who serves an endpoint of the supervisor's own (index SYSTEM_SELF).
#define SYSTEM_SELF 0xffu

// What a caller of the supervisor may ask (bits of the badge of its capability, from
// SYSTEM_RIGHTS_SHIFT on; below are its index + 1).
#define SYSTEM_RIGHTS_SHIFT 8
#define SYSTEM_OBSERVE      1u  // states, incidents
#define SYSTEM_CONTROL      2u  // kill, stop, start, restart
#define SYSTEM_INJECT       4u  // stop a component at an instruction of its choice
#define SYSTEM_POWER        8u  // end the machine's run

struct system_grant {
    const char *name;
    enum component_grant_kind kind;
    // SERVE, CALL: endpoint.  SIGNAL: component.  REGION: region.  IRQ: the line.  SCHED, CONTEXT:
    // the CPU.  MODULE: module.
    uint32_t object;
    uint64_t badge;  // as in struct component_grant, but 0 of UNTYPED
    // PORTS.  UNTYPED: bytes, of the rest at least; slots.  CONTEXT: budget, period (nanoseconds).
    uint64_t first, count;
    uint32_t flags;  // IRQ: IRQ_*.  REGION: PROT_READ, PROT_WRITE.  UNTYPED: UNTYPED_*.  CONTEXT:
                     // CONTEXT_*
};
#define UNTYPED_REST     1u  // what the machine has left; the last Untyped of its component, once only
#define UNTYPED_WX       2u  // frames of it may be writable and executable at once
#define CONTEXT_OPTIONAL 1u  // no capability where the machine has no such CPU

struct system_endpoint {
    const char *name;     // COMPONENT.SERVICE
    uint32_t server;      // component, or SYSTEM_SELF
    uint64_t min_budget;  // nanoseconds of time that a caller must have left; 0: none
};

struct system_region {
    const char *name;
    uint64_t bytes;  // multiple of the page size
    bool survives;   // as it was, when a component that has it is restarted; else zero again
};

// Names of functions, for backtraces: ascending offsets from the image's beginning.
struct system_symbol {
    uint32_t offset;
    uint32_t name;  // where in symbol_names
};

struct system_component {
    const char *name;
    const char *module;  // name of its ELF file in the boot image
    uint8_t priority;
    uint8_t cpu;
    uint8_t home_bits;  // log2 of the memory that it has in all: everything it is made of
    uint8_t slot_bits;  // log2 of the number of slots of its table
    uint32_t stack_pages, heap_pages;
    uint32_t replies;
    uint64_t budget, period;
    uint64_t heartbeat;  // 0: it is not asked whether it lives
    // Restarts: after a death the next incarnation starts `backoff` later, twice as long each time
    // up to backoff_max; after `window` without a death it begins anew.  More than `limit` deaths
    // within the window: the group is restarted, or where it has none or was restarted within the
    // window already, given up.  Deaths that an operator asked for do not count.
    uint64_t backoff, backoff_max, window;
    uint32_t limit;
    uint32_t group;  // 0: none
    bool deadlines;  // a second thread watches the first
    bool vector;     // it may use vector registers
    // It serves on its callers' time; its own budget is for its start, for what is not a call, and
    // for going on when a caller's time is used up.
    bool passive;
    bool restart;  // false: once dead it stays so
    bool vital;    // with its death the machine's run ends
    bool manual;   // it is not started at boot
    uint32_t grant_count, symbol_count;
    const struct system_grant *grants;
    const struct system_symbol *symbols;
    const char *symbol_names;
    uint8_t build_id[20];
};

// An assertion of the description: `from` cannot reach `to`.
struct system_never {
    uint32_t from, to;  // components
};

struct system {
    const char *name;
    uint64_t seed;  // of the addresses; 0: the machine's random numbers
    uint32_t component_count, endpoint_count, region_count, module_count, never_count;
    const struct system_component *components;  // in the order in which they start
    const struct system_endpoint *endpoints;
    const struct system_region *regions;
    const char *const *modules;  // names of files of the boot image
    const struct system_never *never;
};

extern const struct system system_description;
