/* SPDX-License-Identifier: MPL-2.0 */
/*
 * zmq_poll() over many sockets: a thousand of them, beside descriptors, from
 * several contexts and several threads.
 *
 * Thread: the main thread, and those that send or wait.
 */
#define ZMQ_BUILD_DRAFT_API
#include "common/env.h"

#include "common/call.h"
#include "common/socket.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#define CROWD 1000

/* A thousand PULL sockets, and one PUSH that is connected to each. */
struct crowd {
    void *pull[CROWD];
    void *push;
    zmq_pollitem_t items[CROWD];
};

static void *crowd_socket(void *ctx, int type)
{
    void *socket = zmq_socket(ctx, type);

    assert_non_null(socket);
    set_int(socket, ZMQ_LINGER, 0);
    return socket;
}

/* The first message that is sent goes to the first socket, and so on. */
static void crowd_open(struct crowd *crowd, void *ctx)
{
    crowd->push = crowd_socket(ctx, ZMQ_PUSH);
    for (int i = 0; i < CROWD; i++) {
        char endpoint[64];
        void *pull = crowd_socket(ctx, ZMQ_PULL);

        snprintf(endpoint, sizeof(endpoint), "inproc://crowd-%d", i);
        assert_ok(zmq_bind(pull, endpoint));
        assert_ok(zmq_connect(crowd->push, endpoint));
        crowd->pull[i] = pull;
        crowd->items[i] =
            (zmq_pollitem_t){.socket = pull, .events = ZMQ_POLLIN};
    }
}

static void crowd_close(struct crowd *crowd)
{
    for (int i = 0; i < CROWD; i++)
        assert_ok(zmq_close(crowd->pull[i]));
    assert_ok(zmq_close(crowd->push));
}

static int count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static int send_byte(void *push)
{
    return zmq_send(push, "x", 1, 0);
}

static void a_thousand_sockets_are_told_apart(void **state)
{
    struct env *env = *state;
    struct crowd *crowd = calloc(1, sizeof(*crowd));

    assert_non_null(crowd);
    crowd_open(crowd, env->ctx);
    assert_int_equal(zmq_poll(crowd->items, CROWD, 0), 0);
    for (int i = 0; i < 700; i++)
        send_text(crowd->push, "x", 0);
    assert_int_equal(zmq_poll(crowd->items, CROWD, PATIENCE_MS), 700);
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(crowd->items[i].revents, i < 700 ? ZMQ_POLLIN : 0);
    for (int i = 0; i < 700; i++)
        expect_text(crowd->pull[i], "x");
    assert_int_equal(zmq_poll(crowd->items, CROWD, 0), 0);
    crowd_close(crowd);
    free(crowd);
}

static void any_of_a_thousand_sockets_wakes(void **state)
{
    struct env *env = *state;
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    int before;

    assert_non_null(crowd);
    crowd_open(crowd, env->ctx);
    before = count_descriptors();
    for (int i = 0; i < 200; i++) {
        struct call call;

        call_start(&call, send_byte, crowd->push);
        assert_int_equal(zmq_poll(crowd->items, CROWD, PATIENCE_MS), 1);
        assert_int_equal(crowd->items[i].revents, ZMQ_POLLIN);
        assert_int_equal(call_join(&call), 1);
        expect_text(crowd->pull[i], "x");
    }
    /* libzmq has one for each socket from the start. */
    if (is_ceromq())
        assert_int_equal(count_descriptors(), before);
    crowd_close(crowd);
    free(crowd);
}

static void a_poller_finds_some_of_a_thousand_sockets(void **state)
{
    enum { ROOM = 20 };
    struct env *env = *state;
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    zmq_poller_event_t events[ROOM];
    void *poller;

    /* The system's library may lack the draft interface. */
    if (!is_ceromq())
        skip();
    assert_non_null(crowd);
    crowd_open(crowd, env->ctx);
    poller = zmq_poller_new();
    for (int i = 0; i < CROWD; i++)
        assert_ok(zmq_poller_add(poller, crowd->pull[i], &crowd->items[i],
                                 ZMQ_POLLIN));
    assert_fails(zmq_poller_wait_all(poller, events, ROOM, 0), EAGAIN);
    for (int round = 0; round < 10; round++) {
        struct call call;

        call_start(&call, send_byte, crowd->push);
        assert_int_equal(zmq_poller_wait_all(poller, events, ROOM, PATIENCE_MS),
                         1);
        assert_int_equal(call_join(&call), 1);
        assert_ptr_equal(events[0].socket, crowd->pull[round]);
        assert_ptr_equal(events[0].user_data, &crowd->items[round]);
        assert_int_equal(events[0].events, ZMQ_POLLIN);
        expect_text(events[0].socket, "x");
    }
    assert_ok(zmq_poller_destroy(&poller));
    crowd_close(crowd);
    free(crowd);
}

static void a_socket_listed_twice_is_told_twice(void **state)
{
    struct env *env = *state;
    zmq_pollitem_t items[4] = {{.events = ZMQ_POLLIN},
                               {.events = ZMQ_POLLIN},
                               {.events = ZMQ_POLLIN | ZMQ_POLLOUT},
                               {.events = ZMQ_POLLIN}};
    struct call call;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    items[0].socket = items[2].socket = pull;
    items[1].socket = env_socket(env, ZMQ_PULL);
    items[3].socket = pull;
    call_start(&call, send_byte, push);
    /* What comes between two looks is told by the later ones only. */
    assert_true(zmq_poll(items, 4, PATIENCE_MS) >= 1);
    assert_int_equal(zmq_poll(items, 4, 0), 3);
    assert_int_equal(items[0].revents, ZMQ_POLLIN);
    assert_int_equal(items[1].revents, 0);
    assert_int_equal(items[2].revents, ZMQ_POLLIN);
    assert_int_equal(items[3].revents, ZMQ_POLLIN);
    assert_int_equal(call_join(&call), 1);
    /* And alone: nothing but this one socket. */
    expect_text(pull, "x");
    call_start(&call, send_byte, push);
    assert_true(zmq_poll(&items[2], 2, PATIENCE_MS) >= 1);
    assert_int_equal(zmq_poll(&items[2], 2, 0), 2);
    assert_int_equal(call_join(&call), 1);
}

/* ---- beside descriptors --------------------------------------------- */

static void a_busy_socket_does_not_hide_a_descriptor(void **state)
{
    struct env *env = *state;
    zmq_pollitem_t items[3] = {
        {.events = ZMQ_POLLIN}, {.events = ZMQ_POLLIN}, {.events = ZMQ_POLLIN}};
    int fds[2];
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    assert_int_equal(pipe(fds), 0);
    items[0].socket = pull;
    items[1].fd = fds[0];
    items[2].socket = env_socket(env, ZMQ_PULL);
    send_text(push, "x", 0);
    wait_for(pull, ZMQ_POLLIN);
    assert_int_equal(zmq_poll(items, 3, PATIENCE_MS), 1);
    assert_int_equal(items[1].revents, 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(zmq_poll(items, 3, i ? 0 : PATIENCE_MS), 2);
        assert_int_equal(items[0].revents, ZMQ_POLLIN);
        assert_int_equal(items[1].revents, ZMQ_POLLIN);
        assert_int_equal(items[2].revents, 0);
    }
    expect_text(pull, "x");
    assert_int_equal(zmq_poll(items, 3, PATIENCE_MS), 1);
    assert_int_equal(items[0].revents, 0);
    close(fds[0]);
    close(fds[1]);
}

static void either_wakes_a_poll_on_sockets_and_descriptors(void **state)
{
    enum { SOCKETS = 40, FDS = 40, ITEMS = SOCKETS + FDS };
    struct env *env = *state;
    zmq_pollitem_t items[ITEMS];
    void *push[SOCKETS];
    int fds[FDS][2];

    for (int i = 0; i < ITEMS; i++) {
        int n = i / 2;

        items[i] = (zmq_pollitem_t){.events = ZMQ_POLLIN};
        if (i % 2 == 0) {
            env_pair(env, ZMQ_PULL, &items[i].socket, ZMQ_PUSH, &push[n]);
            continue;
        }
        assert_int_equal(pipe(fds[n]), 0);
        items[i].fd = fds[n][0];
    }
    assert_int_equal(zmq_poll(items, ITEMS, 0), 0);
    for (int i = 0; i < ITEMS; i++) {
        struct call call;
        char byte;

        if (i % 2) {
            assert_int_equal(write(fds[i / 2][1], "x", 1), 1);
        } else {
            call_start(&call, send_byte, push[i / 2]);
        }
        assert_int_equal(zmq_poll(items, ITEMS, PATIENCE_MS), 1);
        assert_int_equal(items[i].revents, ZMQ_POLLIN);
        if (i % 2) {
            assert_int_equal(read(fds[i / 2][0], &byte, 1), 1);
        } else {
            expect_text(items[i].socket, "x");
            assert_int_equal(call_join(&call), 1);
        }
    }
    for (int i = 0; i < FDS; i++) {
        close(fds[i][0]);
        close(fds[i][1]);
    }
}

/* ---- contexts and threads ------------------------------------------- */

static void sockets_of_several_contexts_are_polled_together(void **state)
{
    struct env *env = *state;
    void *other = zmq_ctx_new();
    void *far[2] = {crowd_socket(other, ZMQ_PULL),
                    crowd_socket(other, ZMQ_PUSH)};
    zmq_pollitem_t items[3] = {
        {.events = ZMQ_POLLIN}, {.events = ZMQ_POLLIN}, {.events = ZMQ_POLLIN}};
    struct call call;
    void *push;

    assert_ok(zmq_bind(far[0], "inproc://far"));
    assert_ok(zmq_connect(far[1], "inproc://far"));
    env_pair(env, ZMQ_PULL, &items[0].socket, ZMQ_PUSH, &push);
    items[1].socket = far[0];
    items[2].socket = env_socket(env, ZMQ_PULL);
    for (int round = 0; round < 20; round++) {
        int wanted = round % 2;

        call_start(&call, send_byte, wanted ? far[1] : push);
        assert_int_equal(zmq_poll(items, 3, PATIENCE_MS), 1);
        assert_int_equal(items[wanted].revents, ZMQ_POLLIN);
        assert_int_equal(call_join(&call), 1);
        expect_text(items[wanted].socket, "x");
    }
    /* The other one ends first, and what it had is still in use here. */
    assert_ok(zmq_close(far[0]));
    assert_ok(zmq_close(far[1]));
    assert_ok(zmq_ctx_term(other));
    items[1].socket = items[2].socket;
    call_start(&call, send_byte, push);
    assert_int_equal(zmq_poll(items, 3, PATIENCE_MS), 1);
    assert_int_equal(call_join(&call), 1);
}

/* A thread that receives ROUNDS numbers by polling two sockets. */
struct pollster {
    void *pull[2];
    void *push[2];
    uint32_t next[2];
};

#define ROUNDS 3000

static int poll_rounds(void *arg)
{
    struct pollster *pollster = arg;
    zmq_pollitem_t items[2] = {
        {.socket = pollster->pull[0], .events = ZMQ_POLLIN},
        {.socket = pollster->pull[1], .events = ZMQ_POLLIN}};

    while (pollster->next[0] + pollster->next[1] < 2 * ROUNDS) {
        if (zmq_poll(items, 2, PATIENCE_MS) <= 0)
            return -1;
        for (int i = 0; i < 2; i++) {
            uint32_t number;

            if (!items[i].revents)
                continue;
            if (zmq_recv(pollster->pull[i], &number, sizeof(number), 0) !=
                    sizeof(number) ||
                number != pollster->next[i]++)
                return -1;
        }
    }
    return 0;
}

static void threads_that_poll_do_not_miss_anything(void **state)
{
    enum { THREADS = 4 };
    struct env *env = *state;
    struct pollster pollsters[THREADS] = {{{NULL}, {NULL}, {0}}};
    struct call calls[THREADS];

    for (int i = 0; i < 2 * THREADS; i++)
        env_pair(env, ZMQ_PULL, &pollsters[i / 2].pull[i % 2], ZMQ_PUSH,
                 &pollsters[i / 2].push[i % 2]);
    for (int i = 0; i < THREADS; i++)
        call_start(&calls[i], poll_rounds, &pollsters[i]);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 2 * THREADS; i++)
            send_number(pollsters[i / 2].push[i % 2], round);
    }
    for (int i = 0; i < THREADS; i++)
        assert_ok(call_join(&calls[i]));
}

/* Sockets that were polled together go to threads of their own. */
static int receive_all(void *pull)
{
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t number;

        if (zmq_recv(pull, &number, sizeof(number), 0) != sizeof(number) ||
            number != i)
            return -1;
    }
    return 0;
}

static void sockets_may_go_to_other_threads(void **state)
{
    struct env *env = *state;
    zmq_pollitem_t items[3];
    struct call calls[2];
    void *push[3];

    for (int i = 0; i < 3; i++) {
        items[i] = (zmq_pollitem_t){.events = ZMQ_POLLIN};
        env_pair(env, ZMQ_PULL, &items[i].socket, ZMQ_PUSH, &push[i]);
    }
    for (int round = 0; round < 3; round++) {
        assert_int_equal(zmq_poll(items, 3, 1), 0);
        for (int i = 0; i < 2; i++)
            call_start(&calls[i], receive_all, items[i].socket);
        for (uint32_t i = 0; i < ROUNDS; i++) {
            send_number(push[0], i);
            send_number(push[1], i);
        }
        assert_int_equal(zmq_poll(&items[2], 1, 0), 0);
        for (int i = 0; i < 2; i++)
            assert_ok(call_join(&calls[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, a_thousand_sockets_are_told_apart),
        ON(inproc, any_of_a_thousand_sockets_wakes),
        ON(inproc, a_poller_finds_some_of_a_thousand_sockets),
        ON_EACH(a_socket_listed_twice_is_told_twice),
        ON_EACH(a_busy_socket_does_not_hide_a_descriptor),
        ON_EACH(either_wakes_a_poll_on_sockets_and_descriptors),
        ON(inproc, sockets_of_several_contexts_are_polled_together),
        ON_EACH(threads_that_poll_do_not_miss_anything),
        ON_EACH(sockets_may_go_to_other_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
