/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Files that others read while they are written.
 *
 * Thread: see os/shared_file.h. Owns: nothing.
 */
#include "os/shared_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int cz_shared_file_create(const char *path)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int rc;

    if (fd < 0)
        return -errno;
    if (fcntl(fd, F_SETLK, &all) == 0)
        return fd;
    rc = -errno;
    (void)unlink(path);
    (void)close(fd);
    return rc;
}

int cz_shared_file_write(int fd, uint64_t offset, const void *bytes,
                         size_t size)
{
    const char *from = bytes;

    while (size > 0) {
        ssize_t n = pwrite(fd, from, size, (off_t)offset);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n < 0)
            continue;
        from += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

void cz_shared_file_close(int fd)
{
    (void)close(fd);
}
