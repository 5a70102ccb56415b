/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Threads that open, use and close sockets of one context at the same time,
 * with one another's names, and while the context ends.
 *
 * Thread: the main thread, and many that race; nothing is checked in those.
 */
#include "common/call.h"
#include "common/env.h"

#include "common/random.h"
#include "common/socket.h"

#include <errno.h>

enum { THREADS = 8, ROUNDS = 125, NAMES = 4 };

static const int types[] = {
    ZMQ_PAIR,   ZMQ_PUB,  ZMQ_SUB,  ZMQ_REQ,  ZMQ_REP,  ZMQ_DEALER,
    ZMQ_ROUTER, ZMQ_PULL, ZMQ_PUSH, ZMQ_XPUB, ZMQ_XSUB,
};

struct race {
    struct env *env;
    uint64_t seed;
    char names[NAMES][ENDPOINT_MAX];
    _Atomic int opened;
    _Atomic int taken; /* how many hold a name that only one may have */
};

struct racer {
    struct race *race;
    uint64_t random;
};

static void start_race(struct race *race, struct env *env)
{
    memset(race, 0, sizeof(*race));
    race->env = env;
    race->seed = random_seed();
    for (int i = 0; i < NAMES; i++)
        env_free_endpoint(env, race->names[i]);
}

static void run_race(struct race *race, int (*run)(void *arg),
                     struct call calls[THREADS], struct racer racers[THREADS])
{
    for (uint32_t i = 0; i < THREADS; i++) {
        racers[i] =
            (struct racer){.race = race, .random = race->seed * (2 * i + 1)};
        call_start(&calls[i], run, &racers[i]);
    }
}

static bool is_usual(int error)
{
    return error == EAGAIN || error == EADDRINUSE || error == EINTR ||
           error == ENOTSUP || error == EFSM || error == EHOSTUNREACH;
}

/* Some work with a socket. 0, or the errno of what went wrong. */
static int use(struct racer *racer, void *socket)
{
    const char *name = racer->race->names[random_below(&racer->random, NAMES)];
    int linger = 0;
    char byte;

    if (zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger)) == -1)
        return errno;
    if (random_below(&racer->random, 2) == 0) {
        if (zmq_connect(socket, name) == -1)
            return errno;
    } else if (zmq_bind(socket, name) == -1 && !is_usual(errno)) {
        return errno;
    }
    for (int i = 0; i < 3; i++) {
        if (zmq_send(socket, "\1x", 2, ZMQ_DONTWAIT) == -1 && !is_usual(errno))
            return errno;
        if (zmq_recv(socket, &byte, 1, ZMQ_DONTWAIT) == -1 && !is_usual(errno))
            return errno;
    }
    return 0;
}

/* 0, or the errno of what went wrong. */
static int open_use_and_close(struct racer *racer)
{
    int type =
        types[random_below(&racer->random, sizeof(types) / sizeof(types[0]))];
    void *socket = zmq_socket(racer->race->env->ctx, type);
    int error;

    /* Closed sockets may count for the limit until they are all gone. */
    if (socket == NULL)
        return errno == EMFILE ? 0 : errno;
    atomic_fetch_add(&racer->race->opened, 1);
    error = use(racer, socket);
    if (zmq_close(socket) == -1)
        return errno;
    return error;
}

static int race_to_a_thousand(void *arg)
{
    struct racer *racer = arg;
    int error = 0;

    while (error == 0 && racer->race->opened < THREADS * ROUNDS)
        error = open_use_and_close(racer);
    return error;
}

static void a_thousand_sockets_come_and_go(void **state)
{
    struct race race;
    struct call calls[THREADS];
    struct racer racers[THREADS];

    start_race(&race, *state);
    run_race(&race, race_to_a_thousand, calls, racers);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(call_join(&calls[i]), 0);
    assert_true(race.opened >= THREADS * ROUNDS);
    env_end(*state);
}

static int race_for_ever(void *arg)
{
    int error;

    do {
        error = open_use_and_close(arg);
    } while (error == 0);
    return error;
}

/* Whatever a thread was just doing, the next thing that it is told is
 * ETERM, and its sockets can still be closed. */
static void the_end_of_the_context_ends_the_race(void **state)
{
    struct env *env = *state;

    for (int round = 0; round < 5; round++) {
        struct race race;
        struct call calls[THREADS];
        struct racer racers[THREADS];

        start_race(&race, env);
        run_race(&race, race_for_ever, calls, racers);
        while (race.opened < 20 * (round + 1))
            sched_yield();
        assert_ok(zmq_ctx_shutdown(env->ctx));
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(call_join(&calls[i]), ETERM);
        assert_ok(zmq_ctx_term(env->ctx));
        env->ctx = zmq_ctx_new();
    }
}

/* Binds the one name until it has had it some times. */
static int take_turns(void *arg)
{
    struct racer *racer = arg;
    struct race *race = racer->race;
    int turns = 0;

    while (turns < 10) {
        void *socket = zmq_socket(race->env->ctx, ZMQ_PAIR);

        if (socket == NULL)
            return errno;
        if (zmq_bind(socket, race->names[0]) == 0) {
            turns++;
            if (atomic_fetch_add(&race->taken, 1) != 0)
                return -2;
            atomic_fetch_sub(&race->taken, 1);
            if (zmq_unbind(socket, race->names[0]) == -1)
                return errno;
        } else if (errno != EADDRINUSE) {
            return errno;
        }
        if (zmq_close(socket) == -1)
            return errno;
    }
    return 0;
}

/* ipc names can be taken away from their owner, as libzmq does it. */
static void a_name_has_one_owner_at_a_time(void **state)
{
    struct env *env = *state;
    struct race race;
    struct call calls[THREADS];
    struct racer racers[THREADS];

    if (!is_ceromq() && env->transport->is_stream)
        skip(); /* Closes its listeners late, and some never get a turn. */
    start_race(&race, env);
    run_race(&race, take_turns, calls, racers);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(call_join(&calls[i]), 0);
}

/* A pair of sockets of its own, and a message each way. */
static int talk_some_rounds(void *arg)
{
    struct racer *racer = arg;
    void *ctx = racer->race->env->ctx;
    char name[64];
    char got[4] = "";
    int sum = 0;

    for (int i = 0; i < ROUNDS / 5; i++) {
        void *a = zmq_socket(ctx, ZMQ_PAIR);
        void *b = zmq_socket(ctx, ZMQ_PAIR);

        snprintf(name, sizeof(name), "inproc://%p", (void *)a);
        if (zmq_bind(a, name) == 0 && zmq_connect(b, name) == 0 &&
            zmq_send(a, "ab", 2, 0) == 2 && zmq_recv(b, got, 4, 0) == 2 &&
            zmq_send(b, "cd", 2, 0) == 2 && zmq_recv(a, got, 4, 0) == 2)
            sum++;
        zmq_close(a);
        zmq_close(b);
    }
    return sum;
}

static void pairs_of_many_threads_do_not_mix(void **state)
{
    struct race race;
    struct call calls[THREADS];
    struct racer racers[THREADS];

    start_race(&race, *state);
    run_race(&race, talk_some_rounds, calls, racers);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(call_join(&calls[i]), ROUNDS / 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_thousand_sockets_come_and_go),
        ON_EACH(the_end_of_the_context_ends_the_race),
        ON(inproc, a_name_has_one_owner_at_a_time),
        ON(tcp, a_name_has_one_owner_at_a_time),
        ON(inproc, pairs_of_many_threads_do_not_mix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
