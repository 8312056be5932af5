// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The counters' record (record.h).
#include "record.h"

#include <proto/counter.h>

#define STATE_OPEN      1u
#define STATE_SECOND    2u  // values[1] counts
#define STATE_AGE_SHIFT 2
#define SESSION_PLACE   0xfffull  // of a session's number: its place + 1; above: its age
#define SESSION_SHIFT   12

_Static_assert((uint64_t)RECORD_CLIENTS *RECORD_SHARE <= SESSION_PLACE,
               "a session's number names its place");
_Static_assert(RECORD_AGES >> (RECORD_NUMBER_BITS - SESSION_SHIFT) == 0, "and its place's age");

static uint64_t load(const _Atomic uint64_t *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

static void store(_Atomic uint64_t *to, uint64_t word)
{
    atomic_store_explicit(to, word, memory_order_relaxed);
}

// The store by which a request takes effect: after all that it names.
static void commit(_Atomic uint64_t *to, uint64_t word)
{
    atomic_store_explicit(to, word, memory_order_release);
}

// Each step is one-to-one in `word`: a change of one word always changes the result.
static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
    return hash ^ hash >> 32;
}

// ---- a place ------------------------------------------------------------------------------------
static uint64_t state_word(uint32_t state)
{
    return (uint64_t)~state << 32 | state;
}

static bool state_good(uint64_t word)
{
    return word == state_word((uint32_t)word);
}

static uint32_t state_age(uint32_t state)
{
    return state >> STATE_AGE_SHIFT;
}

static unsigned state_which(uint32_t state)
{
    return (state & STATE_SECOND) != 0;
}

static uint64_t value_check(const struct record *record, const struct record_place *place,
                            uint32_t age, const struct record_value *value)
{
    uint64_t hash = mix(RECORD_MAGIC, (uint64_t)(place - record->places));
    hash = mix(hash, age);
    hash = mix(hash, load(&place->client));
    hash = mix(hash, load(&value->value));
    hash = mix(hash, load(&value->sequence));
    return mix(hash, load(&value->amount));
}

// A place as it is: closed, open with a value that counts, or damaged.
struct found {
    uint32_t state;
    const struct record_value *value;  // of an open one
    bool damaged;
};

static struct found place_look(const struct record *record, const struct record_place *place)
{
    uint64_t word = load(&place->state);
    uint32_t state = (uint32_t)word;
    if (!state_good(word)) {
        return (struct found){ .damaged = true };
    }
    if (!(state & STATE_OPEN)) {
        return (struct found){ .state = state };
    }
    const struct record_value *value = &place->values[state_which(state)];
    bool good = load(&value->check) == value_check(record, place, state_age(state), value);
    return (struct found){ state, good ? value : NULL, !good };
}

// Write a value where none counts, then let it count.
static void place_commit(struct record *record, struct record_place *place, uint32_t state,
                         const uint64_t words[3])
{
    struct record_value *value = &place->values[state_which(state)];
    store(&value->value, words[0]);
    store(&value->sequence, words[1]);
    store(&value->amount, words[2]);
    store(&value->check, value_check(record, place, state_age(state), value));
    commit(&place->state, state_word(state));
}

// The open place that `session` names, if it is one of `owner`.
static uint32_t place_of(const struct record *record, unsigned owner, uint64_t session,
                         struct found *found)
{
    uint64_t number = (session & SESSION_PLACE) - 1, share = load(&record->share);
    if (number >= share * RECORD_CLIENTS || number / share != owner - 1) {
        return COUNTER_ERROR_NO_SESSION;
    }
    *found = place_look(record, &record->places[number]);
    if (found->damaged) {
        return COUNTER_ERROR_DAMAGED;
    }
    bool same = found->value && state_age(found->state) == session >> SESSION_SHIFT;
    return same ? WIRE_OK : COUNTER_ERROR_NO_SESSION;
}

static struct record_place *place_number(struct record *record, uint64_t session)
{
    return &record->places[(session & SESSION_PLACE) - 1];
}

// ---- the record ---------------------------------------------------------------------------------
static uint64_t header_check(const struct record *record)
{
    uint64_t hash = mix(RECORD_MAGIC, load(&record->version));
    hash = mix(hash, load(&record->bytes));
    return mix(hash, load(&record->share));
}

static uint64_t share_of(size_t bytes)
{
    size_t room = bytes < sizeof(struct record) ? 0 : bytes - sizeof(struct record);
    uint64_t share = room / sizeof(struct record_place) / RECORD_CLIENTS;
    return share < RECORD_SHARE ? share : RECORD_SHARE;
}

// Without its magic no session was ever opened: all places are as they were first, or as making
// leaves them.
static bool record_new(const struct record *record, uint64_t places)
{
    for (uint64_t i = 0; i < places; i++) {
        uint64_t word = load(&record->places[i].state);
        if (word != 0 && word != state_word(0)) {
            return false;
        }
    }
    return true;
}

static void record_make(struct record *record, size_t bytes, uint64_t share)
{
    store(&record->version, (uint64_t)RECORD_MAJOR << 32 | RECORD_MINOR);
    store(&record->bytes, bytes);
    store(&record->share, share);
    store(&record->check, header_check(record));
    for (uint64_t i = 0; i < share * RECORD_CLIENTS; i++) {
        store(&record->places[i].state, state_word(0));
    }
    commit(&record->magic, RECORD_MAGIC);
}

// Why a record is not to be believed; NULL: it is.
static const char *record_wrong(const struct record *record, size_t bytes, uint64_t share)
{
    if (load(&record->magic) != RECORD_MAGIC) {
        return "it is no record of counters";
    }
    if (load(&record->check) != header_check(record)) {
        return "its header is damaged";
    }
    if (load(&record->version) >> 32 != RECORD_MAJOR) {
        return "it is of another major version";
    }
    if (load(&record->bytes) != bytes || load(&record->share) != share) {
        return "it is of another size";
    }
    return NULL;
}

struct record *record_adopt(void *memory, size_t bytes, const char **reason)
{
    struct record *record = memory;
    uint64_t share = share_of(bytes);
    if (share == 0) {
        *reason = "it has no room for a session of each client";
        return NULL;
    }
    if (load(&record->magic) == 0 && record_new(record, share * RECORD_CLIENTS)) {
        record_make(record, bytes, share);
    }
    *reason = record_wrong(record, bytes, share);
    return *reason ? NULL : record;
}

// ---- requests -----------------------------------------------------------------------------------
static uint64_t session_number(const struct record *record, const struct record_place *place,
                               uint32_t state)
{
    uint64_t number = (uint64_t)(place - record->places) + 1;
    return (uint64_t)state_age(state) << SESSION_SHIFT | number;
}

static struct record_session session_new(struct record *record, struct record_place *place,
                                         uint64_t client)
{
    uint32_t age = state_age((uint32_t)load(&place->state)) + 1;
    uint32_t state = age << STATE_AGE_SHIFT | STATE_OPEN;
    store(&place->client, client);
    place_commit(record, place, state, (const uint64_t[3]){ 0, 0, 0 });
    return (struct record_session){ session_number(record, place, state), 0 };
}

uint32_t record_open(struct record *record, unsigned owner, uint64_t client,
                     struct record_session *opened)
{
    uint64_t share = load(&record->share);
    struct record_place *unused = NULL;
    bool damaged = false;
    if (owner == 0 || owner > RECORD_CLIENTS) {
        return COUNTER_ERROR_SESSIONS;
    }
    for (uint64_t i = (owner - 1) * share; i < owner * share; i++) {
        struct record_place *place = &record->places[i];
        struct found found = place_look(record, place);
        if (found.value && load(&place->client) == client) {
            *opened = (struct record_session){ session_number(record, place, found.state),
                                               load(&found.value->sequence) };
            return WIRE_OK;
        }
        damaged |= found.damaged;
        bool usable = !found.damaged && !found.value && state_age(found.state) < RECORD_AGES;
        unused = !unused && usable ? place : unused;
    }
    if (damaged || !unused) {
        return damaged ? COUNTER_ERROR_DAMAGED : COUNTER_ERROR_SESSIONS;
    }
    *opened = session_new(record, unused, client);
    return WIRE_OK;
}

// The request that was carried out last comes again.
static uint32_t add_again(const struct record_value *last, uint64_t amount, uint64_t *value)
{
    *value = load(&last->value);
    return amount == load(&last->amount) ? WIRE_OK : COUNTER_ERROR_DIFFERS;
}

uint32_t record_add(struct record *record, unsigned owner, struct record_session request,
                    uint64_t amount, uint64_t *value)
{
    struct found found;
    uint32_t code = place_of(record, owner, request.session, &found);
    if (code) {
        return code;
    }
    uint64_t last = load(&found.value->sequence), before = load(&found.value->value);
    if (request.sequence == last && last != 0) {
        return add_again(found.value, amount, value);
    }
    if (request.sequence == 0 || request.sequence != last + 1) {
        return COUNTER_ERROR_SEQUENCE;
    }
    if (amount > UINT64_MAX - before) {
        return COUNTER_ERROR_OVERFLOW;
    }
    *value = before + amount;
    place_commit(record, place_number(record, request.session), found.state ^ STATE_SECOND,
                 (const uint64_t[3]){ *value, request.sequence, amount });
    return WIRE_OK;
}

uint32_t record_read(const struct record *record, unsigned owner, uint64_t session,
                     struct record_count *count)
{
    struct found found;
    uint32_t code = place_of(record, owner, session, &found);
    if (code == WIRE_OK) {
        *count = (struct record_count){ load(&found.value->value), load(&found.value->sequence) };
    }
    return code;
}

uint32_t record_close(struct record *record, unsigned owner, uint64_t session)
{
    struct found found;
    uint32_t code = place_of(record, owner, session, &found);
    if (code == WIRE_OK) {
        commit(&place_number(record, session)->state, state_word(found.state & ~STATE_OPEN));
    }
    return code;
}
