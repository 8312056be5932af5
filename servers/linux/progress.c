// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// See progress.h.
#include "progress.h"

struct piece {
    user_t at;
    uint64_t bytes;
};

int64_t io_skip(struct io *io, uint64_t bytes)
{
    while (bytes) {
        struct piece piece;
        uint64_t step = bytes < io->piece ? bytes : io->piece;
        io->at += step;
        io->piece -= step;
        io->left -= step;
        bytes -= step;
        if (!bytes) {
            break;
        }
        if (!io->pieces || user_read(io->task, &piece, io->vector, sizeof(piece)) < 0) {
            return -EFAULT;
        }
        io->vector += sizeof(piece);
        io->pieces--;
        io->at = piece.at;
        io->piece = piece.bytes;
    }
    return 0;
}
