/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Looks at its own library while it works: hears of its connections at
 * sys://log, and reads the numbers with cero_stats (docs/log.md,
 * docs/stats.md).
 *
 * Thread: the main thread.
 * Owns: its context and sockets.
 */
#include <ceromq.h>
#include <stdio.h>

static void print_event(void *log)
{
    char topic[64], body[1024];
    int size = zmq_recv(log, topic, sizeof topic - 1, 0);

    topic[size > 0 ? size : 0] = '\0';
    size = zmq_recv(log, body, sizeof body - 1, 0);
    body[size > 0 ? size : 0] = '\0';
    printf("%s %s\n", topic, body);
}

static int print_pipe(const cero_stats_t *s, void *arg)
{
    (void)arg;
    if (s->kind == CERO_STATS_PIPE && s->messages_out + s->messages_in > 0)
        printf("%s %s: %llu out, %llu in\n", s->type, s->endpoint,
               (unsigned long long)s->messages_out,
               (unsigned long long)s->messages_in);
    return 0;
}

int main(void)
{
    void *context = zmq_ctx_new();
    void *log = zmq_socket(context, ZMQ_SUB);
    void *pull = zmq_socket(context, ZMQ_PULL);
    void *push = zmq_socket(context, ZMQ_PUSH);
    char endpoint[256], body[8];
    size_t size = sizeof endpoint;

    zmq_setsockopt(log, ZMQ_SUBSCRIBE, "connect.", 8);
    zmq_setsockopt(log, ZMQ_SUBSCRIBE, "accept.", 7);
    if (zmq_connect(log, "sys://log") != 0) {
        puts("this library has no log");
        return 1;
    }
    zmq_bind(pull, "tcp://127.0.0.1:*");
    zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size);
    zmq_connect(push, endpoint);
    for (int i = 0; i < 2; i++)
        print_event(log);

    for (int i = 0; i < 1000; i++) {
        zmq_send(push, "message", 7, 0);
        zmq_recv(pull, body, sizeof body, 0);
    }
    cero_stats(context, print_pipe, NULL);

    zmq_close(push);
    zmq_close(pull);
    zmq_close(log);
    zmq_ctx_term(context);
    return 0;
}
