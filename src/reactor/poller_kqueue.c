/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The kqueue back-end, for the BSDs and macOS. The kernel keeps the set,
 * with a filter for reading and one for writing of each descriptor, and
 * carries the id with both.
 *
 * Both filters are there from the beginning, switched off if not wanted:
 * adding one may fail, switching does not.
 *
 * Thread: as reactor/poller_ops.h says; a queue is thread-safe, and the
 * state here never changes. Owns: the queue.
 */
#include "reactor/poller_ops.h"

#ifdef CZ_HAVE_KQUEUE

#include "base/alloc.h"
#include "base/assert.h"
#include "os/kqueue.h"

#include <errno.h>

CZ_STATIC_ASSERT(sizeof(void *) >= sizeof(cz_poll_id),
                 "an id fits where the kernel carries it");

struct kqueue_backend {
    struct cz_poll_backend base;
    int fd;
};

static struct kqueue_backend *kqueue_self(struct cz_poll_backend *backend)
{
    return cz_container_of(backend, struct kqueue_backend, base);
}

static int kqueue_backend_create(struct cz_poll_backend **backend)
{
    struct kqueue_backend *self = cz_alloc(sizeof *self);
    int fd;

    if (!self)
        return -ENOMEM;
    fd = cz_os_kqueue_create();
    if (fd < 0) {
        cz_free(self);
        return fd;
    }
    self->base.ops = &cz_poll_ops_kqueue;
    self->fd = fd;
    *backend = &self->base;
    return 0;
}

static void kqueue_backend_destroy(struct cz_poll_backend *backend)
{
    struct kqueue_backend *self = kqueue_self(backend);

    cz_os_kqueue_close(self->fd);
    cz_free(self);
}

/* One change to both filters of the slot. */
static void kqueue_changes(const struct cz_poll_slot *slot, cz_poll_id id,
                           unsigned action, struct kevent changes[2])
{
    void *udata = (void *)(uintptr_t)id;
    unsigned in = slot->interest & CZ_POLL_IN ? EV_ENABLE : EV_DISABLE;
    unsigned out = slot->interest & CZ_POLL_OUT ? EV_ENABLE : EV_DISABLE;

    EV_SET(&changes[0], (uintptr_t)slot->fd, EVFILT_READ,
           (unsigned short)(action | in), 0, 0, udata);
    EV_SET(&changes[1], (uintptr_t)slot->fd, EVFILT_WRITE,
           (unsigned short)(action | out), 0, 0, udata);
}

static void kqueue_backend_remove(struct cz_poll_backend *backend,
                                  const struct cz_poll_slot *slot,
                                  cz_poll_id id CZ_UNUSED)
{
    struct kevent change;

    /* Each by itself: if the descriptor was closed under our feet, or has
     * one filter only, that fails, and there is nothing to take away. */
    EV_SET(&change, (uintptr_t)slot->fd, EVFILT_READ, EV_DELETE, 0, 0, NULL);
    (void)!cz_os_kqueue_change(kqueue_self(backend)->fd, &change, 1);
    EV_SET(&change, (uintptr_t)slot->fd, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
    (void)!cz_os_kqueue_change(kqueue_self(backend)->fd, &change, 1);
}

/* EPIPE: one end of a pipe whose other end has gone cannot be watched for
 * writing. What is read from it tells so. */
static int kqueue_backend_add(struct cz_poll_backend *backend,
                              const struct cz_poll_table *table, cz_poll_id id)
{
    const struct cz_poll_slot *slot = cz_poll_table_find(table, id);
    struct kqueue_backend *self = kqueue_self(backend);
    struct kevent changes[2];
    int rc;

    kqueue_changes(slot, id, EV_ADD, changes);
    rc = cz_os_kqueue_change(self->fd, &changes[0], 1);
    if (rc < 0)
        return rc;
    rc = cz_os_kqueue_change(self->fd, &changes[1], 1);
    if (rc == 0 || rc == -EPIPE)
        return 0;
    kqueue_backend_remove(backend, slot, id);
    return rc;
}

/* Fails only where there is no such filter, see above. */
static void kqueue_backend_watch(struct cz_poll_backend *backend,
                                 const struct cz_poll_slot *slot, cz_poll_id id)
{
    struct kevent changes[2];

    kqueue_changes(slot, id, 0, changes);
    (void)!cz_os_kqueue_change(kqueue_self(backend)->fd, changes, 2);
}

/* EV_EOF: the far end has gone. Then there may still be something to read,
 * and `fflags` is the error, if any; but writing fails. EV_ERROR is for
 * changes, which are never made together with a wait. */
static unsigned kqueue_events(const struct kevent *told)
{
    if (told->flags & EV_ERROR)
        return CZ_POLL_IN | CZ_POLL_OUT | CZ_POLL_ERR;
    if (told->filter == EVFILT_WRITE)
        return told->flags & EV_EOF ? CZ_POLL_OUT | CZ_POLL_ERR : CZ_POLL_OUT;
    return told->flags & EV_EOF && told->fflags ? CZ_POLL_IN | CZ_POLL_ERR
                                                : CZ_POLL_IN;
}

/* The event that the other filter of the same registration has brought. */
static struct cz_poll_event *kqueue_partner(struct cz_poll_batch *batch,
                                            cz_poll_id id)
{
    for (int i = batch->count; i-- > 0;) {
        if (batch->events[i].id == id)
            return &batch->events[i];
    }
    return NULL;
}

/* What does not fit waits in the kernel's list, which is a queue. Few are
 * watched for writing, so looking for partners costs little. */
static int kqueue_backend_wait(struct cz_poll_backend *backend,
                               struct cz_poll_batch *batch, int64_t timeout_us)
{
    struct kevent told[CZ_POLL_BATCH_MAX];
    int count = cz_os_kqueue_wait(kqueue_self(backend)->fd, told,
                                  CZ_POLL_BATCH_MAX, timeout_us);
    bool has_read = false, has_written = false;

    if (count < 0)
        return count;
    for (int i = 0; i < count; i++) {
        bool is_write = told[i].filter == EVFILT_WRITE;
        cz_poll_id id = (cz_poll_id)(uintptr_t)told[i].udata;
        unsigned events = kqueue_events(&told[i]);
        struct cz_poll_event *partner = NULL;

        if (is_write ? has_read : has_written)
            partner = kqueue_partner(batch, id);
        if (partner)
            partner->events |= events;
        else
            (void)cz_poll_batch_push(batch, id, events);
        *(is_write ? &has_written : &has_read) = true;
    }
    return 0;
}

const struct cz_poll_ops cz_poll_ops_kqueue = {
    .name = "kqueue",
    .is_live = true,
    .create = kqueue_backend_create,
    .destroy = kqueue_backend_destroy,
    .add = kqueue_backend_add,
    .watch = kqueue_backend_watch,
    .remove = kqueue_backend_remove,
    .wait = kqueue_backend_wait,
};

#endif
