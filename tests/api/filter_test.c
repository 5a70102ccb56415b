/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who may connect: ZMQ_TCP_ACCEPT_FILTER, ZMQ_IPC_FILTER_PID, _UID and _GID.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"

#include <errno.h>
#include <unistd.h>

static void add_filter(void *socket, const char *filter)
{
    assert_ok(
        zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, filter, strlen(filter)));
}

static void refuse_filter(void *socket, const char *filter)
{
    assert_fails(
        zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, filter, strlen(filter)),
        EINVAL);
}

/* A listener with these filters, and whether it hangs up at once on who
 * dials it. */
static bool lets_in(struct env *env, void *pull)
{
    char bound[ENDPOINT_MAX];
    char endpoint[ENDPOINT_MAX];
    unsigned char byte;
    bool is_in;
    int fd;

    if (strcmp(env->transport->name, "ipc") == 0) {
        env_bind(env, pull, endpoint);
    } else {
        assert_ok(zmq_bind(pull, "tcp://*:*"));
        last_endpoint(pull, bound);
        snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1%s",
                 strrchr(bound, ':'));
    }
    fd = raw_connect(endpoint);
    /* The first byte of a greeting, or the end. */
    is_in = read(fd, &byte, 1) == 1;
    close(fd);
    env_close_socket(env, pull);
    return is_in;
}

static void one_address_of_several_must_match(void **state)
{
    static const struct {
        const char *filters[3];
        bool is_in;
    } rows[] = {
        {{NULL}, true},
        {{"127.0.0.1"}, true},
        {{"127.0.0.1/32"}, true},
        {{"127.0.0.2/31"}, false},
        {{"127.0.0.0/31"}, true},
        {{"127.0.0.0/8"}, true},
        {{"0.0.0.0/0"}, true},
        {{"255.255.255.255/0"}, true},
        {{"10.0.0.0/8"}, false},
        {{"127.0.0.2"}, false},
        {{"10.0.0.0/8", "127.0.0.1"}, true},
        {{"10.0.0.0/8", "192.168.0.0/16", "127.1.2.3/8"}, true},
        {{"10.0.0.0/8", "192.168.0.0/16", "128.0.0.1/1"}, false},
    };
    struct env *env = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        void *pull = env_socket(env, ZMQ_PULL);

        for (int f = 0; f < 3 && rows[i].filters[f] != NULL; f++)
            add_filter(pull, rows[i].filters[f]);
        if (lets_in(env, pull) != rows[i].is_in)
            fail_msg("row %zu: %s", i, rows[i].filters[0]);
    }
}

static void filters_of_ipv4_hold_on_dual_listeners(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);

    set_int(pull, ZMQ_IPV6, 1);
    add_filter(pull, "127.0.0.0/8");
    assert_true(lets_in(env, pull));
    pull = env_socket(env, ZMQ_PULL);
    set_int(pull, ZMQ_IPV6, 1);
    add_filter(pull, "::ffff:127.0.0.0/104");
    assert_true(lets_in(env, pull));
    pull = env_socket(env, ZMQ_PULL);
    set_int(pull, ZMQ_IPV6, 1);
    add_filter(pull, "10.0.0.0/8");
    add_filter(pull, "::1/128");
    if (is_ceromq()) /* libzmq counts bits from the front of ::ffff:10.0.0.0. */
        assert_false(lets_in(env, pull));
}

static void an_empty_filter_takes_all_away(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);

    add_filter(pull, "10.0.0.0/8");
    assert_ok(zmq_setsockopt(pull, ZMQ_TCP_ACCEPT_FILTER, NULL, 0));
    assert_true(lets_in(env, pull));
}

static void a_bound_endpoint_keeps_its_filters(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    unsigned char byte;
    int fd;
    void *pull = env_socket(env, ZMQ_PULL);

    env_bind(env, pull, endpoint);
    add_filter(pull, "10.0.0.0/8");
    fd = raw_connect(endpoint);
    assert_int_equal(read(fd, &byte, 1), 1);
    close(fd);
}

static void what_is_no_address_is_no_filter(void **state)
{
    static const char *const wrong[] = {
        "127.0.0.1/33", "127.0.0.1/-1", "127.0.0.1/", "localhost",
        "127.0.0.1:80", "127.0.0.1/x",  "/8",         "*",
    };
    struct env *env = *state;
    char longest[257];
    void *pull = env_socket(env, ZMQ_PULL);

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        refuse_filter(pull, wrong[i]);
    refuse_filter(pull, "::1"); /* ZMQ_IPV6 is not set. */
    memset(longest, '1', sizeof(longest));
    assert_fails(zmq_setsockopt(pull, ZMQ_TCP_ACCEPT_FILTER, longest, 256),
                 EINVAL);
    set_int(pull, ZMQ_IPV6, 1);
    add_filter(pull, "::1");
    refuse_filter(pull, "::1/129");
    if (is_ceromq())
        /* libzmq takes the digits and lets in whom nobody meant. */
        refuse_filter(pull, "10.0.0.0/8x");
}

static void who_does_not_match_is_told_of(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    struct monitor_event event;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_ALL);
    int fd;

    if (strcmp(env->transport->name, "tcp") == 0) {
        add_filter(pull, "10.0.0.0/8");
    } else {
        pid_t other = getpid() + 1;

        assert_ok(
            zmq_setsockopt(pull, ZMQ_IPC_FILTER_PID, &other, sizeof(other)));
    }
    env_bind(env, pull, endpoint);
    fd = raw_connect(endpoint);
    monitor_expect(monitor, ZMQ_EVENT_LISTENING);
    event = monitor_expect(monitor, ZMQ_EVENT_ACCEPT_FAILED);
    assert_string_equal(event.address, endpoint);
    if (is_ceromq()) /* libzmq tells of whatever went wrong before. */
        assert_int_equal(event.value, EACCES);
    close(fd);
}

static void a_peer_passes_by_process_user_or_group(void **state)
{
    static const int options[] = {ZMQ_IPC_FILTER_PID, ZMQ_IPC_FILTER_UID,
                                  ZMQ_IPC_FILTER_GID};
    const int ours[] = {getpid(), (int)geteuid(), (int)getegid()};
    struct env *env = *state;

    for (size_t i = 0; i < 3; i++) {
        int other = ours[i] + 12345;
        void *pull = env_socket(env, ZMQ_PULL);

        assert_ok(zmq_setsockopt(pull, options[i], &other, sizeof(other)));
        assert_false(lets_in(env, pull));
        pull = env_socket(env, ZMQ_PULL);
        assert_ok(zmq_setsockopt(pull, options[i], &other, sizeof(other)));
        assert_ok(zmq_setsockopt(pull, options[i], &ours[i], sizeof(int)));
        assert_true(lets_in(env, pull));
        /* One kind is enough. */
        pull = env_socket(env, ZMQ_PULL);
        assert_ok(zmq_setsockopt(pull, options[i], &ours[i], sizeof(int)));
        assert_ok(
            zmq_setsockopt(pull, options[(i + 1) % 3], &other, sizeof(other)));
        assert_true(lets_in(env, pull));
        pull = env_socket(env, ZMQ_PULL);
        assert_ok(zmq_setsockopt(pull, options[i], &other, sizeof(other)));
        assert_ok(zmq_setsockopt(pull, options[i], NULL, 0));
        assert_true(lets_in(env, pull));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(tcp, one_address_of_several_must_match),
        ON(tcp, filters_of_ipv4_hold_on_dual_listeners),
        ON(tcp, an_empty_filter_takes_all_away),
        ON(tcp, a_bound_endpoint_keeps_its_filters),
        ON(tcp, what_is_no_address_is_no_filter),
        ON_STREAMS(who_does_not_match_is_told_of),
        ON(ipc, a_peer_passes_by_process_user_or_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
