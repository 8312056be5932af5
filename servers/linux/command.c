// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Reads the module by which the first program is told: pure functions over its bytes, none of which
// are trusted.
#include "command.h"

#include <rt/string.h>

#define PATH_USUAL "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Past `count` strings, or NULL where they do not end before `end`.
static const char *strings_pass(const char *at, const char *end, uint32_t count)
{
    for (; count; count--) {
        while (at < end && *at) {
            at++;
        }
        if (at >= end) {
            return NULL;
        }
        at++;
    }
    return at;
}

bool command_read(struct command *command, const void *module, uint64_t bytes)
{
    struct command_header header;
    if (bytes < sizeof(header)) {
        return false;
    }
    memcpy(&header, module, sizeof(header));
    if (header.magic != COMMAND_MAGIC || header.arguments == 0 ||
        header.bytes > bytes - sizeof(header)) {
        return false;
    }
    const char *strings = (const char *)module + sizeof(header), *end = strings + header.bytes;
    const char *arguments = strings_pass(strings, end, 1);
    const char *environment = arguments ? strings_pass(arguments, end, header.arguments) : NULL;
    if (!environment || !strings_pass(environment, end, header.environment)) {
        return false;
    }
    *command = (struct command){
        .options = header.options,
        .arguments = header.arguments,
        .environment = header.environment,
        .rows = header.rows,
        .columns = header.columns,
        .seconds = header.seconds,
        .directory = strings,
        .first_argument = arguments,
        .first_environment = environment,
    };
    return true;
}

const char *command_next(const char *string)
{
    return string + strlen(string) + 1;
}

const char *command_variable(const struct command *command, const char *name)
{
    size_t length = strlen(name);
    const char *at = command->first_environment;
    for (uint32_t i = 0; i < command->environment; i++, at = command_next(at)) {
        if (strncmp(at, name, length) == 0 && at[length] == '=') {
            return at + length + 1;
        }
    }
    return NULL;
}

static bool has_slash(const char *text)
{
    for (; *text; text++) {
        if (*text == '/') {
            return true;
        }
    }
    return false;
}

// The n-th of the directories of a PATH, whose length is set; NULL: there are fewer.
static const char *directory_find(const char *path, unsigned n, uint64_t *length)
{
    for (;; path += *length + 1) {
        for (*length = 0; path[*length] && path[*length] != ':';) {
            ++*length;
        }
        if (n-- == 0) {
            return path;
        }
        if (!path[*length]) {
            return NULL;
        }
    }
}

// An empty directory of PATH is the working one.
bool command_path(const struct command *command, unsigned n, char *to, uint64_t bytes)
{
    const char *name = command->first_argument, *path = command_variable(command, "PATH");
    uint64_t length = 0, name_bytes = strlen(name) + 1;
    if (has_slash(name)) {
        if (n > 0 || name_bytes > bytes) {
            return false;
        }
        memcpy(to, name, name_bytes);
        return true;
    }
    const char *directory = directory_find(path ? path : PATH_USUAL, n, &length);
    if (!directory) {
        return false;
    }
    if (length + 1 + name_bytes > bytes) {
        *to = '\0';
        return true;
    }
    memcpy(to, directory, length);
    if (length) {
        to[length++] = '/';
    }
    memcpy(to + length, name, name_bytes);
    return true;
}
