// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Start and end of a component, and what it finds.  Until rt_start_component has moved the image
// nothing here may use a pointer that stands in data.
#include "clock.h"
#include "component.h"
#include "elf.h"
#include "exit.h"
#include "panic.h"
#include "print.h"
#include "slots.h"
#include "string.h"
#include "tls.h"

// Hidden, so that no compiler reaches them through a table that has to be relocated first.
#define HIDDEN __attribute__((visibility("hidden")))
extern HIDDEN const struct elf_relocation rt_rela_start[], rt_rela_end[];
extern HIDDEN char rt_image_start[];

// NOLINTNEXTLINE(readability-identifier-naming): called by the assembly
__attribute__((noreturn)) void rt_start_component(const struct component_info *info,
                                                  uint64_t thread);
__attribute__((noreturn)) void rt_component_end(uint64_t mark, uint64_t status);

static const struct component_info *own_info;

// ---- last words --------------------------------------------------------------------------------
static void words_put(struct rt_sink *sink, char c)
{
    (void)sink;
    struct component_words *words = (struct component_words *)own_info->words;
    words->text[words->written % COMPONENT_WORDS_TEXT] = c;
    words->written++;
}

static struct rt_sink words_sink = { words_put };

// ---- grants ------------------------------------------------------------------------------------
const struct component_info *component_info(void)
{
    return own_info;
}

const struct component_grant *component_grant(enum component_grant_kind kind, const char *name)
{
    for (unsigned i = 0; i < own_info->grant_count && i < COMPONENT_GRANTS; i++) {
        const struct component_grant *grant = &own_info->grants[i];
        if (grant->kind == kind &&
            (!name || strncmp(grant->name, name, COMPONENT_NAME_BYTES) == 0)) {
            return grant;
        }
    }
    return NULL;
}

const struct component_grant *component_need(enum component_grant_kind kind, const char *name)
{
    const struct component_grant *grant = component_grant(kind, name);
    if (!grant) {
        rt_panic("the system description grants no %s (kind %u)", name ? name : "such thing", kind);
    }
    return grant;
}

// Only the description can give a component its second thread, and with that goes lib/svc.
__attribute__((weak)) void component_watch(void) {}

__attribute__((weak)) void component_library_begin(const struct component_info *info)
{
    (void)info;
}

// ---- start and end -----------------------------------------------------------------------------
__attribute__((noreturn)) void component_exit(int status)
{
    rt_component_end(COMPONENT_EXIT, (uint64_t)(unsigned)status);
}

// Add the place of the image to every word that holds an address (System V ABI, AMD64 supplement,
// 4.4.1).  The linker script keeps other kinds out: there is nothing to resolve in a static
// program.  What the linker set aside and then did not need, for a thread-local variable that other
// code might have lain in, is of no kind.
static void image_relocate(uint64_t image)
{
    for (const struct elf_relocation *at = rt_rela_start; at < rt_rela_end; at++) {
        if ((uint32_t)at->info == ELF_RELOCATION_NONE) {
            continue;
        }
        if ((uint32_t)at->info != ELF_RELOCATION_RELATIVE) {
            __builtin_trap();
        }
        *(uint64_t *)(image + at->offset) = image + at->addend;
    }
}

__attribute__((noreturn)) void rt_start_component(const struct component_info *info,
                                                  uint64_t thread)
{
    if (!thread) {
        image_relocate((uint64_t)rt_image_start);
        own_info = info;
    }
    RT_TLS_BEGIN((struct message_buffer *)(thread ? info->watch_buffer : info->buffer));
    rt_tcb()->wait = RT_WAIT_YIELDS;
    if (thread) {
        component_watch();
        component_exit(1);
    }
    rt_slots_init(info->free_slot, info->slot_count);
    rt_print_sink_set(&words_sink);
    rt_exit_set(component_exit);
    rt_clock_init(info->clock_hz, info->boot_clock);
    if (info->magic != COMPONENT_MAGIC || info->major != COMPONENT_MAJOR) {
        rt_panic("component information of version %u.%u, not %u.%u", info->major, info->minor,
                 COMPONENT_MAJOR, COMPONENT_MINOR);
    }
    component_library_begin(info);
    rt_exit(component_main(info));
}
