// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Bytes that go from process to process and back: pipes, a ring of them, sockets.
#include "bench.h"

#include <sys/socket.h>
#include <unistd.h>

#define RING 16u

static int in, out;  // of this process

static void give(void)
{
    char byte = 0;
    NEED(write(out, &byte, 1));
}

static void take(void)
{
    char byte;
    if (NEED(read(in, &byte, 1)) == 0) {
        _exit(0);  // the first process has ended
    }
}

static void echo(void)
{
    for (;;) {
        take();
        give();
    }
}

static void round_trip_run(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        give();
        take();
    }
}

static void self_prepare(void)
{
    int ends[2];
    NEED(pipe(ends));
    in = ends[0];
    out = ends[1];
}

// The child reads what this process writes, and the other way round.
static void pipe_prepare(void)
{
    int there[2];
    int back[2];
    NEED(pipe(there));
    NEED(pipe(back));
    if (NEED(fork()) == 0) {
        in = there[0];
        out = back[1];
        NEED(close(there[1]));
        NEED(close(back[0]));
        echo();
    }
    NEED(close(there[0]));
    NEED(close(back[1]));
    in = back[0];
    out = there[1];
}

static void socket_prepare(void)
{
    int ends[2];
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    if (NEED(fork()) == 0) {
        NEED(close(ends[0]));
        in = out = ends[1];
        echo();
    }
    NEED(close(ends[1]));
    in = out = ends[0];
}

// Process N reads of pipe N and writes into the next; this one is process 0.
static void ring_prepare(void)
{
    int ends[RING][2];
    for (unsigned i = 0; i < RING; i++) {
        NEED(pipe(ends[i]));
    }
    unsigned self = 0;
    for (unsigned i = 1; i < RING && self == 0; i++) {
        self = NEED(fork()) == 0 ? i : 0;
    }
    in = ends[self][0];
    out = ends[(self + 1) % RING][1];
    for (unsigned i = 0; i < RING; i++) {
        if (i != self) {
            NEED(close(ends[i][0]));
        }
        if (i != (self + 1) % RING) {
            NEED(close(ends[i][1]));
        }
    }
    if (self != 0) {
        echo();
    }
}

// An operation is one hop of the token.
static void ring_run(unsigned operations)
{
    round_trip_run(operations / RING);
}

ROW(pipe_self, .operations = 1000, .prepare = self_prepare, .run = round_trip_run);
ROW(pipe_round_trip, .operations = 300, .prepare = pipe_prepare, .run = round_trip_run);
ROW(ring_16, .operations = 50 * RING, .prepare = ring_prepare, .run = ring_run);
ROW(unix_round_trip, .operations = 300, .prepare = socket_prepare, .run = round_trip_run);
