// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The monitor's line editor with a fuzzer's keys (libFuzzer): after each the terminal must show
// what the line is.  Called by libFuzzer's main.
#include "screen.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static const char *const words[] = {
        "echo", "kill", "kiln", "", "a long one, with blanks", NULL
    };
    screen_init(words);
    for (size_t i = 0; i < count; i++) {
        if (screen_type(bytes[i]) != LINE_MORE) {
            line_begin(&editor);
            screen_check();
        }
    }
    return 0;
}
