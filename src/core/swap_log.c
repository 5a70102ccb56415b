/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Logs: opening, acknowledging, syncing.
 *
 * Thread: see core/swap_log.h. Owns: what is listed there.
 */
#include "core/swap_log.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "core/swap_record.h"
#include "core/swap_spool.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/park.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
    HEAD_SIZE = 4096,
    KEY_AT = 16,
    KEY_MAX = 2032,
    MARK_AT = 2048,
    MARK_STEP = 1024,
    MARK_SIZE = 28,
    /* How often the file may turn out to have just been removed. */
    OPEN_TRIES = 100,
};

static const char magic[8] = {'C', 'e', 'r', 'o', 'S', 'w', 'p', '1'};

/* ---- the head ------------------------------------------------------- */

/* What the head begins with; the rest is zeros. 0 or -ENAMETOOLONG. */
static int make_head(uint8_t head[HEAD_SIZE], const struct cz_options *options,
                     const char *endpoint)
{
    size_t endpoint_size = strlen(endpoint);
    size_t size = 1 + endpoint_size + 1 + options->routing_id_size;
    uint8_t *key = head + KEY_AT;

    memset(head, 0, HEAD_SIZE);
    if (size > KEY_MAX)
        return -ENAMETOOLONG;
    memcpy(head, magic, sizeof magic);
    key[0] = options->socket_type;
    memcpy(key + 1, endpoint, endpoint_size + 1);
    memcpy(key + 1 + endpoint_size + 1, options->routing_id,
           options->routing_id_size);
    cz_put_be32(head + 8, (uint32_t)size);
    cz_put_be32(head + 12, cz_crc32c(0, key, size));
    return 0;
}

/* FNV-1a: two keys in one directory hardly ever have the same, and if they
 * have, the second is told that the file is another's. */
static uint64_t hash_key(const uint8_t head[HEAD_SIZE])
{
    uint32_t size = cz_get_be32(head + 8);
    uint64_t hash = 0xcbf29ce484222325;

    for (uint32_t i = 0; i < size; i++)
        hash = (hash ^ head[KEY_AT + i]) * 0x100000001b3;
    return hash;
}

static void make_mark(const struct cz_swap_log *log, uint8_t to[MARK_SIZE])
{
    cz_put_be64(to, log->sequence);
    cz_put_be64(to + 8, log->file->base);
    cz_put_be64(to + 16, log->acknowledged);
    cz_put_be32(to + 24, cz_crc32c(0, to, 24));
}

static uint32_t mark_place(const struct cz_swap_log *log)
{
    return MARK_AT + (uint32_t)(log->sequence % 2) * MARK_STEP;
}

/* Takes over the newer mark. False: there is none. */
static bool read_marks(struct cz_swap_log *log, const uint8_t head[HEAD_SIZE])
{
    bool has_one = false;

    for (size_t i = 0; i < 2; i++) {
        const uint8_t *mark = head + MARK_AT + i * MARK_STEP;
        uint64_t sequence = cz_get_be64(mark);

        if (cz_get_be32(mark + 24) != cz_crc32c(0, mark, 24) ||
            (has_one && sequence < log->sequence))
            continue;
        has_one = true;
        log->sequence = sequence;
        log->file->base = log->file->freed = cz_get_be64(mark + 8);
        log->acknowledged = cz_get_be64(mark + 16);
    }
    return has_one && log->acknowledged >= log->file->base;
}

/* ---- opening -------------------------------------------------------- */

static int log_open_file(const char *path)
{
    for (int i = 0; i < OPEN_TRIES; i++) {
        int fd = cz_file_open(path);
        int rc;

        if (fd < 0)
            return fd;
        rc = cz_file_lock(fd);
        /* Who had it until now may have removed it. */
        if (rc == 0 && cz_file_is_at(fd, path))
            return fd;
        cz_file_close(fd);
        if (rc != 0)
            return rc;
    }
    return -EBUSY;
}

static int log_create(struct cz_swap_log *log, uint8_t head[HEAD_SIZE],
                      const char *directory)
{
    int rc;

    make_mark(log, head + mark_place(log));
    rc = cz_swap_file_write_head(log->file, head, HEAD_SIZE, 0);
    if (rc == 0 && log->sync_ms >= 0)
        rc = cz_file_sync(log->file->fd);
    if (rc == 0 && log->sync_ms >= 0)
        rc = cz_dir_sync(directory);
    return rc;
}

/* Counts whole messages, up to the end or to what is none. */
static int log_count(struct cz_swap_log *log, struct cz_pool *pool,
                     uint64_t end)
{
    struct cz_record_range range = {
        .file = log->file,
        .pool = pool,
        .has_checks = true,
        .begin = log->acknowledged,
        .end = end,
    };
    int rc = 0;

    while (range.begin < range.end) {
        uint32_t size, messages;
        struct cz_chunk *chunk;

        rc = cz_record_load(&range, &chunk, &size, &messages);
        if (rc != 0)
            break;
        cz_spool_drop_frames(chunk->bytes, size);
        cz_chunk_destroy(chunk);
        log->found.messages += messages;
    }
    log->found.written = range.begin;
    log->found.was_torn = rc == -EBADMSG;
    return rc == -EBADMSG ? 0 : rc;
}

static int log_recover(struct cz_swap_log *log, struct cz_pool *pool,
                       uint64_t size)
{
    uint64_t end = log->file->base + size - HEAD_SIZE;
    int rc = 0;

    log->found.written = log->acknowledged;
    if (end > log->acknowledged)
        rc = log_count(log, pool, end);
    if (rc == 0 && end > log->found.written)
        rc = cz_file_truncate(log->file->fd,
                              log->found.written - log->file->base + HEAD_SIZE);
    return rc;
}

/* The file is open. `head` is what it should begin with. */
static int log_read(struct cz_swap_log *log, uint8_t head[HEAD_SIZE],
                    const char *directory, struct cz_pool *pool)
{
    uint8_t there[HEAD_SIZE];
    int64_t size = cz_file_size(log->file->fd);
    int64_t n;

    if (size < 0)
        return (int)size;
    n = cz_file_read(log->file->fd, there, sizeof there, 0);
    if (n < 0)
        return (int)n;
    /* Made, and not finished. */
    if (n < HEAD_SIZE &&
        memcmp(there, head, (size_t)n < MARK_AT ? (size_t)n : MARK_AT) == 0)
        return log_create(log, head, directory);
    if (n < HEAD_SIZE || memcmp(there, head, MARK_AT) != 0 ||
        !read_marks(log, there))
        return -EBADMSG;
    return log_recover(log, pool, (uint64_t)size);
}

/* ---- syncing -------------------------------------------------------- */

static void log_sync_loop(void *arg)
{
    struct cz_swap_log *log = arg;

    while (!atomic_load(&log->is_closing)) {
        uint64_t due_us;

        /* Not before there is something, and then after the interval. */
        while (!atomic_load(&log->is_dirty))
            (void)!cz_park(&log->is_dirty, 0, CZ_CLOCK_NEVER);
        due_us = cz_clock_us() + (uint64_t)log->sync_ms * 1000;
        while (!atomic_load(&log->is_closing) && cz_clock_us() < due_us)
            (void)!cz_park(&log->is_closing, 0, due_us);
        if (atomic_exchange(&log->is_dirty, 0))
            atomic_store(&log->sync_error, cz_file_sync(log->file->fd));
    }
}

int cz_swap_log_sync(struct cz_swap_log *log)
{
    if (log->sync_ms == 0)
        return cz_file_sync(log->file->fd);
    if (log->sync_ms > 0 && atomic_exchange(&log->is_dirty, 1) == 0)
        cz_unpark(&log->is_dirty, 1);
    return atomic_load(&log->sync_error);
}

static int log_start_syncing(struct cz_swap_log *log)
{
    static const struct cz_thread_options options = {
        .name = "cero-swap", .priority = -1, .sched_policy = -1};

    if (log->sync_ms <= 0)
        return 0;
    return cz_thread_start(&log->syncer, &options, log_sync_loop, log);
}

/* ---- life ----------------------------------------------------------- */

static struct cz_swap_log *log_make(const struct cz_options *options,
                                    struct cz_swap_file *file,
                                    const char *directory,
                                    const uint8_t head[HEAD_SIZE])
{
    struct cz_swap_log *log = cz_zalloc(sizeof *log);
    char path[PATH_MAX + 32];

    if (!log)
        return NULL;
    snprintf(path, sizeof path, "%s/cero-%016llx.swap", directory,
             (unsigned long long)hash_key(head));
    log->path = cz_strdup(path);
    if (!log->path) {
        cz_free(log);
        return NULL;
    }
    log->file = file;
    log->sync_ms = options->swap_sync_ms;
    log->sequence = 1;
    return log;
}

static void log_free(struct cz_swap_log *log)
{
    cz_free(log->path);
    cz_free(log);
}

int cz_swap_log_open(const struct cz_options *options, const char *endpoint,
                     const char *directory, struct cz_pool *pool,
                     struct cz_swap_file *file, struct cz_swap_log **out)
{
    uint8_t head[HEAD_SIZE];
    struct cz_swap_log *log;
    int rc = make_head(head, options, endpoint);

    if (rc != 0)
        return rc;
    log = log_make(options, file, directory, head);
    if (!log)
        return -ENOMEM;
    file->head = HEAD_SIZE;
    rc = log_open_file(log->path);
    if (rc >= 0) {
        file->fd = rc;
        rc = log_read(log, head, directory, pool);
    }
    if (rc == 0)
        rc = log_start_syncing(log);
    if (rc != 0) {
        log_free(log);
        return rc;
    }
    *out = log;
    return 0;
}

void cz_swap_log_close(struct cz_swap_log *log, uint64_t written)
{
    atomic_store(&log->is_closing, 1);
    atomic_fetch_or(&log->is_dirty, 2);
    cz_unpark(&log->is_closing, 1);
    cz_unpark(&log->is_dirty, 1);
    cz_thread_join(&log->syncer);
    if (log->acknowledged == written)
        (void)!cz_file_unlink(log->path);
    else if (log->sync_ms >= 0)
        (void)!cz_file_sync(log->file->fd);
    log_free(log);
}

int cz_swap_log_acknowledge(struct cz_swap_log *log, uint64_t position,
                            uint64_t written)
{
    struct cz_swap_file *file = log->file;
    uint64_t base = file->base;
    bool is_over = position == written && cz_swap_file_is_long(file, written);
    uint8_t mark[MARK_SIZE];
    int rc;

    log->acknowledged = position;
    log->sequence++;
    if (is_over)
        file->base = position;
    make_mark(log, mark);
    file->base = base;
    rc = cz_swap_file_write_head(file, mark, sizeof mark, mark_place(log));
    /* The other mark stays as it is until this one is whole. */
    if (rc != 0)
        log->sequence--;
    /* What is given back to the disk must not be asked for again. */
    if (rc == 0 && log->sync_ms >= 0 &&
        (is_over || cz_swap_file_is_due(file, position)))
        rc = cz_file_sync(file->fd);
    if (rc != 0)
        return rc;
    if (is_over)
        cz_swap_file_restart(file, position);
    else
        cz_swap_file_release(file, position);
    return 0;
}
