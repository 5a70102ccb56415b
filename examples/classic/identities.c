/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A listener and a connecter that exchange identities over tcp. The connecter
 * comes first and tries again and again until somebody listens; then each
 * has learned who the other one is.
 *
 *     identities [endpoint]
 *
 * A program for ZeroMQ 2.1: see docs/classic.md.
 */
#include "check.h"

#include <pthread.h>
#include <stdint.h>

static const char *endpoint = "tcp://127.0.0.1:5555";

/* Says who it is by ZMQ_IDENTITY and has to be told who answers. */
static void *connecter_thread(void *context)
{
    void *xreq = zmq_socket(context, ZMQ_XREQ);
    char words[64];
    int interval_ms = 20;
    int rc;

    CHECK(xreq);
    rc = zmq_setsockopt(xreq, ZMQ_IDENTITY, "connecter", 9);
    CHECK(rc == 0);
    rc = zmq_setsockopt(xreq, ZMQ_RECONNECT_IVL, &interval_ms,
                        sizeof interval_ms);
    CHECK(rc == 0);
    rc = zmq_connect(xreq, endpoint);
    CHECK(rc == 0);
    /* Waits in the socket until the listener is there. */
    send_words(xreq, "who are you?", 0);
    receive_words(xreq, words, sizeof words);
    printf("connecter: this is %s\n", words);
    rc = zmq_close(xreq);
    CHECK(rc == 0);
    return NULL;
}

static void answer(void *xrep)
{
    char peer[64], words[64], self[64];
    size_t size = sizeof self - 1;
    int64_t more;
    size_t more_size = sizeof more;
    int rc;

    receive_words(xrep, peer, sizeof peer);
    rc = zmq_getsockopt(xrep, ZMQ_RCVMORE, &more, &more_size);
    CHECK(rc == 0 && more == 1);
    receive_words(xrep, words, sizeof words);
    printf("listener: %s asks: %s\n", peer, words);
    rc = zmq_getsockopt(xrep, ZMQ_IDENTITY, self, &size);
    CHECK(rc == 0);
    self[size] = '\0';
    send_words(xrep, peer, ZMQ_SNDMORE);
    send_words(xrep, self, 0);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    void *connecter = zmq_init(1);
    void *listener = zmq_init(1);
    void *xrep;
    int rc;

    if (argc > 1)
        endpoint = argv[1];
    CHECK(connecter && listener);
    CHECK(pthread_create(&thread, NULL, connecter_thread, connecter) == 0);
    /* In vain so far: in microseconds, as ever. */
    rc = zmq_poll(NULL, 0, 100 * 1000);
    CHECK(rc == 0);
    xrep = zmq_socket(listener, ZMQ_XREP);
    CHECK(xrep);
    rc = zmq_setsockopt(xrep, ZMQ_IDENTITY, "listener", 8);
    CHECK(rc == 0);
    rc = zmq_bind(xrep, endpoint);
    CHECK(rc == 0);
    answer(xrep);
    pthread_join(thread, NULL);
    rc = zmq_close(xrep);
    CHECK(rc == 0);
    rc = zmq_term(listener);
    CHECK(rc == 0);
    rc = zmq_term(connecter);
    CHECK(rc == 0);
    return 0;
}
