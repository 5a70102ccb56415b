/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The rows of the option table, for the files core/options*.c alone.
 *
 * Thread: the socket's.
 */
#ifndef CZ_CORE_OPTIONS_TABLE_H
#define CZ_CORE_OPTIONS_TABLE_H

#include "base/compiler.h"
#include "core/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cz_option_type {
    CZ_OPTION_INT,
    CZ_OPTION_BOOL,    /* an int, 0 or 1 */
    CZ_OPTION_FLAG,    /* an int, of which 1 is kept if it is not 0 */
    CZ_OPTION_WIDE,    /* 64 bits, any value */
    CZ_OPTION_SIZE,    /* 64 bits, not negative */
    CZ_OPTION_TEXT,    /* at most `max` bytes, kept with its number */
    CZ_OPTION_KEY,     /* 32 bytes, or Z85 */
    CZ_OPTION_IDS,     /* int by int, a list */
    CZ_OPTION_SERVER,  /* a mechanism's switch of the role */
    CZ_OPTION_SPECIAL, /* has rules of its own: core/options_special.c */
};

enum { CZ_OPTION_SET = 1, CZ_OPTION_GET = 2, CZ_OPTION_BOTH = 3 };

/* What a text of no bytes does. */
enum cz_option_empty {
    CZ_EMPTY_IS_REFUSED,
    CZ_EMPTY_CLEARS,      /* with any pointer */
    CZ_EMPTY_NULL_CLEARS, /* with NULL; refused with another */
    CZ_EMPTY_NULL_RESETS, /* likewise: the mechanism is NULL again, and the
                             text stays */
};

struct cz_option_row {
    uint16_t number; /* ZMQ_..., CERO_... */
    uint8_t type;
    uint8_t access;
    uint16_t offset;
    int min;
    int max;
    int fallback; /* the default */

    uint8_t empty;
    uint8_t mechanism;    /* that setting it chooses; 0 = it chooses none */
    bool is_for_a_client; /* setting it makes the socket one */
};

extern const struct cz_option_row cz_option_rows[];
extern const size_t cz_option_row_count;

/* Those with rules of their own. */
CZ_MUST_CHECK int cz_option_set_special(struct cz_options *options,
                                        const struct cz_option_row *row,
                                        const void *value, size_t size);
CZ_MUST_CHECK int cz_option_get_special(const struct cz_options *options,
                                        const struct cz_option_row *row,
                                        void *value, size_t *size);

/* ZMQ_TCP_ACCEPT_FILTER. */
CZ_MUST_CHECK int cz_option_add_filter(struct cz_options *options,
                                       const struct cz_option_row *row,
                                       const void *value, size_t size);

#endif
