/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Resolutions: shared by the thread that works and the connecter that waits.
 *
 * Thread: see net/resolver.h. Owns: a copy of the address, a reference to the
 * options; freed by the last of the two.
 */
#include "net/resolver.h"

#include "base/alloc.h"
#include "core/io_thread.h"
#include "os/mutex.h"

struct cz_resolution {
    struct cz_command done;
    struct cz_mutex lock;
    struct cz_io_thread *io; /* NULL = cancelled; under the lock */
    const struct cz_stream_transport *transport;
    struct cz_options *options;
    char *address;
    cz_resolved_fn *on_resolved;
    void *owner;
    int rc;
    struct cz_addr result;
};

static void resolution_free(struct cz_resolution *r)
{
    cz_mutex_fini(&r->lock);
    cz_options_unref(r->options);
    cz_free(r->address);
    cz_free(r);
}

/* With the helm. */
static void resolution_on_done(struct cz_command *command)
{
    struct cz_resolution *r =
        cz_container_of(command, struct cz_resolution, done);
    bool is_wanted;

    cz_mutex_lock(&r->lock);
    is_wanted = r->io != NULL;
    cz_mutex_unlock(&r->lock);
    if (is_wanted)
        r->on_resolved(r->owner, r->rc, &r->result);
    resolution_free(r);
}

static void resolution_work(void *arg)
{
    struct cz_resolution *r = arg;
    bool is_wanted;

    r->rc = r->transport->resolve(r->options, r->address, &r->result);
    cz_mutex_lock(&r->lock);
    is_wanted = r->io != NULL;
    /* Under the lock: once cancelled, the I/O thread may be gone. Never run
     * here and now, which could take the lock again. */
    if (is_wanted)
        cz_io_post(r->io, &r->done, CZ_IO_SOON);
    cz_mutex_unlock(&r->lock);
    if (!is_wanted)
        resolution_free(r);
}

struct cz_resolution *
cz_resolution_start(struct cz_io_thread *io,
                    const struct cz_stream_transport *transport,
                    struct cz_options *options, const char *address,
                    cz_resolved_fn *on_resolved, void *owner)
{
    struct cz_resolution *r = cz_zalloc(sizeof *r);

    if (!r)
        return NULL;
    cz_mutex_init(&r->lock);
    r->done.run = resolution_on_done;
    r->io = io;
    r->transport = transport;
    r->options = cz_options_ref(options);
    r->address = cz_strdup(address);
    r->on_resolved = on_resolved;
    r->owner = owner;
    if (!r->address ||
        cz_thread_start_detached("ZMQbg/DNS", resolution_work, r) != 0) {
        resolution_free(r);
        return NULL;
    }
    return r;
}

void cz_resolution_cancel(struct cz_resolution *r)
{
    cz_mutex_lock(&r->lock);
    r->io = NULL;
    cz_mutex_unlock(&r->lock);
}
