/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The simulated system has no files that others could read.
 *
 * Thread: the one whose turn it is. Owns: nothing.
 */
#include "os/shared_file.h"

#include <errno.h>

int cz_shared_file_create(const char *path)
{
    (void)path;
    return -ENOSYS;
}

int cz_shared_file_write(int fd, uint64_t offset, const void *bytes,
                         size_t size)
{
    (void)fd;
    (void)offset;
    (void)bytes;
    (void)size;
    return -ENOSYS;
}

void cz_shared_file_close(int fd)
{
    (void)fd;
}
