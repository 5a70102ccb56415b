/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Listeners.
 *
 * Thread: with the helm. Owns: see net/listener.h.
 */
#include "net/listener.h"

#include "base/alloc.h"
#include "core/ctx.h"
#include "core/io_thread.h"
#include "core/monitor.h"
#include "net/session.h"
#include "os/file.h"
#include "os/socket.h"

#include <errno.h>

enum {
    /* Connections taken in one go at most, before others get their turn. */
    ACCEPT_BATCH_MAX = 64,
    /* After an error that will not pass by itself, try again so late. */
    PAUSE_US = 100000,
};

struct cz_listener {
    struct cz_io_object object;
    struct cz_poll_handler handler;
    struct cz_timer pause;
    cz_poll_id poll_id;
    const struct cz_stream_transport *transport;
    struct cz_options *options;
    struct cz_listening listening;
    uint32_t turn; /* of the reactor, in which it accepted last, */
    int batch;     /* and how many it was ready to take */
    bool is_holding_back;
    int tenant_count;
    struct cz_tenant *tenants[];
};

static struct cz_listener *listener_of(struct cz_io_object *object)
{
    return cz_container_of(object, struct cz_listener, object);
}

static void listener_tell(struct cz_listener *l, enum cz_event event, int value)
{
    cz_monitor_tell(l->object.tenant->monitor, event, (uint32_t)value,
                    l->listening.name, NULL);
}

/* What an accepted connection is told of as: the address it came to. */
static const char *listener_name_accepted(const struct cz_listener *l, int fd,
                                          char name[CZ_ENDPOINT_NAME_MAX])
{
    if (l->listening.is_on_any_address &&
        l->transport->local_name(fd, name) == 0)
        return name;
    return l->listening.name;
}

static void listener_tell_accepted(struct cz_listener *l, int fd,
                                   const char *name)
{
    char peer[CZ_ADDR_TEXT_MAX] = "";

    if (cz_log_is_heard(&l->object.tenant->ctx->log))
        l->transport->peer_text(fd, peer);
    cz_monitor_tell(l->object.tenant->monitor, CZ_EVENT_ACCEPTED, (uint32_t)fd,
                    name, peer[0] ? peer : NULL);
}

/* It went wrong with one connection, and the next may be better. Other
 * errors, like the lack of descriptors, would only come again. */
static bool is_passing(int error)
{
    return error == -ECONNABORTED || error == -EPROTO || error == -EPERM;
}

/* Leaves the queue of connections alone for a while: they wait there. */
static void listener_pause(struct cz_listener *l)
{
    struct cz_io_thread *io = l->object.tenant->io;

    cz_io_set_timer(io, &l->pause, PAUSE_US);
    cz_io_set_interest(io, l->poll_id, 0);
}

/* The socket does not keep up with those who have come and gone. That is told
 * once: the next ones wait, and nothing is lost. */
static void listener_hold_back(struct cz_listener *l)
{
    if (!l->is_holding_back)
        listener_tell(l, CZ_EVENT_ACCEPT_FAILED, ENOBUFS);
    l->is_holding_back = true;
    listener_pause(l);
}

/* Without memory, tries again later: zmq_bind has said that it is bound, and
 * who connects meanwhile waits in the kernel's queue. */
static void listener_watch(struct cz_listener *l)
{
    struct cz_io_thread *io = l->object.tenant->io;
    int rc = cz_io_watch_fd(io, l->listening.fd, &l->handler, CZ_POLL_IN,
                            &l->poll_id);

    if (rc == 0)
        return;
    listener_tell(l, CZ_EVENT_ACCEPT_FAILED, -rc);
    cz_io_set_timer(io, &l->pause, PAUSE_US);
}

static void listener_on_pause_end(struct cz_timer *timer)
{
    struct cz_listener *l = cz_container_of(timer, struct cz_listener, pause);

    if (l->poll_id)
        cz_io_set_interest(l->object.tenant->io, l->poll_id, CZ_POLL_IN);
    else
        listener_watch(l);
}

/* Where the next connection is served. */
static struct cz_tenant *listener_choose(const struct cz_listener *l)
{
    struct cz_tenant *best = l->object.tenant;
    uint32_t best_load =
        atomic_load_explicit(&best->io->load, memory_order_relaxed);

    for (int i = 0; i < l->tenant_count; i++) {
        uint32_t load = atomic_load_explicit(&l->tenants[i]->io->load,
                                             memory_order_relaxed);

        if (load < best_load) {
            best = l->tenants[i];
            best_load = load;
        }
    }
    return best;
}

static void listener_welcome(struct cz_listener *l, int fd,
                             const struct cz_addr *peer)
{
    char buffer[CZ_ENDPOINT_NAME_MAX];
    const char *name;
    int rc = -EACCES;

    if (l->transport->admits(l->options, fd))
        rc = l->transport->tune_accepted(l->options, fd, peer);
    if (rc == 0) {
        name = listener_name_accepted(l, fd, buffer);
        listener_tell_accepted(l, fd, name);
        rc = cz_session_accept(listener_choose(l), l->options, l->transport, fd,
                               name);
    }
    if (rc != 0) {
        cz_sock_close(fd);
        listener_tell(l, CZ_EVENT_ACCEPT_FAILED, -rc);
    }
}

/* A lone connection is taken without asking whether there is another: that
 * costs 1.5 us, nearly as much as accepting one, and the reactor will tell.
 * When it tells in the very next turn there are many, and twice as many are
 * taken each time. */
static int listener_next_batch(struct cz_listener *l)
{
    uint32_t turn = l->object.tenant->io->turns;
    bool is_busy = l->turn + 1 == turn;

    l->turn = turn;
    if (!is_busy)
        l->batch = 1;
    else if (l->batch < ACCEPT_BATCH_MAX)
        l->batch *= 2;
    return l->batch;
}

static void listener_on_events(struct cz_poll_handler *handler,
                               unsigned events CZ_UNUSED)
{
    struct cz_listener *l =
        cz_container_of(handler, struct cz_listener, handler);
    int batch = listener_next_batch(l);

    for (int i = 0; i < batch; i++) {
        struct cz_addr peer;
        int fd;

        if (cz_pipe_are_too_many_left(l->object.tenant->mailbox)) {
            listener_hold_back(l);
            return;
        }
        l->is_holding_back = false;
        fd = cz_sock_accept(l->listening.fd, &peer);
        if (fd == -EAGAIN)
            return;
        if (fd >= 0) {
            listener_welcome(l, fd, &peer);
            continue;
        }
        listener_tell(l, CZ_EVENT_ACCEPT_FAILED, -fd);
        if (!is_passing(fd)) {
            listener_pause(l);
            return;
        }
    }
}

int cz_listening_close(struct cz_listening *listening)
{
    int rc = 0;

    cz_sock_close(listening->fd);
    if (listening->file[0])
        rc = cz_file_unlink(listening->file);
    if (rc == 0 && listening->directory[0])
        rc = cz_dir_remove(listening->directory);
    return rc;
}

static void listener_end(struct cz_listener *l)
{
    int fd = l->listening.fd;
    int rc = cz_listening_close(&l->listening);

    if (rc == 0)
        listener_tell(l, CZ_EVENT_CLOSED, fd);
    else
        listener_tell(l, CZ_EVENT_CLOSE_FAILED, -rc);
    cz_io_object_end(&l->object);
}

static void listener_start(struct cz_io_object *object)
{
    listener_watch(listener_of(object));
}

static void listener_stop(struct cz_io_object *object, int linger_ms CZ_UNUSED)
{
    struct cz_listener *l = listener_of(object);

    cz_io_cancel_timer(object->tenant->io, &l->pause);
    if (l->poll_id)
        cz_io_unwatch(object->tenant->io, l->poll_id);
    listener_end(l);
}

static void listener_destroy(struct cz_io_object *object)
{
    struct cz_listener *l = listener_of(object);

    for (int i = 0; i < l->tenant_count; i++)
        cz_tenant_unref(l->tenants[i]);
    cz_options_unref(l->options);
    cz_free(l);
}

static const struct cz_io_object_ops listener_ops = {
    .start = listener_start,
    .stop = listener_stop,
    .destroy = listener_destroy,
};

struct cz_io_object *
cz_listener_create(struct cz_tenant *home, struct cz_tenant *const *tenants,
                   int tenant_count, struct cz_options *options,
                   const struct cz_stream_transport *transport,
                   const struct cz_listening *listening)
{
    struct cz_listener *l = cz_zalloc(
        sizeof *l + (size_t)tenant_count * sizeof(struct cz_tenant *));

    if (!l)
        return NULL;
    for (int i = 0; i < tenant_count; i++) {
        if (!tenants[i] || !cz_ctx_io_is_allowed(i, options->affinity))
            continue;
        cz_tenant_ref(tenants[i]);
        l->tenants[l->tenant_count++] = tenants[i];
    }
    cz_io_object_init(&l->object, home, &listener_ops, 2);
    l->handler.on_events = listener_on_events;
    l->pause.on_expire = listener_on_pause_end;
    l->transport = transport;
    l->options = cz_options_ref(options);
    l->listening = *listening;
    l->batch = 1;
    return &l->object;
}
