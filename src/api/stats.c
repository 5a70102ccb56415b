/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Statistics: cero_stats.
 *
 * Thread: any.
 */
#include "core/stats.h"
#include "api/internal.h"
#include "base/alloc.h"
#include "ceromq.h"

int cero_stats(void *handle, cero_stats_fn *fn, void *arg)
{
    struct cz_ctx *ctx = api_ctx(handle);
    cero_stats_t *records;
    size_t count;
    int rc;

    if (!ctx)
        return -1;
    if (!fn)
        return api_result(-EFAULT);
    rc = cz_stats_collect(ctx, &records, &count);
    if (rc != 0)
        return api_result(rc);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = fn(&records[i], arg);
    cz_free(records);
    return rc;
}
