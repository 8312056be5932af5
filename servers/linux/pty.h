// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Pseudo-terminals (pty(7)): a terminal whose other side, the master, is a file too.  A slave's
// name, /dev/pts/N, is made with the master and removed with it (devpts.h).
#pragma once

#include "terminal.h"

// A new pair: its master.  Takes over the references to the place.
int64_t pty_open(struct task *task, struct place place, uint32_t flags, struct file **file);
// The slave of a number: 0, -EIO where it is locked, -ENXIO where there is none.
int64_t pty_slave(uint32_t number, struct terminal **terminal);
