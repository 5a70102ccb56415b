/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What an I/O thread does for the objects that live on it.
 *
 * Thread: with the helm. Owns: nothing.
 */
#include "core/io_thread.h"

int cz_io_watch_fd(struct cz_io_thread *io, int fd,
                   struct cz_poll_handler *handler, unsigned interest,
                   cz_poll_id *id)
{
    int rc = cz_poller_add(io->poller, fd, handler, interest, id);

    cz_io_assert_helm(io);
    if (rc != 0)
        return rc;
    io->has_changed = io->has_new_fds = true;
    return 0;
}

void cz_io_hand_over(struct cz_io_thread *io, cz_poll_id id,
                     struct cz_poll_handler *handler)
{
    cz_io_assert_helm(io);
    cz_poller_hand_over(io->poller, id, handler);
}

void cz_io_set_interest(struct cz_io_thread *io, cz_poll_id id,
                        unsigned interest)
{
    cz_io_assert_helm(io);
    cz_poller_watch(io->poller, id, interest);
    io->has_changed = io->has_new_fds = true;
}

void cz_io_unwatch(struct cz_io_thread *io, cz_poll_id id)
{
    cz_io_assert_helm(io);
    cz_poller_remove(io->poller, id);
    if (!cz_poller_is_live(io->poller))
        io->has_changed = true; /* or what is closed now would remain open */
}

void cz_io_set_timer(struct cz_io_thread *io, struct cz_timer *timer,
                     uint64_t delay_us)
{
    cz_io_assert_helm(io);
    io->has_changed = true;
    cz_timer_set(&io->timers, timer, io->now_us + delay_us);
}

void cz_io_cancel_timer(struct cz_io_thread *io, struct cz_timer *timer)
{
    cz_io_assert_helm(io);
    cz_timer_cancel(&io->timers, timer);
}

struct cz_chunk *cz_io_arrival(struct cz_io_thread *io)
{
    cz_io_assert_helm(io);
    if (!io->arrival)
        io->arrival = cz_chunk_create(io->pool, CZ_ARRIVAL_SIZE);
    return io->arrival;
}

struct cz_chunk *cz_io_take_arrival(struct cz_io_thread *io)
{
    struct cz_chunk *chunk = io->arrival;

    cz_io_assert_helm(io);
    io->arrival = NULL;
    return chunk;
}
