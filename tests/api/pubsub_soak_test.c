/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A publisher, a subscriber that stays, and many that come and go: who stays
 * gets every message; who visits gets, from the first of a topic on, every
 * one of that topic until it leaves, and nothing else.
 *
 * The seed is printed; CZ_SEED repeats a run, as far as threads can.
 *
 * CTest: TIMEOUT 120
 * Thread: the main thread publishes; each visitor has one of its own, in
 * which nothing is checked.
 */
#include "common/env.h"

#include "common/pubsub.h"
#include "common/random.h"
#include "common/socket.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

enum { VISITORS = 6, VISITS = 30, TOPICS = 5, MESSAGES_MAX = 40 };

struct message {
    char topic[4];
    uint32_t number; /* of this topic */
};

struct soak {
    void *ctx;
    char endpoint[ENDPOINT_MAX];
    _Atomic uint32_t done; /* visitors */
};

struct visitor {
    struct soak *soak;
    uint64_t random;
    const char *fault;
    pthread_t thread;
};

static void topic_name(char topic[4], uint32_t number)
{
    memset(topic, 0, 4);
    topic[0] = 't';
    topic[1] = (char)('a' + number);
}

/* ---- visitors ---------------------------------------------------------- */

/* How many of the first topics a visitor wants: 1 to all. */
static int visit_subscribe(void *sub, uint32_t topics)
{
    char topic[4];

    for (uint32_t i = 0; i < topics; i++) {
        topic_name(topic, i);
        if (zmq_setsockopt(sub, ZMQ_SUBSCRIBE, topic, 2) == -1)
            return -1;
    }
    return 0;
}

/* What is wrong with the next message, or NULL. `next` has the number that
 * comes next for each topic; 0 before the first. */
static const char *visit_receive(void *sub, uint32_t topics, uint32_t *next)
{
    struct message message;
    uint32_t topic;

    if (zmq_recv(sub, &message, sizeof(message), 0) != sizeof(message))
        return zmq_strerror(errno);
    topic = (uint32_t)(message.topic[1] - 'a');
    if (topic >= topics)
        return "not asked for";
    if (next[topic] != 0 && next[topic] != message.number)
        return "one is missing, or comes twice";
    next[topic] = message.number + 1;
    if (zmq_recv(sub, &message, sizeof(message), ZMQ_DONTWAIT) != 4)
        return "the second part is missing";
    return NULL;
}

static const char *visit_with(struct visitor *visitor, void *sub)
{
    uint32_t topics = 1 + random_below(&visitor->random, TOPICS);
    uint32_t count = random_below(&visitor->random, MESSAGES_MAX);
    uint32_t next[TOPICS] = {0};
    const char *fault = NULL;
    int no_mark = 0;
    int timeout_ms = PATIENCE_MS;
    bool is_early = random_below(&visitor->random, 2) == 0;

    zmq_setsockopt(sub, ZMQ_RCVHWM, &no_mark, sizeof(no_mark));
    zmq_setsockopt(sub, ZMQ_RCVTIMEO, &timeout_ms, sizeof(timeout_ms));
    if (is_early && visit_subscribe(sub, topics) == -1)
        return "it cannot subscribe";
    if (zmq_connect(sub, visitor->soak->endpoint) == -1)
        return "it cannot connect";
    if (!is_early && visit_subscribe(sub, topics) == -1)
        return "it cannot subscribe";
    for (uint32_t i = 0; i < count && fault == NULL; i++)
        fault = visit_receive(sub, topics, next);
    return fault;
}

static void *visitor_main(void *arg)
{
    struct visitor *visitor = arg;

    for (int i = 0; i < VISITS && visitor->fault == NULL; i++) {
        void *sub = zmq_socket(visitor->soak->ctx, ZMQ_SUB);

        if (sub == NULL) {
            visitor->fault = "it cannot open a socket";
            break;
        }
        visitor->fault = visit_with(visitor, sub);
        if (zmq_close(sub) == -1)
            visitor->fault = "it cannot close its socket";
    }
    atomic_fetch_add(&visitor->soak->done, 1);
    return NULL;
}

static void start_visitors(struct soak *soak, struct visitor *visitors)
{
    uint64_t seed = random_seed();

    for (uint32_t i = 0; i < VISITORS; i++) {
        visitors[i] = (struct visitor){.soak = soak, .random = seed + i * 977};
        assert_int_equal(pthread_create(&visitors[i].thread, NULL, visitor_main,
                                        &visitors[i]),
                         0);
    }
}

static void join_visitors(struct visitor *visitors)
{
    for (int i = 0; i < VISITORS; i++)
        assert_int_equal(pthread_join(visitors[i].thread, NULL), 0);
    for (int i = 0; i < VISITORS; i++) {
        if (visitors[i].fault)
            fail_msg("visitor %d: %s", i, visitors[i].fault);
    }
}

/* ---- the publisher ------------------------------------------------------- */

static void publish(void *pub, struct message *message)
{
    assert_int_equal(zmq_send(pub, message, sizeof(*message), ZMQ_SNDMORE),
                     sizeof(*message));
    send_text(pub, "more", 0);
}

static void expect_published(void *sub, const struct message *message)
{
    struct message got = {.number = 0};

    assert_int_equal(zmq_recv(sub, &got, sizeof(got), 0), sizeof(got));
    assert_memory_equal(&got, message, sizeof(got));
    expect_part(sub, "more", false);
}

/* The one that stays keeps the pace. */
static void publish_until_all_have_left(struct soak *soak, void *pub,
                                        void *stays)
{
    uint32_t number = 1;

    for (; atomic_load(&soak->done) < VISITORS; number++) {
        for (uint32_t i = 0; i < TOPICS; i++) {
            struct message message = {.number = number};

            topic_name(message.topic, i);
            publish(pub, &message);
            expect_published(stays, &message);
        }
    }
}

static void soak(struct env *env, int type)
{
    struct soak soak = {.ctx = env->ctx};
    struct visitor visitors[VISITORS];
    void *pub = env_socket(env, type);
    void *stays = env_socket(env, ZMQ_SUB);

    set_int(pub, ZMQ_SNDHWM, 0);
    env_bind(env, pub, soak.endpoint);
    subscribe(stays, "");
    assert_ok(zmq_connect(stays, soak.endpoint));
    settle_one(pub, stays);
    start_visitors(&soak, visitors);
    publish_until_all_have_left(&soak, pub, stays);
    join_visitors(visitors);
    expect_nothing(stays);
}

static void a_pub_serves_all_who_come_and_go(void **state)
{
    soak(*state, ZMQ_PUB);
}

/* Its events wait unread meanwhile; in the end they add up. */
static void an_xpub_counts_all_who_come_and_go(void **state)
{
    struct env *env = *state;
    int subscribed[TOPICS] = {0};
    char event[8];
    int size;
    void *xpub;

    soak(env, ZMQ_XPUB);
    xpub = env->sockets[0];
    while (is_ready(xpub, ZMQ_POLLIN, GLANCE_MS)) {
        size = zmq_recv(xpub, event, sizeof(event), 0);
        if (size != 3 || event[1] != 't')
            continue; /* of the one that stays */
        subscribed[event[2] - 'a'] += event[0] ? 1 : -1;
        assert_in_range(subscribed[event[2] - 'a'], 0, 1);
    }
    for (int i = 0; i < TOPICS; i++)
        assert_int_equal(subscribed[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_pub_serves_all_who_come_and_go),
        ON_EACH(an_xpub_counts_all_who_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
