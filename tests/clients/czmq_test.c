/* SPDX-License-Identifier: MPL-2.0 */
/*
 * czmq: a program on the C binding, which makes its own threads, sockets
 * and messages out of zmq.h: sockets of every kind, messages, pollers,
 * actors, proxies, monitors, a reactor, gossip.
 *
 * Thread: the main thread, and czmq's actors.
 */
#include "common/suite.h"

#include "clients/lib/loaded.h"

#include <czmq.h>

enum { MANY = 500, PORT_SIZE = 64 };

/* A socket that gives up rather than wait for ever. */
static zsock_t *patient(zsock_t *socket)
{
    assert_non_null(socket);
    zsock_set_rcvtimeo(socket, PATIENCE_MS);
    zsock_set_sndtimeo(socket, PATIENCE_MS);
    zsock_set_linger(socket, 0);
    return socket;
}

/* Where a socket that was bound to "tcp://127.0.0.1:*" listens, as an
 * endpoint to connect to. */
static const char *peer_of(zsock_t *bound, char text[PORT_SIZE])
{
    snprintf(text, PORT_SIZE, ">%s", zsock_endpoint(bound));
    return text;
}

static void expect(void *socket, const char *expected)
{
    char *text = zstr_recv(socket);

    assert_non_null(text);
    assert_string_equal(text, expected);
    zstr_free(&text);
}

static void skip_one(void *socket)
{
    char *text = zstr_recv(socket);

    assert_non_null(text);
    zstr_free(&text);
}

static void the_library_under_test_is_loaded(void **state)
{
    (void)state;
    assert_true(is_expected_library_loaded());
}

static void strings_go_from_push_to_pull(void **state)
{
    char at[PORT_SIZE];
    zsock_t *pull = patient(zsock_new_pull("@tcp://127.0.0.1:*"));
    zsock_t *push = patient(zsock_new_push(peer_of(pull, at)));

    (void)state;
    for (int i = 0; i < MANY; i++)
        zstr_sendf(push, "number %d", i);
    for (int i = 0; i < MANY; i++) {
        char text[32];

        snprintf(text, sizeof text, "number %d", i);
        expect(pull, text);
    }
    zsock_destroy(&push);
    zsock_destroy(&pull);
}

static void pictures_carry_numbers_chunks_and_frames(void **state)
{
    zsock_t *left = patient(zsock_new_pair("@inproc://pictures"));
    zsock_t *right = patient(zsock_new_pair(">inproc://pictures"));
    zchunk_t *chunk = zchunk_new("chunk", 5);
    zframe_t *frame = zframe_new("frame", 5);
    char *text = NULL;
    int number = 0;
    uint64_t large = 0;

    (void)state;
    assert_ok(zsock_send(left, "is8cf", -7, "text", UINT64_MAX, chunk, frame));
    zchunk_destroy(&chunk);
    zframe_destroy(&frame);
    assert_ok(
        zsock_recv(right, "is8cf", &number, &text, &large, &chunk, &frame));
    assert_int_equal(number, -7);
    assert_string_equal(text, "text");
    assert_true(large == UINT64_MAX);
    assert_memory_equal(zchunk_data(chunk), "chunk", 5);
    assert_true(zframe_streq(frame, "frame"));
    zstr_free(&text);
    zchunk_destroy(&chunk);
    zframe_destroy(&frame);
    zsock_destroy(&left);
    zsock_destroy(&right);
}

static void router_unwraps_and_wraps_what_req_sends(void **state)
{
    char at[PORT_SIZE];
    zsock_t *router = patient(zsock_new_router("@tcp://127.0.0.1:*"));
    zsock_t *req = patient(zsock_new_req(peer_of(router, at)));

    (void)state;
    for (int i = 0; i < MANY; i++) {
        zmsg_t *message = zmsg_new();
        zframe_t *identity;

        zmsg_addstrf(message, "%d", i);
        zmsg_addmem(message, &i, sizeof i);
        assert_ok(zmsg_send(&message, req));
        message = zmsg_recv(router);
        assert_non_null(message);
        assert_int_equal(zmsg_size(message), 4);
        identity = zmsg_unwrap(message);
        assert_non_null(zframe_meta(zmsg_first(message), "Socket-Type"));
        zmsg_pushstr(message, "re");
        zmsg_wrap(message, identity);
        assert_ok(zmsg_send(&message, router));
        message = zmsg_recv(req);
        assert_non_null(message);
        assert_int_equal(zmsg_size(message), 3);
        assert_true(zframe_streq(zmsg_first(message), "re"));
        zmsg_destroy(&message);
    }
    zsock_destroy(&req);
    zsock_destroy(&router);
}

static void subscribers_get_what_they_asked_for(void **state)
{
    char at[PORT_SIZE];
    zsock_t *pub = patient(zsock_new_xpub("@tcp://127.0.0.1:*"));
    zsock_t *sub = patient(zsock_new_sub(peer_of(pub, at), "a"));
    zframe_t *subscription;

    (void)state;
    zsock_set_subscribe(sub, "c");
    for (int i = 0; i < 2; i++) {
        subscription = zframe_recv(pub);
        assert_int_equal(zframe_data(subscription)[0], 1);
        zframe_destroy(&subscription);
    }
    zstr_send(pub, "apple");
    zstr_send(pub, "beer");
    zstr_sendx(pub, "cider", "cold", NULL);
    expect(sub, "apple");
    expect(sub, "cider");
    expect(sub, "cold");
    zsock_destroy(&sub);
    zsock_destroy(&pub);
}

static void a_poller_finds_the_socket_or_descriptor_that_is_ready(void **state)
{
    zsock_t *quiet = patient(zsock_new_pull("@inproc://quiet"));
    zsock_t *pull = patient(zsock_new_pull("@inproc://loud"));
    zsock_t *push = patient(zsock_new_push(">inproc://loud"));
    zpoller_t *poller;
    /* Of which two are used: czmq asks the library whether the pointer to a
     * descriptor is a socket, and so what lies behind it is looked at. */
    int ends[64] = {0};

    (void)state;
    assert_ok(pipe(ends));
    poller = zpoller_new(quiet, pull, &ends[0], NULL);
    assert_null(zpoller_wait(poller, 10));
    assert_true(zpoller_expired(poller));
    zstr_send(push, "x");
    assert_ptr_equal(zpoller_wait(poller, PATIENCE_MS), pull);
    expect(pull, "x");
    assert_int_equal(write(ends[1], "y", 1), 1);
    assert_ptr_equal(zpoller_wait(poller, PATIENCE_MS), &ends[0]);
    zpoller_destroy(&poller);
    close(ends[0]);
    close(ends[1]);
    zsock_destroy(&push);
    zsock_destroy(&pull);
    zsock_destroy(&quiet);
}

static void reversing_actor(zsock_t *pipe, void *args)
{
    bool is_over = false;

    (void)args;
    zsock_signal(pipe, 0);
    while (!is_over) {
        zmsg_t *message = zmsg_recv(pipe);
        char *text = message ? zmsg_popstr(message) : NULL;

        is_over = !text || streq(text, "$TERM");
        if (!is_over) {
            size_t size = strlen(text);

            for (size_t i = 0; i < size / 2; i++) {
                char c = text[i];

                text[i] = text[size - 1 - i];
                text[size - 1 - i] = c;
            }
            zstr_send(pipe, text);
        }
        zstr_free(&text);
        zmsg_destroy(&message);
    }
}

static void actors_come_answer_and_go(void **state)
{
    zactor_t *actors[20];

    (void)state;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 20; i++) {
            actors[i] = zactor_new(reversing_actor, NULL);
            assert_non_null(actors[i]);
            zstr_send(actors[i], "stressed");
        }
        for (int i = 0; i < 20; i++)
            expect(actors[i], "desserts");
        for (int i = 0; i < 20; i++)
            zactor_destroy(&actors[i]);
    }
}

static void a_proxy_forwards_pauses_and_captures(void **state)
{
    zactor_t *proxy = zactor_new(zproxy, NULL);
    zsock_t *capture = patient(zsock_new_pull("@inproc://capture"));
    zsock_t *push;
    zsock_t *pull;

    (void)state;
    zstr_sendx(proxy, "FRONTEND", "PULL", "inproc://front", NULL);
    assert_ok(zsock_wait(proxy));
    zstr_sendx(proxy, "BACKEND", "PUSH", "inproc://back", NULL);
    assert_ok(zsock_wait(proxy));
    zstr_sendx(proxy, "CAPTURE", "inproc://capture", NULL);
    assert_ok(zsock_wait(proxy));
    push = patient(zsock_new_push(">inproc://front"));
    pull = patient(zsock_new_pull(">inproc://back"));
    for (int i = 0; i < MANY; i++) {
        zstr_sendx(push, "hello", "world", NULL);
        expect(pull, "hello");
        expect(pull, "world");
        expect(capture, "hello");
        expect(capture, "world");
    }
    zstr_send(proxy, "PAUSE");
    assert_ok(zsock_wait(proxy));
    zstr_send(push, "later");
    zsock_set_rcvtimeo(pull, GLANCE_MS);
    assert_null(zstr_recv(pull));
    zsock_set_rcvtimeo(pull, PATIENCE_MS);
    zstr_send(proxy, "RESUME");
    assert_ok(zsock_wait(proxy));
    expect(pull, "later");
    zsock_destroy(&push);
    zsock_destroy(&pull);
    zactor_destroy(&proxy);
    zsock_destroy(&capture);
}

static void expect_event(zactor_t *monitor, const char *expected)
{
    zmsg_t *message = zmsg_recv(monitor);
    char *event = message ? zmsg_popstr(message) : NULL;

    assert_non_null(event);
    assert_string_equal(event, expected);
    zstr_free(&event);
    zmsg_destroy(&message);
}

static void a_monitor_tells_what_happens_to_a_socket(void **state)
{
    zsock_t *server = patient(zsock_new(ZMQ_DEALER));
    zactor_t *monitor = zactor_new(zmonitor, server);
    zsock_t *client;

    (void)state;
    zstr_sendx(monitor, "LISTEN", "LISTENING", "ACCEPTED", "DISCONNECTED",
               NULL);
    zstr_send(monitor, "START");
    assert_ok(zsock_wait(monitor));
    assert_true(zsock_bind(server, "tcp://127.0.0.1:*") > 0);
    expect_event(monitor, "LISTENING");
    client = patient(zsock_new(ZMQ_DEALER));
    assert_ok(zsock_connect(client, "%s", zsock_endpoint(server)));
    expect_event(monitor, "ACCEPTED");
    zstr_send(client, "x");
    expect(server, "x");
    zsock_destroy(&client);
    expect_event(monitor, "DISCONNECTED");
    zactor_destroy(&monitor);
    zsock_destroy(&server);
}

struct counts {
    zsock_t *push;
    int sent;
    int received;
};

static int on_timer(zloop_t *loop, int timer, void *arg)
{
    struct counts *counts = arg;

    (void)loop;
    (void)timer;
    counts->sent++;
    return zstr_send(counts->push, "tick");
}

static int on_message(zloop_t *loop, zsock_t *reader, void *arg)
{
    struct counts *counts = arg;
    char *text = zstr_recv(reader);

    (void)loop;
    zstr_free(&text);
    return ++counts->received == 20 ? -1 : 0;
}

static void a_reactor_runs_timers_and_readers(void **state)
{
    char at[PORT_SIZE];
    zsock_t *pull = patient(zsock_new_pull("@tcp://127.0.0.1:*"));
    struct counts counts = {.push = patient(zsock_new_push(peer_of(pull, at)))};
    zloop_t *loop = zloop_new();

    (void)state;
    zloop_timer(loop, 2, 20, on_timer, &counts);
    zloop_reader(loop, pull, on_message, &counts);
    assert_int_equal(zloop_start(loop), -1);
    assert_int_equal(counts.sent, 20);
    assert_int_equal(counts.received, 20);
    zloop_destroy(&loop);
    zsock_destroy(&counts.push);
    zsock_destroy(&pull);
}

static void gossip_reaches_every_node(void **state)
{
    zactor_t *nodes[3];
    zpoller_t *poller = zpoller_new(NULL);
    int news = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        nodes[i] = zactor_new(zgossip, "node");
        zpoller_add(poller, nodes[i]);
    }
    zstr_sendx(nodes[0], "BIND", "inproc://gossip", NULL);
    zstr_send(nodes[0], "PORT"); /* an answer means that it is bound */
    skip_one(nodes[0]);
    for (int i = 1; i < 3; i++)
        zstr_sendx(nodes[i], "CONNECT", "inproc://gossip", NULL);
    for (int i = 0; i < 3; i++) {
        char key[2] = {(char)('a' + i), '\0'};

        zstr_sendx(nodes[i], "PUBLISH", key, "service", NULL);
    }
    while (news < 6) { /* two others' for each of three */
        void *ready = zpoller_wait(poller, PATIENCE_MS);
        zmsg_t *message = ready ? zmsg_recv(ready) : NULL;
        char *command = message ? zmsg_popstr(message) : NULL;

        assert_non_null(command);
        news += streq(command, "DELIVER");
        zstr_free(&command);
        zmsg_destroy(&message);
    }
    zpoller_destroy(&poller);
    for (int i = 2; i >= 0; i--)
        zactor_destroy(&nodes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_library_under_test_is_loaded),
        cmocka_unit_test(strings_go_from_push_to_pull),
        cmocka_unit_test(pictures_carry_numbers_chunks_and_frames),
        cmocka_unit_test(router_unwraps_and_wraps_what_req_sends),
        cmocka_unit_test(subscribers_get_what_they_asked_for),
        cmocka_unit_test(a_poller_finds_the_socket_or_descriptor_that_is_ready),
        cmocka_unit_test(actors_come_answer_and_go),
        cmocka_unit_test(a_proxy_forwards_pauses_and_captures),
        cmocka_unit_test(a_monitor_tells_what_happens_to_a_socket),
        cmocka_unit_test(a_reactor_runs_timers_and_readers),
        cmocka_unit_test(gossip_reaches_every_node),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
