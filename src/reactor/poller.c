/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The front of the reactor: it keeps the registrations, chooses the
 * back-end and hands events to handlers. What a back-end does is said in
 * reactor/poller_ops.h.
 *
 * Thread: all under the owner's lock, but cz_poller_wait, which touches the
 * back-end's waiting state only. Owns: the table and the back-end.
 */
#include "reactor/poller.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "os/poll.h"
#include "reactor/poller_ops.h"
#include "reactor/poller_table.h"

#include <errno.h>
#include <string.h>

struct cz_poller {
    struct cz_poll_backend *backend;
    const char *refused; /* by the kernel; or NULL */
    struct cz_poll_table table;
};

#if defined(CZ_NO_EPOLL) && defined(CZ_NO_POLL) && defined(CZ_NO_SELECT)
#error "one of CZ_WITH_EPOLL, CZ_WITH_POLL and CZ_WITH_SELECT must be ON"
#endif

/* The best first, by the figures in docs/reactors.md. */
static const struct cz_poll_ops *const poller_choices[] = {
#ifndef CZ_NO_EPOLL
    &cz_poll_ops_epoll,
#endif
#ifdef CZ_HAVE_KQUEUE
    &cz_poll_ops_kqueue,
#endif
#ifdef CZ_HAVE_DEVPOLL
    &cz_poll_ops_devpoll,
#endif
#ifndef CZ_NO_POLL
    &cz_poll_ops_poll,
#endif
#ifndef CZ_NO_SELECT
    &cz_poll_ops_select,
#endif
#ifdef CZ_HAS_URING_BACKEND
    &cz_poll_ops_uring,
#endif
};

static bool poller_is_refusal(int rc)
{
    return rc == -ENOSYS || rc == -EPERM;
}

/* How long to sleep when the kernel would not wait. */
enum { POLLER_NAP_US = 1000 };

/* The number of the choice, or -EINVAL. */
static int poller_choose(const char *name)
{
    if (!name || !*name)
        return 0;
    for (size_t i = 0; i < CZ_COUNT_OF(poller_choices); i++) {
        if (strcmp(name, poller_choices[i]->name) == 0)
            return (int)i;
    }
    return -EINVAL;
}

/* The one that was asked for, or else the best that the kernel allows. */
static int poller_open_backend(struct cz_poller *poller, const char *name)
{
    int choice = poller_choose(name);
    int rc;

    if (choice < 0)
        return choice;
    rc = poller_choices[choice]->create(&poller->backend);
    if (!poller_is_refusal(rc))
        return rc;
    poller->refused = poller_choices[choice]->name;
    for (int i = 0; i < (int)CZ_COUNT_OF(poller_choices); i++) {
        if (i == choice)
            continue;
        rc = poller_choices[i]->create(&poller->backend);
        if (!poller_is_refusal(rc))
            break;
    }
    return rc;
}

int cz_poller_create(const char *backend, struct cz_poller **poller)
{
    struct cz_poller *self = cz_zalloc(sizeof *self);
    int rc;

    if (!self)
        return -ENOMEM;
    rc = poller_open_backend(self, backend);
    if (rc < 0) {
        cz_free(self);
        return rc;
    }
    cz_poll_table_init(&self->table);
    *poller = self;
    return 0;
}

void cz_poller_destroy(struct cz_poller *poller)
{
    if (!poller)
        return;
    poller->backend->ops->destroy(poller->backend);
    cz_poll_table_fini(&poller->table);
    cz_free(poller);
}

bool cz_poller_is_known(const char *name)
{
    return poller_choose(name) >= 0;
}

const char *cz_poller_default(const char *name)
{
    int choice = poller_choose(name);

    return poller_choices[choice < 0 ? 0 : choice]->name;
}

const char *cz_poller_backend(const struct cz_poller *poller)
{
    return poller->backend->ops->name;
}

const char *cz_poller_refused(const struct cz_poller *poller)
{
    return poller->refused;
}

const char *cz_poller_name(size_t number)
{
    return number < CZ_COUNT_OF(poller_choices) ? poller_choices[number]->name
                                                : NULL;
}

bool cz_poller_is_bound(const struct cz_poller *poller)
{
    return poller->backend->ops->is_bound;
}

bool cz_poller_is_live(const struct cz_poller *poller)
{
    return poller->backend->ops->is_live;
}

size_t cz_poller_count(const struct cz_poller *poller)
{
    return poller->table.count;
}

int cz_poller_add(struct cz_poller *poller, int fd,
                  struct cz_poll_handler *handler, unsigned interest,
                  cz_poll_id *id)
{
    int rc;

    CZ_ASSERT(handler && handler->on_events);
    if (fd < 0)
        return -EBADF;
    rc = cz_poll_table_take(&poller->table, fd, handler, id);
    if (rc < 0)
        return rc;
    cz_poll_table_find(&poller->table, *id)->interest = interest;
    rc = poller->backend->ops->add(poller->backend, &poller->table, *id);
    if (rc < 0) {
        cz_poll_table_drop(&poller->table, *id);
        *id = 0;
    }
    return rc;
}

void cz_poller_hand_over(struct cz_poller *poller, cz_poll_id id,
                         struct cz_poll_handler *handler)
{
    struct cz_poll_slot *slot = cz_poll_table_find(&poller->table, id);

    CZ_ASSERT(slot && handler->on_events);
    slot->handler = handler;
}

void cz_poller_watch(struct cz_poller *poller, cz_poll_id id, unsigned interest)
{
    struct cz_poll_slot *slot = cz_poll_table_find(&poller->table, id);

    CZ_ASSERT((interest & ~(unsigned)(CZ_POLL_IN | CZ_POLL_OUT)) == 0);
    if (!slot || slot->interest == interest)
        return;
    slot->interest = interest;
    if (poller->backend->ops->watch)
        poller->backend->ops->watch(poller->backend, slot, id);
}

void cz_poller_remove(struct cz_poller *poller, cz_poll_id id)
{
    struct cz_poll_slot *slot = cz_poll_table_find(&poller->table, id);

    if (!slot)
        return;
    if (poller->backend->ops->remove)
        poller->backend->ops->remove(poller->backend, slot, id);
    cz_poll_table_drop(&poller->table, id);
}

void cz_poller_prepare(struct cz_poller *poller)
{
    if (poller->backend->ops->prepare)
        poller->backend->ops->prepare(poller->backend, &poller->table);
}

/* The kernel would not wait: no memory, a limit lowered under our feet, or,
 * with select, a descriptor removed and closed since prepare. That passes,
 * so the loop goes on, but it must not spin meanwhile. */
static int poller_nap(int64_t timeout_us)
{
    int rc;

    if (timeout_us < 0 || timeout_us > POLLER_NAP_US)
        timeout_us = POLLER_NAP_US;
    rc = cz_os_poll(NULL, 0, timeout_us);
    return rc == -EINTR ? rc : 0;
}

int cz_poller_wait(struct cz_poller *poller, struct cz_poll_batch *batch,
                   int64_t timeout_us)
{
    int rc;

    batch->count = 0;
    rc = poller->backend->ops->wait(poller->backend, batch, timeout_us);
    if (rc == 0 || rc == -EINTR)
        return rc;
    return poller_nap(timeout_us);
}

void cz_poller_dispatch(struct cz_poller *poller,
                        const struct cz_poll_batch *batch)
{
    for (int i = 0; i < batch->count; i++) {
        const struct cz_poll_event *event = &batch->events[i];
        const struct cz_poll_slot *slot =
            cz_poll_table_find(&poller->table, event->id);

        /* Ended or no longer wanted since the batch was filled, be it by
         * the handler of an earlier event. */
        if (!slot || !(event->events & slot->interest))
            continue;
        slot->handler->on_events(
            slot->handler, event->events & (slot->interest | CZ_POLL_ERR));
    }
}
