/* SPDX-License-Identifier: MPL-2.0 */
/*
 * zmq_init(0), for a program without tcp: its threads talk over inproc, and
 * the library starts none of its own.
 *
 * A program for ZeroMQ 2.1: see docs/classic.md.
 */
#include "check.h"

#include <pthread.h>

static void *server_thread(void *context)
{
    void *rep = zmq_socket(context, ZMQ_REP);
    char words[32];
    int rc, i;

    CHECK(rep);
    rc = zmq_connect(rep, "inproc://broker");
    CHECK(rc == 0);
    for (i = 0; i < 3; i++) {
        receive_words(rep, words, sizeof words);
        words[0] = (char)(words[0] - 'a' + 'A');
        send_words(rep, words, 0);
    }
    zmq_close(rep);
    return NULL;
}

int main(void)
{
    static const char *const questions[] = {"alpha", "beta", "gamma"};
    char words[32];
    pthread_t thread;
    void *context = zmq_init(0);
    void *req;
    int rc, i;

    CHECK(context);
    req = zmq_socket(context, ZMQ_REQ);
    CHECK(req);
    rc = zmq_bind(req, "tcp://127.0.0.1:5555");
    CHECK(rc == -1 && zmq_errno() == EMTHREAD);
    printf("tcp: %s\n", zmq_strerror(zmq_errno()));
    rc = zmq_bind(req, "inproc://broker");
    CHECK(rc == 0);
    CHECK(pthread_create(&thread, NULL, server_thread, context) == 0);
    for (i = 0; i < 3; i++) {
        send_words(req, questions[i], 0);
        receive_words(req, words, sizeof words);
        printf("%s: %s\n", questions[i], words);
    }
    pthread_join(thread, NULL);
    zmq_close(req);
    rc = zmq_term(context);
    CHECK(rc == 0);
    return 0;
}
