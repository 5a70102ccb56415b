/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Naps: pipes with more to write in a moment are left alone, so that larger
 * batches form.
 *
 * Thread: with the helm. Owns: nothing; the list is the I/O thread's.
 */
#include "core/io_thread.h"
#include "os/clock.h"

enum {
    /* How long a busy pipe is left alone, so that a batch can form. */
    NAP_US = 100,
    /* The same while application threads do the writing themselves. */
    NAP_US_HELPED = 800,
    /* The same at most, where writing takes long. */
    REST_US_MAX = 2000,
};

void cz_io_init_naps(struct cz_io_thread *io)
{
    cz_list_init(&io->napping);
    io->batch_us = NAP_US;
    io->naps_end_us = CZ_CLOCK_NEVER;
}

static void io_lie_down(struct cz_io_thread *io, struct cz_io_napper *napper,
                        uint64_t delay_us)
{
    uint64_t end_us = io->now_us + delay_us;

    if (cz_list_is_empty(&napper->link))
        cz_list_push_back(&io->napping, &napper->link);
    if (end_us < io->naps_end_us) {
        io->naps_end_us = end_us;
        io->has_changed = true;
    }
}

void cz_io_nap(struct cz_io_thread *io, struct cz_io_napper *napper)
{
    cz_io_assert_helm(io);
    io_lie_down(io, napper, io->batch_us);
}

void cz_io_rest(struct cz_io_thread *io, struct cz_io_napper *napper,
                uint32_t rest_us)
{
    cz_io_assert_helm(io);
    io_lie_down(io, napper, rest_us);
}

/* Half of the time may go into writing, so that batches grow with the number
 * of those who are written to. */
static uint64_t io_rest_after(const struct cz_io_thread *io, uint64_t work_us)
{
    uint64_t rest_us = work_us > io->batch_us ? work_us : io->batch_us;

    return rest_us < REST_US_MAX ? rest_us : REST_US_MAX;
}

/* Relaxed: a number on its own, and only who has the helm writes it. */
static void io_count_naps(struct cz_io_thread *io)
{
    uint32_t ended =
        atomic_load_explicit(&io->naps_ended, memory_order_relaxed);

    atomic_store_explicit(&io->naps_ended, ended + 1, memory_order_relaxed);
}

void cz_io_end_naps(struct cz_io_thread *io)
{
    struct cz_list batch;
    uint64_t begun_us = io->now_us;
    uint64_t now_us;

    io->naps_end_us = CZ_CLOCK_NEVER;
    if (cz_list_is_empty(&io->napping))
        return;
    io_count_naps(io);
    /* A napper may lie down again at once; it waits for the next time. */
    cz_list_take_all(&batch, &io->napping);
    while (!cz_list_is_empty(&batch)) {
        struct cz_io_napper *napper = cz_container_of(
            cz_list_pop_front(&batch), struct cz_io_napper, link);

        napper->on_nap_end(napper);
    }
    /* Writing for many may have taken longer than a nap. Batches form after
     * that; above all where their writer waits for this very processor. But
     * who rests for no time at all has a batch. */
    if (io->naps_end_us != CZ_CLOCK_NEVER && io->naps_end_us > begun_us) {
        now_us = cz_clock_us();
        io->naps_end_us = now_us + io_rest_after(io, now_us - begun_us);
    }
}

void cz_io_run_naps(struct cz_io_thread *io)
{
    if (io->now_us >= io->naps_end_us) {
        io->batch_us = NAP_US;
        cz_io_end_naps(io);
    } else if (io->naps_end_us != CZ_CLOCK_NEVER) {
        /* Somebody has helped since the nap that we woke for. */
        io->batch_us =
            io->batch_us * 2 < NAP_US_HELPED ? io->batch_us * 2 : NAP_US_HELPED;
    }
}
