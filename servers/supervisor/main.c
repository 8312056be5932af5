// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The supervisor: the root task.  Makes everything at boot, then waits for events and never calls
// anybody.
#include "incarnation.h"
#include "requests.h"
#include "tend.h"

#include <rt/clock.h>
#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/program.h>
#include <rt/slots.h>
#include <rt/start.h>
#include <rt/string.h>
#include <wire/call.h>

#include <gen/rt_stubs.h>

#define OBJECT_BITS 6  // endpoints, replies, notifications
#define TIMER_BITS  7

#define WINDOW_START     0x200000000000ull
#define TABLE_REACH_BITS 21   // log2 of the addresses of one page table
#define TABLES_ABOVE     16u  // of higher levels, and at the ends
#define REST_BITS_MOST   47u

const char rt_task_name[] = "supervisor";
struct supervisor supervisor;

// At boot nothing is to be refused: mksys has checked the description against the machine that it
// says it needs.
static void must(struct rt_status status, const char *what, const char *whose)
{
    if (!rt_ok(status)) {
        rt_panic("%s of %s: error %u, argument %u; does the machine have the memory that the "
                 "description of \"%s\" asks for?",
                 what, whose, rt_error(status), rt_blamed(status), system_description.name);
    }
}

static cap_t object_new(enum rt_kind kind, unsigned bits, const char *what, const char *whose)
{
    cap_t slot = 0;
    must(rt_object_new(kind, bits, &slot), what, whose);
    return slot;
}

// ---- boot --------------------------------------------------------------------------------------
// Map a component's file; several may run the same, which is mapped once.
static struct image image_open(const struct system_component *is)
{
    const struct root_info *root = supervisor.root;
    struct image image;
    struct rt_mapping file;
    uint64_t bytes = 0;
    for (const struct component *at = supervisor.components; at->is; at++) {
        if (strcmp(at->is->module, is->module) == 0) {
            return at->image;
        }
    }
    must(rt_module_map(root, is->module, &file, &bytes), "the program", is->name);
    if (!image_read(&image, file.base, bytes)) {
        rt_panic("the program of %s, module \"%s\", is not one that can be loaded", is->name,
                 is->module);
    }
    image.frame = root->module_slot + module_find(is->module);
    return image;
}

static bool is_rest(const struct system_grant *grant)
{
    return grant->kind == GRANT_UNTYPED && grant->flags & UNTYPED_REST;
}

// First, since they are the largest: memory of a given size, for objects that the component makes
// itself.
static void pools_prepare(struct component *component, const struct system_component *is)
{
    for (unsigned i = 0; i < is->grant_count; i++) {
        const struct system_grant *grant = &is->grants[i];
        if (grant->kind == GRANT_UNTYPED && !is_rest(grant)) {
            unsigned bits = rt_frame_bits(grant->first >> PAGE_BITS);
            must(rt_untyped_take(bits, &component->pools[component->pool_count++]), "an Untyped",
                 is->name);
        }
    }
}

// The machine's memory that is left, in the largest pieces that there are; at least so much.
static void rest_take(struct component *component, uint64_t least)
{
    unsigned bits = REST_BITS_MOST;
    uint64_t bytes = 0;
    for (unsigned pieces = 0; bits > PAGE_BITS && pieces < COMPONENT_UNTYPED_PAIRS;) {
        cap_t *pool = &component->pools[component->pool_count];
        if (rt_ok(rt_untyped_take(bits, pool))) {
            component->pool_count++;
            pieces++;
            bytes += 1ull << bits;
        } else {
            bits--;
        }
    }
    if (bytes < least) {
        must(rt_refuse(ERR_LIMIT, 0), "the rest of the memory", component->is->name);
    }
}

// When everything else has been prepared.  Not all of it: of something the supervisor makes the
// page tables through which it sees the memory of incarnations.
static void rest_prepare(uint64_t window_bytes)
{
    uint64_t tables = (window_bytes >> TABLE_REACH_BITS) + TABLES_ABOVE;
    cap_t kept = 0;
    must(rt_untyped_alloc(rt_frame_bits(2 * tables), &kept), "page tables", "the supervisor");
    for (struct component *at = supervisor.components; at->is; at++) {
        for (unsigned i = 0; i < at->is->grant_count; i++) {
            if (is_rest(&at->is->grants[i])) {
                rest_take(at, at->is->grants[i].first);
            }
        }
    }
    rt_object_delete(kept);
}

static void component_prepare(struct component *component, const struct system_component *is,
                              uint64_t *window)
{
    component->image = image_open(is);
    component->layout = layout_of(&component->image, is);
    component->is = is;
    must(rt_untyped_alloc(is->home_bits, &component->home), "the memory", is->name);
    component->first_slot = rt_slots_alloc(HOME_SLOTS);
    if (!component->first_slot) {
        rt_panic("no slots for %s", is->name);
    }
    component->notification = object_new(KIND_NOTIFICATION, OBJECT_BITS, "the notification",
                                         is->name);
    must(rt_cap_mint(component->notification, RIGHT_WRITE, COMPONENT_PING, &component->ping),
         "the notification", is->name);
    component->window = *window;
    *window += (component->layout.memory_pages + 1) << PAGE_BITS;
}

static void endpoint_prepare(unsigned number)
{
    const struct system_endpoint *is = &system_description.endpoints[number];
    if (is->server == SYSTEM_SELF) {
        supervisor.endpoints[number] = supervisor.endpoint;
        return;
    }
    cap_t endpoint = object_new(KIND_ENDPOINT, OBJECT_BITS, "the endpoint", is->name);
    supervisor.endpoints[number] = endpoint;
    must(endpoint_configure(endpoint, ticks(is->min_budget)), "the endpoint", is->name);
}

static void region_prepare(unsigned number)
{
    const struct system_region *is = &system_description.regions[number];
    must(rt_map_new(is->bytes >> PAGE_BITS, PROT_READ | PROT_WRITE, &supervisor.regions[number]),
         "the region", is->name);
}

static void own_prepare(const struct root_info *root)
{
    cap_t bound = 0;
    supervisor.version = SUPERVISOR_VERSION;
    supervisor.size = sizeof(supervisor);
    supervisor.root = root;
    supervisor.hz = root->clock_hz;
    supervisor.random = system_description.seed ? system_description.seed : rt_seed();
    supervisor.endpoint = object_new(KIND_ENDPOINT, OBJECT_BITS, "the endpoint", "the supervisor");
    supervisor.reply = object_new(KIND_REPLY, OBJECT_BITS, "the Reply", "the supervisor");
    supervisor.notification = object_new(KIND_NOTIFICATION, OBJECT_BITS, "the notification",
                                         "the supervisor");
    supervisor.alive = object_new(KIND_NOTIFICATION, OBJECT_BITS, "the signs of life",
                                  "the supervisor");
    supervisor.timer = object_new(KIND_TIMER, TIMER_BITS, "the timer", "the supervisor");
    must(rt_cap_mint(supervisor.notification, RIGHT_WRITE, SUPERVISOR_TIMER, &bound),
         "the notification", "the supervisor");
    must(timer_bind(supervisor.timer, bound), "the timer", "the supervisor");
    rt_cap_delete(bound);
    must(thread_bind(ROOT_SLOT_THREAD, supervisor.notification), "the notification",
         "the supervisor");
}

static void boot(const struct root_info *root)
{
    const struct system *system = &system_description;
    uint64_t window = WINDOW_START;
    own_prepare(root);
    for (unsigned i = 0; i < system->component_count; i++) {
        pools_prepare(&supervisor.components[i], &system->components[i]);
    }
    for (unsigned i = 0; i < system->endpoint_count; i++) {
        endpoint_prepare(i);
    }
    for (unsigned i = 0; i < system->region_count; i++) {
        region_prepare(i);
    }
    for (unsigned i = 0; i < system->component_count; i++) {
        component_prepare(&supervisor.components[i], &system->components[i], &window);
    }
    rest_prepare(window - WINDOW_START);
    for (unsigned i = 0; i < system->component_count; i++) {
        if (system->components[i].manual) {
            component_close(&supervisor.components[i]);
        } else {
            life_wanted(&supervisor.components[i].life, now());
        }
    }
}

// ---- events ------------------------------------------------------------------------------------
static void message_handle(uint64_t badge, const struct wire_message *message)
{
    if (badge & FAULT_BADGE) {
        component_faulted(&supervisor.components[badge & (FAULT_WATCH - 1)], badge & FAULT_WATCH,
                          message);
        return;
    }
    struct wire_message answer;
    request_serve(badge, message, &answer);
    wire_reply(supervisor.reply, &answer);
}

int main(const struct root_info *info)
{
    boot(info);
    for (;;) {
        struct wire_message message;
        tend();
        struct wire_received got = wire_receive(supervisor.endpoint, supervisor.reply, NULL,
                                                &message);
        if (got.code != WIRE_OK) {
            rt_panic("receive: %s", wire_code_text(got.code));
        }
        if (!got.notification) {  // which only the timer signals
            message_handle(got.badge, &message);
        }
    }
}
