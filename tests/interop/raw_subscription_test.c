/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Subscriptions on the wire, to the byte: as commands to peers of ZMTP 3.1,
 * as messages to older ones; and from a peer in whatever form it likes.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/pubsub.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <unistd.h>

/* ---- what we say ------------------------------------------------------- */

/* One that has changed its mind about "b", with "" and a long topic. */
static void open_sub(struct env *env, void **sub, const char *long_topic)
{
    *sub = env_socket(env, ZMQ_SUB);
    subscribe(*sub, "abc");
    subscribe(*sub, "b");
    unsubscribe(*sub, "b");
    subscribe(*sub, "");
    subscribe_bytes(*sub, long_topic, strlen(long_topic));
}

static void put_wanted(struct zmtp_bytes *to, bool is_command,
                       const char *long_topic)
{
    static const char *const topics[] = {"abc", "", NULL};
    struct zmtp_bytes body;

    for (size_t i = 0; i < 3; i++) {
        const char *topic = topics[i] ? topics[i] : long_topic;

        if (is_command) {
            zmtp_put_command(to, "SUBSCRIBE", topic, strlen(topic));
            continue;
        }
        body.size = 0;
        zmtp_put_byte(&body, 1);
        zmtp_put(&body, topic, strlen(topic));
        zmtp_put_frame(to, 0, body.bytes, body.size);
    }
}

/* 255 bytes with the command's name, and without: where frames get long. */
static const int long_sizes[] = {244, 245, 246, 254, 255, 256, 1000};

#define LONG_SIZES (sizeof(long_sizes) / sizeof(long_sizes[0]))

static void open_opening(struct zmtp_bytes *opening, unsigned minor,
                         const char *type)
{
    opening->size = 0;
    zmtp_put_greeting(opening, 3, minor, "NULL");
    zmtp_put_ready(opening, type, NULL);
}

static void a_3_1_peer_gets_commands_and_an_older_one_messages(void **state)
{
    struct env *env = *state;

    for (size_t i = 0; i < LONG_SIZES * 2; i++) {
        unsigned minor = i % 2;
        char topic[1001];
        struct zmtp_bytes opening;
        struct zmtp_bytes wanted = {.size = 0};
        void *sub;
        int fd;

        memset(topic, 'x', sizeof(topic));
        topic[long_sizes[i / 2]] = '\0';
        open_sub(env, &sub, topic);
        open_opening(&opening, minor, "PUB");
        put_wanted(&wanted, minor == 1, topic);
        fd = zmtp_answer(env, sub);
        zmtp_write(fd, &opening);
        zmtp_expect_opening(fd, "SUB");
        zmtp_expect_bytes(fd, &wanted);
        zmtp_expect_silence(fd);
        /* Later ones, and cancels, go at once. */
        subscribe(sub, "late");
        unsubscribe(sub, "late");
        wanted.size = 0;
        if (minor == 1) {
            zmtp_put_command(&wanted, "SUBSCRIBE", "late", 4);
            zmtp_put_command(&wanted, "CANCEL", "late", 4);
        } else {
            zmtp_put_frame(&wanted, 0, "\1late", 5);
            zmtp_put_frame(&wanted, 0, "\0late", 5);
        }
        zmtp_expect_bytes(fd, &wanted);
        close(fd);
        env_close_socket(env, sub);
    }
}

static void a_2_0_peer_gets_messages(void **state)
{
    struct env *env = *state;
    struct zmtp_bytes bytes = {.size = 0};
    void *sub = env_socket(env, ZMQ_SUB);
    int fd;

    subscribe(sub, "abc");
    fd = zmtp_answer(env, sub);
    zmtp_put(&bytes, zmtp_signature, sizeof(zmtp_signature));
    zmtp_put(&bytes, "\1\1\0\0", 4); /* revision, PUB, identity */
    zmtp_write(fd, &bytes);
    zmtp_expect(fd, zmtp_signature, sizeof(zmtp_signature));
    zmtp_expect(fd, "\3\2\0\0\0\4\1abc", 10);
    raw_write(fd, "\0\4abcd", 6);
    expect_text(sub, "abcd");
    close(fd);
}

/* They filter for themselves: a publisher of ours sends them all, and it
 * does not matter what a subscriber of ours tells them. */
static void a_1_0_subscriber_gets_everything(void **state)
{
    struct env *env = *state;
    void *xpub = env_socket(env, ZMQ_XPUB);
    int fd = zmtp_dial(env, xpub);

    raw_write(fd, "\1\0", 2);
    zmtp_expect(fd, zmtp_signature, sizeof(zmtp_signature));
    expect_subscribed(xpub, "");
    send_text(xpub, "abc", 0);
    zmtp_expect(fd, "\4\0abc", 5);
    close(fd);
    expect_cancelled(xpub, "");
}

static void what_an_xsub_sends_stays_a_message(void **state)
{
    struct env *env = *state;
    void *xsub = env_socket(env, ZMQ_XSUB);
    int fd = zmtp_answer(env, xsub);
    struct zmtp_bytes opening;

    open_opening(&opening, 1, "XPUB");
    zmtp_write(fd, &opening);
    zmtp_expect_opening(fd, "XSUB");
    send_text(xsub, "\1abc", 0);
    zmtp_expect(fd, "\0\4\1abc", 6);
    assert_int_equal(zmq_send(xsub, "\0abc", 4, 0), 4);
    zmtp_expect(fd, "\0\4\0abc", 6);
    send_text(xsub, "\1a", ZMQ_SNDMORE);
    send_text(xsub, "user", 0);
    zmtp_expect(fd, "\1\2\1a\0\4user", 10);
    close(fd);
}

static void the_set_is_told_again_over_the_next_connection(void **state)
{
    struct env *env = *state;
    void *xsub = env_socket(env, ZMQ_XSUB);
    char endpoint[ENDPOINT_MAX];
    struct zmtp_bytes opening;
    int listener;

    set_int(xsub, ZMQ_RECONNECT_IVL, 10);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(xsub, endpoint));
    send_text(xsub, "\1a", 0);
    send_text(xsub, "\1b", 0);
    for (unsigned i = 0; i < 6; i++) {
        unsigned minor = i % 2;
        int fd = raw_accept(listener);

        open_opening(&opening, minor, "XPUB");
        zmtp_write(fd, &opening);
        zmtp_expect_opening(fd, "XSUB");
        if (i == 0) {
            /* As the application said it. */
            zmtp_expect(fd, "\0\2\1a\0\2\1b", 8);
            assert_int_equal(zmq_send(xsub, "\0b", 2, 0), 2);
            zmtp_expect(fd, "\0\2\0b", 4);
        } else {
            wait_serving_fd(xsub, fd);
            if (minor == 1)
                zmtp_expect(fd, "\4\13\11SUBSCRIBEa", 13);
            else
                zmtp_expect(fd, "\0\2\1a", 4);
        }
        close(fd);
    }
    close(listener);
}

/* ---- what they say ------------------------------------------------------ */

static void both_forms_are_understood_from_any_peer(void **state)
{
    struct env *env = *state;

    for (unsigned minor = 0; minor <= 1; minor++) {
        void *xpub = env_socket(env, ZMQ_XPUB);
        int fd = zmtp_dial(env, xpub);
        struct zmtp_bytes bytes;

        open_opening(&bytes, minor, "SUB");
        zmtp_put_command(&bytes, "SUBSCRIBE", "a", 1);
        zmtp_put_frame(&bytes, 0, "\1b", 2);
        zmtp_put_long_frame(&bytes, 0, "\1c", 2);
        zmtp_put_command(&bytes, "CANCEL", "b", 1);
        zmtp_put_frame(&bytes, 0, "\0a", 2);
        zmtp_put_command(&bytes, "SUBSCRIBE", "", 0);
        zmtp_write_pieces(fd, &bytes, 1 + minor * 6);
        zmtp_expect_opening(fd, "XPUB");
        expect_subscribed(xpub, "a");
        expect_subscribed(xpub, "b");
        expect_subscribed(xpub, "c");
        expect_cancelled(xpub, "b");
        expect_cancelled(xpub, "a");
        expect_subscribed(xpub, "");
        send_text(xpub, "x", ZMQ_SNDMORE);
        send_text(xpub, "y", 0);
        zmtp_expect(fd, "\1\1x\0\1y", 6);
        close(fd);
        expect_cancelled(xpub, "c");
        expect_cancelled(xpub, "");
        env_close_socket(env, xpub);
    }
}

/* Commands between the frames of a message, messages among subscriptions. */
static void messages_and_subscriptions_keep_their_order(void **state)
{
    struct env *env = *state;
    void *xpub = env_socket(env, ZMQ_XPUB);
    int fd = zmtp_dial(env, xpub);
    struct zmtp_bytes bytes;

    open_opening(&bytes, 1, "XSUB");
    zmtp_put_frame(&bytes, 0, "one", 3);
    zmtp_put_command(&bytes, "SUBSCRIBE", "a", 1);
    zmtp_put_frame(&bytes, ZMTP_MORE, "two", 3);
    zmtp_put_frame(&bytes, 0, "", 0);
    zmtp_put_frame(&bytes, 0, "", 0);
    zmtp_put_frame(&bytes, ZMTP_MORE, "three", 5);
    zmtp_put_frame(&bytes, 0, "\1b", 2);
    zmtp_put_command(&bytes, "CANCEL", "a", 1);
    zmtp_write(fd, &bytes);
    expect_part(xpub, "one", false);
    expect_subscribed(xpub, "a");
    expect_part(xpub, "two", true);
    expect_part(xpub, "", false);
    expect_part(xpub, "", false);
    expect_part(xpub, "three", true);
    expect_subscribed(xpub, "b");
    expect_cancelled(xpub, "a");
    expect_nothing(xpub);
    close(fd);
}

static void a_publisher_says_nothing_that_nobody_wants(void **state)
{
    struct env *env = *state;
    void *pub = env_socket(env, ZMQ_PUB);
    zmq_pollitem_t item = {.fd = zmtp_dial(env, pub), .events = ZMQ_POLLIN};
    int fd = item.fd;

    raw_handshake(fd, "SUB");
    raw_write_frame(fd, 0, "not for a PUB to read", 21);
    raw_write_frame(fd, ZMTP_COMMAND, "\11SUBSCRIBEabc", 13);
    do {
        send_text(pub, "ab", 0);
        send_text(pub, "Abc", 0);
        send_text(pub, "", 0);
        send_text(pub, "abcd", 0);
    } while (zmq_poll(&item, 1, 1) == 0);
    zmtp_expect(fd, "\0\4abcd", 6);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(a_3_1_peer_gets_commands_and_an_older_one_messages),
        ON_STREAMS(a_2_0_peer_gets_messages),
        ON_STREAMS(a_1_0_subscriber_gets_everything),
        ON_STREAMS(what_an_xsub_sends_stays_a_message),
        ON_STREAMS(the_set_is_told_again_over_the_next_connection),
        ON_STREAMS(both_forms_are_understood_from_any_peer),
        ON_STREAMS(messages_and_subscriptions_keep_their_order),
        ON_STREAMS(a_publisher_says_nothing_that_nobody_wants),
    };

    return cmocka_run_group_tests_name("raw_subscription", tests, NULL, NULL);
}
