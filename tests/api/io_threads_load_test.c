/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One socket with a thousand connections on eight I/O threads: nothing is
 * lost or doubled, what one peer sends stays in order, messages of several
 * parts stay whole, marks hold. The peers live on the same threads.
 *
 * CTest: TIMEOUT 240
 * Thread: the main thread has the one socket; eight others have the peers.
 * Owns: a crowd owns its sockets.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/socket.h"

#include <errno.h>
#include <sys/resource.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define ROUNDS 8
#else
#define ROUNDS 40
#endif

#define THREADS 8
#define CROWDS 8
#define EACH 125
#define PEERS (CROWDS * EACH)
#define BODY_MAX 20000
#define TOPICS 10

/* The peers of one thread. */
struct crowd {
    struct call call;
    void *ctx;
    char endpoint[ENDPOINT_MAX];
    uint32_t first; /* the number of its first peer */
    void *sockets[EACH];
};

/* What the first and the last of three parts say. */
struct head {
    uint32_t peer;
    uint32_t round;
};

/* Seen by all threads, by number of the message. */
static _Atomic uint8_t seen[PEERS * ROUNDS];
static _Atomic uint32_t seen_count;

/* In a thread of a crowd nothing may be asserted: its result is the line of
 * what went wrong, or 0. */
#define EXPECT(is_true)                                                        \
    do {                                                                       \
        if (!(is_true))                                                        \
            return __LINE__;                                                   \
    } while (0)

/* ---- messages ------------------------------------------------------- */

static size_t body_size(struct head head)
{
    return head.round % 8 == 7 && head.peer % 16 == 0
               ? BODY_MAX
               : (head.peer * 7 + head.round * 13) % 300;
}

/* One message of three parts; false when a part is refused. */
static bool send_message(void *socket, struct head head)
{
    char body[BODY_MAX];
    size_t size = body_size(head);

    memset(body, (int)head.peer, size);
    return zmq_send(socket, &head, sizeof(head), ZMQ_SNDMORE) != -1 &&
           zmq_send(socket, body, size, ZMQ_SNDMORE) != -1 &&
           zmq_send(socket, &head, sizeof(head), 0) != -1;
}

static bool has_more(void *socket)
{
    int more = 0;
    size_t size = sizeof(more);

    return zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && more;
}

/* The next three parts are one whole message. */
static bool receive_message(void *socket, struct head *head)
{
    char body[BODY_MAX];
    struct head last;
    size_t size;

    if (zmq_recv(socket, head, sizeof(*head), 0) != sizeof(*head) ||
        !has_more(socket))
        return false;
    size = body_size(*head);
    if (zmq_recv(socket, body, sizeof(body), 0) != (int)size ||
        !has_more(socket) ||
        (size > 0 && (body[0] != (char)head->peer ||
                      memcmp(body, body + 1, size - 1) != 0)))
        return false;
    return zmq_recv(socket, &last, sizeof(last), 0) == sizeof(last) &&
           !has_more(socket) && memcmp(head, &last, sizeof(last)) == 0;
}

/* ---- crowds --------------------------------------------------------- */

static int set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value));
}

static int crowd_open(struct crowd *crowd, int type, int mark)
{
    for (int i = 0; i < EACH; i++) {
        void *socket = crowd->sockets[i] = zmq_socket(crowd->ctx, type);

        EXPECT(socket != NULL);
        EXPECT(set_number(socket, ZMQ_SNDHWM, mark) == 0);
        EXPECT(set_number(socket, ZMQ_RCVHWM, mark) == 0);
        EXPECT(set_number(socket, ZMQ_SNDTIMEO, PATIENCE_MS) == 0);
        EXPECT(set_number(socket, ZMQ_RCVTIMEO, PATIENCE_MS) == 0);
        EXPECT(zmq_connect(socket, crowd->endpoint) == 0);
    }
    return 0;
}

static int crowd_close(struct crowd *crowd)
{
    for (int i = 0; i < EACH; i++)
        EXPECT(zmq_close(crowd->sockets[i]) == 0);
    return 0;
}

static void start_crowds(struct env *env, struct crowd crowds[CROWDS],
                         const char *endpoint, int (*run)(void *arg))
{
    for (uint32_t i = 0; i < CROWDS; i++) {
        crowds[i].ctx = env->ctx;
        crowds[i].first = i * EACH;
        snprintf(crowds[i].endpoint, ENDPOINT_MAX, "%s", endpoint);
        call_start(&crowds[i].call, run, &crowds[i]);
    }
}

static void join_crowds(struct crowd crowds[CROWDS])
{
    for (int i = 0; i < CROWDS; i++)
        assert_int_equal(call_join(&crowds[i].call), 0);
}

/* A socket bound to an endpoint of its own. */
static void *open_hub(struct env *env, int type, int mark,
                      char endpoint[ENDPOINT_MAX])
{
    struct rlimit limit;
    void *hub;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 4 * PEERS)
        skip();
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_IO_THREADS, THREADS));
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_MAX_SOCKETS, 2 * PEERS));
    hub = env_socket(env, type);
    set_int(hub, ZMQ_SNDHWM, mark);
    set_int(hub, ZMQ_RCVHWM, mark);
    set_int(hub, ZMQ_BACKLOG, PEERS);
    env_bind(env, hub, endpoint);
    return hub;
}

/* ---- many to one ---------------------------------------------------- */

static int push_all(void *arg)
{
    struct crowd *crowd = arg;
    int line = crowd_open(crowd, ZMQ_PUSH, 4);

    for (uint32_t round = 0; line == 0 && round < ROUNDS; round++)
        for (uint32_t i = 0; line == 0 && i < EACH; i++)
            EXPECT(send_message(crowd->sockets[i],
                                (struct head){crowd->first + i, round}));
    return line ? line : crowd_close(crowd);
}

static void a_thousand_peers_are_heard_in_order(void **state)
{
    static struct crowd crowds[CROWDS];
    struct env *env = *state;
    uint32_t next[PEERS] = {0};
    char endpoint[ENDPOINT_MAX];
    void *pull;

    /* libzmq loses what a peer has sent when it closes over ipc and the
     * receiver is at its mark. */
    if (!is_ceromq() && env->transport == &transport_ipc)
        skip();
    pull = open_hub(env, ZMQ_PULL, 4, endpoint);
    start_crowds(env, crowds, endpoint, push_all);
    for (uint32_t i = 0; i < PEERS * ROUNDS; i++) {
        struct head head;

        assert_true(receive_message(pull, &head));
        assert_true(head.peer < PEERS);
        assert_int_equal(head.round, next[head.peer]++);
    }
    join_crowds(crowds);
    expect_nothing(pull);
}

/* ---- one to many ---------------------------------------------------- */

/* Takes what is there; numbers only go up. */
static int pull_some(void *socket, uint32_t *least)
{
    struct head head;

    EXPECT(receive_message(socket, &head));
    EXPECT(head.peer * ROUNDS + head.round >= *least);
    *least = head.peer * ROUNDS + head.round + 1;
    EXPECT(*least <= PEERS * ROUNDS);
    EXPECT(atomic_fetch_add(&seen[*least - 1], 1) == 0);
    atomic_fetch_add(&seen_count, 1);
    return 0;
}

static int pull_all(void *arg)
{
    struct crowd *crowd = arg;
    zmq_pollitem_t items[EACH];
    uint32_t least[EACH] = {0};
    int line = crowd_open(crowd, ZMQ_PULL, 4);

    for (int i = 0; i < EACH; i++)
        items[i] =
            (zmq_pollitem_t){.socket = crowd->sockets[i], .events = ZMQ_POLLIN};
    /* Nobody tells when the others have had the last. */
    while (line == 0 && atomic_load(&seen_count) < PEERS * ROUNDS) {
        EXPECT(zmq_poll(items, EACH, 10) != -1);
        for (int i = 0; line == 0 && i < EACH; i++)
            if (items[i].revents & ZMQ_POLLIN)
                line = pull_some(crowd->sockets[i], &least[i]);
    }
    return line ? line : crowd_close(crowd);
}

static void a_thousand_peers_share_all_messages(void **state)
{
    static struct crowd crowds[CROWDS];
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = open_hub(env, ZMQ_PUSH, 4, endpoint);

    memset(seen, 0, sizeof(seen));
    atomic_store(&seen_count, 0);
    start_crowds(env, crowds, endpoint, pull_all);
    for (uint32_t i = 0; i < PEERS * ROUNDS; i++)
        assert_true(send_message(push, (struct head){i / ROUNDS, i % ROUNDS}));
    join_crowds(crowds);
    for (uint32_t i = 0; i < PEERS * ROUNDS; i++)
        assert_int_equal(atomic_load(&seen[i]), 1);
}

/* ---- there and back ------------------------------------------------ */

static int ask_all(void *arg)
{
    struct crowd *crowd = arg;
    struct head head;
    int line = crowd_open(crowd, ZMQ_DEALER, 1000);

    for (uint32_t round = 0; line == 0 && round < ROUNDS; round++) {
        for (uint32_t i = 0; i < EACH; i++)
            EXPECT(send_message(crowd->sockets[i],
                                (struct head){crowd->first + i, round}));
        for (uint32_t i = 0; i < EACH; i++) {
            EXPECT(receive_message(crowd->sockets[i], &head));
            EXPECT(head.peer == crowd->first + i && head.round == round);
        }
    }
    return line ? line : crowd_close(crowd);
}

static void a_thousand_peers_get_their_own_answers(void **state)
{
    static struct crowd crowds[CROWDS];
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *router = open_hub(env, ZMQ_ROUTER, 1000, endpoint);

    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    start_crowds(env, crowds, endpoint, ask_all);
    for (uint32_t i = 0; i < PEERS * ROUNDS; i++) {
        char id[16];
        struct head head;
        int size = zmq_recv(router, id, sizeof(id), 0);

        assert_int_equal(size, 5);
        assert_true(receive_message(router, &head));
        assert_int_equal(zmq_send(router, id, 5, ZMQ_SNDMORE), 5);
        assert_true(send_message(router, head));
    }
    join_crowds(crowds);
}

/* ---- to all --------------------------------------------------------- */

static int subscribe_all(void *arg)
{
    struct crowd *crowd = arg;
    struct head head;
    int line = crowd_open(crowd, ZMQ_SUB, 4);

    for (uint32_t i = 0; line == 0 && i < EACH; i++) {
        uint32_t topic = (crowd->first + i) % TOPICS;

        EXPECT(zmq_setsockopt(crowd->sockets[i], ZMQ_SUBSCRIBE, &topic,
                              sizeof(topic)) == 0);
    }
    for (uint32_t round = 0; line == 0 && round < ROUNDS; round++) {
        for (uint32_t i = 0; i < EACH; i++) {
            EXPECT(receive_message(crowd->sockets[i], &head));
            EXPECT(head.peer == (crowd->first + i) % TOPICS);
            EXPECT(head.round == round);
        }
    }
    return line ? line : crowd_close(crowd);
}

static void a_thousand_peers_get_what_they_subscribe_to(void **state)
{
    static struct crowd crowds[CROWDS];
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *xpub = open_hub(env, ZMQ_XPUB, 4, endpoint);

    set_int(xpub, ZMQ_XPUB_VERBOSE, 1);
    set_int(xpub, ZMQ_XPUB_NODROP, 1);
    start_crowds(env, crowds, endpoint, subscribe_all);
    for (int i = 0; i < PEERS; i++) {
        char subscription[16];

        assert_int_equal(zmq_recv(xpub, subscription, 16, 0), 5);
    }
    for (uint32_t i = 0; i < TOPICS * ROUNDS; i++)
        assert_true(send_message(xpub, (struct head){i % TOPICS, i / TOPICS}));
    join_crowds(crowds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(a_thousand_peers_are_heard_in_order),
        ON_STREAMS(a_thousand_peers_share_all_messages),
        ON_STREAMS(a_thousand_peers_get_their_own_answers),
        ON_STREAMS(a_thousand_peers_get_what_they_subscribe_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
