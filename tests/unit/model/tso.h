/* SPDX-License-Identifier: MPL-2.0 */
/*
 * An exhaustive explorer of small concurrent programs on x86-TSO.
 *
 * A model is a few threads over a few shared bytes. Every store goes
 * through the thread's own store buffer, drains in order at any later
 * moment, and is forwarded to the thread's own loads. The explorer visits
 * every reachable state, breadth first, so that a counter-example is one
 * of the shortest. docs/models.md says what that proves and what it does
 * not.
 *
 *     memory  <--drain--  [store buffer]  <--store--  thread 0
 *     memory  <--drain--  [store buffer]  <--store--  thread 1
 *
 * Thread: one. Owns: nothing between calls; tso_explore frees its tables.
 */
#ifndef TESTS_UNIT_MODEL_TSO_H
#define TESTS_UNIT_MODEL_TSO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TSO_THREADS = 3,
    TSO_VARS = 4,
    TSO_BUFFER = 4,
    TSO_LOCALS = 4,
    TSO_GHOSTS = 6,
    TSO_CHOICES = 2
};

/* Bytes only: no padding, so that states compare with memcmp. */
struct tso_state {
    uint8_t memory[TSO_VARS];
    uint8_t pc[TSO_THREADS];
    uint8_t local[TSO_THREADS][TSO_LOCALS];
    uint8_t pending[TSO_THREADS];
    uint8_t store_var[TSO_THREADS][TSO_BUFFER];
    uint8_t store_value[TSO_THREADS][TSO_BUFFER];
    uint8_t barrier_due[TSO_THREADS];
    /* What only the claims look at, never the threads. */
    uint8_t ghost[TSO_GHOSTS];
};

struct tso_model {
    int thread_count;
    /* Which deliberate mistake the model makes; 0 is the real protocol. */
    int mistake;
    /* How much work the threads have to do. */
    int rounds;
    /* NULL: everything is 0 at first. */
    void (*init)(const struct tso_model *model, struct tso_state *s);
    /* Runs one instruction of the thread; `choice` resolves what the
     * protocol leaves open. False: it cannot run now, or there is no such
     * choice (then `s` is thrown away). */
    bool (*step)(const struct tso_model *model, struct tso_state *s, int thread,
                 int choice);
    /* The claim that a state breaks, or NULL: for every state, and for
     * those from which nothing can move any more. */
    const char *(*broken)(const struct tso_model *model,
                          const struct tso_state *s);
    const char *(*stuck)(const struct tso_model *model,
                         const struct tso_state *s);
};

struct tso_result {
    const char *broken;
    size_t state_count;
    struct tso_state state;
};

/* ---- the machine's instructions, for use inside step ---- */

static inline uint8_t tso_load(const struct tso_state *s, int thread, int var)
{
    for (int i = s->pending[thread]; i-- > 0;)
        if (s->store_var[thread][i] == var)
            return s->store_value[thread][i];
    return s->memory[var];
}

/* A plain, release or relaxed store. False: the buffer is full, try later. */
static inline bool tso_store(struct tso_state *s, int thread, int var,
                             uint8_t value)
{
    int at = s->pending[thread];

    if (at == TSO_BUFFER)
        return false;
    s->store_var[thread][at] = (uint8_t)var;
    s->store_value[thread][at] = value;
    s->pending[thread]++;
    return true;
}

/* A full fence, and the condition of every locked instruction: it can run
 * only once the thread's own stores are out. */
static inline bool tso_fence(const struct tso_state *s, int thread)
{
    return s->pending[thread] == 0;
}

/* membarrier, in two instructions: the call, then a return that comes only
 * when every other thread has run a full fence since. */
static inline bool tso_heavy_begin(const struct tso_model *model,
                                   struct tso_state *s, int thread)
{
    if (!tso_fence(s, thread))
        return false;
    for (int i = 0; i < model->thread_count; i++)
        s->barrier_due[i] = i != thread;
    return true;
}

static inline bool tso_heavy_end(const struct tso_model *model,
                                 const struct tso_state *s)
{
    for (int i = 0; i < model->thread_count; i++)
        if (s->barrier_due[i])
            return false;
    return true;
}

/* ---- the explorer ---- */

struct tso_table {
    struct tso_state *states;
    size_t *parents;
    size_t count;
    size_t capacity;
    size_t *slots; /* index into states + 1, or 0 */
    size_t slot_count;
};

static inline uint64_t tso_hash(const struct tso_state *s)
{
    const uint8_t *bytes = (const uint8_t *)s;
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < sizeof(*s); i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash ^ (hash >> 29);
}

static inline void *tso_need(void *memory)
{
    if (!memory) {
        fputs("the explorer is out of memory\n", stderr);
        abort();
    }
    return memory;
}

static inline size_t *tso_slot(struct tso_table *t, const struct tso_state *s)
{
    size_t at = tso_hash(s) & (t->slot_count - 1);

    while (t->slots[at] &&
           memcmp(&t->states[t->slots[at] - 1], s, sizeof(*s)) != 0)
        at = (at + 1) & (t->slot_count - 1);
    return &t->slots[at];
}

static inline void tso_grow(struct tso_table *t)
{
    t->capacity = t->capacity ? t->capacity * 2 : 1024;
    t->states = tso_need(realloc(t->states, t->capacity * sizeof(*t->states)));
    t->parents =
        tso_need(realloc(t->parents, t->capacity * sizeof(*t->parents)));
    free(t->slots);
    t->slot_count = t->capacity * 4;
    t->slots = tso_need(calloc(t->slot_count, sizeof(*t->slots)));
    for (size_t i = 0; i < t->count; i++)
        *tso_slot(t, &t->states[i]) = i + 1;
}

static inline void tso_add(struct tso_table *t, const struct tso_state *s,
                           size_t parent)
{
    size_t *slot;

    if (t->count == t->capacity)
        tso_grow(t);
    slot = tso_slot(t, s);
    if (*slot)
        return;
    t->states[t->count] = *s;
    t->parents[t->count] = parent;
    *slot = ++t->count;
}

/* Drains the oldest store, or all of them. */
static inline void tso_drain(struct tso_state *s, int thread, bool all)
{
    do {
        int left = --s->pending[thread];

        s->memory[s->store_var[thread][0]] = s->store_value[thread][0];
        memmove(s->store_var[thread], s->store_var[thread] + 1, (size_t)left);
        memmove(s->store_value[thread], s->store_value[thread] + 1,
                (size_t)left);
        s->store_var[thread][left] = 0;
        s->store_value[thread][left] = 0;
    } while (all && s->pending[thread]);
}

/* Adds all successors of state `at`; false when there are none. */
static inline bool tso_expand(const struct tso_model *model,
                              struct tso_table *t, size_t at)
{
    bool has_moved = false;

    for (int i = 0; i < model->thread_count; i++) {
        struct tso_state next;

        for (int choice = 0; choice < TSO_CHOICES; choice++) {
            next = t->states[at];
            if (!model->step(model, &next, i, choice))
                continue;
            tso_add(t, &next, at);
            has_moved = true;
        }
        next = t->states[at];
        if (next.pending[i]) {
            tso_drain(&next, i, false);
            tso_add(t, &next, at);
            has_moved = true;
        }
        next = t->states[at];
        if (next.barrier_due[i]) {
            if (next.pending[i])
                tso_drain(&next, i, true);
            next.barrier_due[i] = 0;
            tso_add(t, &next, at);
            has_moved = true;
        }
    }
    return has_moved;
}

/* Prints the way to a state, the last one first. */
static inline void tso_print_path(const struct tso_model *model,
                                  const struct tso_table *t, size_t at)
{
    for (;;) {
        const struct tso_state *s = &t->states[at];

        printf("  memory");
        for (int i = 0; i < TSO_VARS; i++)
            printf(" %d", s->memory[i]);
        for (int i = 0; i < model->thread_count; i++) {
            printf(" | pc %d", s->pc[i]);
            for (int j = 0; j < s->pending[i]; j++)
                printf(" [%d]=%d", s->store_var[i][j], s->store_value[i][j]);
        }
        printf("\n");
        if (at == 0)
            return;
        at = t->parents[at];
    }
}

/* Visits every state until a claim breaks. */
static inline struct tso_result tso_explore(const struct tso_model *model)
{
    struct tso_result result = {0};
    struct tso_table table = {0};
    struct tso_state first = {0};

    if (model->init)
        model->init(model, &first);
    tso_add(&table, &first, 0);
    for (size_t at = 0; at < table.count && !result.broken; at++) {
        result.broken = model->broken(model, &table.states[at]);
        if (!result.broken && !tso_expand(model, &table, at))
            result.broken = model->stuck(model, &table.states[at]);
        if (!result.broken)
            continue;
        result.state = table.states[at];
        if (!model->mistake)
            tso_print_path(model, &table, at);
    }
    result.state_count = table.count;
    free(table.states);
    free(table.parents);
    free(table.slots);
    return result;
}

#endif
