/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Writes JSON (RFC 8259) into memory that grows. Keys are ours and need no
 * escapes; in texts every byte that is not printable ASCII is written as the
 * character of that number, so that what comes out is ASCII whatever the bytes
 * are. Without memory nothing more is written, and the end says so.
 *
 * Thread: the owner. Owns: the text.
 */
#ifndef CZ_BASE_JSON_H
#define CZ_BASE_JSON_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cz_json {
    char *text; /* `size` bytes, no NUL behind them */
    size_t size;
    size_t capacity;
    bool has_failed;
    bool needs_comma;
};

void cz_json_init(struct cz_json *json);
void cz_json_fini(struct cz_json *json);

/* Objects ('{', '}') and arrays ('[', ']'). `key` is NULL in an array and at
 * the outside. */
void cz_json_open(struct cz_json *json, const char *key, char bracket);
void cz_json_close(struct cz_json *json, char bracket);

void cz_json_text(struct cz_json *json, const char *key, const char *value);
void cz_json_number(struct cz_json *json, const char *key, uint64_t value);

/* Seconds with six digits behind the point. */
void cz_json_seconds(struct cz_json *json, const char *key, uint64_t us);

#endif
