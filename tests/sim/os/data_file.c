/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The simulated disk cannot be written to: no file for data is ever opened.
 *
 * Thread: the one whose turn it is. Owns: nothing.
 */
#include "os/file.h"

#include <errno.h>

int cz_file_open_nameless(const char *directory CZ_UNUSED)
{
    return -EROFS;
}

int cz_file_open(const char *path CZ_UNUSED)
{
    return -EROFS;
}

void cz_file_close(int fd CZ_UNUSED)
{
}

int cz_file_lock(int fd CZ_UNUSED)
{
    return -EBADF;
}

bool cz_file_is_at(int fd CZ_UNUSED, const char *path CZ_UNUSED)
{
    return false;
}

int64_t cz_file_size(int fd CZ_UNUSED)
{
    return -EBADF;
}

uint64_t cz_file_size_max(void)
{
    return 0;
}

int cz_file_write(int fd CZ_UNUSED, struct iovec *pieces CZ_UNUSED,
                  int count CZ_UNUSED, uint64_t offset CZ_UNUSED)
{
    return -EBADF;
}

int64_t cz_file_read(int fd CZ_UNUSED, void *to CZ_UNUSED,
                     size_t size CZ_UNUSED, uint64_t offset CZ_UNUSED)
{
    return -EBADF;
}

int cz_file_truncate(int fd CZ_UNUSED, uint64_t size CZ_UNUSED)
{
    return -EBADF;
}

int cz_file_punch(int fd CZ_UNUSED, uint64_t from CZ_UNUSED,
                  uint64_t to CZ_UNUSED)
{
    return -EBADF;
}

int cz_file_sync(int fd CZ_UNUSED)
{
    return -EBADF;
}

int cz_dir_sync(const char *path CZ_UNUSED)
{
    return -EROFS;
}
