/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Publishers at the high-water mark: what is dropped and for whom, what is
 * held back instead (NODROP), and that no subscription is ever lost.
 *
 * Thread: the main thread, and one that sends.
 */
#include "common/call.h"
#include "common/env.h"

#include "common/monitor.h"
#include "common/pubsub.h"
#include "common/raw.h"
#include "common/socket.h"

#include <errno.h>
#include <unistd.h>

#define KERNEL_BUFFER 8192
#define LARGE 4096

/* A full link holds few of these, wherever they are. */
static void send_large(void *socket, uint32_t number)
{
    char message[LARGE] = {0};

    memcpy(message, &number, sizeof(number));
    assert_int_equal(zmq_send(socket, message, LARGE, 0), LARGE);
}

static uint32_t receive_large(void *socket)
{
    char message[LARGE];
    uint32_t number = 0;

    assert_int_equal(zmq_recv(socket, message, LARGE, 0), LARGE);
    memcpy(&number, message, sizeof(number));
    return number;
}

/* A publisher and subscribers to everything, with small marks and small
 * buffers; all that was subscribed counts. */
static void open_narrow(struct env *env, void **xpub, void **subs, int count)
{
    char endpoint[ENDPOINT_MAX];

    *xpub = env_socket(env, ZMQ_XPUB);
    set_int(*xpub, ZMQ_SNDHWM, 2);
    set_int(*xpub, ZMQ_SNDBUF, KERNEL_BUFFER);
    set_int(*xpub, ZMQ_XPUB_VERBOSE, 1);
    env_bind(env, *xpub, endpoint);
    for (int i = 0; i < count; i++) {
        subs[i] = env_socket(env, ZMQ_SUB);
        set_int(subs[i], ZMQ_RCVHWM, 3);
        set_int(subs[i], ZMQ_RCVBUF, KERNEL_BUFFER);
        subscribe(subs[i], "");
        assert_ok(zmq_connect(subs[i], endpoint));
        expect_subscribed(*xpub, "");
    }
}

/* Room is given back in half marks: later there may be less of it. */
static void the_newest_are_dropped(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *sub;

    open_narrow(env, &xpub, &sub, 1);
    for (int round = 0; round < 3; round++) {
        uint32_t count = 0;

        /* libzmq learns here that there is room again. */
        assert_int_equal(get_int(xpub, ZMQ_EVENTS), ZMQ_POLLOUT);
        for (uint32_t i = 0; i < 20; i++)
            send_number(xpub, i);
        do {
            assert_int_equal(receive_number(sub), count++);
        } while (is_ready(sub, ZMQ_POLLIN, 0));
        if (round == 0)
            assert_int_equal(count, 5);
        assert_in_range(count, 2, 5);
    }
}

/* Publishes one and reads it. */
static void pass_large(void *xpub, void *sub, uint32_t number)
{
    assert_int_equal(get_int(xpub, ZMQ_EVENTS), ZMQ_POLLOUT);
    send_large(xpub, number);
    assert_int_equal(receive_large(sub), number);
}

/* What is dropped makes a gap; after it, the subscriber goes on. */
static void a_slow_subscriber_goes_on_after_the_gap(void **state)
{
    enum { COUNT = 2000 };
    struct env *env = *state;
    uint32_t last = 0;
    uint32_t count = 1;
    void *xpub;
    void *sub;

    open_narrow(env, &xpub, &sub, 1);
    for (uint32_t i = 0; i < COUNT; i++)
        send_large(xpub, i);
    assert_int_equal(receive_large(sub), 0);
    while (is_ready(sub, ZMQ_POLLIN, GLANCE_MS)) {
        uint32_t number = receive_large(sub);

        assert_true(number > last);
        last = number;
        count++;
    }
    assert_in_range(count, 2, COUNT - 1);
    for (uint32_t i = COUNT; i < COUNT + 100; i++)
        pass_large(xpub, sub, i);
}

static void who_does_not_read_holds_up_nobody(void **state)
{
    enum { COUNT = 500 };
    struct env *env = *state;
    void *xpub;
    void *subs[3];

    open_narrow(env, &xpub, subs, 3);
    for (uint32_t i = 0; i < COUNT; i++)
        pass_large(xpub, subs[1], i);
    assert_int_equal(receive_large(subs[0]), 0);
    assert_int_equal(receive_large(subs[2]), 0);
}

/* A message is dropped as a whole or comes as a whole. */
static void parts_are_never_dropped_alone(void **state)
{
    enum { COUNT = 1000 };
    struct env *env = *state;
    uint32_t first;
    void *xpub;
    void *sub;

    open_narrow(env, &xpub, &sub, 1);
    for (uint32_t i = 0; i < COUNT; i++) {
        for (int part = 0; part < 3; part++)
            assert_int_equal(zmq_send(xpub, &i, sizeof(i), ZMQ_SNDMORE), 4);
        send_large(xpub, i);
    }
    while (is_ready(sub, ZMQ_POLLIN, GLANCE_MS)) {
        first = receive_number(sub);
        for (int part = 1; part < 3; part++) {
            assert_int_equal(get_int(sub, ZMQ_RCVMORE), 1);
            assert_int_equal(receive_number(sub), first);
        }
        assert_int_equal(get_int(sub, ZMQ_RCVMORE), 1);
        assert_int_equal(receive_large(sub), first);
        assert_int_equal(get_int(sub, ZMQ_RCVMORE), 0);
    }
}

static void without_a_mark_nothing_is_dropped(void **state)
{
    enum { COUNT = 3000 };
    struct env *env = *state;
    void *pub = env_socket(env, ZMQ_PUB);
    void *sub = env_socket(env, ZMQ_SUB);

    set_int(pub, ZMQ_SNDHWM, 0);
    set_int(sub, ZMQ_RCVHWM, 1);
    subscribe(sub, "");
    env_link(env, pub, sub);
    settle_one(pub, sub);
    for (uint32_t i = 0; i < COUNT; i++)
        send_number(pub, i);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(receive_number(sub), i);
}

/* Sends until it fails, and gives how many went. */
static uint32_t send_until_refused(void *socket, int timeout_ms)
{
    char message[LARGE] = {0};
    uint32_t count = 0;

    set_int(socket, ZMQ_SNDTIMEO, timeout_ms);
    while (memcpy(message, &count, sizeof(count)),
           zmq_send(socket, message, LARGE, 0) != -1)
        count++;
    assert_int_equal(zmq_errno(), EAGAIN);
    set_int(socket, ZMQ_SNDTIMEO, PATIENCE_MS);
    return count;
}

static void nodrop_refuses_for_all_when_one_is_full(void **state)
{
    struct env *env = *state;
    uint32_t count;
    uint32_t more;
    void *xpub;
    void *subs[2];

    open_narrow(env, &xpub, subs, 2);
    set_int(xpub, ZMQ_XPUB_NODROP, 1);
    count = send_until_refused(xpub, GLANCE_MS);
    assert_true(count >= 5);
    if (env->transport == &transport_inproc)
        assert_int_equal(count, 5);
    assert_true(is_ready(xpub, ZMQ_POLLOUT, 0));
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(receive_large(subs[1]), i);
    /* Where the other has room for more later, both get that. */
    more = send_until_refused(xpub, GLANCE_MS);
    for (uint32_t i = 0; i < more; i++)
        assert_int_equal(receive_large(subs[1]), i);
    expect_nothing(subs[1]);
    for (uint32_t i = 0; i < count + more; i++)
        assert_int_equal(receive_large(subs[0]), i < count ? i : i - count);
    expect_nothing(subs[0]);
    send_text(xpub, "again", 0);
    expect_text(subs[0], "again");
    expect_text(subs[1], "again");
}

static int send_a_text(void *socket)
{
    return zmq_send(socket, "waited", 6, 0);
}

static void nodrop_waits_for_room(void **state)
{
    struct env *env = *state;
    struct call call;
    uint32_t count;
    void *xpub;
    void *sub;

    open_narrow(env, &xpub, &sub, 1);
    set_int(xpub, ZMQ_XPUB_NODROP, 1);
    count = send_until_refused(xpub, GLANCE_MS);
    call_start(&call, send_a_text, xpub);
    call_wait_blocked(&call);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(receive_large(sub), i);
    assert_int_equal(call_join(&call), 6);
    expect_text(sub, "waited");
}

static void nodrop_waits_for_those_concerned_only(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *sub;

    open_narrow(env, &xpub, &sub, 1);
    unsubscribe(sub, "");
    expect_cancelled(xpub, "");
    subscribe_bytes(sub, "\0\0", 2);
    assert_int_equal(zmq_recv(xpub, NULL, 0, 0), 3);
    set_int(xpub, ZMQ_XPUB_NODROP, 1);
    send_until_refused(xpub, GLANCE_MS);
    for (int i = 0; i < 100; i++)
        assert_int_equal(zmq_send(xpub, "other", 5, ZMQ_DONTWAIT), 5);
}

static void nodrop_works_on_a_pub(void **state)
{
    struct env *env = *state;
    uint32_t count;
    void *pub = env_socket(env, ZMQ_PUB);
    void *sub = env_socket(env, ZMQ_SUB);

    set_int(pub, ZMQ_XPUB_NODROP, 1);
    set_int(pub, ZMQ_SNDHWM, 20);
    set_int(sub, ZMQ_RCVHWM, 20);
    set_int(pub, ZMQ_SNDBUF, KERNEL_BUFFER);
    set_int(sub, ZMQ_RCVBUF, KERNEL_BUFFER);
    subscribe(sub, "");
    env_link(env, pub, sub);
    settle_one(pub, sub);
    count = send_until_refused(pub, GLANCE_MS);
    assert_true(count >= 20);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(receive_large(sub), i);
    expect_nothing(sub);
}

/* libzmq drops the ones beyond the mark. */
static void subscriptions_beyond_the_mark_are_kept(void **state)
{
    enum { COUNT = 3000 };
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char topic[16];
    void *xpub = env_socket(env, ZMQ_XPUB);
    void *sub = env_socket(env, ZMQ_SUB);

    if (!is_ceromq())
        skip();
    set_int(xpub, ZMQ_RCVHWM, 5);
    set_int(sub, ZMQ_SNDHWM, 5);
    set_int(sub, ZMQ_RECONNECT_IVL, 10);
    env_free_endpoint(env, endpoint);
    for (int i = 0; i < COUNT / 3; i++) {
        snprintf(topic, sizeof(topic), "%d.", i);
        subscribe(sub, topic);
    }
    assert_ok(zmq_connect(sub, endpoint));
    for (int i = COUNT / 3; i < 2 * COUNT / 3; i++) {
        snprintf(topic, sizeof(topic), "%d.", i);
        subscribe(sub, topic);
    }
    assert_ok(zmq_bind(xpub, endpoint));
    for (int i = 2 * COUNT / 3; i < COUNT; i++) {
        snprintf(topic, sizeof(topic), "%d.", i);
        subscribe(sub, topic);
    }
    for (int i = 0; i < COUNT; i++)
        assert_true(zmq_recv(xpub, NULL, 0, 0) > 1);
    set_int(xpub, ZMQ_SNDHWM, 0);
    for (int i = 0; i < COUNT; i++) {
        snprintf(topic, sizeof(topic), "%d.x", i);
        send_text(xpub, topic, 0);
        expect_text(sub, topic);
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(topic, sizeof(topic), "%d.", i);
        unsubscribe(sub, topic);
    }
    for (int i = 0; i < COUNT; i++)
        assert_true(zmq_recv(xpub, NULL, 0, 0) > 1);
    expect_nothing(xpub);
}

/* Though what it said last still waits for the application. */
static void nodrop_does_not_wait_for_who_has_gone(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    static char large[100000];
    void *xpub = env_socket(env, ZMQ_XPUB);
    void *monitor = monitor_open(env, xpub, ZMQ_EVENT_DISCONNECTED);
    int fd;

    set_int(xpub, ZMQ_XPUB_NODROP, 1);
    set_int(xpub, ZMQ_SNDHWM, 1);
    set_int(xpub, ZMQ_RCVHWM, 1);
    env_bind(env, xpub, endpoint);
    fd = raw_connect(endpoint);
    raw_handshake(fd, "XSUB");
    raw_write_frame(fd, 0, "\1", 1);
    raw_write_frame(fd, 0, "message", 7);
    wait_for(xpub, ZMQ_POLLIN);
    set_int(xpub, ZMQ_SNDTIMEO, GLANCE_MS);
    while (zmq_send(xpub, large, sizeof(large), 0) != -1)
        continue;
    set_int(xpub, ZMQ_SNDTIMEO, PATIENCE_MS);
    close(fd);
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    send_text(xpub, "goes on", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, the_newest_are_dropped),
        ON_EACH(a_slow_subscriber_goes_on_after_the_gap),
        ON_EACH(who_does_not_read_holds_up_nobody),
        ON_EACH(parts_are_never_dropped_alone),
        ON_EACH(without_a_mark_nothing_is_dropped),
        ON_EACH(nodrop_refuses_for_all_when_one_is_full),
        ON_EACH(nodrop_waits_for_room),
        ON_EACH(nodrop_waits_for_those_concerned_only),
        ON_EACH(nodrop_works_on_a_pub),
        ON_STREAMS(nodrop_does_not_wait_for_who_has_gone),
        ON_EACH(subscriptions_beyond_the_mark_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
