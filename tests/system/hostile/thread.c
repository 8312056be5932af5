// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A hostile thread: the generator of the model on the real kernel.  It learns by identify what its
// slots hold, so that most of its arguments make sense.
#include "generate.h"
#include "hostile.h"

#include <rt/string.h>

#include <gen/rt_stubs.h>

#define REFRESH_CALLS 400u
#define UNTYPED_BITS  17u
#define BATCH_BYTES   (GENERATE_BATCH * sizeof(struct batch_entry))

struct hostile hostiles[HOSTILES_MAX];
unsigned hostile_count;
struct rt_mapping hostile_page;

struct view {
    uint8_t kinds[HOSTILE_SLOTS], bits[HOSTILE_SLOTS];
    struct generate_view generate;
};

static void call(struct hostile *self, struct rt_trap *trap, struct ipc_words *words)
{
    *trap = rt_trap_words(*trap, words);
    self->calls++;
    if (trap->code == ERR_OK) {
        self->passed++;
    }
    if (self->calls % CHECK_CALLS == 0) {
        rt_ignore(rt_debug_check());
    }
}

// Whatever else goes wrong, this is what its own table says.
static void look(struct hostile *self, struct view *view, uint64_t slot)
{
    struct ipc_words words = { { slot } };
    struct rt_trap trap = { SYS_invoke, HOSTILE_CSPACE, TAG(OP_CAPTABLE_IDENTIFY, 1, 0), 0 };
    if (slot == 0 || slot >= HOSTILE_SLOTS) {
        return;
    }
    call(self, &trap, &words);
    bool known = trap.code == ERR_OK;
    view->kinds[slot] = known ? (uint8_t)words.word[0] : 0;
    view->bits[slot] = known && words.word[2] ? (uint8_t)(63 - __builtin_clzll(words.word[2]))
                                              : UNTYPED_BITS;
}

// The slots that an operation may have changed.
static void look_again(struct hostile *self, struct view *view, const struct operation *operation)
{
    if (operation->number == SYS_invoke) {
        uint64_t label = tag_label(operation->tag);
        if (label == OP_UNTYPED_RETYPE) {
            look(self, view, operation->words[3]);
        } else if (label >> 8 == KIND_CAPTABLE && label != OP_CAPTABLE_IDENTIFY) {
            look(self, view, operation->words[0]);
        }
        if (label == OP_CAPTABLE_MOVE) {
            look(self, view, operation->words[2]);
        }
    }
    for (unsigned i = 0;
         operation->number < SYS_invoke && i < tag_caps(operation->tag) && i < MSG_MAX_CAPS; i++) {
        look(self, view, operation->window_slot + i);
    }
}

static void prepare(const struct hostile *self, struct operation *operation)
{
    struct message_buffer *buffer = self->thread.buffer;
    memcpy(buffer->caps, operation->caps, sizeof(operation->caps));
    buffer->window_table = operation->window_table;
    buffer->window_slot = operation->window_slot;
    buffer->window_count = operation->window_count;
    if (operation->number != SYS_invoke_batch || operation->random % 4 == 0) {
        return;
    }
    operation->slot = HOSTILE_PAGE;
    operation->tag %= PAGE_SIZE - BATCH_BYTES;
    operation->tag -= operation->tag % sizeof(struct batch_entry);
    memcpy((uint8_t *)hostile_page.base + operation->tag, operation->batch,
           sizeof(operation->batch));
}

void hostile_main(uint64_t number)
{
    static struct view views[HOSTILES_MAX];
    static struct generator generators[HOSTILES_MAX];
    struct hostile *self = &hostiles[number];
    struct view *view = &views[number];
    struct operation operation;
    view->generate = (struct generate_view){ .kinds = view->kinds,
                                             .bits = view->bits,
                                             .count = HOSTILE_SLOTS,
                                             .keep = HOSTILE_FIRST,
                                             .first = true };
    // It may be started again anywhere: the generator goes on, with other numbers.
    generate_seed(&generators[number], self->seed + self->calls);
    for (unsigned step = 0;; step++) {
        for (uint64_t slot = 1; step % REFRESH_CALLS == 0 && slot < HOSTILE_SLOTS; slot++) {
            look(self, view, slot);
        }
        generate(&generators[number], &view->generate, &operation);
        prepare(self, &operation);
        struct rt_trap trap = { operation.number, operation.slot, operation.tag, operation.third };
        struct ipc_words words;
        memcpy(words.word, operation.words, sizeof(words.word));
        call(self, &trap, &words);
        look_again(self, view, &operation);
    }
}
