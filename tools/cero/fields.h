/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The numbers of a cero_stats_t: names, and what they are.
 *
 * Thread: any.
 */
#ifndef CERO_FIELDS_H
#define CERO_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ceromq.h>

struct field {
    const char *name;
    size_t offset;
    unsigned kinds;  /* 1 << CERO_STATS_...: who has it */
    bool is_counter; /* it only rises */
    const char *help;
};

/* Ends with a NULL name. */
extern const struct field fields[];

uint64_t field_value(const struct field *field, const cero_stats_t *record);

#endif
