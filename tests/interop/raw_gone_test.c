/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A peer goes that was not listened to: its messages are at the high-water
 * mark of who receives them, and the way to it is full, too. Who sends learns
 * of it all the same, and what it said before is not lost.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/pubsub.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MARK = 10, SAID = 60, SIZE = 1000, LARGE = 100000 };

static void set_marks(void *socket)
{
    set_int(socket, ZMQ_SNDHWM, MARK);
    set_int(socket, ZMQ_RCVHWM, MARK);
}

/* A reset takes back what lies with the sender's kernel still; of a Unix socket
 * nothing does. */
static void wait_until_it_is_there(const struct env *env, int fd)
{
    int64_t end_ms = now_ms() + PATIENCE_MS;
    int left = 1;

    while (env->transport == &transport_tcp && left > 0) {
        assert_true(now_ms() < end_ms);
        assert_int_equal(ioctl(fd, TIOCOUTQ, &left), 0);
        (void)poll(NULL, 0, left > 0);
    }
}

/* More than the mark, but not more than the kernel holds of one whom nobody
 * reads: in one piece, since of small ones it is a third. */
static void say_much(const struct env *env, int fd)
{
    static unsigned char frames[SAID][9 + SIZE];

    for (int i = 0; i < SAID; i++) {
        memset(frames[i], 2, sizeof(frames[i]));
        memcpy(frames[i], "\2\0\0\0\0\0\0\3\350", 9); /* SIZE */
    }
    raw_write(fd, frames, sizeof(frames));
    wait_until_it_is_there(env, fd);
}

static void expect_much(void *socket)
{
    char body[SIZE];

    for (int i = 0; i < SAID; i++)
        assert_int_equal(zmq_recv(socket, body, sizeof(body), 0), SIZE);
}

static void send_much(void *socket)
{
    char *body = calloc(1, LARGE);

    assert_non_null(body);
    do {
        while (zmq_send(socket, body, LARGE, ZMQ_DONTWAIT) == LARGE)
            continue;
        assert_int_equal(zmq_errno(), EAGAIN);
    } while (is_ready(socket, ZMQ_POLLOUT, GLANCE_MS) &&
             zmq_send(socket, body, LARGE, ZMQ_DONTWAIT) == LARGE);
    free(body);
}

static void a_new_connection_comes_although_nobody_reads(void **state)
{
    struct env *env = *state;
    void *dealer = env_socket(env, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];
    int listener, fd;

    set_marks(dealer);
    set_int(dealer, ZMQ_RECONNECT_IVL, 10);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(dealer, endpoint));
    fd = raw_accept(listener);
    raw_handshake(fd, "DEALER");
    say_much(env, fd);
    send_much(dealer);
    zmtp_reset(fd);
    fd = raw_accept(listener);
    raw_handshake(fd, "DEALER");
    expect_much(dealer);
    close(fd);
    close(listener);
}

static void a_publisher_that_never_drops_goes_on(void **state)
{
    struct env *env = *state;
    void *xpub = env_socket(env, ZMQ_XPUB);
    char endpoint[ENDPOINT_MAX];
    int fd;

    set_marks(xpub);
    set_int(xpub, ZMQ_XPUB_NODROP, 1);
    env_bind(env, xpub, endpoint);
    fd = raw_connect(endpoint);
    raw_handshake(fd, "XSUB");
    raw_write_frame(fd, 0, "\1", 1);
    expect_subscribed(xpub, "");
    say_much(env, fd);
    send_much(xpub);
    zmtp_reset(fd);
    send_text(xpub, "a", 0);
    expect_much(xpub);
    expect_cancelled(xpub, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(a_new_connection_comes_although_nobody_reads),
        ON_STREAMS(a_publisher_that_never_drops_goes_on),
    };

    return cmocka_run_group_tests_name("raw_gone", tests, NULL, NULL);
}
