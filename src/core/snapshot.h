/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A snapshot of all statistics as one JSON object (docs/stats.md):
 *
 *     {"time":..., "lost":..., "context":{...},
 *      "sockets":[{..., "pipes":[{...}, ...]}, ...]}
 *
 * Thread: any.
 */
#ifndef CZ_CORE_SNAPSHOT_H
#define CZ_CORE_SNAPSHOT_H

#include "base/compiler.h"
#include "base/json.h"

struct cz_ctx;

/* Writes it into `json`, which is fresh. `lost`: how many the receiver has
 * missed. 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_snapshot_write(struct cz_json *json, struct cz_ctx *ctx,
                                    uint64_t lost);

#endif
