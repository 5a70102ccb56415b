/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The little of the file system and the environment that the library uses.
 */
#ifndef CZ_OS_FILE_H
#define CZ_OS_FILE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* All of these return 0 or -errno, where nothing else is said. */
CZ_MUST_CHECK int cz_file_unlink(const char *path);
CZ_MUST_CHECK int cz_dir_remove(const char *path);

/* As mkdtemp: replaces the trailing XXXXXX. 0 or -errno. */
CZ_MUST_CHECK int cz_dir_make_temporary(char *path_template);

bool cz_dir_exists(const char *path);

/* Waits until the names in it are on the disk. */
CZ_MUST_CHECK int cz_dir_sync(const char *path);

/* ---- files that data is kept in -------------------------------------- */

/* Opens a new file that has no name, in a directory. The descriptor or
 * -errno. */
CZ_MUST_CHECK int cz_file_open_nameless(const char *directory);

/* Opens a file for reading and writing, made if need be; for its owner's eyes
 * only, and never through a symbolic link. The descriptor or -errno. */
CZ_MUST_CHECK int cz_file_open(const char *path);

void cz_file_close(int fd);

/* Has it to itself, until it is closed. 0; -EBUSY: somebody else has. */
CZ_MUST_CHECK int cz_file_lock(int fd);

/* Is this the file that the path leads to? */
bool cz_file_is_at(int fd, const char *path);

/* Bytes, or -errno. */
CZ_MUST_CHECK int64_t cz_file_size(int fd);

/* How long a file of this process may be (RLIMIT_FSIZE): what writes beyond
 * that is ended by a signal. */
uint64_t cz_file_size_max(void);

/* Writes all of it, not beyond cz_file_size_max; the pieces are used up. 0 or
 * -errno, then any part may have been written. */
CZ_MUST_CHECK int cz_file_write(int fd, struct iovec *pieces, int count,
                                uint64_t offset);

/* Reads `size` bytes, or what there is before the end: how many, or -errno. */
CZ_MUST_CHECK int64_t cz_file_read(int fd, void *to, size_t size,
                                   uint64_t offset);

CZ_MUST_CHECK int cz_file_truncate(int fd, uint64_t size);

/* Gives the disk space of a part back, whose bytes are zeros then. 0 or
 * -errno; not all file systems can. */
CZ_MUST_CHECK int cz_file_punch(int fd, uint64_t from, uint64_t to);

/* Waits until the data is on the disk. */
CZ_MUST_CHECK int cz_file_sync(int fd);

/* As getenv; NULL if unset or empty. */
const char *cz_environment(const char *name);

#endif
