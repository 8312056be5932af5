// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The protocol of the shared ring (lib/ring, docs/ring.md): wake-up and recovery, with the store
// buffers of a CPU, and the death of either side anywhere.  A process by each side; what it stores
// goes into its store buffer and from there to memory in order, some time later; a fence waits for
// the buffer to be empty, and so do a system call and whoever starts a new incarnation.
//
// Checked are the assertions; that nothing ends but with the consumer asleep and the producer
// through (an invalid end state is a lost wake-up); and that the producer gets through (served).
#ifndef ITEMS
#define ITEMS 3
#endif
#define ENTRIES 2
#define NEVER   255  // an event that is not reached

mtype = { SUBMITTED, REAPED, PRODUCER_EVENT, COMPLETED, CONSUMER_EVENT, STAMP };

byte submitted, reaped, completed;
byte producer_event = NEVER, consumer_event = NEVER;
bool stamps[ITEMS];

chan producer_buffer = [4] of { mtype, byte };
chan consumer_buffer = [4] of { mtype, byte };
bool wake_producer, wake_consumer;  // signals that are pending

byte producer_deaths = 1, consumer_deaths = 1;  // to come
bool kill_producer, kill_consumer;
bool through;          // the producer has all its results
bool worked[ITEMS];

#define REACHED(old, new, event) ((old) < (event) && (event) <= (new))
#define FENCE(buffer)            (len(buffer) == 0)

proctype flush(chan buffer)
{
    byte value;
end_flush:
    do
    :: atomic { buffer ? SUBMITTED(value) -> submitted = value; value = 0 }
    :: atomic { buffer ? REAPED(value) -> reaped = value; value = 0 }
    :: atomic { buffer ? PRODUCER_EVENT(value) -> producer_event = value; value = 0 }
    :: atomic { buffer ? COMPLETED(value) -> completed = value; value = 0 }
    :: atomic { buffer ? CONSUMER_EVENT(value) -> consumer_event = value; value = 0 }
    :: atomic { buffer ? STAMP(value) -> stamps[value] = true; value = 0 }
    od
}

proctype producer()
{
    byte pushed, published, seen, taken_back;
    bool due;

begin:
    {
        atomic {
            published = submitted;
            pushed = published;
            taken_back = reaped;
            due = false;
            assert(published - taken_back <= ENTRIES);
            seen = completed
        }
        atomic { FENCE(producer_buffer) -> wake_consumer = true }
        do
        :: true ->
            // Reap, release.
            atomic {
                do
                :: seen > taken_back ->
                    assert(stamps[taken_back] && worked[taken_back]);
                    taken_back++
                :: else -> break
                od;
                producer_buffer ! REAPED(taken_back)
            }
            if
            :: taken_back == ITEMS -> break
            :: else
            fi;
            atomic { seen = completed; assert(seen >= taken_back && seen <= published) }
            if
            :: seen > taken_back
            :: seen == taken_back && pushed < ITEMS && pushed - taken_back < ENTRIES ->
                // Push one or as many as fit, publish, look at the event, signal.
                atomic {
                    do
                    :: pushed < ITEMS && pushed - taken_back < ENTRIES -> pushed++
                    :: pushed > published -> break
                    od;
                    producer_buffer ! SUBMITTED(pushed)
                }
                atomic {
                    FENCE(producer_buffer) ->
                    due = REACHED(published, pushed, consumer_event);
                    published = pushed
                }
                if
                :: due -> atomic { FENCE(producer_buffer) -> wake_consumer = true; due = false }
                :: else
                fi
            :: else ->
                // Arm, look again, sleep.
                producer_buffer ! PRODUCER_EVENT(taken_back + 1);
                atomic { FENCE(producer_buffer) -> seen = completed }
                if
                :: seen == taken_back -> atomic { wake_producer -> wake_producer = false }
                :: else
                fi
            fi
        od;
        through = true
    } unless {
        atomic {
            kill_producer && !through && len(producer_buffer) == 0 ->
            kill_producer = false;
            wake_producer = false;
            goto begin
        }
    }
}

proctype consumer()
{
    byte seen, taken, done, i;
    bool finished[ITEMS], due;

begin:
    {
        // What has a stamp is finished.
        atomic {
            done = completed;
            seen = submitted;
            assert(seen >= done && seen - done <= ENTRIES);
            due = false;
            i = 0;
            do
            :: i < ITEMS -> finished[i] = stamps[i]; i++
            :: else -> break
            od;
            i = 0;
            do
            :: done < seen && finished[done] -> done++
            :: else -> break
            od;
            taken = done;
            consumer_buffer ! COMPLETED(done)
        }
        atomic { FENCE(consumer_buffer) -> wake_producer = true }
        do
        :: taken < seen ->
            // Take one, to be worked on and finished later.
            atomic {
                do
                :: taken < seen && finished[taken] -> taken++
                :: else -> break
                od;
                if
                :: taken < seen -> assert(!stamps[taken]); worked[taken] = true; taken++
                :: else
                fi
            }
        :: taken > done ->
            // Finish any that was taken.
            atomic {
                i = done;
                do
                :: i < taken && !finished[i] -> break
                :: i < taken - 1 -> i++
                :: i == taken - 1 -> break
                od;
                if
                :: finished[i] -> i = done
                :: else
                fi;
                consumer_buffer ! STAMP(i);
                finished[i] = true;
                i = done;
                do
                :: i < taken && finished[i] -> i++
                :: else -> break
                od
            }
            if
            :: i > done ->
                // Complete, look at the event, signal.
                consumer_buffer ! COMPLETED(i);
                atomic {
                    FENCE(consumer_buffer) ->
                    due = REACHED(done, i, producer_event);
                    done = i
                }
                if
                :: due -> atomic { FENCE(consumer_buffer) -> wake_producer = true; due = false }
                :: else
                fi
            :: else
            fi;
            i = 0
        :: taken == seen && taken == done ->
            seen = submitted;
            if
            :: seen == taken ->
                // Arm, look again, sleep.
                consumer_buffer ! CONSUMER_EVENT(taken + 1);
                atomic { FENCE(consumer_buffer) -> seen = submitted }
                if
                :: seen == taken ->
end_asleep:         atomic { wake_consumer -> wake_consumer = false }
                :: else
                fi
            :: else
            fi;
            assert(seen >= taken && seen - done <= ENTRIES)
        od
    } unless {
        atomic {
            kill_consumer && len(consumer_buffer) == 0 ->
            kill_consumer = false;
            wake_consumer = false;
            goto begin
        }
    }
}

proctype killer()
{
end_killer:
    do
    :: atomic { producer_deaths > 0 && !through -> producer_deaths--; kill_producer = true }
    :: atomic { consumer_deaths > 0 && !through -> consumer_deaths--; kill_consumer = true }
    od
}

init {
    atomic {
        run flush(producer_buffer);
        run flush(consumer_buffer);
        run producer();
        run consumer();
        run killer()
    }
}

ltl served { <> through }
