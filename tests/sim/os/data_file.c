/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The simulated disk: files that data is kept in. Writing and syncing may fail,
 * writing after a part of it; and of each file there are two images, as it is
 * and as it was when it was last synced, from which a loss of power makes a
 * third one, sector by sector.
 *
 * Thread: the one whose turn it is. Owns: the files, until the run ends.
 */
#include "os/file.h"

#include "sim/os/net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DISK_FD_FIRST = 10000, DISK_FDS_MAX = 16, SECTOR = 512 };

struct image {
    uint8_t *bytes;
    size_t size;
};

struct data {
    struct data *next;
    char path[256]; /* empty: it has no name */
    struct image now, synced;
    bool name_is_synced;
    unsigned open_count;
    int holder; /* the descriptor that has locked it; or 0 */
};

static struct data *disk, *saved;
static struct data *descriptors[DISK_FDS_MAX];

/* ---- images --------------------------------------------------------- */

/* New bytes are zeros. */
static void image_resize(struct image *image, size_t size)
{
    uint8_t *bytes = realloc(image->bytes, size + 1);

    if (!bytes)
        sim_fail("no memory for a file");
    if (size > image->size)
        memset(bytes + image->size, 0, size - image->size);
    image->bytes = bytes;
    image->size = size;
}

static void image_put(struct image *image, const void *bytes, size_t size,
                      uint64_t offset)
{
    if (offset + size > image->size)
        image_resize(image, (size_t)offset + size);
    if (size > 0)
        memcpy(image->bytes + offset, bytes, size);
}

static void image_copy(struct image *to, const struct image *from)
{
    image_resize(to, from->size);
    image_put(to, from->bytes, from->size, 0);
}

/* What a loss of power leaves: of each sector one or the other. */
static void image_mix(struct image *to, const struct image *a,
                      const struct image *b)
{
    const struct image *longer = a->size > b->size ? a : b;
    const struct image *shorter = longer == a ? b : a;
    size_t excess = longer->size - shorter->size;

    image_copy(to, longer);
    for (size_t at = 0; at < shorter->size; at += SECTOR) {
        size_t left = shorter->size - at;

        if (sim_below(SIM_DICE_FAULTS, 2))
            image_put(to, shorter->bytes + at, left < SECTOR ? left : SECTOR,
                      at);
    }
    image_resize(to, shorter->size +
                         (size_t)sim_below(SIM_DICE_FAULTS, excess + 1));
}

/* ---- files ---------------------------------------------------------- */

static struct data *data_new(struct data **list, const char *path)
{
    struct data *data = calloc(1, sizeof *data);

    if (!data || strlen(path) >= sizeof data->path)
        sim_fail("no memory for the file '%s'", path);
    snprintf(data->path, sizeof data->path, "%s", path);
    image_resize(&data->now, 0);
    image_resize(&data->synced, 0);
    data->next = *list;
    *list = data;
    return data;
}

static void data_drop(struct data **at)
{
    struct data *data = *at;

    *at = data->next;
    free(data->now.bytes);
    free(data->synced.bytes);
    free(data);
}

static struct data **data_find(const char *path)
{
    struct data **at = &disk;

    while (*at && strcmp((*at)->path, path) != 0)
        at = &(*at)->next;
    return at;
}

/* Who has neither a name nor a descriptor is gone. */
static void disk_tidy(void)
{
    for (struct data **at = &disk; *at;)
        if ((*at)->open_count == 0 && !(*at)->path[0])
            data_drop(at);
        else
            at = &(*at)->next;
}

static void disk_clear(struct data **list)
{
    while (*list)
        data_drop(list);
}

static struct data *data_of(int fd)
{
    int i = fd - DISK_FD_FIRST;

    if (i < 0 || i >= DISK_FDS_MAX || !descriptors[i])
        sim_fail("%d is not an open file", fd);
    return descriptors[i];
}

static int data_open(struct data *data)
{
    for (int i = 0; i < DISK_FDS_MAX; i++)
        if (!descriptors[i]) {
            descriptors[i] = data;
            data->open_count++;
            return DISK_FD_FIRST + i;
        }
    sim_fail("more than %d files", DISK_FDS_MAX);
}

bool sim_data_unlink(const char *path)
{
    struct data *data = *data_find(path);

    if (!data)
        return false;
    data->path[0] = '\0';
    disk_tidy();
    return true;
}

unsigned sim_data_end(void)
{
    unsigned open_count = 0;

    for (const struct data *data = disk; data; data = data->next)
        open_count += data->open_count;
    memset(descriptors, 0, sizeof descriptors);
    disk_clear(&disk);
    disk_clear(&saved);
    return open_count;
}

/* ---- crashes -------------------------------------------------------- */

void sim_disk_save(bool without_power)
{
    disk_clear(&saved);
    for (const struct data *data = disk; data; data = data->next) {
        struct data *copy;

        if (!data->path[0] || (without_power && !data->name_is_synced &&
                               sim_below(SIM_DICE_FAULTS, 2)))
            continue;
        copy = data_new(&saved, data->path);
        if (without_power)
            image_mix(&copy->now, &data->synced, &data->now);
        else
            image_copy(&copy->now, &data->now);
    }
}

void sim_disk_restore(void)
{
    for (const struct data *data = disk; data; data = data->next)
        SIM_CHECK(data->open_count == 0);
    disk_clear(&disk);
    disk = saved;
    saved = NULL;
    for (struct data *data = disk; data; data = data->next) {
        image_copy(&data->synced, &data->now);
        data->name_is_synced = true;
    }
}

/* ---- os/file.h ------------------------------------------------------ */

int cz_file_open_nameless(const char *directory)
{
    sim_point();
    return cz_dir_exists(directory) ? data_open(data_new(&disk, "")) : -ENOENT;
}

int cz_file_open(const char *path)
{
    struct data *data;

    sim_point();
    if (!sim_file_has_place(path))
        return -ENOENT;
    data = *data_find(path);
    return data_open(data ? data : data_new(&disk, path));
}

void cz_file_close(int fd)
{
    struct data *data = data_of(fd);

    sim_point();
    if (data->holder == fd)
        data->holder = 0;
    data->open_count--;
    descriptors[fd - DISK_FD_FIRST] = NULL;
    disk_tidy();
}

int cz_file_lock(int fd)
{
    struct data *data = data_of(fd);

    sim_point();
    if (data->holder && data->holder != fd)
        return -EBUSY;
    data->holder = fd;
    return 0;
}

bool cz_file_is_at(int fd, const char *path)
{
    return strcmp(data_of(fd)->path, path) == 0;
}

int64_t cz_file_size(int fd)
{
    return (int64_t)data_of(fd)->now.size;
}

uint64_t cz_file_size_max(void)
{
    return UINT64_MAX;
}

int cz_file_write(int fd, struct iovec *pieces, int count, uint64_t offset)
{
    struct image *image = &data_of(fd)->now;
    bool is_failing = sim_fault(sim.config.file_write);

    sim_point();
    sim_note("write to a file", is_failing, (int64_t)offset);
    for (int i = 0; i < count; i++) {
        size_t size = pieces[i].iov_len;
        bool is_last = i == count - 1 || sim_fault(500);

        /* At least one byte is missing. */
        if (is_failing && is_last)
            size = (size_t)sim_below(SIM_DICE_FAULTS, size);
        image_put(image, pieces[i].iov_base, size, offset);
        if (is_failing && is_last)
            return sim_fault(500) ? -ENOSPC : -EIO;
        offset += size;
    }
    return 0;
}

int64_t cz_file_read(int fd, void *to, size_t size, uint64_t offset)
{
    const struct image *image = &data_of(fd)->now;

    sim_point();
    if (offset >= image->size)
        return 0;
    if (size > image->size - offset)
        size = image->size - (size_t)offset;
    memcpy(to, image->bytes + offset, size);
    return (int64_t)size;
}

int cz_file_truncate(int fd, uint64_t size)
{
    sim_point();
    image_resize(&data_of(fd)->now, (size_t)size);
    return 0;
}

int cz_file_punch(int fd, uint64_t from, uint64_t to)
{
    struct image *image = &data_of(fd)->now;

    sim_point();
    if (to > image->size)
        to = image->size;
    if (from < to)
        memset(image->bytes + from, 0, (size_t)(to - from));
    return 0;
}

/* One that fails may have brought some of it to the disk. */
int cz_file_sync(int fd)
{
    struct data *data = data_of(fd);
    bool is_failing = sim_fault(sim.config.file_sync);

    sim_point();
    sim_note("sync a file", is_failing, 0);
    if (is_failing)
        return -EIO;
    image_copy(&data->synced, &data->now);
    return 0;
}

int cz_dir_sync(const char *path)
{
    size_t length = strlen(path);

    sim_point();
    if (sim_fault(sim.config.file_sync))
        return -EIO;
    for (struct data *data = disk; data; data = data->next)
        if (strncmp(data->path, path, length) == 0)
            data->name_is_synced = true;
    return 0;
}
