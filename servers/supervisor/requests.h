// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What components ask of the supervisor (proto/system.idl).
#pragma once

#include <wire/wire.h>

// Make the answer to a request from a caller with this badge.
void request_serve(uint64_t badge, const struct wire_message *request, struct wire_message *answer);
