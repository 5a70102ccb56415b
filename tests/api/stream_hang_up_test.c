/* SPDX-License-Identifier: MPL-2.0 */
/*
 * STREAM hangs up on a peer, by an empty part: what was sent before arrives,
 * and a peer that does not read it has as long as ZMQ_LINGER says.
 *
 * Thread: the main thread.
 */
#include "common/env.h"
#include "common/id.h"
#include "common/raw.h"
#include "common/socket.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { SIZE = 100000, COUNT = 40, LINGER_MS = 50 };

static char body[SIZE];

/* A STREAM that has sent more to a peer than the kernel takes, and has hung
 * up. The peer's descriptor. */
static int open_hung_up(struct env *env, int linger_ms)
{
    void *stream = env_socket(env, ZMQ_STREAM);
    char endpoint[ENDPOINT_MAX];
    struct id id;
    int fd;

    set_int(stream, ZMQ_LINGER, linger_ms);
    set_int(stream, ZMQ_SNDBUF, SIZE);
    env_bind(env, stream, endpoint);
    fd = raw_connect(endpoint);
    id = id_receive_text(stream, "");
    for (int i = 0; i < COUNT; i++) {
        id_send(stream, &id);
        assert_int_equal(zmq_send(stream, body, SIZE, 0), SIZE);
    }
    id_send_text(stream, &id, "");
    return fd;
}

/* How much comes before the end, or before that which should. */
static size_t read_out(int fd, size_t max)
{
    size_t got = 0;
    ssize_t n;

    while (got < max && (n = read(fd, body, SIZE)) > 0)
        got += (size_t)n;
    return got;
}

static void what_was_sent_before_arrives(void **state)
{
    static const int lingers[] = {-1, 0, PATIENCE_MS};
    const size_t all = (size_t)SIZE * COUNT;

    for (size_t i = 0; i < sizeof(lingers) / sizeof(lingers[0]); i++) {
        int fd = open_hung_up(*state, lingers[i]);

        assert_int_equal(read_out(fd, all), all);
        close(fd);
    }
}

static void who_does_not_read_has_as_long_as_it_lingers(void **state)
{
    struct pollfd item = {.events = POLLRDHUP};

    /* libzmq waits for ever. */
    if (!is_ceromq())
        skip();
    item.fd = open_hung_up(*state, LINGER_MS);
    assert_int_equal(poll(&item, 1, PATIENCE_MS), 1);
    assert_true(read_out(item.fd, SIZE_MAX) < (size_t)SIZE * COUNT);
    close(item.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(what_was_sent_before_arrives),
        /* Over tcp the end is behind what is not read. */
        ON(ipc, who_does_not_read_has_as_long_as_it_lingers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
