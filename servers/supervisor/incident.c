// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Post-mortems.  Everything read of a dead component may be anything: each address is checked
// against the part of its memory that it must lie in.
#include "incident.h"

#include <rt/clock.h>
#include <rt/string.h>
#include <rt/thread.h>

#include <gen/rt_stubs.h>

static struct incident incidents[INCIDENTS];
static uint32_t count;

// A thread's stack: its address in the component and here, and its size.
struct stack {
    uint64_t start, here, bytes;
};

static struct stack stack_of(const struct component *component, bool watch)
{
    const struct layout *layout = &component->layout;
    uint64_t at = watch ? layout->watch_at : layout->stack_at;
    uint64_t page = watch ? layout->watch_page : layout->stack_page;
    uint64_t pages = watch ? LAYOUT_WATCH_PAGES : component->is->stack_pages;
    return (struct stack){ component->base + (at << PAGE_BITS),
                           component->window + (page << PAGE_BITS), pages << PAGE_BITS };
}

// A word of the stack by its address in the component; false: it lies elsewhere.
static bool stack_word(const struct stack *stack, uint64_t address, uint64_t *word)
{
    if (address % sizeof(*word) || address < stack->start ||
        address - stack->start > stack->bytes - sizeof(*word)) {
        return false;
    }
    *word = *(const uint64_t *)(stack->here + (address - stack->start));
    return true;
}

// Frames as the System V ABI, AMD64 supplement, 3.2.2, has them: RBP points at the caller's RBP,
// the return address above it.  Each lies above the one before.
static void walk(const struct stack *stack, struct incident *incident, uint64_t rbp)
{
    uint64_t above = 0;
    while (incident->depth < INCIDENT_DEPTH && rbp > above) {
        uint64_t caller = 0;
        uint64_t address = 0;
        if (!stack_word(stack, rbp, &caller) ||
            !stack_word(stack, rbp + sizeof(address), &address) || !address) {
            return;
        }
        incident->backtrace[incident->depth++] = address;
        above = rbp;
        rbp = caller;
    }
}

static void registers_take(const struct component *component, bool watch, struct incident *incident)
{
    struct thread_regs regs = { 0 };
    const struct stack stack = stack_of(component, watch);
    if (rt_ok(thread_read_regs(home_slot(component, watch ? HOME_WATCH_THREAD : HOME_THREAD)))) {
        memcpy(&regs, rt_buffer()->words, sizeof(regs));
    }
    memcpy(incident->registers, &regs, sizeof(incident->registers));
    incident->backtrace[incident->depth++] = regs.rip;
    // In a system call RBP may carry a word of the message; it lies on the stack then
    // (lib/rt/x86_64/trap.h).
    uint64_t saved = 0;
    bool in_call = !stack_word(&stack, regs.rbp, &saved) && stack_word(&stack, regs.rsp, &saved);
    walk(&stack, incident, in_call ? saved : regs.rbp);
}

static void words_take(const struct component *component, struct incident *incident)
{
    const volatile struct component_words *words =
        (const volatile struct component_words *)(component->window +
                                                  ((uint64_t)LAYOUT_BUFFER_PAGE << PAGE_BITS) +
                                                  PAGE_WORDS);
    uint64_t written = words->written;
    uint64_t kept = written < COMPONENT_WORDS_TEXT ? written : COMPONENT_WORDS_TEXT;
    for (uint64_t i = 0; i < kept; i++) {
        incident->words[i] = words->text[(written - kept + i) % COMPONENT_WORDS_TEXT];
    }
    incident->words_bytes = (unsigned)kept;
}

void incident_record(struct component *component, struct cause cause)
{
    struct incident *incident = &incidents[count++ % INCIDENTS];
    *incident = (struct incident){
        .component = (unsigned)(component - supervisor.components),
        .generation = component->life.generation,
        .time = rt_nanoseconds(rt_clock() - supervisor.root->boot_clock, supervisor.hz),
        .reason = cause.reason,
        .detail = cause.detail,
        .detail2 = cause.detail2,
        .image = component->base + (component->layout.image_at << PAGE_BITS),
    };
    registers_take(component, cause.watch, incident);
    words_take(component, incident);
}

uint32_t incident_count(void)
{
    return count;
}

const struct incident *incident_get(uint32_t number)
{
    return number < count && count - number <= INCIDENTS ? &incidents[number % INCIDENTS] : NULL;
}

const char *incident_symbol(const struct incident *incident, unsigned frame, uint32_t *offset)
{
    const struct component *component = &supervisor.components[incident->component];
    const struct system_component *is = component->is;
    uint64_t place = incident->backtrace[frame] - incident->image;
    // A return address may be that of the next function, where a call does not return.
    place -= frame ? 1 : 0;
    if (place >= component->image.pages << PAGE_BITS) {
        return NULL;
    }
    unsigned low = 0;
    unsigned high = is->symbol_count;  // the first symbol beyond
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (is->symbols[middle].offset <= place) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (!low) {
        return NULL;
    }
    *offset = (uint32_t)(place + (frame ? 1 : 0)) - is->symbols[low - 1].offset;
    return is->symbol_names + is->symbols[low - 1].name;
}
