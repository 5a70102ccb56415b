/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the classic examples share: a call that fails ends the program, and
 * words go out and come in as messages, the way 2.1 does it.
 *
 * Thread: the one that uses the socket.
 */
#ifndef EXAMPLES_CLASSIC_CHECK_H
#define EXAMPLES_CLASSIC_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define CHECK(is_true)                                                         \
    do {                                                                       \
        if (!(is_true)) {                                                      \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #is_true,   \
                    zmq_strerror(zmq_errno()));                                \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

static inline void send_words(void *socket, const char *words, int flags)
{
    zmq_msg_t msg;
    int rc = zmq_msg_init_size(&msg, strlen(words));

    CHECK(rc == 0);
    memcpy(zmq_msg_data(&msg), words, strlen(words));
    rc = zmq_send(socket, &msg, flags);
    CHECK(rc == 0);
    zmq_msg_close(&msg);
}

/* The next message, or what fits, as a string. */
static inline void receive_words(void *socket, char *words, size_t size)
{
    zmq_msg_t msg;
    size_t length;
    int rc = zmq_msg_init(&msg);

    CHECK(rc == 0);
    rc = zmq_recv(socket, &msg, 0);
    CHECK(rc == 0);
    length = zmq_msg_size(&msg);
    if (length >= size)
        length = size - 1;
    memcpy(words, zmq_msg_data(&msg), length);
    words[length] = '\0';
    zmq_msg_close(&msg);
}

#endif
