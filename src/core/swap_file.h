/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The file of a swap, as a run of bytes with positions that only grow: written
 * at one end, given back at the other. When all of it has been read, it begins
 * anew, so that a file is no longer than it must be.
 *
 *     position   base       freed        taken         written
 *     file       | head |...| (no space) | ... data ... |
 *
 * Disk space is given back in large steps by punching holes. Where the file
 * system cannot do that, it is given back when the file begins anew; until
 * then all of the file counts.
 *
 * Thread: with the lock of the swap, but for cz_swap_file_read. Owns: its
 * descriptor.
 */
#ifndef CZ_CORE_SWAP_FILE_H
#define CZ_CORE_SWAP_FILE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct cz_swap_file {
    int fd;                /* -1: not opened yet */
    bool has_holes;        /* the file system can make them */
    uint32_t head;         /* bytes at its beginning that are not data */
    uint64_t base;         /* the position that lies behind the head */
    uint64_t freed;        /* up to here disk space has been given back */
    uint64_t size_allowed; /* so long a file this process may have */
};

void cz_swap_file_init(struct cz_swap_file *file);
void cz_swap_file_fini(struct cz_swap_file *file);

/* 0; -EFBIG: the process may not have files as long; or -errno. The pieces are
 * used up. */
CZ_MUST_CHECK int cz_swap_file_write(struct cz_swap_file *file,
                                     struct iovec *pieces, int count,
                                     uint64_t position);

/* The same into the head, at an offset in the file. */
CZ_MUST_CHECK int cz_swap_file_write_head(struct cz_swap_file *file,
                                          const void *data, size_t size,
                                          uint32_t offset);

/* Reads exactly so much. 0; -EIO: less is there; or -errno. Needs no lock, but
 * no cz_swap_file_restart meanwhile. */
CZ_MUST_CHECK int cz_swap_file_read(const struct cz_swap_file *file, void *to,
                                    size_t size, uint64_t position);

/* What is before this position is not needed any more. is_due: is it time to
 * give it back to the disk? */
bool cz_swap_file_is_due(const struct cz_swap_file *file, uint64_t position);
void cz_swap_file_release(struct cz_swap_file *file, uint64_t position);

/* Has so much been written since it began that it should begin anew as soon as
 * it is empty? */
bool cz_swap_file_is_long(const struct cz_swap_file *file, uint64_t written);

/* Begins anew: nothing before this position is needed, nothing is behind
 * it. */
void cz_swap_file_restart(struct cz_swap_file *file, uint64_t position);

/* From where on bytes take up disk space; `taken` is the first that is still
 * needed. */
static inline uint64_t cz_swap_file_begin(const struct cz_swap_file *file,
                                          uint64_t taken)
{
    return file->has_holes ? taken : file->base;
}

#endif
