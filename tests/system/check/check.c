// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Named checks: counting and printing.
#include "check.h"

#include <rt/print.h>
#include <rt/string.h>

#define SHOWN_FAILURES 5  // of one check

static const char *current;
static unsigned failures, run_count, failed_count;

// Where the line has `word`, what follows it; NULL: it has not.
static const char *line_find(const char *line, const char *word)
{
    size_t length = strlen(word);
    for (; *line; line++) {
        if (strncmp(line, word, length) == 0) {
            return line + length;
        }
    }
    return NULL;
}

bool check_word(const struct root_info *info, const char *word)
{
    return line_find(info->cmdline, word);
}

uint64_t check_number(const struct root_info *info, const char *word)
{
    uint64_t number = 0;
    for (const char *at = line_find(info->cmdline, word); at && *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
    }
    return number;
}

// Does `name` contain the text at `wanted`, which ends with a space or the line?
static bool name_wanted(const char *name, const char *wanted)
{
    size_t length = 0;
    while (wanted && wanted[length] > ' ') {
        length++;
    }
    for (; length && *name; name++) {
        if (strncmp(name, wanted, length) == 0) {
            return true;
        }
    }
    return length == 0;
}

void check_fail(const char *where, const char *format, ...)
{
    va_list arguments;
    if (++failures > SHOWN_FAILURES) {
        return;
    }
    va_start(arguments, format);
    rt_print("FAIL %s %s ", current, where);
    rt_vprint_to(rt_print_sink(), format, arguments);
    rt_print("\n");
    va_end(arguments);
}

void check_true(bool fact, const char *where, const char *text)
{
    if (!fact) {
        check_fail(where, "not so: %s", text);
    }
}

void check_equal(uint64_t value, uint64_t wanted, const char *where, const char *text)
{
    if (value != wanted) {
        check_fail(where, "%s is 0x%lx, not 0x%lx", text, value, wanted);
    }
}

void check_status(struct rt_status status, struct rt_status wanted, const char *where,
                  const char *text)
{
    if (status.word != wanted.word) {
        check_fail(where, "%s: error %u argument %u, not error %u argument %u", text,
                   rt_error(status), rt_blamed(status), rt_error(wanted), rt_blamed(wanted));
    }
}

void check_run(const struct root_info *info, const struct check *checks, unsigned count)
{
    const char *wanted = line_find(info->cmdline, "test=");
    for (unsigned i = 0; i < count; i++) {
        if (!name_wanted(checks[i].name, wanted)) {
            continue;
        }
        current = checks[i].name;
        failures = 0;
        checks[i].run();
        rt_ignore(rt_debug_check());  // a release kernel has none; a debug kernel panics
        run_count++;
        failed_count += failures != 0;
        if (failures == 0) {
            rt_print("ok %s\n", current);
        }
    }
}

bool check_summary(void)
{
    rt_print("SUMMARY checks %u failed %u\n", run_count, failed_count);
    return failed_count == 0;
}
