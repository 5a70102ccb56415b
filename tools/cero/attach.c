/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Reading what other processes publish.
 *
 * Thread: one owner. Owns: the descriptors and paths in struct attach.
 */
#include "attach.h"

#include "options.h"

#include <argp.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    /* So often is looked again when a snapshot is just being written. */
    TRIES_MAX = 1000,
    RECORDS_MAX = 1 << 20, /* more than that is no file of ours */
};

/* ---- options -------------------------------------------------------- */

static const struct argp_option attach_table[] = {
    {"dir", 'd', "DIR", 0,
     "Where the processes publish; CERO_STATS_DIR if not given", 1},
    {"pid", 'p', "PID", 0, "Only this process", 1},
    {0}};

static error_t attach_parse(int key, char *arg, struct argp_state *state)
{
    struct attach *attach = state->input;

    switch (key) {
    case 'd':
        attach->directory = arg;
        return 0;
    case 'p':
        attach->pid = (uint64_t)options_number(state, "--pid", arg, 1, INT_MAX);
        return 0;
    case ARGP_KEY_END:
        if (!attach->directory)
            attach->directory = getenv("CERO_STATS_DIR");
        if (!attach->directory || !*attach->directory)
            argp_error(state, "say where: --dir DIR, the CERO_STATS_DIR of "
                              "the processes to look at");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp attach_options = {
    .options = attach_table,
    .parser = attach_parse,
};

/* ---- files ---------------------------------------------------------- */

static bool read_at(int fd, uint64_t offset, void *to, size_t size)
{
    return pread(fd, to, size, (off_t)offset) == (ssize_t)size;
}

bool attach_is_alive(const struct attached *a)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};

    /* Its owner locks it against readers that ask; so a lock that could be
     * had means that there is no owner. */
    return fcntl(a->fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* Is it a file that we can read? */
static bool attach_check(const cero_stats_file_t *header)
{
    return memcmp(header->magic, CERO_STATS_FILE_MAGIC, sizeof header->magic) ==
               0 &&
           header->version == CERO_STATS_FILE_VERSION &&
           header->record_size >= offsetof(cero_stats_t, messages_in) &&
           header->record_max <= RECORDS_MAX && header->event_max > 0 &&
           header->event_size >= sizeof(cero_stats_event_t) &&
           memchr(header->program, 0, sizeof header->program);
}

static bool attach_has(const struct attach *attach, const char *path)
{
    for (size_t i = 0; i < attach->count; i++)
        if (strcmp(attach->items[i].path, path) == 0)
            return true;
    return false;
}

static int attach_keep(struct attach *attach, const struct attached *a)
{
    struct attached *items =
        realloc(attach->items, (attach->count + 1) * sizeof *items);

    if (!items)
        return -ENOMEM;
    attach->items = items;
    items[attach->count++] = *a;
    return 0;
}

/* Takes a file if it is a living context's. 0 or -errno. */
static int attach_try(struct attach *attach, const char *name)
{
    struct attached a = {.event = 1};
    int rc = 0;

    if (asprintf(&a.path, "%s/%s", attach->directory, name) < 0)
        return -ENOMEM;
    a.fd = attach_has(attach, a.path) ? -1 : open(a.path, O_RDONLY | O_CLOEXEC);
    if (a.fd >= 0 && read_at(a.fd, 0, &a.header, sizeof a.header) &&
        attach_check(&a.header) && attach_is_alive(&a) &&
        (attach->pid == 0 || attach->pid == a.header.pid)) {
        rc = attach_keep(attach, &a);
        if (rc == 0)
            return 0;
    }
    if (a.fd >= 0)
        close(a.fd);
    free(a.path);
    return rc;
}

int attach_scan(struct attach *attach)
{
    DIR *directory = opendir(attach->directory);
    struct dirent *entry;
    int rc = 0;

    if (!directory) {
        rc = -errno;
        warn("%s", attach->directory);
        return rc;
    }
    while (rc == 0 && (entry = readdir(directory))) {
        const char *end = strrchr(entry->d_name, '.');

        if (strncmp(entry->d_name, "cero-", 5) == 0 && end &&
            strcmp(end, ".stats") == 0)
            rc = attach_try(attach, entry->d_name);
    }
    closedir(directory);
    if (rc != 0)
        warnx("%s", strerror(-rc));
    return rc;
}

int attach_open(struct attach *attach)
{
    int rc = attach_scan(attach);

    if (rc != 0 || attach->count > 0)
        return rc;
    warnx("%s: no running process publishes here", attach->directory);
    return -ENOENT;
}

static void attached_close(struct attached *a)
{
    close(a->fd);
    free(a->path);
}

void attach_sweep(struct attach *attach)
{
    size_t kept = 0;

    for (size_t i = 0; i < attach->count; i++) {
        if (attach_is_alive(&attach->items[i]))
            attach->items[kept++] = attach->items[i];
        else
            attached_close(&attach->items[i]);
    }
    attach->count = kept;
}

void attach_close(struct attach *attach)
{
    for (size_t i = 0; i < attach->count; i++)
        attached_close(&attach->items[i]);
    free(attach->items);
    attach->items = NULL;
    attach->count = 0;
}

/* ---- snapshots ------------------------------------------------------ */

/* From records of the size that the other library has to ours. */
static void convert(cero_stats_t *to, const char *from, uint32_t size)
{
    memset(to, 0, sizeof *to);
    memcpy(to, from, size < sizeof *to ? size : sizeof *to);
    to->type[sizeof to->type - 1] = '\0';
    to->endpoint[sizeof to->endpoint - 1] = '\0';
    to->peer[sizeof to->peer - 1] = '\0';
}

/* 0; -EAGAIN: it was being written; -ENOMEM. */
static int attach_try_read(const struct attached *a, struct attach_snapshot *s)
{
    const cero_stats_file_t *h = &a->header;
    cero_stats_snapshot_t again;
    size_t size;
    char *raw;
    int rc = -EAGAIN;

    if (!read_at(a->fd, h->snapshot_offset, &s->head, sizeof s->head) ||
        s->head.sequence == 0 || s->head.sequence % 2 ||
        s->head.count > h->record_max)
        return -EAGAIN;
    size = (size_t)s->head.count * h->record_size;
    raw = malloc(size + 1);
    s->records = calloc(s->head.count + 1, sizeof *s->records);
    if (!raw || !s->records)
        rc = -ENOMEM;
    else if (read_at(a->fd, h->records_offset, raw, size) &&
             read_at(a->fd, h->snapshot_offset, &again, sizeof again) &&
             again.sequence == s->head.sequence)
        rc = 0;
    for (uint32_t i = 0; rc == 0 && i < s->head.count; i++)
        convert(&s->records[i], raw + (size_t)i * h->record_size,
                h->record_size);
    free(raw);
    if (rc != 0)
        free(s->records);
    return rc;
}

int attach_read(const struct attached *a, struct attach_snapshot *snapshot)
{
    int rc = -EAGAIN;

    for (int i = 0; i < TRIES_MAX && rc == -EAGAIN; i++) {
        rc = attach_try_read(a, snapshot);
        if (rc == -EAGAIN)
            usleep(1000);
    }
    return rc;
}

/* ---- events --------------------------------------------------------- */

/* 1: it is there; 0: not, or just being written. *found: the number there. */
static int read_event(const struct attached *a, uint64_t number,
                      cero_stats_event_t *event, uint64_t *found)
{
    const cero_stats_file_t *h = &a->header;
    uint64_t at =
        h->events_offset + number % h->event_max * (uint64_t)h->event_size;

    *found = 0;
    if (!read_at(a->fd, at, event, sizeof *event) ||
        !read_at(a->fd, at, found, sizeof *found) || *found != event->number)
        return 0;
    event->topic[sizeof event->topic - 1] = '\0';
    event->body[sizeof event->body - 1] = '\0';
    return *found == number;
}

bool attach_next(struct attached *a, cero_stats_event_t *event)
{
    uint64_t found;
    uint64_t lost;

    if (read_event(a, a->event, event, &found)) {
        a->event++;
        return true;
    }
    if (found <= a->event)
        return false;
    /* The writer has come round; half of the ring it leaves alone for now. */
    lost = found - a->header.event_max / 2 - a->event;
    a->event += lost;
    memset(event, 0, sizeof *event);
    snprintf(event->topic, sizeof event->topic, "log.lost");
    snprintf(event->body, sizeof event->body, "{\"lost\":%llu}",
             (unsigned long long)lost);
    return true;
}
