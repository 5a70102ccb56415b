/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Streams, counted from outside.
 *
 * The writer stores the wide counts only when it opens a chunk and the like;
 * from there to now it is not far, and the low halves, which it publishes with
 * each message, tell how far.
 *
 * Thread: any.
 */
#include "msg/stream_tally.h"

#include "msg/stream.h"

/* What was told once is not taken back. Relaxed: a number on its own. */
static uint32_t tally_tell(_Atomic uint32_t *told_max, uint32_t queued)
{
    uint32_t most = atomic_load_explicit(told_max, memory_order_relaxed);

    while (queued > most && !atomic_compare_exchange_weak_explicit(
                                told_max, &most, queued, memory_order_relaxed,
                                memory_order_relaxed))
        continue;
    return queued > most ? queued : most;
}

void cz_stream_tally(struct cz_stream *s, struct cz_stream_tally *tally)
{
    uint64_t messages = cz_count_get(&s->count.messages);
    uint64_t bytes = cz_count_get(&s->count.bytes);
    /* Acquire: what was consumed is looked at after it. This thread may have to
     * wait for its processor in between, and then finds fewer waiting than
     * there were, and not more than there ever were. */
    uint64_t word = atomic_load_explicit(&s->published, memory_order_acquire);
    uint32_t consumed = __atomic_load_n(&s->r.consumed, __ATOMIC_RELAXED);
    uint32_t written = (uint32_t)(word >> 32);
    uint32_t found = __atomic_load_n(&s->r.depth_max, __ATOMIC_RELAXED);
    uint32_t ahead =
        atomic_load_explicit(&s->count.depth_max, memory_order_relaxed);
    uint32_t told;

    /* What went around the stream was counted, but not published. */
    if ((int32_t)((uint32_t)messages - written) > 0)
        written = (uint32_t)messages;
    tally->messages = cz_count_ahead(messages, written);
    tally->bytes = cz_count_ahead(bytes, (uint32_t)word) +
                   cz_count_get(&s->count.elsewhere);
    tally->conflated = cz_count_get(&s->conflated);
    tally->full = atomic_load_explicit(&s->count.full, memory_order_relaxed);
    /* Below zero: that, or a durable detour that was read twice. */
    tally->queued = (int32_t)(written - consumed) > 0 ? written - consumed : 0;
    told = tally_tell(&s->count.told_max, tally->queued);
    tally->queued_max = found > ahead ? found : ahead;
    if (told > tally->queued_max)
        tally->queued_max = told;
    tally->hwm = atomic_load_explicit(&s->hwm, memory_order_relaxed);
}
