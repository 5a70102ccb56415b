/* SPDX-License-Identifier: MPL-2.0 */
/*
 * EMULATION of kqueue on top of poll(2), see tests/emulation/sys/event.h.
 *
 * The descriptor of a queue is an eventfd, by which changes wake a wait. A
 * queue whose descriptor was closed is forgotten when its number comes up
 * again.
 *
 * Thread: any; one at a time waits on a queue. Owns: queues and knotes.
 */
#include "emulation/file.h"

#include <sys/event.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct knote {
    int fd;
    short filter;
    bool is_enabled;
    void *udata;
    struct emulated_file file;
};

struct queue {
    struct queue *next;
    int fd;
    struct knote *notes; /* the next to be told first */
    size_t count;
    size_t capacity;
    struct pollfd *polled; /* of the wait: itself, and the enabled notes */
    size_t polled_capacity;
};

static pthread_mutex_t queues_lock = PTHREAD_MUTEX_INITIALIZER;
static struct queue *queues;

/* ---- queues --------------------------------------------------------- */

static struct queue *queue_find(int fd)
{
    struct queue *queue = queues;

    while (queue && queue->fd != fd)
        queue = queue->next;
    return queue;
}

int kqueue(void)
{
    int fd = eventfd(0, EFD_NONBLOCK);
    struct queue *queue;

    if (fd < 0)
        return -1;
    pthread_mutex_lock(&queues_lock);
    queue = queue_find(fd);
    if (!queue) {
        queue = calloc(1, sizeof *queue);
        if (!queue)
            abort();
        queue->fd = fd;
        queue->next = queues;
        queues = queue;
    }
    queue->count = 0;
    pthread_mutex_unlock(&queues_lock);
    return fd;
}

static struct knote *queue_note(struct queue *queue, int fd, short filter)
{
    for (size_t i = 0; i < queue->count; i++) {
        struct knote *note = &queue->notes[i];

        if (note->fd == fd && note->filter == filter)
            return note;
    }
    return NULL;
}

static void queue_delete(struct queue *queue, struct knote *note)
{
    size_t index = (size_t)(note - queue->notes);

    queue->count--;
    memmove(note, note + 1, (queue->count - index) * sizeof *note);
}

static void *grown(void *array, size_t size)
{
    void *larger = realloc(array, size);

    if (!larger)
        abort();
    return larger;
}

static struct knote *queue_append(struct queue *queue)
{
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity ? queue->capacity * 2 : 16;
        queue->notes =
            grown(queue->notes, queue->capacity * sizeof *queue->notes);
    }
    return &queue->notes[queue->count++];
}

/* ---- changes -------------------------------------------------------- */

static bool is_pipe_without_its_other_end(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLOUT};
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode) &&
           poll(&item, 1, 0) == 1 && item.revents & (POLLERR | POLLHUP);
}

/* 0 or an errno. */
static int queue_add(struct queue *queue, const struct kevent *change,
                     const struct emulated_file *file)
{
    struct knote *note;

    if (change->filter == EVFILT_WRITE &&
        is_pipe_without_its_other_end((int)change->ident))
        return EPIPE;
    note = queue_append(queue);
    *note = (struct knote){
        .fd = (int)change->ident,
        .filter = change->filter,
        .is_enabled = true,
        .file = *file,
    };
    return 0;
}

static int queue_change(struct queue *queue, const struct kevent *change)
{
    struct knote *note = queue_note(queue, (int)change->ident, change->filter);
    struct emulated_file file;

    if (change->filter != EVFILT_READ && change->filter != EVFILT_WRITE)
        return EINVAL;
    if (note && !emulated_file_is(note->fd, &note->file)) {
        queue_delete(queue, note); /* closed, and perhaps opened again */
        note = NULL;
    }
    if (!emulated_file_of((int)change->ident, &file))
        return EBADF;
    if (!note) {
        int rc =
            change->flags & EV_ADD ? queue_add(queue, change, &file) : ENOENT;

        if (rc != 0)
            return rc;
        note = &queue->notes[queue->count - 1];
    }
    if (change->flags & EV_DELETE) {
        queue_delete(queue, note);
        return 0;
    }
    if (change->flags & EV_ADD)
        note->udata = change->udata;
    if (change->flags & EV_ENABLE)
        note->is_enabled = true;
    if (change->flags & EV_DISABLE)
        note->is_enabled = false;
    return 0;
}

/* ---- waiting -------------------------------------------------------- */

static void queue_list_polled(struct queue *queue)
{
    size_t count = 1;

    if (queue->polled_capacity < queue->count + 1) {
        queue->polled_capacity = queue->count + 1;
        queue->polled = grown(queue->polled,
                              queue->polled_capacity * sizeof *queue->polled);
    }
    queue->polled[0] = (struct pollfd){.fd = queue->fd, .events = POLLIN};
    for (size_t i = 0; i < queue->count; i++) {
        const struct knote *note = &queue->notes[i];
        short bits = note->filter == EVFILT_READ ? POLLIN | POLLRDHUP : POLLOUT;

        /* One that is switched off is passed over, but keeps its place. */
        queue->polled[count++] = (struct pollfd){
            .fd = note->is_enabled ? note->fd : -1,
            .events = bits,
        };
    }
}

/* Fills in the event of a note, if there is one. */
static bool note_tell(const struct knote *note, short bits,
                      struct kevent *event)
{
    bool is_read = note->filter == EVFILT_READ;

    bits &= is_read ? POLLIN | POLLRDHUP | POLLHUP | POLLERR
                    : POLLOUT | POLLHUP | POLLERR;
    if (!bits)
        return false;
    EV_SET(event, (uintptr_t)note->fd, note->filter, 0, 0, 1, note->udata);
    if (bits & (POLLHUP | POLLRDHUP | POLLERR))
        event->flags |= EV_EOF;
    if (bits & POLLERR)
        event->fflags = ECONNRESET;
    return true;
}

/* Nothing has changed since the list was made. Whoever is told moves behind
 * the others. */
static int queue_collect(struct queue *queue, struct kevent *events, int max)
{
    size_t count = queue->count, told = 0, kept = 0;
    struct knote *order = grown(NULL, (count + 1) * sizeof *order);
    struct knote *behind = grown(NULL, (size_t)max * sizeof *behind);

    for (size_t i = 0; i < count; i++) {
        struct knote *note = &queue->notes[i];

        if (!emulated_file_is(note->fd, &note->file))
            continue;
        if (note->is_enabled && told < (size_t)max &&
            note_tell(note, queue->polled[i + 1].revents, &events[told]))
            behind[told++] = *note;
        else
            order[kept++] = *note;
    }
    if (told > 0)
        memcpy(&order[kept], behind, told * sizeof *behind);
    if (kept + told > 0)
        memcpy(queue->notes, order, (kept + told) * sizeof *order);
    queue->count = kept + told;
    free(order);
    free(behind);
    return (int)told;
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Polls without the lock; 0 or an errno. */
static int queue_poll(struct queue *queue, int64_t deadline_ns)
{
    int64_t left_ns = deadline_ns < 0 ? 0 : deadline_ns - now_ns();
    struct timespec left;
    int rc;

    if (left_ns < 0)
        left_ns = 0;
    left = (struct timespec){left_ns / 1000000000, left_ns % 1000000000};
    queue_list_polled(queue);
    rc = (int)queue->count + 1;
    pthread_mutex_unlock(&queues_lock);
    rc = ppoll(queue->polled, (nfds_t)rc, deadline_ns < 0 ? NULL : &left, NULL);
    if (rc < 0)
        rc = -errno;
    pthread_mutex_lock(&queues_lock);
    return rc < 0 ? -rc : 0;
}

static int queue_wait(struct queue *queue, struct kevent *events, int max,
                      const struct timespec *timeout)
{
    int64_t deadline_ns = -1;

    if (timeout)
        deadline_ns =
            now_ns() + timeout->tv_sec * INT64_C(1000000000) + timeout->tv_nsec;
    for (;;) {
        uint64_t changes;
        int rc;

        /* What changes from here on is heard of. */
        (void)!read(queue->fd, &changes, sizeof changes);
        rc = queue_poll(queue, deadline_ns);
        if (rc != 0) {
            errno = rc;
            return -1;
        }
        if (read(queue->fd, &changes, sizeof changes) > 0)
            continue;
        rc = queue_collect(queue, events, max);
        if (rc > 0 || (deadline_ns >= 0 && now_ns() >= deadline_ns))
            return rc;
    }
}

int kevent(int kq, const struct kevent *changes, int change_count,
           struct kevent *events, int event_max, const struct timespec *timeout)
{
    const uint64_t one = 1;
    struct queue *queue;
    int rc = 0;

    pthread_mutex_lock(&queues_lock);
    queue = queue_find(kq);
    if (!queue)
        rc = EBADF;
    for (int i = 0; i < change_count && rc == 0; i++) {
        rc = queue_change(queue, &changes[i]);
        (void)!write(kq, &one, sizeof one);
    }
    if (rc == 0 && event_max > 0)
        rc = queue_wait(queue, events, event_max, timeout);
    pthread_mutex_unlock(&queues_lock);
    if (rc <= 0 || event_max > 0)
        return rc;
    errno = rc;
    return -1;
}
