// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Reads the boot image: pure functions over its bytes, none of which are trusted.
#include "image.h"

#include "crc.h"
#include "phys.h"
#include "string.h"

#include <stdbool.h>

const struct image_entry *image_entries(const void *image)
{
    return (const struct image_entry *)((const struct image_header *)image + 1);
}

static uint64_t table_bytes(const struct image_header *header)
{
    return header->count * sizeof(struct image_entry);
}

static const char *header_check(const struct image_header *header, uint64_t size)
{
    if ((uintptr_t)header % _Alignof(struct image_header)) {
        return "not aligned in memory";
    }
    if (size < sizeof(*header)) {
        return "too short for a boot image";
    }
    if (header->magic != IMAGE_MAGIC) {
        return "not a boot image (its magic number is missing)";
    }
    if (header->major != IMAGE_MAJOR) {
        return "made for another version of the loader";
    }
    if (header->size > size) {
        return "truncated";
    }
    if (header->count > IMAGE_MAX_FILES) {
        return "too many files";
    }
    if (header->size < sizeof(*header) + table_bytes(header)) {
        return "its table of files is longer than the whole";
    }
    if (crc32c(header + 1, table_bytes(header)) != header->table_crc32) {
        return "the check sum of its table of files is wrong";
    }
    return 0;
}

static bool name_is_text(const char *name)
{
    return name[0] && !name[BOOT_NAME_BYTES - 1];
}

static bool name_equals(const char *a, const char *b)
{
    for (int i = 0; i < BOOT_NAME_BYTES; i++) {
        if (a[i] != b[i]) {
            return false;
        }
        if (!a[i]) {
            return true;
        }
    }
    return true;
}

static const char *entry_check(const struct image_header *header, const struct image_entry *entry)
{
    uint64_t first = page_up(sizeof(*header) + table_bytes(header));
    if (entry->offset % IMAGE_FILE_ALIGN) {
        return "does not start at a page";
    }
    if (entry->offset < first) {
        return "overlaps the image's header";
    }
    if (entry->offset > header->size || entry->size > header->size - entry->offset) {
        return "reaches over the end of the image";
    }
    return 0;
}

static const char *pair_check(const struct image_entry *a, const struct image_entry *b)
{
    if (name_equals(a->name, b->name)) {
        return "is there twice";
    }
    if (a->offset < page_up(b->offset + b->size) && b->offset < page_up(a->offset + a->size)) {
        return "overlaps another file";
    }
    return 0;
}

const char *image_check(const void *image, uint64_t size, const char **file)
{
    *file = 0;
    const struct image_header *header = image;
    const char *why = header_check(header, size);
    if (why) {
        return why;
    }
    const struct image_entry *entries = image_entries(image);
    for (uint32_t i = 0; i < header->count; i++) {
        *file = 0;
        if (!name_is_text(entries[i].name)) {
            return "a file's name is empty or not terminated";
        }
        *file = entries[i].name;
        why = entry_check(header, &entries[i]);
        for (uint32_t j = 0; !why && j < i; j++) {
            why = pair_check(&entries[j], &entries[i]);
        }
        if (why) {
            return why;
        }
    }
    *file = 0;
    return 0;
}

const char *image_check_file(const void *image, const struct image_entry *entry)
{
    const uint8_t *file = (const uint8_t *)image + entry->offset;
    return crc32c(file, entry->size) == entry->crc32 ? 0 : "its check sum is wrong";
}

const struct image_entry *image_find(const void *image, const char *name)
{
    const struct image_header *header = image;
    const struct image_entry *entries = image_entries(image);
    for (uint32_t i = 0; i < header->count; i++) {
        if (name_equals(entries[i].name, name)) {
            return &entries[i];
        }
    }
    return 0;
}
