/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Loans: taking them and giving them back.
 *
 * Thread: see core/loan.h. Owns: a reference to each buffer.
 */
#include "core/loan.h"

#include "base/alloc.h"
#include "core/pipe.h"
#include "core/socket.h"

/* So many at once may wait at one pipe; the memory of further messages comes
 * back at once. Who lends and wants to know when each message is on its way
 * does not send a stream of them, and in a stream freeing in another thread
 * costs more than all the rest. */
enum { LOANS_MAX = 64 };

struct cz_loan {
    struct cz_loan *next;
    struct cz_buffer *buffer;
    uint32_t message; /* due when so many have been read */
};

/* ---- the list ------------------------------------------------------- */

static void loans_add(struct cz_pipe_end *end, struct cz_loan *loan)
{
    loan->next = atomic_load(&end->loans);
    while (!atomic_compare_exchange_weak(&end->loans, &loan->next, loan))
        continue;
}

static void loan_end(struct cz_pipe_end *end, struct cz_loan *loan,
                     struct cz_loan **ended)
{
    /* Relaxed: a number on its own. */
    atomic_fetch_sub_explicit(&end->loan_count, 1, memory_order_relaxed);
    loan->next = *ended;
    *ended = loan;
}

static bool loan_is_due(uint32_t message, uint32_t consumed)
{
    return (int32_t)(consumed - message) >= 0;
}

/* Ends what is due after so many messages. True: not all was. */
static bool loans_return(struct cz_pipe_end *end, uint32_t consumed,
                         struct cz_loan **ended)
{
    struct cz_loan *loan = atomic_exchange(&end->loans, NULL);
    bool is_any_left = false;

    while (loan) {
        struct cz_loan *next = loan->next;

        if (loan_is_due(loan->message, consumed)) {
            loan_end(end, loan, ended);
        } else {
            loans_add(end, loan);
            is_any_left = true;
        }
        loan = next;
    }
    return is_any_left;
}

void cz_loan_return(struct cz_pipe_end *end, struct cz_loan **ended)
{
    uint32_t consumed;

    /* seq_cst throughout: the reader stores how far it is and then looks at
     * the list, the writer adds to the list and then looks how far that is.
     * Who has put something back looks once more, since the other may have
     * come by meanwhile. */
    do
        consumed = atomic_load(&end->in->consumed);
    while (loans_return(end, consumed, ended) &&
           atomic_load(&end->in->consumed) != consumed);
}

void cz_loan_drop(struct cz_pipe_end *end, struct cz_loan **ended)
{
    struct cz_loan *loan = atomic_exchange(&end->loans, NULL);

    while (loan) {
        struct cz_loan *next = loan->next;

        loan_end(end, loan, ended);
        loan = next;
    }
}

void cz_loan_free(struct cz_loan *ended)
{
    while (ended) {
        struct cz_loan *next = ended->next;

        cz_buffer_unref(ended->buffer);
        cz_free(ended);
        ended = next;
    }
}

/* ---- sending -------------------------------------------------------- */

/* Is it read by the network, message by message, and is there room for one? */
static bool end_takes_loans(const struct cz_pipe_end *end)
{
    const struct cz_mailbox *far = atomic_load(&end->peer->home);

    return far && far->io && !end->swap && !end->out->is_conflating &&
           atomic_load_explicit(&end->peer->loan_count, memory_order_relaxed) <
               LOANS_MAX;
}

void cz_loan_mark(const struct cz_socket *s, struct cz_loan_marks *marks)
{
    marks->count = 0;
    cz_list_for_each (node, &s->ends) {
        const struct cz_pipe_end *end =
            cz_container_of(node, struct cz_pipe_end, link);

        if (marks->count == CZ_LOAN_PIPES_MAX) {
            marks->count = 0;
            return;
        }
        marks->ends[marks->count] = end;
        marks->pos[marks->count] = end->out->w.pos;
        marks->count++;
    }
}

static bool end_was_written(const struct cz_loan_marks *marks,
                            const struct cz_pipe_end *end)
{
    for (int i = 0; i < marks->count; i++)
        if (marks->ends[i] == end)
            return marks->pos[i] != end->out->w.pos;
    return false;
}

void cz_loan_take(const struct cz_socket *s, const struct cz_loan_marks *marks,
                  struct cz_buffer *buffer)
{
    struct cz_loan *ended = NULL;

    if (marks->count == 0)
        return;
    cz_list_for_each (node, &s->ends) {
        struct cz_pipe_end *end =
            cz_container_of(node, struct cz_pipe_end, link);
        const struct cz_stream_writer *w = &end->out->w;
        struct cz_loan *loan;
        uint32_t message;

        if (!end_was_written(marks, end) || !end_takes_loans(end))
            continue;
        loan = cz_alloc(sizeof *loan);
        if (!loan)
            break; /* then it comes back at once */
        loan->buffer = cz_buffer_ref(buffer);
        loan->message = w->messages + w->is_in_message;
        message = loan->message;
        atomic_fetch_add_explicit(&end->peer->loan_count, 1,
                                  memory_order_relaxed);
        loans_add(end->peer, loan);
        if (loan_is_due(message, atomic_load(&end->out->consumed)))
            cz_loan_return(end->peer, &ended);
    }
    cz_loan_free(ended);
}
