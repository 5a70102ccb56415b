/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the demo counts in a piece of text, and how the counts of pieces
 * add up. A piece ends with a whole line, so it does not matter how the
 * text was cut, who counted which piece and in what order they finished:
 * the sum is always the same.
 */
#ifndef DEMO_TALLY_H
#define DEMO_TALLY_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct tally {
    uint64_t lines;
    uint64_t words;
    uint64_t bytes;
    uint64_t checksum; /* the sum of a hash of each line */
};

#define TALLY_HASH_START UINT64_C(14695981039346656037) /* FNV-1a */
#define TALLY_HASH_PRIME UINT64_C(1099511628211)

static inline struct tally tally_text(const char *text, size_t size)
{
    struct tally tally = {.bytes = size};
    uint64_t hash = TALLY_HASH_START;
    bool in_word = false;

    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_space = c == ' ' || (c >= '\t' && c <= '\r');

        tally.words += !is_space && !in_word;
        in_word = !is_space;
        hash = (hash ^ c) * TALLY_HASH_PRIME;
        if (c == '\n') {
            tally.lines++;
            tally.checksum += hash;
            hash = TALLY_HASH_START;
        }
    }
    if (size > 0 && text[size - 1] != '\n') /* the very last line, perhaps */
        tally.checksum += hash;
    return tally;
}

static inline void tally_add(struct tally *sum, const struct tally *part)
{
    sum->lines += part->lines;
    sum->words += part->words;
    sum->bytes += part->bytes;
    sum->checksum += part->checksum;
}

static inline void tally_print(const struct tally *tally)
{
    printf("%" PRIu64 " lines, %" PRIu64 " words, %" PRIu64
           " bytes, checksum %016" PRIx64 "\n",
           tally->lines, tally->words, tally->bytes, tally->checksum);
}

#endif
