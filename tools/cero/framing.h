/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How records lie one after the other in a file or a pipe. A record is
 * what one message carries.
 *
 *     lines            record \n record \n       the last \n may be missing
 *     length-prefixed  length record length record    4 bytes, big-endian
 *     raw              record                         the whole file
 *
 * Thread: any; nothing here has state.
 */
#ifndef CERO_FRAMING_H
#define CERO_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAMING_PREFIX_SIZE = 4 };

/* What has been read and not yet cut into records. */
struct framing_scan {
    const unsigned char *data;
    size_t size;
    size_t seen;   /* of which an earlier look found no end of record */
    bool is_first; /* no record has come from this file yet */
    bool is_ended; /* nothing will follow */
};

/* Where a record was found, counted from the start of the scan. */
struct framing_cut {
    size_t offset;
    size_t size;
    size_t total; /* with everything around it */
};

struct framing {
    /* Finds the first record. 0; -EAGAIN: more must be read first;
     * -ENODATA: there are no more records; -EBADMSG: the input ends
     * within a record. */
    int (*cut)(const struct framing_scan *scan, struct framing_cut *cut);
    bool has_prefix;  /* on output, the length goes before the record */
    bool has_newline; /* on output, a newline goes behind the record */
};

extern const struct framing framing_lines;
extern const struct framing framing_length_prefixed;
extern const struct framing framing_raw;

/* Writes the 4 bytes that go before a record of `size` bytes. */
void framing_put_prefix(unsigned char *to, uint32_t size);

#endif
