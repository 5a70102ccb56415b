/* SPDX-License-Identifier: MPL-2.0 */
/*
 * EMULATION of /dev/poll on top of poll(2), see
 * tests/emulation/sys/devpoll.h.
 *
 * The descriptor of a device is an eventfd, for its number only.
 *
 * Thread: any. Owns: the devices and their entries.
 */
#include "emulation/file.h"

#include <sys/devpoll.h>

#undef open
#undef write
#undef ioctl
#undef close

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

struct entry {
    int fd;
    short bits;
    struct emulated_file file;
};

struct device {
    struct device *next;
    int fd;
    int waiters;
    struct entry *entries; /* by descriptor, ascending */
    size_t count;
    size_t capacity;
};

static pthread_mutex_t devices_lock = PTHREAD_MUTEX_INITIALIZER;
static struct device *devices;

int emulated_devpoll_open(const char *path, int flags)
{
    struct device *device;

    if (strcmp(path, "/dev/poll") != 0) {
        errno = ENOENT;
        return -1;
    }
    device = calloc(1, sizeof *device);
    if (!device)
        abort();
    device->fd = eventfd(0, flags & O_CLOEXEC ? EFD_CLOEXEC : 0);
    if (device->fd < 0) {
        free(device);
        return -1;
    }
    pthread_mutex_lock(&devices_lock);
    device->next = devices;
    devices = device;
    pthread_mutex_unlock(&devices_lock);
    return device->fd;
}

static struct device **device_link(int fd)
{
    struct device **link = &devices;

    while (*link && (*link)->fd != fd)
        link = &(*link)->next;
    if (!*link)
        abort();
    return link;
}

int emulated_devpoll_close(int fd)
{
    struct device **link, *device;

    pthread_mutex_lock(&devices_lock);
    link = device_link(fd);
    device = *link;
    *link = device->next;
    pthread_mutex_unlock(&devices_lock);
    free(device->entries);
    free(device);
    return close(fd);
}

/* ---- writing -------------------------------------------------------- */

/* The first entry whose descriptor is not smaller. */
static size_t device_place(const struct device *device, int fd)
{
    size_t low = 0, high = device->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (device->entries[middle].fd < fd)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void device_delete(struct device *device, size_t place)
{
    device->count--;
    memmove(&device->entries[place], &device->entries[place + 1],
            (device->count - place) * sizeof(struct entry));
}

static struct entry *device_insert(struct device *device, size_t place)
{
    if (device->count == device->capacity) {
        device->capacity = device->capacity ? device->capacity * 2 : 16;
        device->entries =
            realloc(device->entries, device->capacity * sizeof(struct entry));
        if (!device->entries)
            abort();
    }
    memmove(&device->entries[place + 1], &device->entries[place],
            (device->count - place) * sizeof(struct entry));
    device->count++;
    return &device->entries[place];
}

static void device_change(struct device *device, const struct pollfd *change)
{
    size_t place = device_place(device, change->fd);
    struct entry *entry = NULL;
    struct emulated_file file = {0};

    if (place < device->count && device->entries[place].fd == change->fd) {
        entry = &device->entries[place];
        if (change->events & POLLREMOVE ||
            !emulated_file_is(entry->fd, &entry->file)) {
            device_delete(device, place);
            entry = NULL;
        }
    }
    if (change->events & POLLREMOVE)
        return;
    if (!entry) {
        (void)!emulated_file_of(change->fd, &file);
        entry = device_insert(device, place);
        *entry = (struct entry){.fd = change->fd, .file = file};
    }
    entry->bits |= change->events;
}

ssize_t emulated_devpoll_write(int fd, const void *bytes, size_t size)
{
    const struct pollfd *changes = bytes;
    struct device *device;

    if (size % sizeof *changes != 0) {
        errno = EINVAL;
        return -1;
    }
    pthread_mutex_lock(&devices_lock);
    device = *device_link(fd);
    if (device->waiters > 0)
        abort(); /* would block */
    for (size_t i = 0; i < size / sizeof *changes; i++)
        device_change(device, &changes[i]);
    pthread_mutex_unlock(&devices_lock);
    return (ssize_t)size;
}

/* ---- waiting -------------------------------------------------------- */

/* Nobody writes meanwhile. */
static int device_poll(struct device *device, struct dvpoll *arg)
{
    struct pollfd *items = calloc(device->count + 1, sizeof *items);
    nfds_t told = 0;
    int rc;

    if (!items)
        abort();
    for (size_t i = 0; i < device->count; i++) {
        const struct entry *entry = &device->entries[i];
        bool is_open = emulated_file_is(entry->fd, &entry->file);

        items[i].fd = is_open ? entry->fd : -1;
        items[i].events = entry->bits;
    }
    rc = poll(items, device->count, arg->dp_timeout);
    for (size_t i = 0; rc > 0 && i < device->count; i++) {
        if (items[i].fd >= 0 && items[i].revents && told < arg->dp_nfds)
            arg->dp_fds[told++] = items[i];
    }
    free(items);
    return rc < 0 ? rc : (int)told;
}

int emulated_devpoll_ioctl(int fd, int request, struct dvpoll *arg)
{
    struct device *device;
    int rc, error;

    if (request != DP_POLL) {
        errno = EINVAL;
        return -1;
    }
    pthread_mutex_lock(&devices_lock);
    device = *device_link(fd);
    device->waiters++;
    pthread_mutex_unlock(&devices_lock);
    rc = device_poll(device, arg);
    error = errno;
    pthread_mutex_lock(&devices_lock);
    device->waiters--;
    pthread_mutex_unlock(&devices_lock);
    errno = error;
    return rc;
}
