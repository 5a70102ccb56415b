/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Socket options with rules of their own.
 *
 * Thread: the socket's. Owns: nothing.
 */
#include "core/options_table.h"

#include "base/alloc.h"
#include "wire/properties.h"

#include <errno.h>
#include <string.h>

enum {
    ROUTING_ID = 5,
    IPV4ONLY = 31,
    MECHANISM = 43,
    HEARTBEAT_TTL = 76,

    HEARTBEAT_TTL_UNIT_MS = 100,
    HEARTBEAT_TTL_MAX_MS = 6553599,
    /* So much that a READY with all of it is no longer than any handshake
     * frame may be. */
    METADATA_MAX = 32768,
};

static int set_routing_id(struct cz_options *o, const void *value, size_t size)
{
    if (size < 1 || size > CZ_ROUTING_ID_MAX || !value)
        return -EINVAL;
    memcpy(o->routing_id, value, size);
    o->routing_id_size = (uint8_t)size;
    return 0;
}

static int get_routing_id(const struct cz_options *o, void *value, size_t *size)
{
    if (*size < o->routing_id_size)
        return -EINVAL;
    memset(value, 0, *size);
    memcpy(value, o->routing_id, o->routing_id_size);
    *size = o->routing_id_size;
    return 0;
}

/* Kept as the wire has it, in tenths of seconds; what is less than one, of
 * either sign, is none. */
static int set_heartbeat_ttl(struct cz_options *o, const void *value,
                             size_t size)
{
    int number;
    int rc = cz_options_take_int(value, size, 1 - HEARTBEAT_TTL_UNIT_MS,
                                 HEARTBEAT_TTL_MAX_MS, &number);

    if (rc == 0)
        o->heartbeat_ttl_ms =
            number / HEARTBEAT_TTL_UNIT_MS * HEARTBEAT_TTL_UNIT_MS;
    return rc;
}

/* ---- ZMQ_METADATA --------------------------------------------------- */

/* "X-name:value". */
static int metadata_parse(const void *value, size_t size,
                          struct cz_property *property)
{
    const char *text = value;
    const char *colon = value ? memchr(value, ':', size) : NULL;
    size_t name_size = colon ? (size_t)(colon - text) : 0;

    /* libzmq refuses four bytes of any kind. */
    if (size <= 4 || name_size < 2 || name_size > CZ_PROPERTY_NAME_MAX ||
        name_size + 1 == size || memcmp(text, "X-", 2) != 0)
        return -EINVAL;
    property->name = cz_span(text, name_size);
    property->value = cz_span(colon + 1, size - name_size - 1);
    return 0;
}

/* The byte order of names, in which they are sent. */
static int name_compare(struct cz_span a, struct cz_span b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = memcmp(a.bytes, b.bytes, shorter);

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* Where in the properties this one belongs; false: its name is there. */
static bool metadata_find_place(struct cz_span properties, struct cz_span name,
                                size_t *place)
{
    struct cz_span rest = properties;
    struct cz_property property;

    *place = 0;
    while (cz_properties_next(&rest, &property) == 1) {
        int order = name_compare(property.name, name);

        if (order >= 0)
            return order > 0;
        *place = properties.size - rest.size;
    }
    return true;
}

static int add_metadata(struct cz_options *o, const void *value, size_t size)
{
    struct cz_span old = cz_options_blob(o, CZ_OPTION_METADATA);
    struct cz_property property;
    size_t place, total;
    uint8_t *made;
    int rc = metadata_parse(value, size, &property);

    if (rc != 0)
        return rc;
    /* The first value of a name stays. */
    if (!metadata_find_place(old, property.name, &place))
        return 0;
    total = old.size + cz_property_size(&property);
    if (total > METADATA_MAX)
        return -EINVAL;
    made = cz_alloc(total);
    if (!made)
        return -ENOMEM;
    size = total - old.size;
    cz_span_copy(made, cz_span(old.bytes, place));
    cz_property_encode(made + place, size, &property);
    cz_span_copy(made + place + size,
                 cz_span(old.bytes + place, old.size - place));
    rc = cz_blobs_set(&o->blobs, CZ_OPTION_METADATA, cz_span(made, total));
    cz_free(made);
    return rc;
}

/* A path, which has no NUL in it; none means the default. */
static int set_swap_dir(struct cz_options *o, const struct cz_option_row *row,
                        const void *value, size_t size)
{
    if (size > (size_t)row->max || (size > 0 && !value) ||
        (size > 0 && memchr(value, 0, size)))
        return -EINVAL;
    return cz_blobs_set(&o->blobs, CZ_OPTION_SWAP_DIRECTORY,
                        cz_span(value, size));
}

/* ---- set and get ---------------------------------------------------- */

int cz_option_set_special(struct cz_options *o, const struct cz_option_row *row,
                          const void *value, size_t size)
{
    int number;

    switch (row->number) {
    case ROUTING_ID:
        return set_routing_id(o, value, size);
    case IPV4ONLY: /* the opposite of IPV6 */
        if (cz_options_take_int(value, size, 0, 1, &number) != 0)
            return -EINVAL;
        o->ipv6 = !number;
        return 0;
    case CZ_OPTION_TCP_ACCEPT_FILTER:
        return cz_option_add_filter(o, row, value, size);
    case HEARTBEAT_TTL:
        return set_heartbeat_ttl(o, value, size);
    case CZ_OPTION_METADATA:
        return add_metadata(o, value, size);
    case CZ_OPTION_CERO_SWAP_DIR:
        return set_swap_dir(o, row, value, size);
    default:
        return -EINVAL;
    }
}

int cz_option_get_special(const struct cz_options *o,
                          const struct cz_option_row *row, void *value,
                          size_t *size)
{
    int number;

    switch (row->number) {
    case ROUTING_ID:
        return get_routing_id(o, value, size);
    case CZ_OPTION_CERO_SWAP_DIR:
        return cz_options_put_span(cz_options_blob(o, CZ_OPTION_SWAP_DIRECTORY),
                                   value, size);
    case IPV4ONLY:
        number = !o->ipv6;
        break;
    case MECHANISM:
        number = o->mechanism;
        break;
    case HEARTBEAT_TTL:
        number = o->heartbeat_ttl_ms;
        break;
    default:
        return -EINVAL;
    }
    return *size == sizeof number ? cz_options_put_int(number, value, size)
                                  : -EINVAL;
}
