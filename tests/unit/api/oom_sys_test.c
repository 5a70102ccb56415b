/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Looking at the library while memory is short: calls fail with ENOMEM and can
 * be made again, events and snapshots may be missed but are whole when they
 * come, and nothing leaks.
 *
 * CTest: TIMEOUT 300
 * CTest: SLOW
 * Thread: the main thread of a test. Owns: nothing.
 */
#include "ceromq.h"
#include "unit/api/oom.h"

enum { ROUNDS = 5, TRIES_MAX = 1000, BODY_MAX = 8192 };

static void *look_at(void *ctx, const char *endpoint, const char *topic)
{
    void *sub = oom_socket(ctx, ZMQ_SUB);

    MAKE(zmq_connect(sub, endpoint));
    MAKE(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, topic, strlen(topic)));
    return sub;
}

static bool hears(void *sub, const char *topic, const char *end)
{
    static char body[BODY_MAX];
    char name[32];
    int size;

    size = zmq_recv(sub, name, sizeof name, ZMQ_DONTWAIT);
    if (size < 0)
        return false;
    assert_true((size_t)size >= strlen(topic));
    assert_memory_equal(name, topic, strlen(topic));
    size = zmq_recv(sub, body, sizeof body, 0);
    assert_in_range(size, 2, sizeof body);
    assert_int_equal(body[0], '{');
    assert_memory_equal(body + size - strlen(end), end, strlen(end));
    return true;
}

/* A subscriber for whose pipe there was no memory is deaf, to any publisher:
 * it connects again. */
static void connect_again(void *sub, const char *endpoint)
{
    MAKE(zmq_disconnect(sub, endpoint));
    MAKE(zmq_connect(sub, endpoint));
}

/* Makes events until one is heard. */
static void expect_event(void *ctx, void *log)
{
    for (int tries = 1; tries <= TRIES_MAX; tries++) {
        assert_ok(zmq_close(oom_socket(ctx, ZMQ_PUSH)));
        if (hears(log, "socket.", "}"))
            return;
        if (tries % 10 == 0)
            connect_again(log, "sys://log");
    }
    fail_msg("no event is heard");
}

static void expect_snapshot(void *stats)
{
    zmq_pollitem_t item = {.socket = stats, .events = ZMQ_POLLIN};

    for (int tries = 1; tries <= TRIES_MAX; tries++) {
        MAKE(zmq_poll(&item, 1, 20));
        if (item.revents && hears(stats, "stats", "]}"))
            return;
        if (tries % 10 == 0)
            connect_again(stats, "sys://stats");
    }
    fail_msg("no snapshot comes");
}

static int count(const cero_stats_t *stats, void *arg)
{
    *(uint64_t *)arg += stats->kind == CERO_STATS_SOCKET;
    return 0;
}

static void look_with(int io_threads)
{
    void *ctx = oom_ctx(io_threads);
    uint64_t sockets = 0;
    void *log, *stats;
    int fd;

    MAKE(zmq_ctx_set(ctx, CERO_STATS_IVL, 1));
    log = look_at(ctx, "sys://log", "socket.");
    stats = look_at(ctx, "sys://stats", "stats");
    MAKE(zmq_getsockopt(stats, ZMQ_FD, &fd, &(size_t){sizeof fd}));
    for (int i = 0; i < ROUNDS; i++) {
        expect_event(ctx, log);
        expect_snapshot(stats);
    }
    while (sockets == 0)
        MAKE(cero_stats(ctx, count, &sockets));
    assert_int_equal(sockets, 2);
    assert_ok(zmq_close(log));
    assert_ok(zmq_close(stats));
    assert_ok(zmq_ctx_term(ctx));
}

static void look(struct env *env)
{
    (void)env;
    look_with(1);
}

static void look_alone(struct env *env)
{
    (void)env;
    look_with(0);
}

static void looking_works_however_short_memory_is(void **state)
{
    oom_play(*state, look);
}

static void so_it_does_without_io_threads(void **state)
{
    oom_play(*state, look_alone);
}

static void publishing_works_however_short_memory_is(void **state)
{
    char directory[] = "/tmp/cero-oom-XXXXXX";

    assert_non_null(mkdtemp(directory));
    assert_int_equal(setenv("CERO_STATS_DIR", directory, 1), 0);
    oom_play(*state, look);
    unsetenv("CERO_STATS_DIR");
    assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OOM_ON(inproc, looking_works_however_short_memory_is),
        OOM_ON(inproc, so_it_does_without_io_threads),
        OOM_ON(inproc, publishing_works_however_short_memory_is),
    };

    return cmocka_run_group_tests_name("oom_sys", tests, NULL, NULL);
}
