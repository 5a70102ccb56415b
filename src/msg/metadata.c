/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Connection properties: one block of memory with the struct and then, for
 * each property, name NUL size(4) value NUL.
 *
 * Thread: any.
 */
#include "msg/metadata.h"

#include "base/alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

struct cz_metadata {
    _Atomic uint32_t refs;
    uint32_t size;
    int fd;
    bool is_shown; /* by cz_metadata_get */
    char text[];
};

enum { SIZE_SIZE = sizeof(uint32_t) };

/* A name that holds a NUL byte is cut there: nobody can ask for more of it. */
static char *metadata_put_name(char *to, const char *name, size_t size)
{
    size_t length = size ? strnlen(name, size) : 0;

    if (length)
        memcpy(to, name, length);
    to[length] = '\0';
    return to + length + 1;
}

static char *metadata_put_value(char *to, const void *value, size_t size)
{
    uint32_t stored = (uint32_t)size;

    memcpy(to, &stored, SIZE_SIZE);
    if (size)
        memcpy(to + SIZE_SIZE, value, size);
    to[SIZE_SIZE + size] = '\0';
    return to + SIZE_SIZE + size + 1;
}

struct cz_metadata *
cz_metadata_create(const struct cz_metadata_item *properties, size_t count,
                   int fd)
{
    struct cz_metadata *metadata;
    size_t size = 0;
    char *to;

    for (size_t i = 0; i < count; i++)
        size +=
            properties[i].name_size + properties[i].value_size + SIZE_SIZE + 2;
    if (size > UINT32_MAX)
        return NULL;
    metadata = cz_alloc(sizeof *metadata + size);
    if (!metadata)
        return NULL;
    atomic_init(&metadata->refs, 1);
    metadata->fd = fd;
    metadata->is_shown = true;
    to = metadata->text;
    for (size_t i = 0; i < count; i++) {
        const struct cz_metadata_item *p = &properties[i];

        to = metadata_put_name(to, p->name, p->name_size);
        to = metadata_put_value(to, p->value, p->value_size);
    }
    metadata->size = (uint32_t)(to - metadata->text);
    return metadata;
}

struct cz_metadata *cz_metadata_create_id(const void *id, size_t size)
{
    const struct cz_metadata_item item = {"Identity", strlen("Identity"), id,
                                          size};
    struct cz_metadata *metadata = cz_metadata_create(&item, 1, -1);

    if (metadata)
        metadata->is_shown = false;
    return metadata;
}

void cz_metadata_ref(struct cz_metadata *metadata, uint32_t count)
{
    /* Relaxed: who takes references already holds one. */
    atomic_fetch_add_explicit(&metadata->refs, count, memory_order_relaxed);
}

void cz_metadata_unref(struct cz_metadata *metadata, uint32_t count)
{
    /* acq_rel: the last one out sees all uses by the others. */
    if (atomic_fetch_sub_explicit(&metadata->refs, count,
                                  memory_order_acq_rel) == count)
        cz_free(metadata);
}

const uint8_t *cz_metadata_find(const struct cz_metadata *metadata,
                                const char *name, size_t *size)
{
    const char *at = metadata->text;
    const char *end = at + metadata->size;

    if (strcmp(name, "Routing-Id") == 0)
        name = "Identity";
    while (at < end) {
        const char *value = at + strlen(at) + 1;
        uint32_t value_size;

        memcpy(&value_size, value, SIZE_SIZE);
        value += SIZE_SIZE;
        if (strcmp(at, name) == 0) {
            *size = value_size;
            return (const uint8_t *)value;
        }
        at = value + value_size + 1;
    }
    return NULL;
}

const char *cz_metadata_get(const struct cz_metadata *metadata,
                            const char *name)
{
    size_t size;

    if (!metadata->is_shown)
        return NULL;
    return (const char *)cz_metadata_find(metadata, name, &size);
}

int cz_metadata_fd(const struct cz_metadata *metadata)
{
    return metadata->fd;
}
