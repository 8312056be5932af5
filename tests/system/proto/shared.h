// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the protocol test's server (main.c) and its client program (client/client.c) agree on
// besides the protocol.
#pragma once

// What a client is to do: the argument word of its program.
enum client_part {
    CLIENT_USES,     // every method, as it should
    CLIENT_HOSTILE,  // random messages; then a few as they should be
    CLIENT_LIED_TO,  // the server's first answer to `open` is of another protocol
    CLIENT_MISTAKE,  // the server's first answer to `open` carries a slot that is empty
    CLIENT_GIVEN,    // the server's answers to `read` carry a capability
};

// Slots of the client's table.
#define CLIENT_SERVICE 2u  // where `open` is called
#define CLIENT_REPORT \
 3u  // the same endpoint: called at the end with 0, or with the line that failed
#define CLIENT_WINDOW 10u
#define REPORT_BADGE  0x1000u
