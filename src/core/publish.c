/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Publishing: writing the file.
 *
 * The order of the writes is what readers rely on: a mark that says "not
 * whole", the contents, a mark that says "whole". Each is a system call of its
 * own, and they take effect in order.
 *
 * Thread: snapshots by the publisher's own, events under the log's lock. Owns:
 * see core/publish.h.
 */
#include "core/publish.h"

#include "base/alloc.h"
#include "core/ctx.h"
#include "core/stats.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/park.h"
#include "os/shared_file.h"
#include "os/thread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    PATH_SIZE = 4096,
    FILES_MAX = 1000, /* of one process: contexts, and what was left behind */
    RECORDS_MAX = 16384,
    EVENTS_MAX = 512,
    SNAPSHOT_OFFSET = 512,
    EVENTS_OFFSET = 1024,
    RECORDS_OFFSET =
        EVENTS_OFFSET + EVENTS_MAX * (int)sizeof(cero_stats_event_t),
};

struct cz_publisher {
    struct cz_ctx *ctx;
    int fd;
    int pid; /* a forked child has the descriptor, too */
    cero_stats_snapshot_t snapshot;
    uint64_t events; /* told ever */
    _Atomic uint32_t must_stop;
    struct cz_thread thread;
    char path[PATH_SIZE];
};

/* ---- snapshots ------------------------------------------------------ */

static int publish_mark(struct cz_publisher *p)
{
    p->snapshot.sequence++;
    return cz_shared_file_write(p->fd, SNAPSHOT_OFFSET, &p->snapshot,
                                sizeof p->snapshot);
}

static void publish_snapshot(struct cz_publisher *p, uint64_t interval_us)
{
    cero_stats_t *records;
    size_t count;
    size_t kept;

    if (cz_stats_collect(p->ctx, &records, &count) != 0)
        return;
    kept = count < RECORDS_MAX ? count : RECORDS_MAX;
    /* What fails leaves the mark odd: then there is nothing to be read. */
    if (publish_mark(p) == 0 &&
        cz_shared_file_write(p->fd, RECORDS_OFFSET, records,
                             kept * sizeof *records) == 0) {
        p->snapshot.taken_us = cz_clock_wall_us();
        p->snapshot.count = (uint32_t)kept;
        p->snapshot.left_out = (uint32_t)(count - kept);
        p->snapshot.interval_ms = (uint32_t)(interval_us / 1000);
        (void)!publish_mark(p);
    } else {
        p->snapshot.sequence += p->snapshot.sequence & 1;
    }
    cz_free(records);
}

static void publish_run(void *arg)
{
    struct cz_publisher *p = arg;

    while (!atomic_load(&p->must_stop)) {
        uint64_t interval_us = cz_ctx_stats_interval_us(p->ctx);
        uint64_t next_us = cz_clock_us() + interval_us;

        publish_snapshot(p, interval_us);
        while (!atomic_load(&p->must_stop) && cz_clock_us() < next_us)
            (void)!cz_park(&p->must_stop, 0, next_us);
    }
}

/* ---- events --------------------------------------------------------- */

void cz_publisher_event(struct cz_publisher *p, const char *topic,
                        const struct cz_json *body)
{
    cero_stats_event_t event = {0};
    uint64_t number = p->events + 1;
    uint64_t at = EVENTS_OFFSET + number % EVENTS_MAX * sizeof event;

    if (p->pid != cz_process_id())
        return;
    snprintf(event.topic, sizeof event.topic, "%s", topic);
    /* Half an object would be none. */
    if (body->size < sizeof event.body)
        memcpy(event.body, body->text, body->size);
    else
        memcpy(event.body, "{}", 2);
    if (cz_shared_file_write(p->fd, at, &event.number, sizeof number) != 0 ||
        cz_shared_file_write(p->fd, at, &event, sizeof event) != 0)
        return;
    p->events = number;
    (void)!cz_shared_file_write(p->fd, at, &number, sizeof number);
}

/* ---- beginning and end ---------------------------------------------- */

/* A name that nobody has; those of processes that died stay in the way. */
static int publish_create_file(struct cz_publisher *p, const char *directory)
{
    int rc = -EEXIST;

    for (int i = 1; i <= FILES_MAX && rc == -EEXIST; i++) {
        int size = snprintf(p->path, sizeof p->path, "%s/cero-%d-%d.stats",
                            directory, p->pid, i);

        if (size >= PATH_SIZE)
            return -ENAMETOOLONG;
        rc = cz_shared_file_create(p->path);
    }
    return rc;
}

static int publish_header(struct cz_publisher *p)
{
    cero_stats_file_t header = {
        .magic = {'C', 'E', 'R', 'O', 'S', 'T', 'A', 'T'},
        .version = CERO_STATS_FILE_VERSION,
        .header_size = sizeof header,
        .pid = (uint64_t)p->pid,
        .started_us = cz_clock_wall_us(),
        .snapshot_offset = SNAPSHOT_OFFSET,
        .records_offset = RECORDS_OFFSET,
        .record_size = sizeof(cero_stats_t),
        .record_max = RECORDS_MAX,
        .events_offset = EVENTS_OFFSET,
        .event_size = sizeof(cero_stats_event_t),
        .event_max = EVENTS_MAX,
    };

    cz_process_name(header.program, sizeof header.program);
    return cz_shared_file_write(p->fd, 0, &header, sizeof header);
}

static int publish_start(struct cz_publisher *p)
{
    struct cz_thread_options options = {
        .name = "ZMQbg/stats",
        .priority = -1,
        .sched_policy = -1,
    };
    int rc = publish_header(p);

    return rc ? rc : cz_thread_start(&p->thread, &options, publish_run, p);
}

struct cz_publisher *cz_publisher_create(struct cz_ctx *ctx)
{
    const char *directory = cz_environment("CERO_STATS_DIR");
    struct cz_publisher *p = directory ? cz_zalloc(sizeof *p) : NULL;

    if (!p)
        return NULL;
    p->ctx = ctx;
    p->pid = cz_process_id();
    p->fd = publish_create_file(p, directory);
    if (p->fd >= 0 && publish_start(p) == 0)
        return p;
    if (p->fd >= 0) {
        (void)!cz_file_unlink(p->path);
        cz_shared_file_close(p->fd);
    }
    cz_free(p);
    return NULL;
}

void cz_publisher_destroy(struct cz_publisher *p)
{
    if (!p)
        return;
    atomic_store(&p->must_stop, 1);
    cz_unpark(&p->must_stop, 1);
    cz_thread_join(&p->thread);
    (void)!cz_file_unlink(p->path);
    cz_shared_file_close(p->fd);
    cz_free(p);
}
