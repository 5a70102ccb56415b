/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Chunks: the memory that a stream of frames lies in. A frame never crosses
 * the border between two of them; a message may.
 *
 *     struct cz_chunk | begin ... frames ... limit | unused ... capacity
 *
 * A view is a chunk without memory of its own: its bytes are those of another
 * one, which any number of views may share, each in a stream of its own (see
 * msg/sheet.h). Its stream never writes into them.
 *
 * Thread: the writer until a chunk is published, then shared as msg/stream.h
 * says. Owned by one stream at a time; what views refer to, by all of them and
 * by who made it.
 */
#ifndef CZ_MSG_CHUNK_H
#define CZ_MSG_CHUNK_H

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    CZ_CHUNK_MIN = 512,   /* bytes of frames in a stream's first chunk */
    CZ_CHUNK_MAX = 32768, /* in the chunks of a busy one */
    CZ_CHUNK_OPEN = UINT32_MAX >> 1,
};

struct cz_pool;

struct cz_chunk {
    /* Set when the chunk is left, before anything in the next one is
     * published: a reader that finds published bytes beyond the limit also
     * finds the limit and `next`. Relaxed, because of that order. */
    _Atomic uint32_t limit;
    uint32_t begin;
    uint32_t capacity;
    /* Messages completed in the stream when the chunk was left. */
    uint32_t messages;
    struct cz_chunk *next;
    bool is_continuation;    /* begins in the middle of a message */
    bool has_refs;           /* may hold frames whose body is elsewhere */
    bool is_on_loan;         /* read into, or a view: not to be written again */
    bool is_in_slab;         /* see msg/slab.h */
    uint32_t size;           /* as it was made; capacity may be cut */
    struct cz_pool *pool;    /* where the memory goes back to, or NULL */
    struct cz_chunk *shared; /* of a view: whose bytes these are */
    _Atomic uint32_t refs;   /* views of this one, and its maker */
    uint8_t *bytes;          /* behind this struct, or those of `shared` */
};

/* From the pool, unless it is NULL. NULL = no memory. */
struct cz_chunk *cz_chunk_create(struct cz_pool *pool, uint32_t capacity);
void cz_chunk_destroy(struct cz_chunk *chunk);
/* The same for all that follow it, too. */
void cz_chunk_destroy_chain(struct cz_chunk *chunk);

/* A view of a chunk, from `at` on. NULL = no memory. */
struct cz_chunk *cz_chunk_view(struct cz_chunk *shared, const uint8_t *at);

/* For the maker of a chunk that has views: gives it up. NULL is allowed. */
void cz_chunk_unref(struct cz_chunk *chunk);

/* Are there no views of it any more? Then their readers are done with it. */
static inline bool cz_chunk_is_unshared(struct cz_chunk *chunk)
{
    /* Acquire: pairs with the release in cz_chunk_unref. */
    return atomic_load_explicit(&chunk->refs, memory_order_acquire) == 1;
}

/* Makes a used chunk like a fresh one. */
void cz_chunk_reset(struct cz_chunk *chunk);

#endif
