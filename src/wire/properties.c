/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Properties: reading one at a time, and writing one (wire.md 5.2).
 *
 * Thread: any. Owns: nothing.
 */
#include "wire/properties.h"

#include "base/bytes.h"

#include <errno.h>

enum { NAME_LENGTH_SIZE = 1, VALUE_LENGTH_SIZE = 4 };

int cz_properties_next(struct cz_span *rest, struct cz_property *property)
{
    const uint8_t *at = rest->bytes;
    size_t left = rest->size;
    size_t name_size;
    uint32_t value_size;

    if (left == 0)
        return 0;
    name_size = *at;
    at += NAME_LENGTH_SIZE;
    left -= NAME_LENGTH_SIZE;
    if (left < name_size + VALUE_LENGTH_SIZE)
        return -EPROTO;
    property->name = cz_span(at, name_size);
    at += name_size;
    value_size = cz_get_be32(at);
    at += VALUE_LENGTH_SIZE;
    left -= name_size + VALUE_LENGTH_SIZE;
    if (value_size > CZ_PROPERTY_VALUE_MAX || value_size > left)
        return -EPROTO;
    property->value = cz_span(at, value_size);
    *rest = cz_span(at + value_size, left - value_size);
    return 1;
}

int cz_properties_check(struct cz_span properties)
{
    struct cz_property ignored;
    int rc;

    do {
        rc = cz_properties_next(&properties, &ignored);
    } while (rc > 0);
    return rc;
}

static uint8_t lower_case(uint8_t letter)
{
    return letter >= 'A' && letter <= 'Z' ? letter | 0x20 : letter;
}

bool cz_property_is(const struct cz_property *property, const char *name)
{
    if (property->name.size != strlen(name))
        return false;
    for (size_t i = 0; i < property->name.size; i++) {
        if (lower_case(property->name.bytes[i]) != lower_case((uint8_t)name[i]))
            return false;
    }
    return true;
}

size_t cz_property_size(const struct cz_property *property)
{
    return NAME_LENGTH_SIZE + property->name.size + VALUE_LENGTH_SIZE +
           property->value.size;
}

size_t cz_property_encode(uint8_t *to, size_t capacity,
                          const struct cz_property *property)
{
    const struct cz_span *name = &property->name;
    const struct cz_span *value = &property->value;

    if (name->size == 0 || name->size > CZ_PROPERTY_NAME_MAX ||
        value->size > CZ_PROPERTY_VALUE_MAX ||
        cz_property_size(property) > capacity)
        return 0;
    *to++ = (uint8_t)name->size;
    to = cz_span_copy(to, *name);
    cz_put_be32(to, (uint32_t)value->size);
    cz_span_copy(to + VALUE_LENGTH_SIZE, *value);
    return cz_property_size(property);
}
