// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A client that writes to the console without end, for tests of what that costs others.  Needs the
// grant
//     call "console"
#include <proto/console_client.h>
#include <rt/panic.h>

#include <svc/client.h>

const char rt_task_name[] = "flood";

int component_main(const struct component_info *info)
{
    (void)info;
    struct console_write_args args = { .text_count = CONSOLE_CHUNK };
    cap_t console = component_need(GRANT_CALL, "console")->slot;
    for (unsigned i = 0; i < CONSOLE_CHUNK - 1; i++) {
        args.text[i] = '~';
    }
    args.text[CONSOLE_CHUNK - 1] = '\n';
    for (;;) {
        uint32_t code = console_write(console, &args);
        if (code && !svc_again(code)) {
            rt_panic("console: write: %s", console_error_text(code));
        }
    }
}
