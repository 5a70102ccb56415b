/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The envelopes of REQ and REP on the wire, to the byte, and raw peers that
 * make them wrong: without an end, without a body, far too long or torn off.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <unistd.h>

enum { LARGE = 70000, HOPS = 1000 };

/* A raw peer that does the whole handshake; the socket connects, or is
 * bound, which shows that it does not matter. */
static int attach(struct env *env, void *socket, const char *peer_type,
                  bool is_dialling)
{
    int fd = zmtp_attach(env, socket, is_dialling);

    raw_handshake(fd, peer_type);
    return fd;
}

static void request_on_the_wire_is_an_empty_frame_and_the_body(void **state)
{
    struct env *env = *state;

    for (int i = 0; i < 2; i++) {
        void *req = env_socket(env, ZMQ_REQ);
        int fd = attach(env, req, "ROUTER", i);

        for (int round = 0; round < 3; round++) {
            send_text(req, "a", ZMQ_SNDMORE);
            send_text(req, "", ZMQ_SNDMORE);
            send_text(req, "bc", 0);
            zmtp_expect(fd, "\1\0\1\1a\1\0\0\2bc", 11);
            zmtp_expect_silence(fd);
            ZMTP_SAY(fd, "", "x", "", "yz");
            expect_part(req, "x", true);
            expect_part(req, "", true);
            expect_part(req, "yz", false);
        }
        close(fd);
    }
}

static void correlated_request_begins_with_a_number_that_counts(void **state)
{
    struct env *env = *state;
    void *req = env_socket(env, ZMQ_REQ);
    uint32_t last = 0;
    int fd;

    set_int(req, ZMQ_REQ_CORRELATE, 1);
    fd = attach(env, req, "ROUTER", true);
    for (int round = 0; round < 5; round++) {
        uint32_t number;
        int flags;

        send_text(req, "a", 0);
        assert_int_equal(raw_read_frame(fd, &flags, &number, sizeof(number)),
                         sizeof(number));
        assert_int_equal(flags, ZMTP_MORE);
        zmtp_expect(fd, "\1\0\0\1a", 5);
        if (round > 0)
            assert_int_equal(number, last + 1);
        last = number;
        raw_write_frame(fd, ZMTP_MORE, &number, sizeof(number));
        ZMTP_SAY(fd, "", "b");
        expect_part(req, "b", false);
    }
    close(fd);
}

/* Whatever it is, it is passed over and the next may be the reply. */
static void what_is_no_reply_is_passed_over(void **state)
{
    struct env *env = *state;
    void *req = env_socket(env, ZMQ_REQ);
    int fd = attach(env, req, "ROUTER", true);
    char *large = test_calloc(1, LARGE);

    for (int round = 0; round < 3; round++) {
        send_text(req, "a", 0);
        zmtp_expect(fd, "\1\0\0\1a", 5);
        ZMTP_SAY(fd, "");
        ZMTP_SAY(fd, "alone");
        ZMTP_SAY(fd, "no", "delimiter");
        ZMTP_SAY(fd, "late", "", "delimiter");
        raw_write_frame(fd, ZMTP_MORE, large, LARGE);
        raw_write_frame(fd, 0, large, LARGE);
        raw_write_frame(fd, 0, large, LARGE);
        expect_nothing(req);
        ZMTP_SAY(fd, "", "b");
        expect_part(req, "b", false);
    }
    close(fd);
    test_free(large);
}

static void wrong_numbers_are_no_replies(void **state)
{
    struct env *env = *state;
    void *req = env_socket(env, ZMQ_REQ);
    uint32_t number;
    uint32_t wrong;
    int flags;
    int fd;

    set_int(req, ZMQ_REQ_CORRELATE, 1);
    fd = attach(env, req, "ROUTER", true);
    send_text(req, "a", 0);
    raw_read_frame(fd, &flags, &number, sizeof(number));
    zmtp_expect(fd, "\1\0\0\1a", 5);
    ZMTP_SAY(fd, "", "no number");
    raw_write_frame(fd, ZMTP_MORE, &number, 3);
    ZMTP_SAY(fd, "", "short");
    raw_write_frame(fd, 0, &number, sizeof(number));
    raw_write_frame(fd, ZMTP_MORE, &number, sizeof(number));
    ZMTP_SAY(fd, "no delimiter");
    raw_write_frame(fd, ZMTP_MORE, &number, sizeof(number));
    ZMTP_SAY(fd, "");
    wrong = number - 1;
    raw_write_frame(fd, ZMTP_MORE, &wrong, sizeof(wrong));
    ZMTP_SAY(fd, "", "before");
    raw_write_frame(fd, ZMTP_MORE, &number, sizeof(number));
    ZMTP_SAY(fd, "", "b");
    expect_part(req, "b", false);
    close(fd);
}

static void reply_on_the_wire_begins_with_the_envelope(void **state)
{
    struct env *env = *state;

    for (int i = 0; i < 2; i++) {
        void *rep = env_socket(env, ZMQ_REP);
        int fd = attach(env, rep, "DEALER", i);

        for (int round = 0; round < 3; round++) {
            ZMTP_SAY(fd, "hop", "h", "", "a", "", "bc");
            expect_part(rep, "a", true);
            expect_part(rep, "", true);
            expect_part(rep, "bc", false);
            send_text(rep, "x", ZMQ_SNDMORE);
            send_text(rep, "yz", 0);
            zmtp_expect(fd, "\1\3hop\1\1h\1\0\1\1x\0\2yz", 17);
            zmtp_expect_silence(fd);
        }
        close(fd);
    }
}

static void what_is_no_request_is_passed_over(void **state)
{
    struct env *env = *state;
    void *rep = env_socket(env, ZMQ_REP);
    int fd = attach(env, rep, "DEALER", true);
    char *large = test_calloc(1, LARGE);

    for (int round = 0; round < 3; round++) {
        ZMTP_SAY(fd, "");
        ZMTP_SAY(fd, "alone");
        ZMTP_SAY(fd, "no", "delimiter");
        ZMTP_SAY(fd, "no", "body", "");
        raw_write_frame(fd, ZMTP_MORE, large, LARGE);
        raw_write_frame(fd, 0, large, LARGE);
        for (int hop = 0; hop < HOPS; hop++)
            raw_write_frame(fd, ZMTP_MORE, "hop", 3);
        raw_write_frame(fd, 0, "hop", 3);
        ZMTP_SAY(fd, "", "a");
        expect_part(rep, "a", false);
        send_text(rep, "b", 0);
        zmtp_expect(fd, "\1\0\0\1b", 5);
        zmtp_expect_silence(fd);
    }
    close(fd);
    test_free(large);
}

static void expect_hops(int fd, int count)
{
    char hop[16];
    int flags;

    for (int i = 0; i < count; i++) {
        assert_int_equal(raw_read_frame(fd, &flags, hop, sizeof(hop)), 3);
        assert_int_equal(flags, ZMTP_MORE);
    }
}

/* There is no last hop, and none is too large. */
static void envelope_of_any_size_comes_back(void **state)
{
    struct env *env = *state;
    void *rep = env_socket(env, ZMQ_REP);
    int fd = attach(env, rep, "DEALER", true);
    unsigned char *large = test_malloc(LARGE);
    unsigned char *back = test_malloc(LARGE);
    int flags;

    for (size_t i = 0; i < LARGE; i++)
        large[i] = (unsigned char)(i * 7 + i / 256);
    for (int i = 0; i < HOPS; i++)
        raw_write_frame(fd, ZMTP_MORE, "hop", 3);
    raw_write_frame(fd, ZMTP_MORE, large, LARGE);
    ZMTP_SAY(fd, "", "a");
    expect_part(rep, "a", false);
    send_text(rep, "b", 0);
    expect_hops(fd, HOPS);
    assert_int_equal(raw_read_frame(fd, &flags, back, LARGE), LARGE);
    assert_int_equal(flags, ZMTP_MORE | ZMTP_LONG);
    assert_memory_equal(back, large, LARGE);
    zmtp_expect(fd, "\1\0\0\1b", 5);
    close(fd);
    test_free(large);
    test_free(back);
}

/* Half a request is none, and its sender is forgotten. */
static void torn_off_request_is_not_heard(void **state)
{
    struct env *env = *state;
    void *rep = env_socket(env, ZMQ_REP);
    char endpoint[ENDPOINT_MAX];

    env_bind(env, rep, endpoint);
    for (int i = 0; i < 3; i++) {
        static const char cut[] = "\1\3hop\1\0\1\1a\0\2b";
        int fd = raw_connect(endpoint);
        int other;

        raw_handshake(fd, "DEALER");
        /* Between parts, within one, and before the delimiter. */
        raw_write(fd, cut, i == 0 ? 10 : i == 1 ? 12 : 5);
        close(fd);
        other = raw_connect(endpoint);
        raw_handshake(other, "DEALER");
        ZMTP_SAY(other, "", "whole");
        expect_part(rep, "whole", false);
        send_text(rep, "b", 0);
        zmtp_expect(other, "\1\0\0\1b", 5);
        close(other);
    }
}

/* The next request is served as if nothing had been. */
static void reply_to_who_has_gone_is_dropped(void **state)
{
    struct env *env = *state;
    void *rep = env_socket(env, ZMQ_REP);
    char endpoint[ENDPOINT_MAX];

    env_bind(env, rep, endpoint);
    for (int i = 0; i < 5; i++) {
        int fd = raw_connect(endpoint);

        raw_handshake(fd, "DEALER");
        ZMTP_SAY(fd, "hop", "", "a");
        expect_part(rep, "a", false);
        if (i % 2)
            zmtp_reset(fd);
        else
            close(fd);
        send_text(rep, "b", ZMQ_SNDMORE);
        send_text(rep, "c", 0);
        expect_nothing(rep);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(request_on_the_wire_is_an_empty_frame_and_the_body),
        ON_STREAMS(correlated_request_begins_with_a_number_that_counts),
        ON_STREAMS(what_is_no_reply_is_passed_over),
        ON_STREAMS(wrong_numbers_are_no_replies),
        ON_STREAMS(reply_on_the_wire_begins_with_the_envelope),
        ON_STREAMS(what_is_no_request_is_passed_over),
        ON_STREAMS(envelope_of_any_size_comes_back),
        ON_STREAMS(torn_off_request_is_not_heard),
        ON_STREAMS(reply_to_who_has_gone_is_dropped),
    };

    return cmocka_run_group_tests_name("raw_envelope", tests, NULL, NULL);
}
