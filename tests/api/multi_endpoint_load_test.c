/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Endpoints that come to an end under load. One socket, with 32 endpoints
 * bound and 32 connected, is in the middle of traffic with all 64 peers, and
 * one after the other is unbound or disconnected. What is promised then:
 *
 *   - unbinding loses nothing: connections that there are live on;
 *   - what was sent to a peer before it was disconnected still arrives;
 *   - nothing comes from a peer any more after it was disconnected, and what
 *     came before is a beginning of what it sent, without gaps;
 *   - all others lose nothing, and no message is doubled, torn or overtaken.
 *
 * CTest: TIMEOUT 180
 * Thread: the main thread has the socket, another one all the peers.
 */
#include "common/hub.h"

#include "common/call.h"
#include "common/socket.h"

#include <errno.h>
#include <sched.h>

#define ALL HUB_ENDPOINTS
#define STEP 100 /* messages from one end of an endpoint to the next */
#define MARK 50
#define NUMBERS_MAX (1 << 20)

/* In the peers' thread nothing may be asserted: its result is the line of what
 * went wrong, or 0. */
#define EXPECT(is_true)                                                        \
    do {                                                                       \
        if (!(is_true))                                                        \
            return __LINE__;                                                   \
    } while (0)

/* Both parts of a message. */
struct note {
    uint32_t peer;
    uint32_t number;
};

struct crowd {
    struct call call;
    struct hub hub;
    int type; /* the hub's */
    bool is_echoed;
    _Atomic bool must_stop;
    _Atomic uint32_t total;    /* that the hub has sent, in the end */
    _Atomic bool is_met[ALL];  /* the peer has got something */
    _Atomic bool is_gone[ALL]; /* disconnected */
    uint32_t sent[ALL];        /* by each peer */
    uint32_t next[ALL];        /* that the hub, or the peer, has to see */
    uint32_t echoed[ALL];
    uint8_t seen[NUMBERS_MAX];
    uint32_t seen_count;
};

static void prepare(void *socket, int number)
{
    int type = get_int(socket, ZMQ_TYPE);
    char id = (char)('!' + number);

    set_int(socket, ZMQ_SNDHWM, MARK);
    set_int(socket, ZMQ_RCVHWM, MARK);
    if (type == ZMQ_SUB)
        assert_ok(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0));
    if (type == ZMQ_XPUB) {
        set_int(socket, ZMQ_XPUB_VERBOSE, 1);
        set_int(socket, ZMQ_XPUB_NODROP, 1);
    }
    if (type == ZMQ_ROUTER)
        set_int(socket, ZMQ_ROUTER_MANDATORY, 1);
    if (type == ZMQ_DEALER && number >= 0)
        assert_ok(zmq_setsockopt(socket, ZMQ_ROUTING_ID, &id, 1));
}

static struct crowd *crowd_open(struct env *env, int io_threads, int type,
                                int peer_type)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));

    assert_non_null(crowd);
    hub_open(&crowd->hub, env, io_threads, type, peer_type, prepare);
    crowd->type = type;
    crowd->is_echoed = type == ZMQ_ROUTER;
    atomic_store(&crowd->total, UINT32_MAX);
    return crowd;
}

/* ---- messages ------------------------------------------------------- */

static int try_send(void *socket, struct note note, int flags)
{
    if (zmq_send(socket, &note, sizeof(note), flags | ZMQ_SNDMORE) == -1)
        return -1;
    /* A message that was begun is taken as a whole. */
    return zmq_send(socket, &note, sizeof(note), flags) == -1 ? -1 : 0;
}

static bool has_more(void *socket)
{
    int more = 0;
    size_t size = sizeof(more);

    return zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) != 0 || more;
}

static int try_receive(void *socket, struct note *note, int flags)
{
    struct note last;

    if (zmq_recv(socket, note, sizeof(*note), flags) == -1)
        return -1;
    if (zmq_recv(socket, &last, sizeof(last), ZMQ_DONTWAIT) != sizeof(last) ||
        has_more(socket) || memcmp(note, &last, sizeof(last)) != 0) {
        errno = EPROTO;
        return -1;
    }
    return 0;
}

/* ---- the endpoints end ---------------------------------------------- */

/* One of each kind. */
static void end_two(struct crowd *crowd, int step)
{
    hub_end(&crowd->hub, step);
    hub_end(&crowd->hub, HUB_BOUND + step);
    atomic_store(&crowd->is_gone[HUB_BOUND + step], true);
}

/* What was unbound is free for others, although its connections live. */
static void expect_names_free(struct env *env, struct crowd *crowd)
{
    for (int i = 0; i < HUB_BOUND; i++) {
        void *socket = env_socket(env, ZMQ_PAIR);

        while (zmq_bind(socket, crowd->hub.endpoints[i]) == -1)
            assert_int_equal(zmq_errno(), EADDRINUSE);
        env_close_socket(env, socket);
    }
}

/* ---- in ------------------------------------------------------------- */

/* Takes what the hub has sent back to the peer. */
static int hear_echo(struct crowd *crowd, int p)
{
    struct note note;

    while (try_receive(crowd->hub.peers[p], &note, ZMQ_DONTWAIT) == 0)
        EXPECT(note.peer == (uint32_t)p && note.number == crowd->echoed[p]++);
    EXPECT(errno == EAGAIN);
    return 0;
}

static int talk_once(struct crowd *crowd, int p, bool *is_busy)
{
    void *peer = crowd->hub.peers[p];
    struct note note = {(uint32_t)p, crowd->sent[p]};

    if (try_send(peer, note, ZMQ_DONTWAIT) == 0) {
        crowd->sent[p]++;
        *is_busy = true;
    } else {
        EXPECT(errno == EAGAIN);
    }
    return crowd->is_echoed ? hear_echo(crowd, p) : 0;
}

static int talk(void *arg)
{
    struct crowd *crowd = arg;
    char subscription[4];
    int line = 0;

    for (int p = 0; crowd->type == ZMQ_SUB && p < ALL; p++)
        EXPECT(zmq_recv(crowd->hub.peers[p], subscription, 4, 0) == 1);
    while (line == 0 && !atomic_load(&crowd->must_stop)) {
        bool is_busy = false;

        for (int p = 0; line == 0 && p < ALL; p++)
            line = talk_once(crowd, p, &is_busy);
        if (!is_busy)
            sched_yield();
    }
    return line;
}

static uint32_t gather_one(struct crowd *crowd)
{
    void *hub = crowd->hub.socket;
    struct note note;
    char id = 0;

    if (crowd->is_echoed)
        assert_int_equal(zmq_recv(hub, &id, 1, 0), 1);
    assert_ok(try_receive(hub, &note, 0));
    assert_true(note.peer < ALL);
    assert_false(atomic_load(&crowd->is_gone[note.peer]));
    assert_int_equal(note.number, crowd->next[note.peer]++);
    if (crowd->is_echoed) {
        assert_int_equal(id, '!' + (int)note.peer);
        assert_int_equal(zmq_send(hub, &id, 1, ZMQ_SNDMORE), 1);
        assert_ok(try_send(hub, note, 0));
    }
    return note.peer;
}

/* Has all come that those sent who are still there, and back to them? Takes
 * what has come back: nobody else does now, and the hub would have to wait. */
static bool has_gathered_all(struct crowd *crowd)
{
    bool has_all = true;

    for (int p = 0; p < ALL; p++) {
        if (crowd->is_echoed)
            assert_int_equal(hear_echo(crowd, p), 0);
        if (atomic_load(&crowd->is_gone[p]))
            continue;
        has_all &= crowd->next[p] == crowd->sent[p] &&
                   (!crowd->is_echoed || crowd->echoed[p] == crowd->sent[p]);
    }
    return has_all;
}

static void gather_rest(struct crowd *crowd)
{
    int64_t end_ms = now_ms() + PATIENCE_MS;

    while (!has_gathered_all(crowd)) {
        assert_true(now_ms() < end_ms);
        if (is_ready(crowd->hub.socket, ZMQ_POLLIN, 1))
            (void)gather_one(crowd);
    }
    expect_nothing_for_a_while(crowd->hub.socket);
}

static void gather(struct env *env, int io_threads, int type, int peer_type)
{
    struct crowd *crowd = crowd_open(env, io_threads, type, peer_type);

    call_start(&crowd->call, talk, crowd);
    for (int met = 0; met < ALL;)
        met += crowd->next[gather_one(crowd)] == 1;
    for (int step = 0; step < HUB_BOUND; step++) {
        end_two(crowd, step);
        for (int i = 0; i < STEP; i++)
            (void)gather_one(crowd);
    }
    expect_names_free(env, crowd);
    atomic_store(&crowd->must_stop, true);
    assert_int_equal(call_join(&crowd->call), 0);
    gather_rest(crowd);
    free(crowd);
}

static void pull_loses_nothing(void **state)
{
    gather(*state, 1, ZMQ_PULL, ZMQ_PUSH);
}

static void pull_loses_nothing_from_four_threads(void **state)
{
    gather(*state, 4, ZMQ_PULL, ZMQ_PUSH);
}

static void dealer_loses_nothing(void **state)
{
    gather(*state, 4, ZMQ_DEALER, ZMQ_DEALER);
}

static void sub_loses_nothing(void **state)
{
    gather(*state, 1, ZMQ_SUB, ZMQ_XPUB);
}

static void sub_loses_nothing_from_four_threads(void **state)
{
    gather(*state, 4, ZMQ_SUB, ZMQ_XPUB);
}

static void router_loses_nothing_either_way(void **state)
{
    gather(*state, 1, ZMQ_ROUTER, ZMQ_DEALER);
}

static void router_loses_nothing_either_way_by_four_threads(void **state)
{
    gather(*state, 4, ZMQ_ROUTER, ZMQ_DEALER);
}

/* ---- out ------------------------------------------------------------ */

static int hear_one(struct crowd *crowd, int p)
{
    bool is_published = crowd->type == ZMQ_XPUB;
    struct note note;

    EXPECT(try_receive(crowd->hub.peers[p], &note, ZMQ_DONTWAIT) == 0);
    EXPECT(note.number < NUMBERS_MAX);
    if (is_published) {
        EXPECT(note.number == crowd->next[p]);
    } else {
        EXPECT(note.number >= crowd->next[p]);
        EXPECT(crowd->seen[note.number]++ == 0);
        crowd->seen_count++;
    }
    crowd->next[p] = note.number + 1;
    atomic_store(&crowd->is_met[p], true);
    return 0;
}

/* Has all arrived that there will be? */
static bool has_heard_all(const struct crowd *crowd)
{
    uint32_t total = atomic_load(&crowd->total);

    if (crowd->type != ZMQ_XPUB)
        return crowd->seen_count == total;
    for (int p = 0; p < ALL; p++) {
        if (!atomic_load(&crowd->is_gone[p]) && crowd->next[p] != total)
            return false;
    }
    return true;
}

static int listen_all(void *arg)
{
    struct crowd *crowd = arg;
    zmq_pollitem_t items[ALL];
    int64_t end_ms = now_ms() + PATIENCE_MS;
    int line = 0;

    for (int p = 0; p < ALL; p++)
        items[p] = (zmq_pollitem_t){.socket = crowd->hub.peers[p],
                                    .events = ZMQ_POLLIN};
    while (line == 0 && !has_heard_all(crowd)) {
        /* The hub says last how much it was. */
        EXPECT(zmq_poll(items, ALL, 10) != -1);
        EXPECT(now_ms() < end_ms);
        for (int p = 0; line == 0 && p < ALL; p++)
            if (items[p].revents & ZMQ_POLLIN)
                line = hear_one(crowd, p);
    }
    return line;
}

static bool are_all_met(const struct crowd *crowd)
{
    for (int p = 0; p < ALL; p++) {
        if (!atomic_load(&crowd->is_met[p]))
            return false;
    }
    return true;
}

static void spread(struct env *env, int io_threads, int type, int peer_type)
{
    struct crowd *crowd = crowd_open(env, io_threads, type, peer_type);
    void *hub = crowd->hub.socket;
    uint32_t total = 0;
    char subscription[4];

    call_start(&crowd->call, listen_all, crowd);
    for (int p = 0; type == ZMQ_XPUB && p < ALL; p++)
        assert_int_equal(zmq_recv(hub, subscription, 4, 0), 1);
    while (!are_all_met(crowd)) {
        assert_ok(try_send(hub, (struct note){0, total++}, 0));
        sched_yield();
    }
    for (int step = 0; step < HUB_BOUND; step++) {
        end_two(crowd, step);
        for (int i = 0; i < STEP; i++)
            assert_ok(try_send(hub, (struct note){0, total++}, 0));
    }
    assert_true(total < NUMBERS_MAX);
    expect_names_free(env, crowd);
    atomic_store(&crowd->total, total);
    assert_int_equal(call_join(&crowd->call), 0);
    free(crowd);
}

static void all_that_push_sends_arrives_once(void **state)
{
    spread(*state, 1, ZMQ_PUSH, ZMQ_PULL);
}

static void all_that_push_sends_by_four_threads_arrives_once(void **state)
{
    spread(*state, 4, ZMQ_PUSH, ZMQ_PULL);
}

static void all_that_dealer_sends_arrives_once(void **state)
{
    spread(*state, 4, ZMQ_DEALER, ZMQ_DEALER);
}

static void all_that_is_published_reaches_who_stays(void **state)
{
    spread(*state, 1, ZMQ_XPUB, ZMQ_SUB);
}

static void
all_that_is_published_by_four_threads_reaches_who_stays(void **state)
{
    spread(*state, 4, ZMQ_XPUB, ZMQ_SUB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, pull_loses_nothing),
        ON(inproc, pull_loses_nothing_from_four_threads),
        ON(inproc, dealer_loses_nothing),
        ON(inproc, sub_loses_nothing),
        ON(inproc, sub_loses_nothing_from_four_threads),
        ON(inproc, router_loses_nothing_either_way),
        ON(inproc, router_loses_nothing_either_way_by_four_threads),
        ON(inproc, all_that_push_sends_arrives_once),
        ON(inproc, all_that_push_sends_by_four_threads_arrives_once),
        ON(inproc, all_that_dealer_sends_arrives_once),
        ON(inproc, all_that_is_published_reaches_who_stays),
        ON(inproc, all_that_is_published_by_four_threads_reaches_who_stays),
    };

    /* In libzmq 4.3.4 zmq_unbind ends connections, and loses what is in
     * them. */
    if (!is_ceromq())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
