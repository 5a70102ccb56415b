/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Publishers and subscribers.
 *
 * Thread: the main thread of a test.
 */
#include "common/pubsub.h"

#include "common/socket.h"

#include <errno.h>

#define PUBSUB_TOPIC_MAX 256
#define PUBSUB_PROBE_SIZE 16
#define PUBSUB_PROBE_EVERY_MS 5

struct pubsub_probe {
    char topic[PUBSUB_PROBE_SIZE];
    uint32_t number;
};

static void pubsub_ask(void *socket, bool is_wanted, const char *topic)
{
    size_t size = strlen(topic);
    char message[PUBSUB_TOPIC_MAX + 1];

    assert_true(size <= PUBSUB_TOPIC_MAX);
    if (get_int(socket, ZMQ_TYPE) != ZMQ_XSUB) {
        assert_ok(zmq_setsockopt(
            socket, is_wanted ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, topic, size));
        return;
    }
    message[0] = is_wanted ? 1 : 0;
    memcpy(message + 1, topic, size);
    assert_int_equal(zmq_send(socket, message, size + 1, 0), size + 1);
}

void subscribe(void *socket, const char *topic)
{
    pubsub_ask(socket, true, topic);
}

void unsubscribe(void *socket, const char *topic)
{
    pubsub_ask(socket, false, topic);
}

void subscribe_bytes(void *sub, const void *topic, size_t size)
{
    assert_ok(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, topic, size));
}

void unsubscribe_bytes(void *sub, const void *topic, size_t size)
{
    assert_ok(zmq_setsockopt(sub, ZMQ_UNSUBSCRIBE, topic, size));
}

/* A topic of its own each time: what an earlier settle() asked for may not
 * have been cancelled yet, and proves nothing. */
static void pubsub_probe_init(struct pubsub_probe *probe)
{
    static unsigned count;

    memset(probe, 0, sizeof(*probe));
    snprintf(probe->topic, sizeof(probe->topic), "\377%u.", count++);
}

static void pubsub_send_probe(void *publisher, const struct pubsub_probe *probe)
{
    assert_int_equal(zmq_send(publisher, probe, sizeof(*probe), 0),
                     sizeof(*probe));
}

/* Probes with lower numbers may come before it. */
static void pubsub_receive_probe(void *subscriber,
                                 const struct pubsub_probe *probe)
{
    struct pubsub_probe got;

    do {
        memset(&got, 0, sizeof(got));
        assert_int_equal(zmq_recv(subscriber, &got, sizeof(got), 0),
                         sizeof(got));
        assert_memory_equal(got.topic, probe->topic, sizeof(got.topic));
    } while (got.number != probe->number);
}

void settle(void *publisher, void *const *subscribers, size_t count)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    struct pubsub_probe probe;

    pubsub_probe_init(&probe);
    /* Subscriptions arrive in the order in which they were made. */
    for (size_t i = 0; i < count; i++)
        subscribe(subscribers[i], probe.topic);
    for (size_t i = 0; i < count; i++) {
        do {
            assert_true(now_ms() < deadline);
            probe.number++;
            pubsub_send_probe(publisher, &probe);
        } while (!is_ready(subscribers[i], ZMQ_POLLIN, PUBSUB_PROBE_EVERY_MS));
    }
    probe.number++;
    pubsub_send_probe(publisher, &probe);
    for (size_t i = 0; i < count; i++) {
        pubsub_receive_probe(subscribers[i], &probe);
        unsubscribe(subscribers[i], probe.topic);
    }
}

void settle_one(void *publisher, void *subscriber)
{
    settle(publisher, &subscriber, 1);
}

static void pubsub_expect_event(void *xpub, bool is_wanted, const char *topic)
{
    char message[PUBSUB_TOPIC_MAX + 2] = "";
    int size = zmq_recv(xpub, message, PUBSUB_TOPIC_MAX + 1, 0);

    assert_ok(size);
    assert_in_range(size, 1, PUBSUB_TOPIC_MAX + 1);
    assert_string_equal(message + 1, topic);
    assert_int_equal(size, strlen(topic) + 1);
    assert_int_equal(message[0], is_wanted);
    assert_int_equal(get_int(xpub, ZMQ_RCVMORE), 0);
}

void expect_subscribed(void *xpub, const char *topic)
{
    pubsub_expect_event(xpub, true, topic);
}

void expect_cancelled(void *xpub, const char *topic)
{
    pubsub_expect_event(xpub, false, topic);
}

static void pubsub_wait_serving(void *served, zmq_pollitem_t *item)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    int count;

    do {
        assert_true(now_ms() < deadline);
        (void)get_int(served, ZMQ_EVENTS);
        count = zmq_poll(item, 1, 1);
        assert_ok(count);
    } while (count == 0);
}

void wait_serving(void *served, void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

    pubsub_wait_serving(served, &item);
}

void wait_serving_fd(void *served, int fd)
{
    zmq_pollitem_t item = {.fd = fd, .events = ZMQ_POLLIN};

    pubsub_wait_serving(served, &item);
}

void expect_only_the_end(void *publisher, void *subscriber)
{
    send_text(publisher, "end", 0);
    expect_part(subscriber, "end", false);
}

void set_draft_int(void *socket, int option, int value)
{
    if (zmq_setsockopt(socket, option, &value, sizeof(value)) == 0)
        return;
    assert_int_equal(zmq_errno(), EINVAL);
    skip();
}
