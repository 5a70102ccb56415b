/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Bytes as text and back: raw, quoted, hex.
 *
 * Thread: any.
 * Owns: nothing.
 */
#include "format.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum { FORMAT_ESCAPE_SIZE = 4 }; /* \xNN */

static const char format_digits[] = "0123456789abcdef";

/* What stands behind the backslash, and what it means. */
static const struct {
    unsigned char letter;
    unsigned char byte;
} format_escapes[] = {{'\\', '\\'}, {'n', '\n'}, {'r', '\r'}, {'t', '\t'}};

enum { FORMAT_ESCAPES = sizeof format_escapes / sizeof format_escapes[0] };

/* -1 if it is no hexadecimal digit. */
static int format_digit(int c)
{
    const char *found = c ? strchr(format_digits, tolower(c)) : NULL;

    return found ? (int)(found - format_digits) : -1;
}

/* The byte that two digits mean, or -1. */
static int format_pair(const unsigned char *text)
{
    int high = format_digit(text[0]);
    int low = format_digit(text[1]);

    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static size_t format_quote_byte(char text[FORMAT_ESCAPE_SIZE],
                                unsigned char byte, int separator)
{
    for (int i = 0; i < FORMAT_ESCAPES; i++) {
        if (format_escapes[i].byte == byte) {
            text[0] = '\\';
            text[1] = (char)format_escapes[i].letter;
            return 2;
        }
    }
    if (byte >= ' ' && byte <= '~' && byte != separator) {
        text[0] = (char)byte;
        return 1;
    }
    text[0] = '\\';
    text[1] = 'x';
    text[2] = format_digits[byte >> 4];
    text[3] = format_digits[byte & 15];
    return FORMAT_ESCAPE_SIZE;
}

static int format_quote(struct buffer *text, const unsigned char *data,
                        size_t size, int separator)
{
    int rc = 0;

    for (size_t i = 0; i < size && rc == 0; i++) {
        char escape[FORMAT_ESCAPE_SIZE];
        size_t length = format_quote_byte(escape, data[i], separator);

        rc = buffer_append(text, escape, length);
    }
    return rc;
}

/* What is behind a backslash. How much of the text it takes, or -EBADMSG. */
static int format_unescape(unsigned char *to, const unsigned char *text,
                           size_t size)
{
    if (size >= 3 && text[0] == 'x' && format_pair(text + 1) >= 0) {
        *to = (unsigned char)format_pair(text + 1);
        return 3;
    }
    for (int i = 0; i < FORMAT_ESCAPES && size > 0; i++) {
        if (format_escapes[i].letter == text[0]) {
            *to = format_escapes[i].byte;
            return 1;
        }
    }
    return -EBADMSG;
}

static int format_unquote(unsigned char *to, size_t *length,
                          const unsigned char *text, size_t size)
{
    unsigned char *at = to;

    for (size_t i = 0; i < size;) {
        int taken;

        if (text[i] != '\\') {
            *at++ = text[i++];
            continue;
        }
        taken = format_unescape(at++, text + i + 1, size - i - 1);
        if (taken < 0)
            return taken;
        i += 1 + (size_t)taken;
    }
    *length = (size_t)(at - to);
    return 0;
}

static bool format_is_quoting(int c)
{
    return c == '\\' || c == '\n' || isalnum(c);
}

static int format_to_hex(struct buffer *text, const unsigned char *data,
                         size_t size, int separator)
{
    int rc = 0;

    (void)separator;
    for (size_t i = 0; i < size && rc == 0; i++) {
        char pair[2] = {format_digits[data[i] >> 4],
                        format_digits[data[i] & 15]};

        rc = buffer_append(text, pair, sizeof pair);
    }
    return rc;
}

static int format_from_hex(unsigned char *to, size_t *length,
                           const unsigned char *text, size_t size)
{
    if (size % 2 != 0)
        return -EBADMSG;
    for (size_t i = 0; i < size; i += 2) {
        int byte = format_pair(text + i);

        if (byte < 0)
            return -EBADMSG;
        to[i / 2] = (unsigned char)byte;
    }
    *length = size / 2;
    return 0;
}

static bool format_is_hex(int c)
{
    return c == '\n' || format_digit(c) >= 0;
}

static bool format_is_nothing(int c)
{
    (void)c;
    return false;
}

const struct format format_raw = {
    .name = "raw",
    .is_reserved = format_is_nothing,
};

const struct format format_quoted = {
    .name = "quoted",
    .encode = format_quote,
    .decode = format_unquote,
    .is_reserved = format_is_quoting,
};

const struct format format_hex = {
    .name = "hex",
    .encode = format_to_hex,
    .decode = format_from_hex,
    .is_reserved = format_is_hex,
};

const struct format *format_find(const char *name)
{
    static const struct format *const formats[] = {&format_raw, &format_quoted,
                                                   &format_hex};

    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    }
    return NULL;
}
