/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Swap: its life, what goes where, and when it is full.
 *
 * Thread: see core/swap.h. Owns: what is listed there.
 */
#include "core/swap.h"

#include "base/alloc.h"
#include "core/monitor.h"
#include "core/swap_log.h"
#include "core/swap_record.h"
#include "os/file.h"
#include "wire/socket_type.h"

#include <errno.h>
#include <limits.h>

/* So much is written at once: see docs/rationale.md. */
enum { SPILL_SIZE = 262144 };

/* ---- the directory -------------------------------------------------- */

/* As text with its end. 0 or -ENAMETOOLONG. */
static int swap_directory(const struct cz_options *options, char to[PATH_MAX])
{
    struct cz_span chosen = cz_options_blob(options, CZ_OPTION_SWAP_DIRECTORY);
    const char *fallback = cz_environment("TMPDIR");

    if (chosen.size == 0)
        chosen = cz_span_of_text(fallback ? fallback : "/tmp");
    if (chosen.size >= PATH_MAX)
        return -ENAMETOOLONG;
    *cz_span_copy((uint8_t *)to, chosen) = '\0';
    return 0;
}

static int swap_open_file(const struct cz_options *options)
{
    char directory[PATH_MAX];
    int rc = swap_directory(options, directory);

    return rc == 0 ? cz_file_open_nameless(directory) : rc;
}

bool cz_swap_is_wanted(const struct cz_options *options)
{
    /* What a SUB sends is never over the mark. */
    return options->swap > 0 && options->socket_type != CZ_SOCKET_SUB &&
           options->socket_type != CZ_SOCKET_PULL &&
           !cz_options_conflates_out(options);
}

/* Where there is no one peer that would come back, or what it gets is of no use
 * to another connection. */
static int check_durable(const struct cz_options *options, bool is_bound)
{
    if (!cz_swap_is_wanted(options) ||
        cz_options_blob(options, CZ_OPTION_SWAP_DIRECTORY).size == 0)
        return -EINVAL;
    return is_bound || options->is_raw || options->immediate ||
                   options->socket_type == CZ_SOCKET_XSUB
               ? -ENOTSUP
               : 0;
}

int cz_swap_check(const struct cz_options *options, bool is_bound)
{
    int fd;

    if (options->swap_durable)
        return check_durable(options, is_bound);
    if (!cz_swap_is_wanted(options))
        return 0;
    fd = swap_open_file(options);
    if (fd < 0)
        return fd;
    cz_file_close(fd);
    return 0;
}

/* ---- events --------------------------------------------------------- */

void cz_swap_tell(struct cz_swap *swap, int error)
{
    if (error != 0 && error != -ENOMEM)
        cz_monitor_tell(swap->monitor, CZ_EVENT_SWAP, (uint32_t)-error,
                        swap->endpoint, NULL);
}

/* ---- writing -------------------------------------------------------- */

/* For more than cz_swap_put_short. */
static void swap_favour(struct cz_swap *swap)
{
    cz_biased_lock_favour(&swap->lock);
    swap->spooled += cz_spool_end_run(&swap->spool);
}

static uint64_t swap_size(const struct cz_swap *swap)
{
    uint64_t needed = swap->log ? swap->log->acknowledged : swap->taken;

    return swap->written - cz_swap_file_begin(&swap->file, needed) +
           swap->spool.bytes;
}

/* Moves the spool to the file. If that is not possible, the spool stays. */
static int swap_spill(struct cz_swap *swap)
{
    int rc = 0;

    if (swap->file.fd < 0)
        rc = swap->file.fd = swap_open_file(swap->options);
    if (rc >= 0) {
        uint64_t size = swap->spool.bytes;

        rc = cz_spool_write(&swap->spool, &swap->file, swap->written);
        if (rc == 0) {
            swap->written += size;
            swap->filed += swap->spooled;
            swap->spooled = 0;
        }
    }
    return rc;
}

/* Writing has gone like this; what is to be told of it. */
static int swap_note(struct cz_swap *swap, int rc)
{
    bool is_new = rc != 0 && !swap->is_failing;

    swap->is_failing = rc != 0;
    return is_new ? rc : 0;
}

/* Is there room for a message that begins with this frame? */
static bool swap_admits(struct cz_swap *swap, const struct cz_frame *frame,
                        int *event)
{
    uint64_t size = cz_frame_header_size(frame->size) + frame->size;
    bool was_refused = swap->was_refused;

    swap->was_refused = true;
    if (swap_size(swap) + size > swap->limit) {
        if (!was_refused)
            *event = -EAGAIN;
        return false;
    }
    if (swap->spool.bytes >= SPILL_SIZE) {
        *event = swap_note(swap, swap_spill(swap));
        if (swap->is_failing)
            return false;
    }
    swap->was_refused = false;
    return true;
}

static int swap_put(struct cz_swap *swap, const struct cz_frame *frame,
                    int *event)
{
    int rc = cz_spool_put(&swap->spool, frame);

    if (rc != 0)
        return rc;
    swap->detour.is_in_message = frame->flags & CZ_FRAME_MORE;
    if (swap->detour.is_in_message)
        return 0;
    cz_spool_complete(&swap->spool);
    swap->spooled++;
    if (swap->spool.bytes >= SPILL_SIZE)
        *event = swap_note(swap, swap_spill(swap));
    cz_swap_offer(swap);
    return 0;
}

/* The last frame of a message writes all of it, or is not taken. */
static int swap_put_durably(struct cz_swap *swap, const struct cz_frame *frame,
                            int *event)
{
    uint64_t size;
    int rc = swap->is_broken ? -EIO : cz_spool_put(&swap->spool, frame);

    if (rc != 0)
        return rc;
    if (frame->flags & CZ_FRAME_MORE) {
        swap->detour.is_in_message = true;
        return 0;
    }
    size = swap->spool.begun;
    rc = cz_spool_write(&swap->spool, &swap->file, swap->written);
    *event = swap_note(swap, rc);
    if (rc != 0) {
        cz_spool_unput(&swap->spool, frame);
        return rc;
    }
    swap->detour.is_in_message = false;
    swap->written += size;
    cz_swap_offer(swap);
    return 0;
}

/* Short messages may go to the spool without another look until it is full, or
 * the swap is. */
static void swap_begin_run(struct cz_swap *swap)
{
    uint64_t size = swap_size(swap);
    uint64_t room = size < swap->limit ? swap->limit - size : 0;
    uint64_t until_spill =
        swap->spool.bytes < SPILL_SIZE ? SPILL_SIZE - swap->spool.bytes : 0;

    if (!swap->log && !swap->detour.is_in_message && !swap->was_refused)
        cz_spool_begin_run(&swap->spool,
                           room < until_spill ? room : until_spill);
}

/* Not with the lock; the writer. What is to be told of it. */
static int swap_sync(struct cz_swap *swap)
{
    int rc = cz_swap_log_sync(swap->log);
    bool is_new = rc != 0 && !swap->is_not_synced;

    swap->is_not_synced = rc != 0;
    return is_new ? rc : 0;
}

int cz_swap_put(struct cz_swap *swap, const struct cz_frame *frame,
                bool is_urgent)
{
    bool has_more = frame->flags & CZ_FRAME_MORE;
    int event = 0;
    int rc = -EAGAIN;

    swap_favour(swap);
    if (is_urgent || swap->detour.is_in_message ||
        swap_admits(swap, frame, &event))
        rc = swap->log ? swap_put_durably(swap, frame, &event)
                       : swap_put(swap, frame, &event);
    swap_begin_run(swap);
    cz_biased_lock_unfavour(&swap->lock);
    if (rc == 0 && swap->log && !has_more)
        event = swap_sync(swap);
    cz_swap_tell(swap, event);
    return rc;
}

void cz_swap_rollback(struct cz_swap *swap)
{
    if (!swap->detour.is_in_message)
        return;
    swap_favour(swap);
    cz_spool_rollback(&swap->spool);
    swap->detour.is_in_message = false;
    cz_biased_lock_unfavour(&swap->lock);
}

bool cz_swap_has_room(struct cz_swap *swap)
{
    bool has_room;

    swap_favour(swap);
    has_room = !swap->was_refused && swap_size(swap) < swap->limit;
    cz_biased_lock_unfavour(&swap->lock);
    return has_room;
}

bool cz_swap_is_broken(struct cz_swap *swap)
{
    bool is_broken;

    swap_favour(swap);
    is_broken = swap->is_broken;
    cz_biased_lock_unfavour(&swap->lock);
    return is_broken;
}

/* ---- life ----------------------------------------------------------- */

static int swap_open_log(struct cz_swap *swap)
{
    const struct cz_swap_log_found *found;
    char directory[PATH_MAX];
    int rc = swap_directory(swap->options, directory);

    if (rc == 0)
        rc = cz_swap_log_open(swap->options, swap->endpoint, directory,
                              swap->pool, &swap->file, &swap->log);
    if (rc != 0)
        return rc;
    found = &swap->log->found;
    swap->spool.frame_excess = CZ_RECORD_CHECK_SIZE;
    swap->detour.takes_all = true;
    swap->taken = swap->log->acknowledged;
    swap->written = found->written;
    swap->filed = found->messages;
    atomic_store(&swap->detour.has_data, swap->taken < swap->written);
    if (found->was_torn)
        cz_swap_tell(swap, -EBADMSG);
    return 0;
}

int cz_swap_create(const struct cz_swap_owner *owner, struct cz_swap **out)
{
    struct cz_swap *swap = cz_zalloc(sizeof *swap);
    int rc = -ENOMEM;

    if (!swap)
        return rc;
    cz_biased_lock_init(&swap->lock);
    cz_spool_init(&swap->spool, owner->pool);
    cz_swap_file_init(&swap->file);
    swap->detour.take = cz_swap_take;
    swap->limit = (uint64_t)owner->options->swap;
    swap->pool = owner->pool;
    swap->is_wire = owner->is_wire;
    swap->options = cz_options_ref(owner->options);
    swap->monitor = cz_monitor_ref(owner->monitor);
    swap->endpoint = cz_strdup(owner->endpoint);
    if (swap->endpoint)
        rc = owner->options->swap_durable ? swap_open_log(swap) : 0;
    if (rc != 0) {
        cz_swap_destroy(swap);
        return rc;
    }
    *out = swap;
    return 0;
}

void cz_swap_destroy(struct cz_swap *swap)
{
    if (!swap)
        return;
    cz_spool_fini(&swap->spool);
    if (swap->log)
        cz_swap_log_close(swap->log, swap->written);
    cz_swap_file_fini(&swap->file);
    cz_biased_lock_fini(&swap->lock);
    cz_options_unref(swap->options);
    cz_monitor_unref(swap->monitor);
    cz_free(swap->endpoint);
    cz_free(swap);
}
