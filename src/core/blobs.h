/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Values of any size that few sockets have: names, keys, filters. A set of
 * them is one block of memory that never changes: whoever sets a value gets a
 * new block, and those who share the old one keep it. So the options of a
 * socket and all snapshots of them cost one pointer each, and a socket that
 * sets none of these has none.
 *
 * Thread: a set belongs to who holds a reference; references may be dropped
 * on any thread. NULL is the empty set. Blocks are wiped before they are
 * freed, for there are secrets in them.
 */
#ifndef CZ_CORE_BLOBS_H
#define CZ_CORE_BLOBS_H

#include "base/compiler.h"
#include "wire/span.h"

#include <stddef.h>
#include <stdint.h>

struct cz_blobs;

/* The value with this number, empty if there is none; it lives as long as
 * the reference. */
struct cz_span cz_blobs_find(const struct cz_blobs *blobs, uint8_t number);

/* Gives a value, or takes it away if `value` is empty; `value` may lie in the
 * set. The caller's reference moves to the new set. 0 or -ENOMEM, then it is
 * as before. */
CZ_MUST_CHECK int cz_blobs_set(struct cz_blobs **blobs, uint8_t number,
                               struct cz_span value);

/* Puts more behind a value. Likewise. */
CZ_MUST_CHECK int cz_blobs_append(struct cz_blobs **blobs, uint8_t number,
                                  struct cz_span more);

/* Both take NULL, too. */
struct cz_blobs *cz_blobs_ref(struct cz_blobs *blobs);
void cz_blobs_unref(struct cz_blobs *blobs);

#endif
