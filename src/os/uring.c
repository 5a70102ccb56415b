/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The ring, by liburing, which is linked statically: see docs/reactors.md.
 *
 * Thread: see os/uring.h. Owns: what is listed there.
 */
#include "os/uring.h"

#ifdef CZ_HAVE_URING

#include "base/alloc.h"
#include "os/thread.h"

#include <errno.h>
#include <liburing.h>

enum {
    /* Requests that one system call takes; more need another one. */
    URING_REQUESTS = 256,
    /* Answers that wait for us in the ring; more are kept by the kernel. */
    URING_ANSWERS = 4096,
};

struct cz_uring {
    struct io_uring ring;
    int error; /* of its creation */
};

/* The answers are worked out in the waits of one thread only (Linux 6.1):
 * otherwise that work would be done by whichever thread has asked, and cut
 * short its system calls, epoll_wait for one, at any time. */
static void uring_setup(void *arg)
{
    struct cz_uring *ring = arg;
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE,
        .cq_entries = URING_ANSWERS,
    };

    ring->error =
        io_uring_queue_init_params(URING_REQUESTS, &ring->ring, &params);
}

/* The kernel remembers who made a ring, and when it takes the ring apart, a
 * while after its end, cuts short what that thread does then: a program would
 * see EINTR without a signal. So a thread makes it that is gone by then. */
static int uring_setup_apart(struct cz_uring *ring)
{
    struct cz_thread thread;
    int rc = cz_thread_start(&thread, NULL, uring_setup, ring);

    if (rc < 0)
        return rc;
    cz_thread_join(&thread);
    /* EINVAL: a kernel that knows rings, but not these. */
    return ring->error == -EINVAL ? -ENOSYS : ring->error;
}

int cz_uring_create(struct cz_uring **ring)
{
    struct cz_uring *self = cz_alloc(sizeof *self);
    int rc;

    if (!self)
        return -ENOMEM;
    rc = uring_setup_apart(self);
    if (rc < 0) {
        cz_free(self);
        return rc;
    }
    *ring = self;
    return 0;
}

void cz_uring_destroy(struct cz_uring *ring)
{
    io_uring_queue_exit(&ring->ring);
    cz_free(ring);
}

int cz_uring_enable(struct cz_uring *ring)
{
    return io_uring_enable_rings(&ring->ring);
}

/* Room for a request. NULL: *error says why. */
static struct io_uring_sqe *uring_request(struct cz_uring *ring, int *error)
{
    struct io_uring_sqe *request = io_uring_get_sqe(&ring->ring);

    *error = 0;
    if (request)
        return request;
    *error = io_uring_submit(&ring->ring);
    if (*error < 0)
        return NULL;
    request = io_uring_get_sqe(&ring->ring);
    *error = request ? 0 : -EBUSY;
    return request;
}

int cz_uring_poll(struct cz_uring *ring, int fd, unsigned bits, bool is_lasting,
                  uint64_t data)
{
    struct io_uring_sqe *request;
    int rc;

    request = uring_request(ring, &rc);
    if (!request)
        return rc;
    if (is_lasting)
        io_uring_prep_poll_multishot(request, fd, bits);
    else
        io_uring_prep_poll_add(request, fd, bits);
    io_uring_sqe_set_data64(request, data);
    return 0;
}

int cz_uring_change(struct cz_uring *ring, uint64_t data, unsigned bits,
                    uint64_t reply)
{
    struct io_uring_sqe *request;
    int rc;

    request = uring_request(ring, &rc);
    if (!request)
        return rc;
    io_uring_prep_poll_update(request, data, 0, bits,
                              IORING_POLL_UPDATE_EVENTS);
    io_uring_sqe_set_data64(request, reply);
    io_uring_sqe_set_flags(request, IOSQE_CQE_SKIP_SUCCESS);
    return 0;
}

int cz_uring_cancel(struct cz_uring *ring, uint64_t data)
{
    struct io_uring_sqe *request;
    int rc;

    request = uring_request(ring, &rc);
    if (!request)
        return rc;
    io_uring_prep_poll_remove(request, data);
    io_uring_sqe_set_data64(request, 0);
    io_uring_sqe_set_flags(request, IOSQE_CQE_SKIP_SUCCESS);
    return 0;
}

/* Newer kernels work out some twenty answers at a time and leave the rest for
 * another call: above all, files that were closed would remain open. */
static int uring_look(struct io_uring *ring)
{
    unsigned before;
    int rc;

    do {
        before = io_uring_cq_ready(ring);
        rc = io_uring_submit_and_get_events(ring);
    } while (rc >= 0 && io_uring_cq_ready(ring) > before);
    return rc;
}

int cz_uring_wait(struct cz_uring *ring, int64_t timeout_us)
{
    struct __kernel_timespec timeout = {
        .tv_sec = timeout_us / 1000000,
        .tv_nsec = timeout_us % 1000000 * 1000,
    };
    struct io_uring_cqe *first;
    int rc;

    if (timeout_us == 0 || io_uring_cq_ready(&ring->ring) > 0)
        rc = uring_look(&ring->ring);
    else if (timeout_us < 0)
        rc = io_uring_submit_and_wait(&ring->ring, 1);
    else
        rc = io_uring_submit_and_wait_timeout(&ring->ring, &first, 1, &timeout,
                                              NULL);
    return rc < 0 && rc != -ETIME ? rc : 0;
}

unsigned cz_uring_take(struct cz_uring *ring, struct cz_uring_answer *answers,
                       unsigned count_max)
{
    struct io_uring_cqe *entry;
    unsigned count = 0;

    while (count < count_max && io_uring_peek_cqe(&ring->ring, &entry) == 0) {
        answers[count++] = (struct cz_uring_answer){
            .data = io_uring_cqe_get_data64(entry),
            .result = entry->res,
            .has_more = entry->flags & IORING_CQE_F_MORE,
        };
        io_uring_cqe_seen(&ring->ring, entry);
    }
    return count;
}

#endif
