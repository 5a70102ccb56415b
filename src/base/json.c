/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Writing JSON.
 *
 * Thread: the owner. Owns: see base/json.h.
 */
#include "base/json.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

enum { CAPACITY_MIN = 256 };

void cz_json_init(struct cz_json *j)
{
    memset(j, 0, sizeof *j);
}

void cz_json_fini(struct cz_json *j)
{
    cz_free(j->text);
}

static void json_append(struct cz_json *j, const char *bytes, size_t size)
{
    if (j->has_failed)
        return;
    if (size > j->capacity - j->size) {
        size_t capacity = j->capacity ? j->capacity * 2 : CAPACITY_MIN;
        char *text;

        while (capacity - j->size < size)
            capacity *= 2;
        text = cz_realloc(j->text, capacity);
        if (!text) {
            j->has_failed = true;
            return;
        }
        j->text = text;
        j->capacity = capacity;
    }
    memcpy(j->text + j->size, bytes, size);
    j->size += size;
}

static void json_key(struct cz_json *j, const char *key)
{
    if (j->needs_comma)
        json_append(j, ",", 1);
    j->needs_comma = true;
    if (!key)
        return;
    json_append(j, "\"", 1);
    json_append(j, key, strlen(key));
    json_append(j, "\":", 2);
}

void cz_json_open(struct cz_json *j, const char *key, char bracket)
{
    json_key(j, key);
    json_append(j, &bracket, 1);
    j->needs_comma = false;
}

void cz_json_close(struct cz_json *j, char bracket)
{
    json_append(j, &bracket, 1);
    j->needs_comma = true;
}

void cz_json_text(struct cz_json *j, const char *key, const char *value)
{
    json_key(j, key);
    json_append(j, "\"", 1);
    for (const char *at = value; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        char escape[8];

        if (byte == '"' || byte == '\\') {
            json_append(j, "\\", 1);
        } else if (byte < 0x20 || byte > 0x7e) {
            snprintf(escape, sizeof escape, "\\u%04x", byte);
            json_append(j, escape, 6);
            continue;
        }
        json_append(j, at, 1);
    }
    json_append(j, "\"", 1);
}

void cz_json_number(struct cz_json *j, const char *key, uint64_t value)
{
    char digits[24];
    int size =
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);

    json_key(j, key);
    json_append(j, digits, (size_t)size);
}

void cz_json_seconds(struct cz_json *j, const char *key, uint64_t us)
{
    char digits[32];
    int size =
        snprintf(digits, sizeof digits, "%llu.%06u",
                 (unsigned long long)(us / 1000000), (unsigned)(us % 1000000));

    json_key(j, key);
    json_append(j, digits, (size_t)size);
}
