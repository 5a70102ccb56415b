/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How frames lie in the file of a swap: as on the wire (msg/frame.h), large
 * ones too; in a durable one, each behind a check.
 *
 *     flags(1) length(1 or 8) body
 *     check(4) flags(1) length(1 or 8) body
 *
 * The check is a CRC-32C over the frame's position (8 bytes, big-endian),
 * header and body. So what lay at the same place before, or a frame that was
 * written in part, is not taken for one.
 *
 * Thread: any; nothing is shared but the file that is read.
 */
#ifndef CZ_CORE_SWAP_RECORD_H
#define CZ_CORE_SWAP_RECORD_H

#include "base/compiler.h"
#include "core/swap_file.h"
#include "msg/chunk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cz_pool;

enum { CZ_RECORD_CHECK_SIZE = 4 };

void cz_record_make_check(uint8_t to[CZ_RECORD_CHECK_SIZE], uint64_t position,
                          const uint8_t *header, size_t header_size,
                          const uint8_t *body, size_t body_size);

/* What is to be read, and with what. */
struct cz_record_range {
    const struct cz_swap_file *file;
    struct cz_pool *pool;
    bool has_checks;
    uint64_t begin; /* of a message */
    uint64_t end;   /* of a message behind it */
};

/* Reads the next messages, as many as make a good batch. 0, and range->begin
 * moves to where they end; -ENOMEM; -EBADMSG: there is no whole message here;
 * or -errno of reading. The chunk becomes the caller's. */
CZ_MUST_CHECK int cz_record_load(struct cz_record_range *range,
                                 struct cz_chunk **chunk, uint32_t *size,
                                 uint32_t *messages);

#endif
