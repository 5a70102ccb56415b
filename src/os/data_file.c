/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Files that data is kept in, and syncing their directories.
 *
 * Thread: any. Owns: nothing.
 */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* For file systems without O_TMPFILE. */
static int open_and_unlink(const char *directory)
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s/cero-XXXXXX", directory);
    int fd;

    if (size < 0 || (size_t)size >= sizeof path)
        return -ENAMETOOLONG;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    unlink(path);
    return fd;
}

int cz_file_open_nameless(const char *directory)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0)
        return fd;
    /* EISDIR: from a kernel that does not know the flag. */
    return errno == EOPNOTSUPP || errno == EISDIR ? open_and_unlink(directory)
                                                  : -errno;
}

int cz_file_open(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    return fd >= 0 ? fd : -errno;
}

void cz_file_close(int fd)
{
    close(fd);
}

int cz_file_lock(int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    return errno == EWOULDBLOCK ? -EBUSY : -errno;
}

bool cz_file_is_at(int fd, const char *path)
{
    struct stat mine, there;

    return fstat(fd, &mine) == 0 && stat(path, &there) == 0 &&
           mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

int64_t cz_file_size(int fd)
{
    struct stat about;

    return fstat(fd, &about) == 0 ? (int64_t)about.st_size : -errno;
}

uint64_t cz_file_size_max(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_FSIZE, &limit) == 0 ? limit.rlim_cur : UINT64_MAX;
}

int cz_file_write(int fd, struct iovec *pieces, int count, uint64_t offset)
{
    while (count > 0) {
        ssize_t n = count == 1 ? pwrite(fd, pieces->iov_base, pieces->iov_len,
                                        (off_t)offset)
                               : pwritev(fd, pieces, count, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        offset += (uint64_t)n;
        while (count > 0 && (size_t)n >= pieces->iov_len) {
            n -= (ssize_t)pieces->iov_len;
            pieces++;
            count--;
        }
        if (count > 0) {
            pieces->iov_base = (char *)pieces->iov_base + n;
            pieces->iov_len -= (size_t)n;
        }
    }
    return 0;
}

int64_t cz_file_read(int fd, void *to, size_t size, uint64_t offset)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n =
            pread(fd, (char *)to + done, size - done, (off_t)(offset + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (int64_t)done;
}

int cz_file_truncate(int fd, uint64_t size)
{
    int rc;

    do
        rc = ftruncate(fd, (off_t)size);
    while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : -errno;
}

int cz_file_punch(int fd, uint64_t from, uint64_t to)
{
    int rc;

    do
        rc = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                       (off_t)from, (off_t)(to - from));
    while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : -errno;
}

int cz_file_sync(int fd)
{
    int rc;

    do
        rc = fdatasync(fd);
    while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : -errno;
}

int cz_dir_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return -errno;
    rc = fsync(fd) == 0 ? 0 : -errno;
    close(fd);
    return rc;
}
