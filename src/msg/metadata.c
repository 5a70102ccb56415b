/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Connection properties: one block of memory with the struct and then
 * name NUL value NUL, name NUL value NUL, ...
 *
 * Thread: any.
 */
#include "msg/metadata.h"

#include "base/alloc.h"

#include <stdatomic.h>
#include <string.h>

struct cz_metadata {
    _Atomic uint32_t refs;
    uint32_t size;
    int fd;
    char text[];
};

/* A value that holds a NUL byte is cut there: C callers see no more of it. */
static char *metadata_put(char *to, const void *from, size_t size)
{
    size_t length = size ? strnlen(from, size) : 0;

    if (length)
        memcpy(to, from, length);
    to[length] = '\0';
    return to + length + 1;
}

struct cz_metadata *
cz_metadata_create(const struct cz_metadata_item *properties, size_t count,
                   int fd)
{
    struct cz_metadata *metadata;
    size_t size = 0;
    char *to;

    for (size_t i = 0; i < count; i++)
        size += properties[i].name_size + properties[i].value_size + 2;
    if (size > UINT32_MAX)
        return NULL;
    metadata = cz_alloc(sizeof *metadata + size);
    if (!metadata)
        return NULL;
    atomic_init(&metadata->refs, 1);
    metadata->fd = fd;
    to = metadata->text;
    for (size_t i = 0; i < count; i++) {
        const struct cz_metadata_item *p = &properties[i];

        to = metadata_put(to, p->name, p->name_size);
        to = metadata_put(to, p->value, p->value_size);
    }
    metadata->size = (uint32_t)(to - metadata->text);
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

const char *cz_metadata_get(const struct cz_metadata *metadata,
                            const char *name)
{
    const char *at = metadata->text;
    const char *end = at + metadata->size;

    if (strcmp(name, "Routing-Id") == 0)
        name = "Identity";
    while (at < end) {
        const char *value = at + strlen(at) + 1;

        if (strcmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

int cz_metadata_fd(const struct cz_metadata *metadata)
{
    return metadata->fd;
}
