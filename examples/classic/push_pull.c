/* SPDX-License-Identifier: MPL-2.0 */
/*
 * PUSH bound to inproc://xxx, and PULL connected to it in another thread.
 *
 * A program for ZeroMQ 2.1: see docs/classic.md.
 */
#include "check.h"

#include <pthread.h>

static void *pull_thread(void *context)
{
    char words[32];
    void *pull = zmq_socket(context, ZMQ_PULL);
    int rc;

    CHECK(pull);
    rc = zmq_connect(pull, "inproc://xxx");
    CHECK(rc == 0);
    do {
        receive_words(pull, words, sizeof words);
        printf("pulled: %s\n", words);
    } while (strcmp(words, "end") != 0);
    rc = zmq_close(pull);
    CHECK(rc == 0);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    void *context = zmq_init(1);
    void *push;
    int rc;

    CHECK(context);
    push = zmq_socket(context, ZMQ_PUSH);
    CHECK(push);
    /* 2.1 wanted this first, then the connect. */
    rc = zmq_bind(push, "inproc://xxx");
    CHECK(rc == 0);
    CHECK(pthread_create(&thread, NULL, pull_thread, context) == 0);
    send_words(push, "one", 0);
    send_words(push, "two", 0);
    send_words(push, "end", 0);
    pthread_join(thread, NULL);
    rc = zmq_close(push);
    CHECK(rc == 0);
    rc = zmq_term(context);
    CHECK(rc == 0);
    return 0;
}
