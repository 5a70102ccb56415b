/* SPDX-License-Identifier: MPL-2.0 */
/*
 * EMULATION: which open file a number means, so that one that was closed is
 * told from the next one with its number.
 *
 * Thread: any. Owns: nothing.
 */
#ifndef TESTS_EMULATION_FILE_H
#define TESTS_EMULATION_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

struct emulated_file {
    dev_t device;
    ino_t inode;
};

/* False if nothing is open under this number. */
static inline bool emulated_file_of(int fd, struct emulated_file *file)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return false;
    file->device = status.st_dev;
    file->inode = status.st_ino;
    return true;
}

static inline bool emulated_file_is(int fd, const struct emulated_file *file)
{
    struct emulated_file now;

    return emulated_file_of(fd, &now) && now.device == file->device &&
           now.inode == file->inode;
}

#endif
