/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Attaches to running processes: reads the files that their contexts keep in
 * CERO_STATS_DIR (ceromq.h has the layout).
 *
 * Thread: one owner.
 */
#ifndef CERO_ATTACH_H
#define CERO_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ceromq.h>

/* A context of another process. */
struct attached {
    char *path;
    int fd;
    cero_stats_file_t header;
    uint64_t event; /* the next one to be read */
};

struct attach {
    const char *directory; /* NULL: as CERO_STATS_DIR says */
    uint64_t pid;          /* 0 = all */
    struct attached *items;
    size_t count;
};

struct attach_snapshot {
    cero_stats_snapshot_t head;
    cero_stats_t *records;
};

/* The options --dir and --pid; the input is a struct attach. */
struct argp;
extern const struct argp attach_options;

/* Opens what is there now and alive, and has not been opened before. 0, or
 * -errno, told on stderr. */
int attach_scan(struct attach *attach);

/* The same, and there must be something. */
int attach_open(struct attach *attach);
void attach_close(struct attach *attach);

/* Forgets the ones that have ended. */
void attach_sweep(struct attach *attach);

/* Does the context still live? */
bool attach_is_alive(const struct attached *a);

/* The latest snapshot, whose records the caller frees. 0, -EAGAIN (none yet)
 * or another -errno. */
int attach_read(const struct attached *a, struct attach_snapshot *snapshot);

/* The next event; false: none yet. Where some are gone already, it is one with
 * the topic log.lost. */
bool attach_next(struct attached *a, cero_stats_event_t *event);

#endif
