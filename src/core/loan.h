/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Loans: short messages whose memory is the application's. What is sent is
 * copied into the pipe, but the application's free function is how it learns
 * that the message is on its way (pyzmq's MessageTracker), so towards the
 * network the memory is kept until the message has been read there. From socket
 * to socket nothing is kept: it comes back as soon as it has been copied; and
 * so it does in a stream of many.
 *
 * A loan waits at the pipe's far end. The writer adds it after the message, and
 * whoever finds it due gives it back: the reader when it has read everything or
 * gives credit, or else the writer, if the reader was there already.
 *
 * Thread: see each function.
 */
#ifndef CZ_CORE_LOAN_H
#define CZ_CORE_LOAN_H

#include "msg/buffer.h"

#include <stdatomic.h>
#include <stdint.h>

struct cz_loan;
struct cz_pipe_end;
struct cz_socket;

/* Where the pipes of a socket are before a frame is sent. With more pipes than
 * these nothing is kept. */
enum { CZ_LOAN_PIPES_MAX = 16 };
struct cz_loan_marks {
    int count; /* 0: nothing is to be kept */
    const struct cz_pipe_end *ends[CZ_LOAN_PIPES_MAX];
    uint32_t pos[CZ_LOAN_PIPES_MAX];
};

/* Before and after a frame was sent whose bytes are in `buffer`. On the
 * socket's thread. */
void cz_loan_mark(const struct cz_socket *socket, struct cz_loan_marks *marks);
void cz_loan_take(const struct cz_socket *socket,
                  const struct cz_loan_marks *marks, struct cz_buffer *buffer);

/* Ends what is due at the end that reads, or everything, when that end is
 * closed: puts it before *ended. On the thread of either end. */
void cz_loan_return(struct cz_pipe_end *end, struct cz_loan **ended);
void cz_loan_drop(struct cz_pipe_end *end, struct cz_loan **ended);

/* Gives these back. Without the helm: the application's free function may wait
 * for something, or call the library. */
void cz_loan_free(struct cz_loan *ended);

#endif
