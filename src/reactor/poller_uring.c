/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The io_uring back-end: the kernel polls each descriptor once, and is asked
 * again after each answer. All that was asked goes along with the wait, so
 * that a turn is one system call, however many interests have changed.
 *
 * The ring belongs to one thread (os/uring.h). Owners only write down what
 * changes; the waiter asks. The kernel keeps a file open while it polls it:
 * one that was removed and closed goes with the waiter's next wait.
 *
 * That the far end has gone (POLLRDHUP) comes unasked. Where nobody wants
 * to hear of it, asking once more would give the same answer for ever. Such
 * a descriptor gets a lasting request, which tells only news; after news
 * that was wanted it is changed to what it is, and so looks again.
 *
 * Thread: as reactor/poller_ops.h says. Owns: the ring and the ledger.
 */
#include "reactor/poller_ops.h"

#ifdef CZ_HAS_URING_BACKEND

#include "base/alloc.h"
#include "os/uring.h"
#include "reactor/poller_bits.h"
#include "reactor/poller_ledger.h"

#include <errno.h>

/* Marks the reply of a change that came too late. No id has this bit, see
 * TABLE_CAPACITY_MAX. */
#define URING_TOO_LATE (UINT64_C(1) << 31)

struct uring_backend {
    struct cz_poll_backend base;
    struct cz_uring *ring;
    bool is_enabled;
    /* The waiter's. */
    int error; /* of the last prepare */
    unsigned answer_count;
    struct cz_uring_answer answers[CZ_POLL_BATCH_MAX];
    /* Under the owner's lock. */
    struct cz_poll_ledger ledger;
};

static struct uring_backend *uring_self(struct cz_poll_backend *backend)
{
    return cz_container_of(backend, struct uring_backend, base);
}

static int uring_backend_create(struct cz_poll_backend **backend)
{
    struct uring_backend *self = cz_zalloc(sizeof *self);
    int rc;

    if (!self)
        return -ENOMEM;
    self->base.ops = &cz_poll_ops_uring;
    rc = cz_uring_create(&self->ring);
    if (rc < 0) {
        cz_free(self);
        return rc;
    }
    cz_poll_ledger_init(&self->ledger);
    *backend = &self->base;
    return 0;
}

static void uring_backend_destroy(struct cz_poll_backend *backend)
{
    struct uring_backend *self = uring_self(backend);

    cz_uring_destroy(self->ring);
    cz_poll_ledger_fini(&self->ledger);
    cz_free(self);
}

static int uring_backend_add(struct cz_poll_backend *backend,
                             const struct cz_poll_table *table, cz_poll_id id)
{
    struct uring_backend *self = uring_self(backend);
    int rc = cz_poll_ledger_reserve(&self->ledger, table);

    if (rc < 0)
        return rc;
    self->ledger.entries[cz_poll_id_slot(id)].is_lasting = false;
    cz_poll_ledger_note(&self->ledger, cz_poll_id_slot(id));
    return 0;
}

static void uring_backend_watch(struct cz_poll_backend *backend,
                                const struct cz_poll_slot *slot CZ_UNUSED,
                                cz_poll_id id)
{
    cz_poll_ledger_note(&uring_self(backend)->ledger, cz_poll_id_slot(id));
}

static void uring_backend_remove(struct cz_poll_backend *backend,
                                 const struct cz_poll_slot *slot CZ_UNUSED,
                                 cz_poll_id id)
{
    cz_poll_ledger_end(&uring_self(backend)->ledger, cz_poll_id_slot(id));
}

/* Takes note of what the last wait brought. */
static void uring_settle(struct uring_backend *self,
                         const struct cz_poll_table *table,
                         const struct cz_uring_answer *answer)
{
    cz_poll_id id = answer->data & ~URING_TOO_LATE;
    uint32_t slot = cz_poll_id_slot(id);
    struct cz_poll_entry *entry;
    unsigned interest;
    bool is_wanted;

    if (slot >= self->ledger.capacity || self->ledger.entries[slot].held != id)
        return;
    entry = &self->ledger.entries[slot];
    if (answer->data & URING_TOO_LATE) {
        entry->events = 0;
        cz_poll_ledger_note(&self->ledger, slot);
        return;
    }
    interest = table->slots[slot].interest;
    is_wanted = answer->result < 0 || cz_poll_events(answer->result) & interest;
    if (!answer->has_more) {
        entry->held = 0;
        entry->is_lasting = !is_wanted && interest && entry->events == interest;
    }
    if (!answer->has_more || is_wanted)
        cz_poll_ledger_note(&self->ledger, slot);
}

/* Asks for what the slot wants now. */
static int uring_ask(struct uring_backend *self,
                     const struct cz_poll_table *table, uint32_t slot)
{
    struct cz_poll_entry *entry = &self->ledger.entries[slot];
    const struct cz_poll_slot *from;
    cz_poll_id id;
    unsigned bits;
    int rc;

    if (slot >= table->capacity || !table->slots[slot].handler)
        return 0;
    from = &table->slots[slot];
    id = cz_poll_table_id(table, slot);
    bits = (unsigned)cz_poll_bits(from->interest);
    if (entry->held) {
        /* A lasting request is listed when it has to look again. */
        if (entry->events == from->interest && !entry->is_lasting)
            return 0;
        rc = cz_uring_change(self->ring, id, bits, id | URING_TOO_LATE);
    } else if (from->interest) {
        rc = cz_uring_poll(self->ring, from->fd, bits, entry->is_lasting, id);
    } else {
        return 0;
    }
    if (rc == 0) {
        entry->held = id;
        entry->events = from->interest;
    }
    return rc;
}

/* What ended comes first: its descriptor may be in use again. */
static int uring_ask_all(struct uring_backend *self,
                         const struct cz_poll_table *table)
{
    struct cz_poll_ledger *ledger = &self->ledger;
    int rc = 0;

    while (ledger->ended_count > 0) {
        rc = cz_uring_cancel(self->ring,
                             ledger->entries[ledger->ended_count - 1].ended);
        if (rc < 0)
            return rc;
        ledger->ended_count--;
    }
    while (ledger->changed_count > 0) {
        uint32_t slot = ledger->entries[ledger->changed_count - 1].changed_slot;

        rc = uring_ask(self, table, slot);
        if (rc < 0)
            return rc;
        ledger->entries[slot].is_listed = false;
        ledger->changed_count--;
    }
    cz_poll_ledger_trim(ledger, table);
    return 0;
}

static void uring_backend_prepare(struct cz_poll_backend *backend,
                                  const struct cz_poll_table *table)
{
    struct uring_backend *self = uring_self(backend);

    for (unsigned i = 0; i < self->answer_count; i++)
        uring_settle(self, table, &self->answers[i]);
    self->answer_count = 0;
    self->error = self->is_enabled ? 0 : cz_uring_enable(self->ring);
    self->is_enabled = self->error == 0;
    if (self->is_enabled)
        self->error = uring_ask_all(self, table);
}

/* What does not fit waits in the ring, which is a queue. An error: closed
 * under our feet, and reading tells so. */
static int uring_backend_wait(struct cz_poll_backend *backend,
                              struct cz_poll_batch *batch, int64_t timeout_us)
{
    struct uring_backend *self = uring_self(backend);
    int rc = self->error;

    if (rc == 0)
        rc = cz_uring_wait(self->ring, timeout_us);
    if (rc < 0)
        return rc;
    self->answer_count =
        cz_uring_take(self->ring, self->answers, CZ_POLL_BATCH_MAX);
    for (unsigned i = 0; i < self->answer_count; i++) {
        const struct cz_uring_answer *answer = &self->answers[i];

        if (!answer->data || answer->data & URING_TOO_LATE ||
            answer->result == -ECANCELED)
            continue;
        (void)cz_poll_batch_push(
            batch, answer->data,
            cz_poll_events(answer->result < 0 ? POLLNVAL : answer->result));
    }
    return 0;
}

const struct cz_poll_ops cz_poll_ops_uring = {
    .name = "io_uring",
    .is_live = false,
    .is_bound = true,
    .create = uring_backend_create,
    .destroy = uring_backend_destroy,
    .add = uring_backend_add,
    .watch = uring_backend_watch,
    .remove = uring_backend_remove,
    .prepare = uring_backend_prepare,
    .wait = uring_backend_wait,
};

#endif
