// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// How a component died: what the supervisor kept of it, and the last lines that it wrote.
#include "monitor.h"

#include <proto/log.h>
#include <proto/system_client.h>
#include <rt/string.h>

#define LAST_LINES       5u
#define REGISTERS        (sizeof((struct system_incident_results){}.registers) / sizeof(uint64_t))
#define REGISTERS_IN_ROW 3u
#define WORDS_MOST       8192u  // however much there is

// The last incident, or the one that the line names; false: there is none, said so.
static bool incident_choose(const struct command_line *line, uint32_t *number)
{
    struct system_resources_results resources;
    uint64_t chosen;
    uint32_t code = system_resources(monitor_servers.system, &resources);
    if (code) {
        out_system_error("incident", code);
        return false;
    }
    if (resources.incidents == 0) {
        out("no component has died\n");
        return false;
    }
    chosen = resources.incidents - 1;
    if (line->count > 2 ||
        (line->count == 2 && !number_parse(line->words[1], UINT32_MAX, &chosen))) {
        out("usage: incident [number]; the last is %u\n", resources.incidents - 1);
        return false;
    }
    *number = (uint32_t)chosen;
    return true;
}

static void registers_print(const struct system_incident_results *incident)
{
    static const char *const names[] = { "rip", "rsp", "rflags", "rax", "rbx", "rcx",
                                         "rdx", "rsi", "rdi",    "rbp", "r8",  "r9",
                                         "r10", "r11", "r12",    "r13", "r14", "r15" };
    _Static_assert(sizeof(names) / sizeof(names[0]) == REGISTERS, "a name each");
    for (unsigned i = 0; i < REGISTERS; i++) {
        out("  %6s %016lx", names[i], incident->registers[i]);
        if (i % REGISTERS_IN_ROW == REGISTERS_IN_ROW - 1) {
            out("\n");
        }
    }
}

static void detail_print(const struct system_incident_results *incident)
{
    static const char *const accesses[] = { "read", "write", "execute" };
    switch (incident->reason) {
    case SYSTEM_REASON_PAGE_FAULT:
        out(" (%s at 0x%lx)", incident->detail2 < 3 ? accesses[incident->detail2] : "access",
            incident->detail);
        break;
    case SYSTEM_REASON_EXCEPTION:
        out(" (number %lu, error code 0x%lx)", incident->detail, incident->detail2);
        break;
    case SYSTEM_REASON_EXIT: out(" (status %lu)", incident->detail); break;
    case SYSTEM_REASON_NONE:
    case SYSTEM_REASON_HEARTBEAT:
    case SYSTEM_REASON_OPERATOR:
    case SYSTEM_REASON_GROUP:
    case SYSTEM_REASON_REACH:
    case SYSTEM_REASON_UNMADE: break;
    }
}

static void head_print(uint32_t number, const struct system_incident_results *incident)
{
    char name[SYSTEM_NAME_MAX + 1];
    component_name(incident->component, name);
    out("incident %u: %s, generation %lu, after ", number, name, incident->generation);
    out_seconds(incident->time, 0);
    out(" s: %s", known(system_reason_text(incident->reason)));
    detail_print(incident);
    out("\nbuild ");
    for (unsigned i = 0; i < sizeof(incident->build_id); i++) {
        out("%02x", incident->build_id[i]);
    }
    out(", image at 0x%lx\n", incident->image);
}

// A frame as far as it is known: address in the ELF file, function.
static void frame_print(uint32_t number, unsigned frame,
                        const struct system_incident_results *incident)
{
    struct system_symbol_results symbol;
    const struct system_symbol_args args = { .number = number, .frame = (uint8_t)frame };
    uint64_t address = incident->backtrace[frame];
    out("  #%-2u 0x%lx", frame, address - incident->image);
    if (system_symbol(monitor_servers.system, &args, &symbol) == WIRE_OK) {
        out(" ");
        out_bytes((const char *)symbol.name, symbol.name_count);
        out("+0x%x", symbol.offset);
    }
    out("\n");
}

static void backtrace_print(uint32_t number, const struct system_incident_results *incident)
{
    out("backtrace (in the ELF file):\n");
    for (unsigned i = 0; i < incident->backtrace_count; i++) {
        frame_print(number, i, incident);
    }
}

// Any component can have written anything there: control characters but ends of lines are shown
// as '?'.
static char word_char(uint8_t byte)
{
    bool plain = byte == '\n' || (byte >= ' ' && byte < 0x7f);
    return (char)(plain ? byte : '?');
}

static void words_print(uint32_t number)
{
    struct system_words_results words = {};
    struct system_words_args args = { .number = number };
    bool begin = true;
    while (args.from < WORDS_MOST && !system_words(monitor_servers.system, &args, &words) &&
           words.text_count) {
        if (args.from == 0) {
            out("last words:\n");
        }
        for (unsigned i = 0; i < words.text_count; i++) {
            char c = word_char(words.text[i]);
            out("%s%c", begin ? "  " : "", c);
            begin = c == '\n';
        }
        args.from = (uint16_t)(args.from + words.text_count);
    }
    out("%s", begin ? "" : "\n");
}

void command_incident(const struct command_line *line)
{
    struct system_incident_args args;
    struct system_incident_results incident;
    if (!incident_choose(line, &args.number)) {
        return;
    }
    uint32_t code = system_incident(monitor_servers.system, &args, &incident);
    if (code) {
        out_system_error("incident", code);
        return;
    }
    head_print(args.number, &incident);
    registers_print(&incident);
    backtrace_print(args.number, &incident);
    words_print(args.number);
    if (service_answers("log")) {
        out("its last lines in the log:\n");
        lines_print(&(struct lines_choice){ .count = LAST_LINES,
                                            .level = LOG_LEVEL_DEBUG,
                                            .client = incident.component + 1u,
                                            .until = incident.time });
    }
}
