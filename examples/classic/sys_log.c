/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A SUB on sys://log writes the library's log to a file, library.log in the
 * working directory, while two sockets meet.
 *
 *     sys_log [endpoint]
 *
 * A program for ZeroMQ 2.1: see docs/classic.md.
 */
#include "check.h"

#include <pthread.h>
#include <stdint.h>

#define LOG_FILE "library.log"

/* One line for each event, its topic and the rest, until the listener has
 * gone. */
static void *log_thread(void *sub)
{
    FILE *file = fopen(LOG_FILE, "w");
    char topic[64], text[4096];
    int64_t more;
    size_t more_size = sizeof more;
    int rc;

    CHECK(file);
    do {
        receive_words(sub, topic, sizeof topic);
        rc = zmq_getsockopt(sub, ZMQ_RCVMORE, &more, &more_size);
        CHECK(rc == 0 && more == 1);
        receive_words(sub, text, sizeof text);
        fprintf(file, "%s %s\n", topic, text);
    } while (strcmp(topic, "close.tcp") != 0);
    fclose(file);
    zmq_close(sub);
    return NULL;
}

/* Two sockets that meet, talk, and part. */
static void meet(void *context, const char *endpoint)
{
    void *pull = zmq_socket(context, ZMQ_PULL);
    void *push = zmq_socket(context, ZMQ_PUSH);
    char words[32];
    int rc;

    CHECK(pull && push);
    rc = zmq_bind(pull, endpoint);
    CHECK(rc == 0);
    rc = zmq_connect(push, endpoint);
    CHECK(rc == 0);
    send_words(push, "hello", 0);
    receive_words(pull, words, sizeof words);
    zmq_close(push);
    zmq_close(pull);
}

static int is_in_log(const char *topic)
{
    FILE *file = fopen(LOG_FILE, "r");
    char line[5000];
    int is_found = 0;

    CHECK(file);
    while (!is_found && fgets(line, sizeof line, file))
        is_found = strncmp(line, topic, strlen(topic)) == 0;
    fclose(file);
    return is_found;
}

int main(int argc, char **argv)
{
    static const char *const topics[] = {
        "listen.tcp",          "connect.tcp",      "accept.tcp",
        "handshake.succeeded", "handshake.failed", "close.tcp"};
    pthread_t thread;
    void *context = zmq_init(1);
    void *sub;
    int rc;
    size_t i;

    CHECK(context);
    sub = zmq_socket(context, ZMQ_SUB);
    CHECK(sub);
    rc = zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0);
    CHECK(rc == 0);
    rc = zmq_connect(sub, "sys://log");
    CHECK(rc == 0);
    /* From here on the socket is the thread's. */
    CHECK(pthread_create(&thread, NULL, log_thread, sub) == 0);
    meet(context, argc > 1 ? argv[1] : "tcp://127.0.0.1:5555");
    pthread_join(thread, NULL);
    rc = zmq_term(context);
    CHECK(rc == 0);
    for (i = 0; i < sizeof topics / sizeof topics[0]; i++)
        printf("%s: %s\n", topics[i], is_in_log(topics[i]) ? "yes" : "no");
    return 0;
}
