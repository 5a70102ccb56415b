/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Socket options: reading and writing values by the table.
 *
 * Thread: the socket's. Owns: see core/options.h.
 */
#include "core/options_table.h"

#include "base/alloc.h"
#include "wire/socket_type.h"
#include "wire/z85.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

enum { KEY_TEXT_SIZE = CZ_CURVE_KEY_SIZE / 4 * 5 };

static const struct cz_option_row *option_find(int number)
{
    for (size_t i = 0; i < cz_option_row_count; i++)
        if (cz_option_rows[i].number == number)
            return &cz_option_rows[i];
    return NULL;
}

static int *option_int(struct cz_options *o, const struct cz_option_row *row)
{
    return (int *)((char *)o + row->offset);
}

static bool is_kept_as_int(const struct cz_option_row *row)
{
    return row->type == CZ_OPTION_INT || row->type == CZ_OPTION_BOOL ||
           row->type == CZ_OPTION_FLAG;
}

/* ---- life ----------------------------------------------------------- */

void cz_options_init(struct cz_options *o, int socket_type)
{
    memset(o, 0, sizeof *o);
    for (size_t i = 0; i < cz_option_row_count; i++) {
        const struct cz_option_row *row = &cz_option_rows[i];
        int64_t wide = row->fallback;

        if (is_kept_as_int(row))
            *option_int(o, row) = row->fallback;
        else if (row->type == CZ_OPTION_WIDE || row->type == CZ_OPTION_SIZE)
            memcpy((char *)o + row->offset, &wide, sizeof wide);
    }
    o->socket_type = (uint8_t)socket_type;
    atomic_init(&o->refs, 1);
}

void cz_options_fini(struct cz_options *o)
{
    cz_blobs_unref(o->blobs);
    o->blobs = NULL;
}

bool cz_options_conflates_out(const struct cz_options *o)
{
    return o->conflate && (o->socket_type == CZ_SOCKET_PUSH ||
                           o->socket_type == CZ_SOCKET_PUB ||
                           o->socket_type == CZ_SOCKET_DEALER);
}

bool cz_options_conflates_in(const struct cz_options *o)
{
    return o->conflate && (o->socket_type == CZ_SOCKET_PULL ||
                           o->socket_type == CZ_SOCKET_SUB ||
                           o->socket_type == CZ_SOCKET_DEALER);
}

struct cz_options *cz_options_snapshot(const struct cz_options *options)
{
    struct cz_options *copy = cz_memdup(options, sizeof *options);

    if (!copy)
        return NULL;
    atomic_init(&copy->refs, 1);
    cz_blobs_ref(copy->blobs);
    return copy;
}

struct cz_options *cz_options_ref(struct cz_options *options)
{
    /* Relaxed: who takes a reference already holds one. */
    atomic_fetch_add_explicit(&options->refs, 1, memory_order_relaxed);
    return options;
}

void cz_options_unref(struct cz_options *options)
{
    if (!options ||
        atomic_fetch_sub_explicit(&options->refs, 1, memory_order_acq_rel) != 1)
        return;
    cz_blobs_unref(options->blobs);
    cz_free(options);
}

/* ---- security (security.md 1) --------------------------------------- */

bool cz_options_are_served(const struct cz_options *o)
{
    return o->mechanism == CZ_MECHANISM_NULL &&
           cz_options_blob(o, CZ_OPTION_ZAP_DOMAIN).size == 0;
}

/* A name or a key was set: it chooses its mechanism, and maybe the role. */
static void option_follow(struct cz_options *o, const struct cz_option_row *row)
{
    if (row->mechanism == CZ_MECHANISM_NULL)
        return;
    o->mechanism = row->mechanism;
    if (row->is_for_a_client)
        o->is_server = false;
}

static int set_server(struct cz_options *o, const struct cz_option_row *row,
                      const void *value, size_t size)
{
    int number;
    int rc = cz_options_take_int(value, size, 0, 1, &number);

    if (rc != 0)
        return rc;
    /* A client of GSSAPI is one by this option alone. */
    o->is_server = number;
    o->mechanism = number || row->mechanism == CZ_MECHANISM_GSSAPI
                       ? row->mechanism
                       : CZ_MECHANISM_NULL;
    return 0;
}

static int set_key(struct cz_options *o, const struct cz_option_row *row,
                   const void *value, size_t size)
{
    uint8_t key[CZ_CURVE_KEY_SIZE];
    const char *text = value;
    int rc = 0;

    if (!value)
        return -EINVAL;
    if (size == CZ_CURVE_KEY_SIZE)
        memcpy(key, value, sizeof key);
    else if (size == KEY_TEXT_SIZE ||
             (size == KEY_TEXT_SIZE + 1 && text[KEY_TEXT_SIZE] == '\0'))
        rc = cz_z85_decode(key, text, KEY_TEXT_SIZE);
    else
        rc = -EINVAL;
    if (rc == 0)
        rc = cz_blobs_set(&o->blobs, row->number, cz_span(key, sizeof key));
    explicit_bzero(key, sizeof key);
    if (rc == 0)
        option_follow(o, row);
    return rc;
}

static int get_key(const struct cz_options *o, const struct cz_option_row *row,
                   void *value, const size_t *size)
{
    static const uint8_t unset[CZ_CURVE_KEY_SIZE];
    struct cz_span key = cz_options_blob(o, row->number);

    if (key.size == 0)
        key = cz_span(unset, sizeof unset);
    if (*size == CZ_CURVE_KEY_SIZE)
        memcpy(value, key.bytes, key.size);
    else if (*size != KEY_TEXT_SIZE + 1 ||
             cz_z85_encode(value, key.bytes, key.size) != 0)
        return -EINVAL;
    return 0;
}

/* ---- texts and lists ------------------------------------------------ */

static int set_no_text(struct cz_options *o, const struct cz_option_row *row,
                       const void *value)
{
    if (row->empty == CZ_EMPTY_IS_REFUSED ||
        (value && row->empty != CZ_EMPTY_CLEARS))
        return -EINVAL;
    if (row->empty == CZ_EMPTY_NULL_RESETS) {
        o->mechanism = CZ_MECHANISM_NULL;
        return 0;
    }
    return cz_blobs_set(&o->blobs, row->number, cz_span(NULL, 0));
}

static int set_text(struct cz_options *o, const struct cz_option_row *row,
                    const void *value, size_t size)
{
    int rc;

    if (size == 0)
        return set_no_text(o, row, value);
    if (!value || size > (size_t)row->max)
        return -EINVAL;
    rc = cz_blobs_set(&o->blobs, row->number, cz_span(value, size));
    if (rc == 0)
        option_follow(o, row);
    return rc;
}

static bool has_id(struct cz_span ids, const void *id)
{
    for (size_t i = 0; i < ids.size; i += sizeof(int))
        if (memcmp(ids.bytes + i, id, sizeof(int)) == 0)
            return true;
    return false;
}

static int add_id(struct cz_options *o, const struct cz_option_row *row,
                  const void *value, size_t size)
{
    if (size == 0 && !value)
        return cz_blobs_set(&o->blobs, row->number, cz_span(NULL, 0));
    if (size != sizeof(int) || !value)
        return -EINVAL;
    if (has_id(cz_options_blob(o, row->number), value))
        return 0;
    return cz_blobs_append(&o->blobs, row->number, cz_span(value, size));
}

/* ---- set and get ---------------------------------------------------- */

static int set_flag(struct cz_options *o, const struct cz_option_row *row,
                    const void *value, size_t size)
{
    int number;
    int rc = cz_options_take_int(value, size, INT_MIN, INT_MAX, &number);

    if (rc == 0)
        *option_int(o, row) = number != 0;
    return rc;
}

static int set_size(struct cz_options *o, const struct cz_option_row *row,
                    const void *value, size_t size)
{
    int64_t number;

    if (size != sizeof number || !value)
        return -EINVAL;
    memcpy(&number, value, sizeof number);
    if (number < 0)
        return -EINVAL;
    memcpy((char *)o + row->offset, &number, sizeof number);
    return 0;
}

int cz_options_set(struct cz_options *o, int number, const void *value,
                   size_t size)
{
    const struct cz_option_row *row = option_find(number);

    if (!row)
        return -ENOENT;
    if (!(row->access & CZ_OPTION_SET))
        return -EINVAL;
    switch (row->type) {
    case CZ_OPTION_INT:
    case CZ_OPTION_BOOL:
        return cz_options_take_int(value, size, row->min, row->max,
                                   option_int(o, row));
    case CZ_OPTION_FLAG:
        return set_flag(o, row, value, size);
    case CZ_OPTION_WIDE:
        if (size != sizeof(int64_t) || !value)
            return -EINVAL;
        memcpy((char *)o + row->offset, value, size);
        return 0;
    case CZ_OPTION_SIZE:
        return set_size(o, row, value, size);
    case CZ_OPTION_TEXT:
        return set_text(o, row, value, size);
    case CZ_OPTION_KEY:
        return set_key(o, row, value, size);
    case CZ_OPTION_IDS:
        return add_id(o, row, value, size);
    case CZ_OPTION_SERVER:
        return set_server(o, row, value, size);
    case CZ_OPTION_SPECIAL:
        break;
    }
    return cz_option_set_special(o, row, value, size);
}

/* A plain value: the buffer is exactly as large as it is. */
static int get_exactly(const void *from, size_t from_size, void *value,
                       const size_t *size)
{
    if (*size != from_size)
        return -EINVAL;
    memcpy(value, from, from_size);
    return 0;
}

int cz_options_get(const struct cz_options *o, int number, void *value,
                   size_t *size)
{
    const struct cz_option_row *row = option_find(number);
    int is_server;

    if (!row)
        return -ENOENT;
    if (!(row->access & CZ_OPTION_GET))
        return -EINVAL;
    switch (row->type) {
    case CZ_OPTION_INT:
    case CZ_OPTION_BOOL:
    case CZ_OPTION_FLAG:
        return get_exactly((const char *)o + row->offset, sizeof(int), value,
                           size);
    case CZ_OPTION_WIDE:
    case CZ_OPTION_SIZE:
        return get_exactly((const char *)o + row->offset, sizeof(int64_t),
                           value, size);
    case CZ_OPTION_TEXT:
        return cz_options_put_span(cz_options_blob(o, row->number), value,
                                   size);
    case CZ_OPTION_KEY:
        return get_key(o, row, value, size);
    case CZ_OPTION_SERVER:
        is_server = o->is_server && o->mechanism == row->mechanism;
        return get_exactly(&is_server, sizeof is_server, value, size);
    case CZ_OPTION_SPECIAL:
        break;
    }
    return cz_option_get_special(o, row, value, size);
}

/* ---- values --------------------------------------------------------- */

int cz_options_take_int(const void *value, size_t size, int min, int max,
                        int *to)
{
    int number;

    if (size != sizeof number || !value)
        return -EINVAL;
    memcpy(&number, value, sizeof number);
    if (number < min || number > max)
        return -EINVAL;
    *to = number;
    return 0;
}

int cz_options_take_switch(const void *value, size_t size, bool *to)
{
    int number;
    int rc = cz_options_take_int(value, size, 0, INT_MAX, &number);

    if (rc == 0)
        *to = number != 0;
    return rc;
}

int cz_options_put_int(int from, void *value, size_t *size)
{
    if (*size < sizeof from)
        return -EINVAL;
    memset(value, 0, *size);
    memcpy(value, &from, sizeof from);
    *size = sizeof from;
    return 0;
}

int cz_options_put_span(struct cz_span from, void *value, size_t *size)
{
    if (*size <= from.size)
        return -EINVAL;
    memset(cz_span_copy(value, from), 0, *size - from.size);
    *size = from.size + 1;
    return 0;
}

int cz_options_put_text(const char *from, void *value, size_t *size)
{
    return cz_options_put_span(cz_span_of_text(from), value, size);
}
