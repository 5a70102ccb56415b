/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Waiting for several sockets at once: hanging the bell and sleeping by it.
 *
 * Thread: see api/wait.h. Owns: what is listed there.
 */
#include "api/wait.h"

#include "api/internal.h"
#include "base/assert.h"
#include "os/clock.h"

/* The socket of an item, or NULL. */
static struct cz_socket *wait_socket(const struct cz_wait *wait, int i)
{
    return wait->items[i].socket;
}

/* The first socket has perhaps been waited for before, and then the others
 * probably with it. */
static int wait_take_bell(struct cz_wait *wait)
{
    struct cz_socket *first = NULL;

    for (int i = 0; i < wait->count && !first; i++)
        first = wait_socket(wait, i);
    CZ_ASSERT(first); /* else there would be nothing to wait for */
    wait->bell = cz_mailbox_bell(first->mailbox);
    if (!wait->bell || !cz_bell_try_take(wait->bell))
        wait->bell = cz_ctx_take_bell(first->ctx);
    return wait->bell ? 0 : -ENOMEM;
}

static int wait_hang_bell(struct cz_wait *wait)
{
    const struct cz_ctx *resumed = NULL, *keeper = NULL;

    for (int i = 0; i < wait->count; i++) {
        struct cz_socket *socket = wait_socket(wait, i);

        if (!socket)
            continue;
        if (socket->ctx != resumed) {
            cz_ctx_resume_io(socket->ctx);
            resumed = socket->ctx;
        }
        if (cz_mailbox_bell(socket->mailbox) == wait->bell)
            continue;
        if (socket->ctx != keeper) {
            int rc = cz_ctx_keep_bell(socket->ctx, wait->bell);

            if (rc != 0)
                return rc;
            keeper = socket->ctx;
        }
        cz_mailbox_hang_bell(socket->mailbox, wait->bell);
    }
    return 0;
}

/* Has a command come, after all? */
static bool wait_has_command(const struct cz_wait *wait)
{
    for (int i = 0; i < wait->count; i++) {
        struct cz_socket *socket = wait_socket(wait, i);

        if (socket && !cz_mailbox_is_still_empty(socket->mailbox))
            return true;
    }
    return false;
}

static int wait_prepare(struct cz_wait *wait)
{
    int rc = 0;

    if (!wait->bell)
        rc = wait_take_bell(wait);
    return rc == 0 ? wait_hang_bell(wait) : rc;
}

uint64_t cz_wait_due(const struct cz_wait *wait)
{
    uint64_t first_us = CZ_CLOCK_NEVER;

    for (int i = 0; i < wait->count; i++) {
        struct cz_socket *socket = wait_socket(wait, i);
        uint64_t due_us = socket ? cz_socket_due(socket) : CZ_CLOCK_NEVER;

        if (due_us < first_us)
            first_us = due_us;
    }
    return first_us;
}

int cz_wait_sleep(struct cz_wait *wait, uint64_t deadline_us)
{
    uint64_t due_us = cz_wait_due(wait);
    int rc = wait_prepare(wait);

    if (rc != 0)
        return rc;
    cz_bell_listen(wait->bell, CZ_BELL_PARKED);
    if (!wait_has_command(wait))
        rc = cz_bell_park(wait->bell,
                          due_us < deadline_us ? due_us : deadline_us);
    cz_bell_ignore(wait->bell);
    return rc == -ETIMEDOUT && due_us <= deadline_us ? 0 : rc;
}

int cz_wait_begin(struct cz_wait *wait, int *fd)
{
    int rc = wait_prepare(wait);

    if (rc != 0)
        return rc;
    *fd = cz_bell_fd(wait->bell);
    if (*fd < 0)
        return *fd;
    cz_bell_listen(wait->bell, CZ_BELL_POLLING);
    return !wait_has_command(wait);
}

void cz_wait_finish(struct cz_wait *wait, bool is_readable)
{
    cz_bell_ignore(wait->bell);
    if (is_readable)
        cz_bell_clear(wait->bell);
}

void cz_wait_end(struct cz_wait *wait)
{
    if (wait->bell)
        cz_bell_leave(wait->bell);
}
