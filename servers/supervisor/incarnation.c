// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// An incarnation from nothing to its first instruction, and its end.
#include "incarnation.h"

#include <rt/clock.h>
#include <rt/panic.h>
#include <rt/space.h>
#include <rt/string.h>
#include <rt/thread.h>

#include <gen/rt_stubs.h>

#define ASPACE_BITS  13
#define TABLE_BITS   12
#define THREAD_BITS  12
#define CONTEXT_BITS 9
#define REPLY_BITS   6
#define SLOT_BITS    6
#define FLAGS_IF     0x200ull

#define WATCH_BUDGET_PART 20  // the second thread's budget: this part of the first one's

// Memory first: it has the largest alignment, so that nothing is lost.
struct rt_status home_make(struct component *component, uint64_t kind_bits, cap_t table, cap_t slot,
                           uint64_t count)
{
    unsigned bits = kind_bits >> 8 & 0xff;
    uint64_t offset = (component->used + (1ull << bits) - 1) & ~((1ull << bits) - 1);
    if (offset + (count << bits) > 1ull << component->is->home_bits) {
        return rt_refuse(ERR_LIMIT, 0);
    }
    struct rt_status status = untyped_retype(component->home, kind_bits, offset, table, slot,
                                             count);
    if (rt_ok(status)) {
        component->used = offset + (count << bits);
    }
    return status;
}

static struct rt_status make(struct component *component, enum rt_kind kind, unsigned bits,
                             unsigned slot)
{
    return home_make(component, KIND_BITS(kind, bits), ROOT_SLOT_CSPACE, home_slot(component, slot),
                     1);
}

// ---- address space -----------------------------------------------------------------------------
static struct rt_status tables_make(struct component *component, uint64_t count)
{
    cap_t first = home_slot(component, HOME_TABLE + component->tables);
    if (count > HOME_TABLES - component->tables) {
        return rt_refuse(ERR_LIMIT, 0);
    }
    struct rt_status status = home_make(component, KIND_BITS(KIND_PAGETABLE, TABLE_BITS),
                                        ROOT_SLOT_CSPACE, first, count);
    if (rt_ok(status)) {
        component->tables += (unsigned)count;
        status = aspace_stock(home_slot(component, HOME_ASPACE), ROOT_SLOT_CSPACE, first, count);
    }
    return status;
}

struct rt_status home_map(struct component *component, struct home_mapping mapping)
{
    struct frame_map_result result = frame_map(mapping.attached, mapping.vaddr, mapping.page,
                                               mapping.pages, mapping.prot);
    while (rt_error(result.status) == ERR_TABLES) {
        struct rt_status status = tables_make(component, result.missing);
        if (!rt_ok(status)) {
            return status;
        }
        // What was mapped before the tables ran out is mapped again.
        result = frame_map(mapping.attached, mapping.vaddr, mapping.page, mapping.pages,
                           mapping.prot | PROT_REPLACE);
    }
    return result.status;
}

struct rt_status home_attach(struct component *component, cap_t frame, cap_t to, unsigned rights)
{
    struct rt_status status = captable_copy(ROOT_SLOT_CSPACE, to, ROOT_SLOT_CSPACE, frame, rights);
    return rt_ok(status) ? frame_attach(to, home_slot(component, HOME_ASPACE)) : status;
}

static uint64_t arena(const struct component *component, uint64_t page)
{
    return component->base + (page << PAGE_BITS);
}

// Where a page of the component's memory is in the supervisor's own space.
static void *here(const struct component *component, uint64_t page)
{
    return (char *)component->window + (page << PAGE_BITS);
}

// splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
static uint64_t random_next(void)
{
    uint64_t z = supervisor.random += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static struct rt_status memory_make(struct component *component)
{
    unsigned bits = rt_frame_bits(component->layout.memory_pages);
    cap_t frame = home_slot(component, HOME_MEMORY);
    cap_t attached = home_slot(component, HOME_MEMORY_HERE);
    struct rt_status status = make(component, KIND_FRAME, bits, HOME_MEMORY);
    if (rt_ok(status)) {
        status = captable_copy(ROOT_SLOT_CSPACE, attached, ROOT_SLOT_CSPACE, frame,
                               RIGHT_READ | RIGHT_WRITE);
    }
    if (rt_ok(status)) {
        status = frame_attach(attached, ROOT_SLOT_ASPACE);
    }
    if (rt_ok(status)) {
        status = rt_space_map(&rt_own_space, attached, component->window, 0,
                              component->layout.memory_pages, PROT_READ | PROT_WRITE);
    }
    return status;
}

static struct rt_status space_make(struct component *component)
{
    struct rt_status status = make(component, KIND_ADDRESS_SPACE, ASPACE_BITS, HOME_ASPACE);
    if (rt_ok(status)) {
        status = home_attach(component, home_slot(component, HOME_MEMORY),
                             home_slot(component, HOME_MEMORY_THERE), RIGHT_READ | RIGHT_WRITE);
    }
    if (rt_ok(status)) {
        status = home_attach(component, component->image.frame,
                             home_slot(component, HOME_IMAGE_THERE), RIGHT_READ | RIGHT_EXECUTE);
    }
    return status;
}

static struct rt_status memory_map(struct component *component)
{
    const struct layout *layout = &component->layout;
    const struct system_component *is = component->is;
    const struct {
        uint64_t at, page, pages;
        unsigned prot;
    } parts[] = {
        { layout->stack_at, layout->stack_page, is->stack_pages, PROT_READ | PROT_WRITE },
        { layout->watch_at, layout->watch_page, layout->heap_page - layout->watch_page,
          PROT_READ | PROT_WRITE },
        { layout->info_at, LAYOUT_INFO_PAGE, 1, PROT_READ },
        { layout->buffer_at, LAYOUT_BUFFER_PAGE, 1, PROT_READ | PROT_WRITE },
        { layout->image_at + (component->image.data_vaddr >> PAGE_BITS), layout->data_page,
          component->image.data_pages, PROT_READ | PROT_WRITE },
        { layout->heap_at, layout->heap_page, is->heap_pages, PROT_READ | PROT_WRITE },
    };
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct home_mapping mapping = { home_slot(component, HOME_MEMORY_THERE),
                                        arena(component, parts[i].at), parts[i].page,
                                        parts[i].pages, parts[i].prot };
        struct rt_status status = parts[i].pages ? home_map(component, mapping) : RT_OK;
        if (!rt_ok(status)) {
            return status;
        }
    }
    return RT_OK;
}

static struct rt_status image_map(struct component *component)
{
    const struct image *image = &component->image;
    uint64_t base = arena(component, component->layout.image_at);
    for (unsigned i = 0; i < image->part_count; i++) {
        struct home_mapping mapping = { home_slot(component, HOME_IMAGE_THERE),
                                        base + image->parts[i].vaddr, image->parts[i].file_page,
                                        image->parts[i].pages, image->parts[i].prot };
        struct rt_status status = home_map(component, mapping);
        if (!rt_ok(status)) {
            return status;
        }
    }
    memcpy((char *)here(component, component->layout.data_page) + image->data_start -
               image->data_vaddr,
           image->file + image->data_offset, image->data_bytes);
    return RT_OK;
}

// ---- what it finds -----------------------------------------------------------------------------
static void info_fill(struct component *component, struct component_info *info)
{
    const struct system_component *is = component->is;
    const struct layout *layout = &component->layout;
    uint64_t buffer = arena(component, layout->buffer_at);
    *info = (struct component_info){
        .magic = COMPONENT_MAGIC,
        .major = COMPONENT_MAJOR,
        .minor = COMPONENT_MINOR,
        .size = sizeof(*info),
        .generation = component->life.generation + 1,
        .clock_hz = supervisor.hz,
        .boot_clock = supervisor.root->boot_clock,
        .image = arena(component, layout->image_at),
        .stack = arena(component, layout->stack_at),
        .stack_bytes = (uint64_t)is->stack_pages << PAGE_BITS,
        .buffer = buffer,
        .watch_buffer = is->deadlines ? buffer + PAGE_BUFFER_WATCH : 0,
        .heap = arena(component, layout->heap_at),
        .heap_bytes = (uint64_t)is->heap_pages << PAGE_BITS,
        .words = buffer + PAGE_WORDS,
        .words_bytes = sizeof(struct component_words),
        .reply_count = is->replies,
        .free_slot = (uint32_t)grant_slots_end(is),
        .slot_count = 1u << is->slot_bits,
        .grant_count = is->grant_count,
    };
    memcpy(info->name, is->name, strlen(is->name));
}

static struct rt_status cspace_give(struct component *component, cap_t slot, cap_t from,
                                    unsigned rights)
{
    return captable_copy(home_slot(component, HOME_CSPACE), slot, ROOT_SLOT_CSPACE, from, rights);
}

static struct rt_status cspace_make(struct component *component)
{
    unsigned index = (unsigned)(component - supervisor.components);
    cap_t cspace = home_slot(component, HOME_CSPACE);
    cap_t notification = home_slot(component, HOME_NOTIFICATION);
    cap_t alive = home_slot(component, HOME_ALIVE);
    struct rt_status status = make(component, KIND_CAPTABLE, component->is->slot_bits + SLOT_BITS,
                                   HOME_CSPACE);
    if (rt_ok(status)) {
        status = cspace_give(component, COMPONENT_SLOT_CSPACE, cspace, RIGHT_READ | RIGHT_WRITE);
    }
    if (rt_ok(status)) {
        status = captable_copy(ROOT_SLOT_CSPACE, notification, ROOT_SLOT_CSPACE,
                               component->notification, RIGHT_READ);
    }
    if (rt_ok(status)) {
        status = cspace_give(component, COMPONENT_SLOT_NOTIFICATION, notification, RIGHT_READ);
    }
    if (rt_ok(status)) {
        status = captable_mint(ROOT_SLOT_CSPACE, alive, ROOT_SLOT_CSPACE, supervisor.alive,
                               RIGHT_WRITE, 1ull << index);
    }
    if (rt_ok(status)) {
        status = cspace_give(component, COMPONENT_SLOT_ALIVE, alive, RIGHT_WRITE);
    }
    if (rt_ok(status) && component->is->replies) {
        status = home_make(component, KIND_BITS(KIND_REPLY, REPLY_BITS), cspace,
                           COMPONENT_SLOT_REPLIES, component->is->replies);
    }
    return status;
}

// ---- threads -----------------------------------------------------------------------------------
// A thread of the component, from the ELF file's entry on.
struct start {
    unsigned thread, context;  // slots of the block
    unsigned number;           // for RSI
    unsigned priority;
    uint64_t budget;
    bool passive;
    uint64_t buffer;  // offset in the page of buffers
    uint64_t stack_top;
};

static struct rt_status context_make(struct component *component, const struct start *start)
{
    cap_t context = home_slot(component, start->context);
    struct rt_status status = make(component, KIND_SCHED_CONTEXT, CONTEXT_BITS, start->context);
    if (rt_ok(status)) {
        status = sched_context_configure(context, rt_cpu_control(component->is->cpu),
                                         ticks(start->budget), ticks(component->is->period));
    }
    if (rt_ok(status)) {
        status = sched_context_bind(context, home_slot(component, start->thread),
                                    start->passive ? SCHED_FALLBACK : SCHED_OWN);
    }
    return status;
}

static struct rt_status thread_configure_as(struct component *component, const struct start *start,
                                            cap_t fault)
{
    cap_t thread = home_slot(component, start->thread);
    struct rt_status status = thread_configure(thread, home_slot(component, HOME_CSPACE),
                                               home_slot(component, HOME_ASPACE), fault, 0,
                                               component->is->vector ? THREAD_VECTOR : 0);
    if (rt_ok(status)) {
        status = thread_set_priority(thread, start->priority, start->priority);
    }
    if (rt_ok(status)) {
        status = thread_set_buffer(thread, 0, home_slot(component, HOME_MEMORY_THERE),
                                   ((uint64_t)LAYOUT_BUFFER_PAGE << PAGE_BITS) + start->buffer);
    }
    return status;
}

static struct rt_status thread_make(struct component *component, const struct start *start)
{
    unsigned index = (unsigned)(component - supervisor.components);
    cap_t fault = home_slot(component, HOME_SCRATCH);
    struct thread_regs regs = {
        .rip = arena(component, component->layout.image_at) + component->image.entry,
        .rsp = start->stack_top,
        .rflags = FLAGS_IF,
        .rdi = arena(component, component->layout.info_at),
        .rsi = start->number,
    };
    struct rt_status status = make(component, KIND_THREAD, THREAD_BITS, start->thread);
    if (rt_ok(status)) {
        status = captable_mint(ROOT_SLOT_CSPACE, fault, ROOT_SLOT_CSPACE, supervisor.endpoint,
                               RIGHT_SEND, FAULT_BADGE | (start->number ? FAULT_WATCH : 0) | index);
    }
    if (rt_ok(status)) {
        status = thread_configure_as(component, start, fault);
        rt_ignore(captable_delete(ROOT_SLOT_CSPACE, fault));  // it was made above
    }
    if (rt_ok(status)) {
        status = rt_thread_set_regs(home_slot(component, start->thread), &regs);
    }
    return rt_ok(status) ? context_make(component, start) : status;
}

static struct rt_status threads_make(struct component *component)
{
    const struct system_component *is = component->is;
    const struct layout *layout = &component->layout;
    uint64_t watch_budget = is->deadlines ? is->budget / WATCH_BUDGET_PART : 0;
    struct start first = {
        .thread = HOME_THREAD,
        .context = HOME_CONTEXT,
        .priority = is->priority,
        .budget = is->budget - watch_budget,
        .passive = is->passive,
        .stack_top = arena(component, layout->stack_at + is->stack_pages),
    };
    struct rt_status status = thread_make(component, &first);
    if (!rt_ok(status) || !is->deadlines) {
        return status;
    }
    struct start second = {
        .thread = HOME_WATCH_THREAD,
        .context = HOME_WATCH_CONTEXT,
        .number = 1,
        .priority = is->priority + 1u,
        .budget = watch_budget,
        .buffer = PAGE_BUFFER_WATCH,
        .stack_top = arena(component, layout->watch_at + LAYOUT_WATCH_PAGES),
    };
    return thread_make(component, &second);
}

// ---- life --------------------------------------------------------------------------------------
static uint64_t arena_place(const struct component *component)
{
    uint64_t pages = component->layout.regions_at;
    for (unsigned i = 0; i < component->is->grant_count; i++) {
        const struct system_grant *grant = &component->is->grants[i];
        pages += grant->kind == GRANT_REGION
                     ? (system_description.regions[grant->object].bytes >> PAGE_BITS) + 1
                     : 0;
    }
    return layout_place(pages, random_next());
}

static void incarnation_clear(struct component *component)
{
    component->used = 0;
    component->tables = 0;
    component->steps = 0;
    supervisor.changes++;
    component->base = arena_place(component);
    // Of what was signalled to an earlier incarnation nothing is left.
    struct notification_result stale = notification_poll(component->notification);
    rt_ignore(stale.status);
}

// Threads that components have capabilities of get what is theirs, and nothing else.
static void bindings_restore(void)
{
    for (unsigned i = 0; i < system_description.component_count; i++) {
        const struct component *at = &supervisor.components[i];
        if (at->is->deadlines && at->life.state == SYSTEM_STATE_RUNNING) {
            rt_ignore(thread_bind(home_slot(at, HOME_WATCH_THREAD), 0));
            rt_ignore(thread_bind(home_slot(at, HOME_THREAD), 0));
            rt_ignore(thread_bind(home_slot(at, HOME_THREAD), at->notification));
        }
    }
}

// An earlier incarnation may have passed its notification on to one that has bound it to a thread.
static struct rt_status notification_bind(struct component *component)
{
    struct rt_status status = thread_bind(home_slot(component, HOME_THREAD),
                                          component->notification);
    if (rt_error(status) == ERR_STATE) {
        bindings_restore();
        status = thread_bind(home_slot(component, HOME_THREAD), component->notification);
    }
    return status;
}

static struct rt_status incarnation_build(struct component *component)
{
    struct rt_status status = memory_make(component);
    if (rt_ok(status)) {
        status = space_make(component);
    }
    if (rt_ok(status)) {
        status = cspace_make(component);
    }
    if (rt_ok(status)) {
        status = memory_map(component);
    }
    if (rt_ok(status)) {
        status = image_map(component);
    }
    if (rt_ok(status)) {
        status = threads_make(component);
    }
    if (rt_ok(status)) {
        struct component_info *info = here(component, LAYOUT_INFO_PAGE);
        info_fill(component, info);
        status = grants_give(component, info);
    }
    return rt_ok(status) ? notification_bind(component) : status;
}

struct rt_status incarnation_make(struct component *component)
{
    incarnation_clear(component);
    struct rt_status status = incarnation_build(component);
    if (!rt_ok(status)) {
        incarnation_end(component);
    }
    return status;
}

struct rt_status incarnation_run(struct component *component)
{
    component->since = rt_clock();
    return thread_resume(home_slot(component, HOME_THREAD));
}

// Everything that was made of an Untyped is gone afterwards, whoever had it.
static void memory_reclaim(const struct component *component, cap_t untyped)
{
    struct rt_status status = captable_revoke(ROOT_SLOT_CSPACE, untyped);
    if (!rt_ok(status)) {
        rt_panic("the memory of %s cannot be revoked: error %u", component->is->name,
                 rt_error(status));
    }
}

void incarnation_end(struct component *component)
{
    memory_reclaim(component, component->home);
    for (unsigned i = 0; i < component->pool_count; i++) {
        memory_reclaim(component, component->pools[i]);
    }
    // What is not of that: capabilities of what outlives the incarnation.  Of its notification, its
    // sign of life, its time and its modules others may have copies.
    rt_ignore(captable_revoke(ROOT_SLOT_CSPACE, home_slot(component, HOME_NOTIFICATION)));
    rt_ignore(captable_revoke(ROOT_SLOT_CSPACE, home_slot(component, HOME_ALIVE)));
    for (unsigned i = 0; i < component->devices; i++) {
        rt_ignore(captable_revoke(ROOT_SLOT_CSPACE, home_slot(component, HOME_DEVICE + i)));
    }
    for (unsigned slot = 0; slot < HOME_SLOTS; slot++) {
        rt_ignore(captable_delete(ROOT_SLOT_CSPACE, home_slot(component, slot)));  // or empty
    }
    component->used = 0;
    supervisor.changes++;
}
