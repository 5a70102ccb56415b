/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What is known about the peer that a message came from: named strings that
 * zmq_msg_gets shows. Made once per connection, shared by all its messages,
 * never changed.
 *
 * Thread: any.
 */
#ifndef CZ_MSG_METADATA_H
#define CZ_MSG_METADATA_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

struct cz_metadata;

struct cz_metadata_item {
    const char *name;
    size_t name_size;
    const void *value;
    size_t value_size;
};

/* One reference, or NULL = no memory. The first of equal names wins. `fd` is
 * what zmq_msg_get (ZMQ_SRCFD) tells; -1 = unknown. */
struct cz_metadata *
cz_metadata_create(const struct cz_metadata_item *properties, size_t count,
                   int fd);

/* The same of a peer that has told its routing id and nothing else, as ZMTP
 * 2.0 and inproc have it: cz_metadata_find finds it, cz_metadata_get does
 * not, for such messages have no properties. */
struct cz_metadata *cz_metadata_create_id(const void *id, size_t size);

/* Take or drop `count` references. */
void cz_metadata_ref(struct cz_metadata *metadata, uint32_t count);
void cz_metadata_unref(struct cz_metadata *metadata, uint32_t count);

/* The value, NUL-terminated and alive as long as the reference; NULL if there
 * is none. "Routing-Id" and "Identity" are the same property. */
const char *cz_metadata_get(const struct cz_metadata *metadata,
                            const char *name);

/* The same for values that may hold NUL bytes. */
const uint8_t *cz_metadata_find(const struct cz_metadata *metadata,
                                const char *name, size_t *size);

int cz_metadata_fd(const struct cz_metadata *metadata);

#endif
