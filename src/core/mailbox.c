/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Mailboxes: a stack that writers push on with one compare-and-swap and that
 * the reader takes whole and turns round.
 *
 * Thread: see core/mailbox.h. Owns: the eventfd, if there is one.
 */
#include "core/mailbox.h"

#include "base/alloc.h"
#include "core/bell.h"
#include "os/park.h"

#include <errno.h>
#include <stddef.h>

/* What `head` points to once the mailbox is closed. */
static const struct cz_command closed_mark;

static bool is_closed_mark(const struct cz_command *command)
{
    return command == &closed_mark;
}

struct cz_mailbox *cz_mailbox_create(struct cz_io_thread *io)
{
    struct cz_mailbox *mailbox = cz_zalloc(sizeof *mailbox);

    if (!mailbox)
        return NULL;
    atomic_init(&mailbox->refs, 1);
    mailbox->waker.fd = -1;
    mailbox->io = io;
    return mailbox;
}

struct cz_mailbox *cz_mailbox_ref(struct cz_mailbox *mailbox)
{
    /* Relaxed: who takes a reference already holds one. */
    atomic_fetch_add_explicit(&mailbox->refs, 1, memory_order_relaxed);
    return mailbox;
}

void cz_mailbox_unref(struct cz_mailbox *mailbox)
{
    /* acq_rel: the last one out sees all uses by the others. */
    if (atomic_fetch_sub_explicit(&mailbox->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (mailbox->waker.fd >= 0)
        cz_waker_fini(&mailbox->waker);
    cz_free(mailbox);
}

static void mailbox_signal_fd(struct cz_mailbox *mailbox)
{
    if (!atomic_load(&mailbox->has_fd))
        return;
    /* First the descriptor, then the flag: so no signal is left behind that
     * a later cz_mailbox_run does not know of. */
    cz_waker_signal(&mailbox->waker);
    atomic_store(&mailbox->is_signaled, 1);
}

static void mailbox_ring(struct cz_mailbox *mailbox)
{
    struct cz_bell *bell = atomic_load(&mailbox->bell);

    if (bell)
        cz_bell_ring(bell);
}

void cz_mailbox_wake(struct cz_mailbox *mailbox)
{
    /* seq_cst throughout: pairs with cz_mailbox_arm. The writer pushes and
     * then looks at the state; the owner sets the state and then looks for
     * commands. */
    if (atomic_load(&mailbox->state) == CZ_MAILBOX_AWAKE)
        return;
    switch (atomic_exchange(&mailbox->state, CZ_MAILBOX_AWAKE)) {
    case CZ_MAILBOX_PARKED:
        cz_unpark(&mailbox->state, 1);
        break;
    case CZ_MAILBOX_IN_LOOP:
        cz_waker_signal(atomic_load(&mailbox->loop_waker));
        break;
    default:
        break;
    }
}

bool cz_mailbox_leave(struct cz_mailbox *mailbox, struct cz_command *command)
{
    struct cz_command *old = atomic_load(&mailbox->head);

    do {
        if (is_closed_mark(old))
            return false;
        command->next = old;
    } while (!atomic_compare_exchange_weak(&mailbox->head, &old, command));
    if (!old) {
        mailbox_signal_fd(mailbox);
        mailbox_ring(mailbox);
    }
    return true;
}

bool cz_mailbox_post(struct cz_mailbox *mailbox, struct cz_command *command)
{
    if (!cz_mailbox_leave(mailbox, command))
        return false;
    cz_mailbox_wake(mailbox);
    return true;
}

static void mailbox_run_list(struct cz_command *list)
{
    struct cz_command *forward = NULL;

    while (list) {
        struct cz_command *next = list->next;

        list->next = forward;
        forward = list;
        list = next;
    }
    while (forward) {
        /* The handler may post the command again, or free it. */
        struct cz_command *next = forward->next;

        forward->run(forward);
        forward = next;
    }
}

bool cz_mailbox_run(struct cz_mailbox *mailbox)
{
    struct cz_command *list;

    if (atomic_load(&mailbox->is_signaled)) {
        /* Even with no command there: its writer may have signalled after an
         * earlier call had run it. First the flag, then the descriptor, then
         * the commands: what is posted after that signals again. */
        atomic_store(&mailbox->is_signaled, 0);
        cz_waker_clear(&mailbox->waker);
    }
    if (cz_mailbox_is_empty(mailbox))
        return false;
    mailbox->runs++;
    list = atomic_exchange(&mailbox->head, NULL);
    mailbox_run_list(list);
    return true;
}

void cz_mailbox_close(struct cz_mailbox *mailbox)
{
    mailbox_run_list(atomic_exchange(
        &mailbox->head, (struct cz_command *)(uintptr_t)&closed_mark));
}

bool cz_mailbox_arm(struct cz_mailbox *mailbox, enum cz_mailbox_state state,
                    struct cz_waker *loop_waker)
{
    /* The last one stays: a writer that took the state of an earlier wait may
     * only now be about to signal. */
    if (loop_waker)
        atomic_store(&mailbox->loop_waker, loop_waker);
    atomic_store(&mailbox->state, state);
    if (cz_mailbox_is_still_empty(mailbox))
        return true;
    cz_mailbox_awake(mailbox);
    return false;
}

void cz_mailbox_awake(struct cz_mailbox *mailbox)
{
    atomic_store(&mailbox->state, CZ_MAILBOX_AWAKE);
}

int cz_mailbox_park(struct cz_mailbox *mailbox, uint64_t deadline_us)
{
    int rc = 0;

    if (!cz_mailbox_arm(mailbox, CZ_MAILBOX_PARKED, NULL))
        return 0;
    while (rc == 0 && atomic_load(&mailbox->state) == CZ_MAILBOX_PARKED)
        rc = cz_park(&mailbox->state, CZ_MAILBOX_PARKED, deadline_us);
    cz_mailbox_awake(mailbox);
    return cz_mailbox_is_empty(mailbox) ? rc : 0;
}

int cz_mailbox_fd(struct cz_mailbox *mailbox)
{
    int rc;

    if (mailbox->waker.fd < 0) {
        rc = cz_waker_init(&mailbox->waker);
        if (rc != 0)
            return rc;
        atomic_store(&mailbox->has_fd, 1);
        /* seq_cst: pairs with posting, which looks for the descriptor after
         * the command is there. */
        if (atomic_load(&mailbox->head) != NULL)
            mailbox_signal_fd(mailbox);
    }
    return mailbox->waker.fd;
}
