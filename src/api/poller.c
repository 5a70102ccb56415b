/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Pollers: zmq_poller(3), a set of sockets and descriptors to wait for, each
 * with a pointer of the user's.
 *
 * The registrations are the very items that zmq_poll takes, in an array; the
 * users' pointers lie in a second one beside it. Waiting therefore builds
 * nothing. Results come in the order of registration.
 *
 * Thread: the caller's, one at a time. Owns: the arrays; sockets and
 * descriptors stay the caller's.
 */
#define ZMQ_BUILD_DRAFT_API
#include "api/internal.h"
#include "base/alloc.h"
#include "zmq.h"

#include <stdint.h>
#include <string.h>

enum { POLLER_TAG = 0x7a6d7170, POLLER_DEAD = 0x0deadcc1 };

enum {
    POLLER_EVENTS = ZMQ_POLLIN | ZMQ_POLLOUT | ZMQ_POLLERR | ZMQ_POLLPRI,
    POLLER_ROOM_MIN = 8,
};

struct poller {
    uint32_t tag;
    int count;
    int capacity;
    int wanted; /* items whose events are not 0 */
    zmq_pollitem_t *items;
    void **user_data;
};

static const zmq_poller_event_t no_event = {.fd = -1};

/* ---- registrations -------------------------------------------------- */

static struct poller *poller_find(void *handle)
{
    struct poller *poller = handle;

    if (poller && poller->tag == POLLER_TAG)
        return poller;
    errno = EFAULT;
    return NULL;
}

/* The poller of a call about this socket, or NULL with errno set. */
static struct poller *poller_with_socket(void *handle, void *socket)
{
    struct poller *poller = poller_find(handle);

    return poller && api_socket(socket) ? poller : NULL;
}

/* The poller of a call about this descriptor, or NULL with errno set. */
static struct poller *poller_with_fd(void *handle, zmq_fd_t fd)
{
    struct poller *poller = poller_find(handle);

    if (poller && fd < 0) {
        errno = EBADF;
        return NULL;
    }
    return poller;
}

/* A descriptor of which nothing is wanted is kept as its complement, which is
 * negative: poll(2) would tell that it has hung up even so. */
static void item_want(zmq_pollitem_t *item, short events)
{
    if (!item->socket && !events != !item->events)
        item->fd = ~item->fd;
    item->events = events;
}

/* Where a socket, or if that is NULL a descriptor, is registered; -EINVAL. */
static int poller_place(const struct poller *poller, const void *socket,
                        zmq_fd_t fd)
{
    for (int i = 0; i < poller->count; i++) {
        const zmq_pollitem_t *item = &poller->items[i];

        if (item->socket == socket &&
            (socket || (item->events ? item->fd : ~item->fd) == fd))
            return i;
    }
    return -EINVAL;
}

static int poller_grow(struct poller *poller)
{
    size_t room = poller->capacity ? (size_t)poller->capacity * 2
                                   : (size_t)POLLER_ROOM_MIN;
    zmq_pollitem_t *items;
    void **user_data;

    if (poller->count < poller->capacity)
        return 0;
    if (poller->capacity > INT_MAX / 2)
        return -ENOMEM;
    items = cz_realloc(poller->items, room * sizeof *items);
    if (!items)
        return -ENOMEM;
    poller->items = items;
    user_data = cz_realloc(poller->user_data, room * sizeof *user_data);
    if (!user_data)
        return -ENOMEM;
    poller->user_data = user_data;
    poller->capacity = (int)room;
    return 0;
}

static int poller_change(struct poller *poller, const void *socket, zmq_fd_t fd,
                         short events)
{
    int place = poller_place(poller, socket, fd);

    if (place < 0 || events & ~POLLER_EVENTS)
        return -EINVAL;
    poller->wanted += (events != 0) - (poller->items[place].events != 0);
    item_want(&poller->items[place], events);
    return 0;
}

static int poller_enter(struct poller *poller, void *socket, zmq_fd_t fd,
                        void *user_data, short events)
{
    int rc;

    if (events & ~POLLER_EVENTS || poller_place(poller, socket, fd) >= 0)
        return -EINVAL;
    rc = poller_grow(poller);
    if (rc < 0)
        return rc;
    /* As one of which nothing is wanted, to begin with. */
    poller->items[poller->count] =
        (zmq_pollitem_t){.socket = socket, .fd = socket ? -1 : ~fd};
    poller->user_data[poller->count] = user_data;
    poller->count++;
    return poller_change(poller, socket, fd, events);
}

static int poller_drop(struct poller *poller, const void *socket, zmq_fd_t fd)
{
    int place = poller_place(poller, socket, fd);
    size_t behind;

    if (place < 0)
        return place;
    poller->wanted -= poller->items[place].events != 0;
    poller->count--;
    behind = (size_t)(poller->count - place);
    memmove(&poller->items[place], &poller->items[place + 1],
            behind * sizeof *poller->items);
    memmove(&poller->user_data[place], &poller->user_data[place + 1],
            behind * sizeof *poller->user_data);
    return 0;
}

/* ---- waiting -------------------------------------------------------- */

/* Stores the events that zmq_poll found, fills up with empty ones, and
 * returns how many there are. */
static int poller_report(const struct poller *poller,
                         zmq_poller_event_t *events, int room)
{
    int found = 0;

    for (int i = 0; i < poller->count && found < room; i++) {
        const zmq_pollitem_t *item = &poller->items[i];

        if (!item->revents)
            continue;
        events[found++] = (zmq_poller_event_t){
            .socket = item->socket,
            .fd = item->socket ? -1 : item->fd,
            .user_data = poller->user_data[i],
            .events = item->revents,
        };
    }
    for (int i = found; i < room; i++)
        events[i] = no_event;
    return found;
}

int zmq_poller_wait_all(void *handle, zmq_poller_event_t *events, int room,
                        long timeout_ms)
{
    struct poller *poller = poller_find(handle);
    int ready;

    if (!poller)
        return -1;
    if (room < 0)
        return api_result(-EINVAL);
    /* Nothing to wait for, and for ever. */
    if (!events || (poller->wanted == 0 && timeout_ms < 0))
        return api_result(-EFAULT);
    ready = zmq_poll(poller->items, poller->count, timeout_ms);
    if (ready < 0)
        return -1;
    ready = poller_report(poller, events, room);
    return api_result(ready > 0 ? ready : -EAGAIN);
}

int zmq_poller_wait(void *handle, zmq_poller_event_t *event, long timeout_ms)
{
    return zmq_poller_wait_all(handle, event, 1, timeout_ms) < 0 ? -1 : 0;
}

/* ---- the calls ------------------------------------------------------ */

void *zmq_poller_new(void)
{
    struct poller *poller = cz_zalloc(sizeof *poller);

    if (!poller) {
        errno = ENOMEM;
        return NULL;
    }
    poller->tag = POLLER_TAG;
    return poller;
}

int zmq_poller_destroy(void **handle)
{
    struct poller *poller = poller_find(handle ? *handle : NULL);

    if (!poller)
        return -1;
    poller->tag = POLLER_DEAD;
    cz_free(poller->items);
    cz_free(poller->user_data);
    cz_free(poller);
    *handle = NULL;
    return 0;
}

int zmq_poller_size(void *handle)
{
    const struct poller *poller = poller_find(handle);

    return poller ? poller->count : -1;
}

int zmq_poller_add(void *handle, void *socket, void *user_data, short events)
{
    struct poller *poller = poller_with_socket(handle, socket);

    if (!poller)
        return -1;
    return api_result(poller_enter(poller, socket, -1, user_data, events));
}

int zmq_poller_modify(void *handle, void *socket, short events)
{
    struct poller *poller = poller_with_socket(handle, socket);

    if (!poller)
        return -1;
    return api_result(poller_change(poller, socket, -1, events));
}

int zmq_poller_remove(void *handle, void *socket)
{
    struct poller *poller = poller_with_socket(handle, socket);

    return poller ? api_result(poller_drop(poller, socket, -1)) : -1;
}

int zmq_poller_add_fd(void *handle, zmq_fd_t fd, void *user_data, short events)
{
    struct poller *poller = poller_with_fd(handle, fd);

    if (!poller)
        return -1;
    return api_result(poller_enter(poller, NULL, fd, user_data, events));
}

int zmq_poller_modify_fd(void *handle, zmq_fd_t fd, short events)
{
    struct poller *poller = poller_with_fd(handle, fd);

    return poller ? api_result(poller_change(poller, NULL, fd, events)) : -1;
}

int zmq_poller_remove_fd(void *handle, zmq_fd_t fd)
{
    struct poller *poller = poller_with_fd(handle, fd);

    return poller ? api_result(poller_drop(poller, NULL, fd)) : -1;
}

/* Only a thread-safe socket brings a descriptor, and no type that is built
 * is one. */
int zmq_poller_fd(void *handle, zmq_fd_t *fd)
{
    if (!poller_find(handle))
        return -1;
    return api_result(fd ? -EINVAL : -EFAULT);
}
