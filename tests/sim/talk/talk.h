/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The whole library on the simulated system: sockets set up as the seed
 * wants them, messages that know who they are, and a book that tells when
 * one is lost, torn, late or doubled.
 *
 * Everything fails the run when the library refuses what it must do.
 *
 * Thread: simulated ones. A book is shared without a lock: only one of them
 * runs at a time. Owns: nothing; contexts and sockets are the caller's.
 */
#ifndef CZ_SIM_TALK_TALK_H
#define CZ_SIM_TALK_TALK_H

#include "sim/sim.h"

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

enum {
    TALK_ENDPOINT_MAX = 256,
    TALK_SENDERS_MAX = 8,
    TALK_COUNT_MAX = 400,
    /* Senders from here on send nothing large. */
    TALK_SMALL = 4,
};

/* The call succeeds. */
#define TALK_OK(call)                                                          \
    ((call) != -1 ? (void)0                                                    \
                  : sim_fail("%s:%d: %s: %s", __FILE__, __LINE__, #call,       \
                             zmq_strerror(zmq_errno())))

/* ---- Contexts and sockets ---- */

/* One to three I/O threads, with or without spinning and the baton. */
void *talk_context(void);

void *talk_socket(void *ctx, int type);
void talk_set(void *socket, int option, int value);
int talk_get(void *socket, int option);

/* Marks from one message to the default of a thousand. */
void talk_set_marks(void *socket);

enum talk_transport { TALK_TCP, TALK_IPC, TALK_ABSTRACT, TALK_INPROC };

/* What to bind to. `index` tells several apart. For TALK_TCP a wildcard. */
void talk_address(enum talk_transport transport, unsigned index,
                  char address[TALK_ENDPOINT_MAX]);

/* Binds, and gives what to connect to. */
void talk_bind(void *socket, enum talk_transport transport, unsigned index,
               char endpoint[TALK_ENDPOINT_MAX]);

/* ---- Messages ---- */

struct talk_message {
    uint32_t sender;
    uint32_t number;
};

/* Sends all parts of one message: how many, how large and what is in them
 * follows from the seed and who they are. 0 or -errno; the first part alone
 * may fail. */
int talk_try_send(void *socket, struct talk_message message, int flags);

/* How many bytes that is in ZMTP 2 and 3. */
size_t talk_wire_size(struct talk_message message);

/* The same as talk_try_send, waiting by the seed's choice in zmq_send or in
 * zmq_poll, and it must succeed. */
void talk_send(void *socket, struct talk_message message);

/* Receives one message and checks every byte of every part. 0 or -errno. */
int talk_try_recv(void *socket, struct talk_message *message, int flags);

/* The same as talk_try_recv, waiting in zmq_recv, in zmq_poll or on ZMQ_FD for
 * this long in virtual time (-1 = for ever). False: nothing came. */
bool talk_recv(void *socket, struct talk_message *message, int timeout_ms);

/* ---- The book ---- */

struct talk_book {
    bool has_come[TALK_SENDERS_MAX][TALK_COUNT_MAX];
    unsigned total;
};

/* Has come once only. */
void talk_book_enter(struct talk_book *book, struct talk_message message);

/* What one receiver has had last of each sender, plus one. */
struct talk_order {
    uint32_t next[TALK_SENDERS_MAX];
};

/* Is later than everything from this sender before. */
void talk_order_check(struct talk_order *order, struct talk_message message);

#endif
