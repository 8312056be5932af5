// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Kills the console's driver again and again, whatever its clients are doing with it, and says so.
#include "../system.h"

#include <proto/console_client.h>

#define KILLS 20u
#define PAUSE 50000000u  // nanoseconds

int component_main(const struct component_info *info)
{
    (void)info;
    uint16_t driver = system_number("uart");
    for (unsigned killed = 0; killed < KILLS;) {
        system_pause(PAUSE);
        killed += system_kill(driver);
    }
    struct console_write_args args = { .text_count = 5, .text = "done\n" };
    WANT(console_write(component_need(GRANT_CALL, "console")->slot, &args) == WIRE_OK);
    return 0;
}
