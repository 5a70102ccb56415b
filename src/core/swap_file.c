/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Swap files: where a position lies, and giving disk space back.
 *
 * Thread: see core/swap_file.h. Owns: what is listed there.
 */
#include "core/swap_file.h"

#include "os/file.h"

#include <errno.h>

enum {
    /* Space is given back in steps of so much: each is a system call that
     * changes the file's map. */
    FREE_STEP = 4194304,
    /* Holes are made of whole blocks. */
    BLOCK_SIZE = 4096,
    /* A file longer than this is cut when it is empty. Shorter ones are
     * overwritten, which is cheaper than to allocate their pages anew. */
    KEPT_MAX = 1048576,
    /* The limit for files is asked for once in so many bytes: asking costs a
     * third of a short write. */
    ALLOWED_STEP = 65536,
};

void cz_swap_file_init(struct cz_swap_file *file)
{
    *file = (struct cz_swap_file){.fd = -1, .has_holes = true};
}

void cz_swap_file_fini(struct cz_swap_file *file)
{
    if (file->fd >= 0)
        cz_file_close(file->fd);
    file->fd = -1;
}

static uint64_t file_offset(const struct cz_swap_file *file, uint64_t position)
{
    return position - file->base + file->head;
}

/* May the file be so long? */
static bool file_may_reach(struct cz_swap_file *file, uint64_t size)
{
    uint64_t size_max;

    if (CZ_LIKELY(size <= file->size_allowed))
        return true;
    size_max = cz_file_size_max();
    if (size > size_max)
        return false;
    file->size_allowed =
        size_max - size < ALLOWED_STEP ? size_max : size + ALLOWED_STEP;
    return true;
}

int cz_swap_file_write(struct cz_swap_file *file, struct iovec *pieces,
                       int count, uint64_t position)
{
    uint64_t offset = file_offset(file, position);
    uint64_t end = offset;

    for (int i = 0; i < count; i++)
        end += pieces[i].iov_len;
    if (!file_may_reach(file, end))
        return -EFBIG;
    return cz_file_write(file->fd, pieces, count, offset);
}

int cz_swap_file_write_head(struct cz_swap_file *file, const void *data,
                            size_t size, uint32_t offset)
{
    struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};

    if (!file_may_reach(file, offset + size))
        return -EFBIG;
    return cz_file_write(file->fd, &piece, 1, offset);
}

int cz_swap_file_read(const struct cz_swap_file *file, void *to, size_t size,
                      uint64_t position)
{
    int64_t rc = cz_file_read(file->fd, to, size, file_offset(file, position));

    if (rc < 0)
        return (int)rc;
    return (uint64_t)rc == size ? 0 : -EIO;
}

bool cz_swap_file_is_due(const struct cz_swap_file *file, uint64_t position)
{
    return file->has_holes && position - file->freed >= FREE_STEP;
}

void cz_swap_file_release(struct cz_swap_file *file, uint64_t position)
{
    uint64_t from, to;
    int rc;

    if (!cz_swap_file_is_due(file, position))
        return;
    from = file_offset(file, file->freed);
    from += (BLOCK_SIZE - from % BLOCK_SIZE) % BLOCK_SIZE;
    to = file_offset(file, position);
    to -= to % BLOCK_SIZE;
    rc = cz_file_punch(file->fd, from, to);
    file->has_holes = rc == 0;
    file->freed = position;
}

bool cz_swap_file_is_long(const struct cz_swap_file *file, uint64_t written)
{
    return written - file->base > KEPT_MAX;
}

void cz_swap_file_restart(struct cz_swap_file *file, uint64_t position)
{
    if (cz_swap_file_is_long(file, position))
        /* If it cannot be cut, it is overwritten. */
        (void)!cz_file_truncate(file->fd, file->head);
    file->base = file->freed = position;
    file->has_holes = true;
}
