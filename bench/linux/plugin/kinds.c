// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A function is found by its bytes and where in its page it lies, since components are put
// anywhere.  The first one that is found says where the others are.
#include "kinds.h"

#include <string.h>

#define MAX_KINDS  512
#define NAME_BYTES 32
#define FIRST_BYTES \
 32  // of a function, at most; a block of fewer than LEAST_BYTES is not told from others
#define LEAST_BYTES 12
#define PAGE_MASK   0xfffu

static struct kind {
    char name[NAME_BYTES];
    uint64_t offset;
    uint8_t bytes[FIRST_BYTES];
    uint64_t times;
    struct counts counts;
} kinds[MAX_KINDS] = { { .name = "other" } };

static size_t kind_count = 1;
static uint64_t base;   // of the component with the functions; 0: not known yet
static size_t current;  // 0: none yet
static struct counts settled;

static bool kind_parse(struct kind *kind, const char *line)
{
    char bytes[2 * FIRST_BYTES + 1];
    if (sscanf(line, "%lx %31s %64s", &kind->offset, kind->name, bytes) != 3 ||
        strlen(bytes) != 2 * FIRST_BYTES) {
        return false;
    }
    for (size_t i = 0; i < FIRST_BYTES; i++) {
        if (sscanf(bytes + 2 * i, "%2hhx", &kind->bytes[i]) != 1) {
            return false;
        }
    }
    return true;
}

bool kinds_read(const char *name)
{
    char line[256];
    FILE *file = fopen(name, "r");
    bool good = file;
    while (good && fgets(line, sizeof(line), file)) {
        good = kind_count < MAX_KINDS && kind_parse(&kinds[kind_count++], line);
    }
    if (file) {
        fclose(file);
    }
    return good && kind_count > 1;
}

bool kinds_wanted(void)
{
    return kind_count > 1;
}

static bool kind_is(const struct kind *kind, uint64_t address, const uint8_t *bytes, size_t size)
{
    if (base) {
        return address == base + kind->offset;
    }
    size = size < FIRST_BYTES ? size : FIRST_BYTES;
    return size >= LEAST_BYTES && ((address ^ kind->offset) & PAGE_MASK) == 0 &&
           memcmp(kind->bytes, bytes, size) == 0;
}

size_t kind_at(uint64_t address, const uint8_t *bytes, size_t size)
{
    for (size_t i = 1; i < kind_count; i++) {
        if (kind_is(&kinds[i], address, bytes, size)) {
            base = address - kinds[i].offset;
            return i;
        }
    }
    return 0;
}

void kind_enter(size_t kind)
{
    if (!current) {
        current = kind;
        kinds[kind].times++;
    }
}

void kinds_settle(const struct counts *now)
{
    if (now->component == settled.component && now->kernel == settled.kernel) {
        return;
    }
    struct counts *counts = &kinds[current].counts;
    counts->component += now->component - settled.component;
    counts->kernel += now->kernel - settled.kernel;
    counts->rep += now->rep - settled.rep;
    kinds[0].times += current == 0;
    settled = *now;
    current = 0;
}

void kinds_begin(const struct counts *now)
{
    for (size_t i = 0; i < kind_count; i++) {
        kinds[i].times = 0;
        kinds[i].counts = (struct counts){ .guest = 0 };
    }
    settled = *now;
    current = 0;
}

void kinds_print(FILE *out)
{
    for (size_t i = 0; i < kind_count; i++) {
        const struct kind *kind = &kinds[i];
        if (kind->times) {
            fprintf(out, "kind %s %lu %lu %lu %lu\n", kind->name, kind->times,
                    kind->counts.component, kind->counts.kernel, kind->counts.rep);
        }
    }
}
