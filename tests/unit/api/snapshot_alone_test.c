/* SPDX-License-Identifier: MPL-2.0 */
/*
 * sys://stats where there are no I/O threads: whoever uses the socket, or
 * waits for it in any way, brings about the snapshots that are due.
 *
 * Thread: the main thread, and waiting threads. Owns: nothing.
 */
#define ZMQ_BUILD_DRAFT_API
#include "common/call.h"
#include "common/env.h"

#include "ceromq.h"
#include "common/id.h"
#include "common/proc.h"
#include "common/socket.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { INTERVAL_MS = 20, SELDOM_MS = 60000, BODY_MAX = 100000, TIMES = 3 };

/* A context's first socket decides. */
static void *open_alone(struct env *env, int type)
{
    if (env->socket_count == 0)
        assert_ok(zmq_ctx_set(env->ctx, ZMQ_IO_THREADS, 0));
    return env_socket(env, type);
}

static void connect_every(struct env *env, void *sub, int interval_ms)
{
    assert_ok(zmq_ctx_set(env->ctx, CERO_STATS_IVL, interval_ms));
    assert_ok(zmq_connect(sub, "sys://stats"));
}

static void *subscribe_every(struct env *env, int interval_ms)
{
    void *sub = open_alone(env, ZMQ_SUB);

    set_text(sub, ZMQ_SUBSCRIBE, "stats");
    connect_every(env, sub, interval_ms);
    return sub;
}

/* One that has had its first snapshot: the next ones take time. */
static void take(void *sub)
{
    static char body[BODY_MAX];

    expect_part(sub, "stats", true);
    assert_in_range(zmq_recv(sub, body, sizeof body, 0), 2, sizeof body);
}

static void *subscribe_and_take(struct env *env, int interval_ms)
{
    void *sub = subscribe_every(env, interval_ms);

    take(sub);
    return sub;
}

static int64_t cpu_ms(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

/* ---- ways of waiting ------------------------------------------------ */

/* Each returns when there is something to receive. */
typedef void wait_fn(void *sub, void *other);

static void wait_by_receiving(void *sub, void *other)
{
    (void)other;
    set_int(sub, ZMQ_RCVTIMEO, -1);
}

static void wait_by_trying(void *sub, void *other)
{
    zmq_msg_t msg;

    (void)other;
    zmq_msg_init(&msg);
    while (zmq_msg_recv(&msg, sub, ZMQ_DONTWAIT) < 0)
        assert_int_equal(errno, EAGAIN);
    assert_int_equal(zmq_msg_size(&msg), 5);
    assert_ok(zmq_msg_recv(&msg, sub, ZMQ_DONTWAIT));
    zmq_msg_close(&msg);
    wait_for(sub, ZMQ_POLLIN);
}

static void wait_by_asking(void *sub, void *other)
{
    (void)other;
    while (!(get_int(sub, ZMQ_EVENTS) & ZMQ_POLLIN))
        continue;
}

static void wait_in_poll_of_one(void *sub, void *other)
{
    zmq_pollitem_t item = {.socket = sub, .events = ZMQ_POLLIN};

    (void)other;
    assert_int_equal(zmq_poll(&item, 1, -1), 1);
}

static void wait_in_poll_of_many(void *sub, void *other)
{
    zmq_pollitem_t items[2] = {{.socket = other, .events = ZMQ_POLLIN},
                               {.socket = sub, .events = ZMQ_POLLIN}};

    assert_int_equal(zmq_poll(items, 2, -1), 1);
    assert_int_equal(items[1].revents, ZMQ_POLLIN);
}

static void wait_in_poll_with_a_descriptor(void *sub, void *other)
{
    zmq_pollitem_t items[2] = {{.events = ZMQ_POLLIN},
                               {.socket = sub, .events = ZMQ_POLLIN}};
    int fds[2];

    (void)other;
    assert_int_equal(pipe(fds), 0);
    items[0].fd = fds[0];
    assert_int_equal(zmq_poll(items, 2, -1), 1);
    assert_int_equal(items[1].revents, ZMQ_POLLIN);
    close(fds[0]);
    close(fds[1]);
}

static void wait_in_ppoll(void *sub, void *other)
{
    zmq_pollitem_t item = {.socket = sub, .events = ZMQ_POLLIN};
    sigset_t none;

    (void)other;
    sigemptyset(&none);
    assert_int_equal(zmq_ppoll(&item, 1, PATIENCE_MS, &none), 1);
}

static void wait_in_a_poller(void *sub, void *other)
{
    void *poller = zmq_poller_new();
    zmq_poller_event_t event;

    assert_ok(zmq_poller_add(poller, other, NULL, ZMQ_POLLIN));
    assert_ok(zmq_poller_add(poller, sub, NULL, ZMQ_POLLIN));
    assert_ok(zmq_poller_wait(poller, &event, -1));
    assert_ptr_equal(event.socket, sub);
    assert_ok(zmq_poller_destroy(&poller));
}

static bool fd_is_readable(int fd, int timeout_ms)
{
    struct pollfd at = {.fd = fd, .events = POLLIN};

    return poll(&at, 1, timeout_ms) == 1;
}

/* As zmq_getsockopt(3) wants it: the descriptor tells to ask. */
static void wait_by_descriptor(void *sub, void *other)
{
    int fd = get_int(sub, ZMQ_FD);

    (void)other;
    while (!(get_int(sub, ZMQ_EVENTS) & ZMQ_POLLIN))
        assert_true(fd_is_readable(fd, PATIENCE_MS));
}

static void wait_by_edge(void *sub, void *other)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    int epoll_fd = epoll_create1(0);

    (void)other;
    assert_int_equal(
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, get_int(sub, ZMQ_FD), &event), 0);
    while (!(get_int(sub, ZMQ_EVENTS) & ZMQ_POLLIN))
        assert_int_equal(epoll_wait(epoll_fd, &event, 1, PATIENCE_MS), 1);
    close(epoll_fd);
}

static void whoever_waits_is_told_in_time(void **state)
{
    static wait_fn *const ways[] = {
        wait_by_receiving,    wait_by_trying,
        wait_by_asking,       wait_in_poll_of_one,
        wait_in_poll_of_many, wait_in_poll_with_a_descriptor,
        wait_in_ppoll,        wait_in_a_poller,
        wait_by_descriptor,   wait_by_edge,
    };
    struct env *env = *state;
    void *sub = subscribe_and_take(env, INTERVAL_MS);
    void *other = open_alone(env, ZMQ_PULL);

    assert_ok(zmq_bind(other, "inproc://other"));
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        int64_t since_ms = now_ms();

        for (int n = 0; n < TIMES; n++) {
            ways[i](sub, other);
            take(sub);
        }
        assert_true(now_ms() - since_ms >= (TIMES - 2) * INTERVAL_MS);
    }
    assert_int_equal(proc_threads().count, 1);
}

static void the_first_is_there_at_the_first_look(void **state)
{
    struct env *env = *state;
    char topic[8];

    assert_true(is_ready(subscribe_every(env, SELDOM_MS), ZMQ_POLLIN, 0));
    assert_true(get_int(subscribe_every(env, SELDOM_MS), ZMQ_EVENTS) &
                ZMQ_POLLIN);
    assert_int_equal(zmq_recv(subscribe_every(env, SELDOM_MS), topic,
                              sizeof topic, ZMQ_DONTWAIT),
                     5);
}

static int forward(void *arg)
{
    void **sockets = arg;

    return zmq_proxy(sockets[0], sockets[1], NULL);
}

static void a_proxy_forwards_them(void **state)
{
    struct env *env = *state;
    void *front = open_alone(env, ZMQ_XSUB);
    void *back, *sub;
    struct call call;

    env_pair(env, ZMQ_XPUB, &back, ZMQ_SUB, &sub);
    connect_every(env, front, INTERVAL_MS);
    set_text(sub, ZMQ_SUBSCRIBE, "stats");
    call_start(&call, forward, (void *[]){front, back});
    for (int i = 0; i < TIMES; i++)
        take(sub);
    assert_ok(zmq_ctx_shutdown(env->ctx));
    assert_fails(call_join(&call), ETERM);
}

/* ---- in time -------------------------------------------------------- */

static void timeouts_are_kept(void **state)
{
    struct env *env = *state;
    void *sub = subscribe_and_take(env, SELDOM_MS);
    void *other = subscribe_and_take(env, SELDOM_MS);
    zmq_pollitem_t items[3] = {{.socket = sub, .events = ZMQ_POLLIN},
                               {.socket = other, .events = ZMQ_POLLIN},
                               {.fd = -1}};
    char word[8];

    set_int(sub, ZMQ_RCVTIMEO, 30);
    for (int count = 0; count <= 3; count++) {
        int64_t since_ms = now_ms();

        if (count == 0)
            assert_fails(zmq_recv(sub, word, sizeof word, 0), EAGAIN);
        else
            assert_int_equal(zmq_poll(items, count, 30), 0);
        assert_in_range(now_ms() - since_ms, 30, SELDOM_MS / 2);
    }
}

/* A snapshot that nobody wants, or for which there is no room, ends no wait;
 * and who waits sleeps. */
static void a_snapshot_that_is_not_sent_ends_no_wait(void **state)
{
    struct env *env = *state;
    void *sub = open_alone(env, ZMQ_SUB);
    zmq_pollitem_t items[2] = {
        {.socket = sub, .events = ZMQ_POLLIN},
        {.socket = open_alone(env, ZMQ_SUB), .events = ZMQ_POLLIN}};
    int64_t since_ms = now_ms(), used_ms = cpu_ms();
    char word[8];

    connect_every(env, sub, 1);
    set_int(sub, ZMQ_RCVTIMEO, 300);
    assert_fails(zmq_recv(sub, word, sizeof word, 0), EAGAIN);
    assert_int_equal(zmq_poll(items, 1, 300), 0);
    assert_int_equal(zmq_poll(items, 2, 300), 0);
    assert_true(now_ms() - since_ms >= 900);
    assert_true(cpu_ms() - used_ms < 600);
}

static void after_disconnecting_nobody_is_woken(void **state)
{
    struct env *env = *state;
    void *sub = subscribe_and_take(env, 1);
    int fd = get_int(sub, ZMQ_FD);
    char word[8];

    assert_ok(zmq_disconnect(sub, "sys://stats"));
    set_int(sub, ZMQ_RCVTIMEO, GLANCE_MS);
    assert_fails(zmq_recv(sub, word, sizeof word, 0), EAGAIN);
    assert_false(fd_is_readable(fd, GLANCE_MS));
    connect_every(env, sub, INTERVAL_MS);
    for (int i = 0; i < TIMES; i++)
        take(sub);
}

/* Who has always something to receive does not sleep, and still they come. */
static void they_come_between_messages_that_never_end(void **state)
{
    struct env *env = *state;
    void *pub = open_alone(env, ZMQ_PUB);
    void *sub = subscribe_and_take(env, INTERVAL_MS);
    char endpoint[ENDPOINT_MAX], topic[8];
    int snapshots = 0;

    env_bind(env, pub, endpoint);
    assert_ok(zmq_connect(sub, endpoint));
    set_text(sub, ZMQ_SUBSCRIBE, "flood");
    while (snapshots < TIMES) {
        send_text(pub, "flood", 0);
        send_text(pub, "flood", 0);
        assert_ok(zmq_recv(sub, topic, sizeof topic, 0));
        snapshots += memcmp(topic, "stats", 5) == 0;
    }
}

static void every_connection_has_its_own_interval(void **state)
{
    struct env *env = *state;
    void *often = subscribe_and_take(env, INTERVAL_MS);
    void *seldom = subscribe_and_take(env, SELDOM_MS);
    void *both = open_alone(env, ZMQ_XSUB);

    send_text(both, "\1stats", 0);
    connect_every(env, both, SELDOM_MS);
    connect_every(env, both, INTERVAL_MS);
    /* Two at once, from the two. */
    take(both);
    assert_true(is_ready(both, ZMQ_POLLIN, 0));
    for (int i = 0; i <= TIMES; i++) {
        take(often);
        take(both);
    }
    expect_nothing(seldom);
}

/* Nobody was there to make them: the next one is as of now, and one. */
static void who_was_away_gets_one(void **state)
{
    struct env *env = *state;
    void *sub = subscribe_and_take(env, 300);
    char word[8];

    assert_false(fd_is_readable(get_int(sub, ZMQ_FD), 100));
    assert_true(fd_is_readable(get_int(sub, ZMQ_FD), PATIENCE_MS));
    (void)poll(NULL, 0, 700);
    take(sub);
    assert_fails(zmq_recv(sub, word, sizeof word, ZMQ_DONTWAIT), EAGAIN);
}

/* ---- ends ----------------------------------------------------------- */

static int receive_forever(void *sub)
{
    static char body[BODY_MAX];
    int rc;

    do {
        rc = zmq_recv(sub, body, sizeof body, 0);
    } while (rc >= 0);
    return rc;
}

static int poll_forever(void *sub)
{
    zmq_pollitem_t item = {.socket = sub, .events = ZMQ_POLLIN};

    return zmq_poll(&item, 1, -1);
}

static void shutting_down_ends_all_waits(void **state)
{
    struct env *env = *state;
    void *busy = subscribe_every(env, 1);
    void *idle = subscribe_and_take(env, SELDOM_MS);
    struct call calls[2];

    call_start(&calls[0], receive_forever, busy);
    call_start(&calls[1], poll_forever, idle);
    call_wait_blocked(&calls[1]);
    assert_ok(zmq_ctx_shutdown(env->ctx));
    assert_fails(call_join(&calls[0]), ETERM);
    assert_fails(call_join(&calls[1]), ETERM);
    assert_fails(zmq_connect(idle, "sys://stats"), ETERM);
}

static void a_socket_closes_at_any_time(void **state)
{
    struct env *env = *state;

    for (int i = 0; i < 100; i++) {
        void *sub = subscribe_every(env, 1);

        if (i & 1)
            (void)get_int(sub, ZMQ_FD);
        if (i & 2)
            take(sub);
        if (i & 4)
            wait_for(sub, ZMQ_POLLIN);
        if (i & 8)
            assert_ok(zmq_disconnect(sub, "sys://stats"));
        env_close_socket(env, sub);
    }
}

static int take_many(void *sub)
{
    static _Thread_local char body[BODY_MAX];
    int rc = 0;

    for (int i = 0; i < 200 && rc >= 0; i++)
        rc = zmq_recv(sub, body, sizeof body, 0);
    return rc < 0 ? rc : 0;
}

/* Each looks at what the others do. */
static void threads_do_not_disturb_each_other(void **state)
{
    struct env *env = *state;
    void *subs[] = {subscribe_every(env, 1), subscribe_every(env, 1)};
    struct call calls[2];

    for (int i = 0; i < 2; i++)
        call_start(&calls[i], take_many, subs[i]);
    for (int i = 0; i < 100; i++) {
        void *push, *pull;

        env_pair(env, ZMQ_PUSH, &push, ZMQ_PULL, &pull);
        send_text(push, "word", 0);
        expect_text(pull, "word");
        env_close_socket(env, push);
        env_close_socket(env, pull);
    }
    for (int i = 0; i < 2; i++)
        assert_ok(call_join(&calls[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, the_first_is_there_at_the_first_look),
        ON(inproc, whoever_waits_is_told_in_time),
        ON(inproc, a_proxy_forwards_them),
        ON(inproc, timeouts_are_kept),
        ON(inproc, a_snapshot_that_is_not_sent_ends_no_wait),
        ON(inproc, after_disconnecting_nobody_is_woken),
        ON(inproc, they_come_between_messages_that_never_end),
        ON(inproc, every_connection_has_its_own_interval),
        ON(inproc, who_was_away_gets_one),
        ON(inproc, shutting_down_ends_all_waits),
        ON(inproc, a_socket_closes_at_any_time),
        ON(inproc, threads_do_not_disturb_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
