/* SPDX-License-Identifier: MPL-2.0 */
/*
 * EMULATION: which open file a number means, so that one that was closed is
 * told from the next one with its number.
 *
 * Thread: any. Owns: nothing.
 */
#ifndef TESTS_EMULATION_FILE_H
#define TESTS_EMULATION_FILE_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct emulated_file {
    uint32_t device;
    uint64_t inode;
};

/* False if nothing is open under this number. It may be closed meanwhile, as
 * it may be for a kernel: ThreadSanitizer looks at fstat and not at statx. */
static inline bool emulated_file_of(int fd, struct emulated_file *file)
{
    struct statx status;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_INO, &status) < 0)
        return false;
    file->device = status.stx_dev_minor;
    file->inode = status.stx_ino;
    return true;
}

static inline bool emulated_file_is(int fd, const struct emulated_file *file)
{
    struct emulated_file now;

    return emulated_file_of(fd, &now) && now.device == file->device &&
           now.inode == file->inode;
}

#endif
