/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Properties: the metadata of READY, INITIATE and ZAP replies (wire.md 5.2).
 *
 *     *( name-size(1) name value-size(4) value )
 *
 * Thread: any. Owns: nothing; properties point into the string read.
 */
#ifndef CZ_WIRE_PROPERTIES_H
#define CZ_WIRE_PROPERTIES_H

#include "base/compiler.h"
#include "wire/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CZ_PROPERTY_NAME_MAX = 255, CZ_PROPERTY_VALUE_MAX = 0x7fffffff };

struct cz_property {
    struct cz_span name;
    struct cz_span value;
};

/* Takes the first property off `rest`, which is the whole string at first.
 * 1: `property` is set. 0: the string is at its end. -EPROTO: a length runs
 * past the end or bytes are left over; `rest` is as before. A name of no
 * bytes is tolerated. */
CZ_MUST_CHECK int cz_properties_next(struct cz_span *rest,
                                     struct cz_property *property);

/* Is the string well formed from end to end? 0 or -EPROTO. */
CZ_MUST_CHECK int cz_properties_check(struct cz_span properties);

/* Is this the property's name, in any case of its ASCII letters (RFC 37)? */
bool cz_property_is(const struct cz_property *property, const char *name);

/* How many bytes a property takes when encoded. */
size_t cz_property_size(const struct cz_property *property);

/* Writes a property and returns its size; 0, with nothing written, if it
 * exceeds `capacity`, has no name, or is too long for its length fields. */
size_t cz_property_encode(uint8_t *to, size_t capacity,
                          const struct cz_property *property);

#endif
