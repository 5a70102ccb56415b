/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who sends many messages may leave the library alone afterwards: they go out
 * all the same, and nobody has to call it again.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/id.h"
#include "common/raw.h"
#include "common/socket.h"

#include <unistd.h>

enum { CLIENTS = 12, ROUNDS = 300, BURST = 40 };

static void expect_frame(int fd, const char *text)
{
    char body[16];
    int flags;
    size_t size = raw_read_frame(fd, &flags, body, sizeof(body));

    assert_int_equal(size, strlen(text));
    assert_memory_equal(body, text, size);
}

/* A server that answers many before it waits again. */
static void answers_to_many_go_out_by_themselves(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    int fds[CLIENTS];

    env_bind(env, router, endpoint);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = raw_connect(endpoint);
        raw_handshake(fds[i], "DEALER");
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++)
            raw_write_frame(fds[i], 0, "ask", 3);
        for (int i = 0; i < CLIENTS; i++) {
            struct id id = id_receive_text(router, "ask");

            id_send_text(router, &id, "answer");
        }
        for (int i = 0; i < CLIENTS; i++)
            expect_frame(fds[i], "answer");
    }
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
}

/* And one that has been sending for long. */
static void a_long_burst_goes_out_to_its_end(void **state)
{
    struct env *env = *state;
    void *pub = env_socket(env, ZMQ_XPUB);
    char endpoint[ENDPOINT_MAX];
    int fds[CLIENTS];

    env_bind(env, pub, endpoint);
    set_int(pub, ZMQ_XPUB_VERBOSE, 1);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = raw_connect(endpoint);
        raw_handshake(fds[i], "SUB");
        raw_write_frame(fds[i], 0, "\1b", 2);
        expect_text(pub, "\1b");
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BURST; i++)
            send_text(pub, "burst", 0);
        for (int i = 0; i < BURST * CLIENTS; i++)
            expect_frame(fds[i % CLIENTS], "burst");
    }
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(answers_to_many_go_out_by_themselves),
        ON_STREAMS(a_long_burst_goes_out_to_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
