/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sweeping: some time after a connection was busy, what it holds and does not
 * need goes back, so that a thousand idle connections cost no more after a
 * burst than before it.
 *
 * Thread: with the helm.
 */
#include "base/pool.h"
#include "core/io_thread.h"
#include "msg/slab.h"

enum { SWEEP_US = 100000 };

static void sweep_set_timer(struct cz_io_thread *io)
{
    if (!cz_timer_is_set(&io->sweep))
        cz_io_set_timer(io, &io->sweep, SWEEP_US);
}

/* True: they still keep something. */
static bool sweep_pools(struct cz_io_thread *io)
{
    bool keeps_some = cz_pool_age(cz_pool_common(), io->now_us);

    keeps_some |= cz_slab_age(io->now_us);
    if (io->pool)
        keeps_some |= cz_pool_age(io->pool, io->now_us);
    if (io->shared_pool)
        keeps_some |= cz_pool_age(io->shared_pool, io->now_us);
    return keeps_some;
}

static void sweep_on_timer(struct cz_timer *timer)
{
    struct cz_io_thread *io =
        cz_container_of(timer, struct cz_io_thread, sweep);

    cz_list_for_each (node, &io->sweepers) {
        struct cz_io_sweeper *sweeper =
            cz_container_of(node, struct cz_io_sweeper, link);

        if (sweeper->on_sweep(sweeper))
            cz_list_remove(&sweeper->link);
    }
    if (sweep_pools(io) || !cz_list_is_empty(&io->sweepers))
        sweep_set_timer(io);
}

void cz_io_sweep_init(struct cz_io_thread *io)
{
    cz_list_init(&io->sweepers);
    io->sweep.on_expire = sweep_on_timer;
}

void cz_io_sweep_later(struct cz_io_thread *io, struct cz_io_sweeper *sweeper)
{
    cz_io_assert_helm(io);
    if (CZ_LIKELY(!cz_list_is_empty(&sweeper->link)))
        return;
    cz_list_push_back(&io->sweepers, &sweeper->link);
    sweep_set_timer(io);
}
