/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The floor under every queue between two threads: a ring of 64-byte slots
 * with one writer and one reader, without anything a message library needs.
 * Each side keeps a private copy of the other's position and looks again only
 * when that copy says full or empty.
 *
 * Thread: ring_put and ring_publish the writer, ring_take and ring_give_back
 *         the reader.
 * Owns:   its slots, as part of the struct.
 */
#ifndef BENCH_LIB_RING_H
#define BENCH_LIB_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define RING_SLOTS 1024u

struct ring_slot {
    uint64_t words[8];
};

struct ring {
    struct {
        _Alignas(64) uint64_t next; /* slots written */
        uint64_t seen_read;
    } writer;
    struct {
        _Alignas(64) uint64_t next; /* slots read */
        uint64_t seen_written;
    } reader;
    struct {
        _Alignas(64) _Atomic uint64_t written;
        _Alignas(64) _Atomic uint64_t read;
    } shared;
    _Alignas(64) struct ring_slot slots[RING_SLOTS];
};

/* The next free slot, or NULL when the ring is full. */
static inline struct ring_slot *ring_put(struct ring *ring)
{
    if (ring->writer.next - ring->writer.seen_read == RING_SLOTS) {
        /* Pairs with the release in ring_give_back. */
        ring->writer.seen_read =
            atomic_load_explicit(&ring->shared.read, memory_order_acquire);
        if (ring->writer.next - ring->writer.seen_read == RING_SLOTS)
            return NULL;
    }
    return &ring->slots[ring->writer.next++ % RING_SLOTS];
}

/* Shows the reader everything that was put. */
static inline void ring_publish(struct ring *ring)
{
    atomic_store_explicit(&ring->shared.written, ring->writer.next,
                          memory_order_release);
}

/* The next written slot, or NULL when there is none. */
static inline struct ring_slot *ring_take(struct ring *ring)
{
    if (ring->reader.next == ring->reader.seen_written) {
        /* Pairs with the release in ring_publish. */
        ring->reader.seen_written =
            atomic_load_explicit(&ring->shared.written, memory_order_acquire);
        if (ring->reader.next == ring->reader.seen_written)
            return NULL;
    }
    return &ring->slots[ring->reader.next++ % RING_SLOTS];
}

/* Lets the writer use again everything that was taken. */
static inline void ring_give_back(struct ring *ring)
{
    atomic_store_explicit(&ring->shared.read, ring->reader.next,
                          memory_order_release);
}

#endif
