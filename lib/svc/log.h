// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Lines for the system's log.
#pragma once

#include <proto/log.h>
#include <rt/component.h>

// Write a line to the log that the description grants as "log", and to the last words of this
// component; to these only where there is no log, or where it refuses the line.  Control characters
// become '?', what is longer than LOG_LINE_MAX is cut.  Blocks until the log has answered, also
// across its restarts.
__attribute__((format(printf, 2, 3))) void svc_log(enum log_level level, const char *format, ...);

// The same for text with ends of lines in it, each line by itself and at level INFO; what has no
// end yet is a line too.  Returns `bytes`.  For libc_output_set (<libc/libc.h>).
long svc_log_write(const void *from, size_t bytes);
