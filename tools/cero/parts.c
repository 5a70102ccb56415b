/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Cuts a record into the parts of a message. One that is taken as it is,
 * which may be a large file, is not copied.
 *
 * Thread: one owner.
 * Owns: the list, and the bytes that are not the record's own.
 */
#include "parts.h"

#include <errno.h>
#include <string.h>

void parts_fini(struct parts *parts)
{
    buffer_fini(&parts->bytes);
    buffer_fini(&parts->list);
}

void parts_clear(struct parts *parts)
{
    parts->base = NULL;
    buffer_consume(&parts->bytes, buffer_size(&parts->bytes));
    buffer_consume(&parts->list, buffer_size(&parts->list));
    parts->count = 0;
}

static int parts_list(struct parts *parts, size_t offset, size_t size)
{
    struct part part = {offset, size};
    int rc = buffer_append(&parts->list, &part, sizeof part);

    parts->count += rc == 0;
    return rc;
}

int parts_add(struct parts *parts, const void *data, size_t size)
{
    size_t offset = buffer_size(&parts->bytes);
    int rc = buffer_append(&parts->bytes, data, size);

    return rc == 0 ? parts_list(parts, offset, size) : rc;
}

/* Text is never shorter than what it stands for. */
static int parts_add_text(struct parts *parts, const unsigned char *text,
                          size_t size, const struct format *format)
{
    size_t offset = buffer_size(&parts->bytes);
    size_t length;
    int rc;

    if (!format->decode)
        return parts_add(parts, text, size);
    rc = buffer_reserve(&parts->bytes, size);
    if (rc == 0)
        rc = format->decode(buffer_tail(&parts->bytes), &length, text, size);
    if (rc != 0)
        return rc;
    parts->bytes.end += length;
    return parts_list(parts, offset, length);
}

static int parts_cut_one(struct parts *parts, const unsigned char *text,
                         size_t size, const struct format *format)
{
    if (parts->base)
        return parts_list(parts, (size_t)(text - parts->base), size);
    return parts_add_text(parts, text, size, format);
}

int parts_cut(struct parts *parts, const struct record *record,
              const struct parts_rules *rules)
{
    const unsigned char *text = record->data;
    size_t left = record->size;
    const unsigned char *end;
    int rc = 0;

    parts_clear(parts);
    if (!rules->topic && !rules->format->decode)
        parts->base = record->data;
    if (rules->topic)
        rc = parts_add(parts, rules->topic, strlen(rules->topic));
    do {
        size_t size = left;

        end = NULL;
        if (rules->separator >= 0 && left > 0)
            end = memchr(text, rules->separator, left);
        if (end)
            size = (size_t)(end - text);
        if (rc == 0)
            rc = parts_cut_one(parts, text, size, rules->format);
        text += size + (end != NULL);
        left -= size + (end != NULL);
    } while (end && rc == 0);
    return rc;
}

struct record parts_get(const struct parts *parts, size_t index)
{
    const unsigned char *base =
        parts->base ? parts->base : buffer_head(&parts->bytes);
    struct part part;

    memcpy(&part, buffer_head(&parts->list) + index * sizeof part, sizeof part);
    return (struct record){base + part.offset, part.size};
}
