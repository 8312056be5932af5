// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Sockets that are known only to messages in each other's queues.  Each file under way is counted;
// a socket whose file has other references is reached, and so is what stands in the queues of those
// that are.  What is left is closed by taking its messages away.
#include "heap.h"
#include "unix.h"

#define OCCASIONS 16u

static uint32_t under_way;          // files in messages
static uint32_t sockets_under_way;  // and UNIX sockets among them

static struct local *unix_of_file(const struct file *file)
{
    struct socket *socket = socket_of(file);

    return socket && socket->family == AF_UNIX ? unix_of(socket) : NULL;
}

void file_departs(struct file *file)
{
    struct local *local = unix_of_file(file);

    under_way++;
    if (local) {
        local->under_way++;
        sockets_under_way++;
    }
}

void file_arrives(struct file *file)
{
    struct local *local = unix_of_file(file);

    under_way--;
    if (local) {
        local->under_way--;
        sockets_under_way--;
    }
}

uint32_t files_under_way(void)
{
    return under_way;
}

static void unix_reach(struct local *local, struct list *work)
{
    if (local && !local->reached) {
        local->reached = true;
        list_add(work, &local->work);
    }
}

// What a socket that is reached leads to.
static void reach_from(struct local *local, struct list *work)
{
    LIST_EACH(waiting, &local->pending, struct local, in_pending) {
        unix_reach(waiting, work);
    }
    LIST_EACH(packet, &local->queue, struct packet, link) {
        for (uint32_t i = 0; packet->passed && i < packet->passed->count; i++) {
            unix_reach(unix_of_file(packet->passed->files[i]), work);
        }
    }
}

static void reach_all(void)
{
    struct list work = LIST_EMPTY(work);

    LIST_EACH(local, &unix_all, struct local, all) {
        local->reached = false;
    }
    LIST_EACH(local, &unix_all, struct local, all) {
        if (local->socket.file && local->socket.file->refs > local->under_way) {
            unix_reach(local, &work);
        }
    }
    while (!list_empty(&work)) {
        struct local *local = CONTAINER(work.next, struct local, work);
        list_remove(&local->work);
        reach_from(local, &work);
    }
}

// The messages of those that were not reached, in one list: taking one away may end several
// sockets.
static void take_unreached(struct list *packets)
{
    LIST_EACH(local, &unix_all, struct local, all) {
        if (local->reached) {
            continue;
        }
        LIST_EACH(packet, &local->queue, struct packet, link) {
            list_remove(&packet->link);
            list_add(packets, &packet->link);
        }
        local->queued = local->packets = 0;
    }
}

void unix_collect(void)
{
    static bool busy;
    static uint32_t occasions;
    struct list packets = LIST_EMPTY(packets);

    // Each round looks at all: where many are under way, not at every end of one.
    if (busy || !sockets_under_way || ++occasions < sockets_under_way / OCCASIONS) {
        return;
    }
    busy = true;
    occasions = 0;
    reach_all();
    take_unreached(&packets);
    while (!list_empty(&packets)) {
        struct packet *packet = CONTAINER(packets.next, struct packet, link);
        list_remove(&packet->link);
        passed_free(packet->passed);
        heap_free(packet);
    }
    busy = false;
}
