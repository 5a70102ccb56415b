/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Frames of ZMTP 3.1 after the handshake, to the byte and in both
 * directions: sizes at the borders of the short form, multipart messages,
 * flags, limits, and streams cut into pieces of any size.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <unistd.h>

#define BIG_SIZE ((size_t)1 << 20)

static const size_t border_sizes[] = {0,    1,     253,   254,     255,
                                      256,  257,   1000,  8191,    8192,
                                      8193, 65535, 65536, BIG_SIZE};

#define BORDER_SIZES (sizeof(border_sizes) / sizeof(border_sizes[0]))

static void fill(unsigned char *body, size_t size)
{
    for (size_t i = 0; i < size; i++)
        body[i] = (unsigned char)(i * 7 + i / 251 + size);
}

static unsigned char *filled(size_t size)
{
    unsigned char *body = malloc(size + 1);

    assert_non_null(body);
    fill(body, size);
    return body;
}

static void expect_body(void *socket, size_t size, bool has_more)
{
    unsigned char *want = filled(size);
    zmq_msg_t msg;

    assert_ok(zmq_msg_init(&msg));
    assert_int_equal(zmq_msg_recv(&msg, socket, 0), size);
    assert_memory_equal(zmq_msg_data(&msg), want, size);
    assert_int_equal(zmq_msg_more(&msg), has_more);
    assert_ok(zmq_msg_close(&msg));
    free(want);
}

/* Dials a bound socket and does the whole handshake. */
static int dial(struct env *env, void *socket, const char *peer_type)
{
    int fd = zmtp_dial(env, socket);

    raw_handshake(fd, peer_type);
    return fd;
}

static void frames_of_every_size_are_read(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = dial(env, pull, "PUSH");

    for (size_t i = 0; i < BORDER_SIZES; i++) {
        unsigned char *body = filled(border_sizes[i]);

        raw_write_frame(fd, 0, body, border_sizes[i]);
        expect_body(pull, border_sizes[i], false);
        free(body);
    }
    close(fd);
}

static void parts_of_every_size_are_read(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = dial(env, pull, "PUSH");

    /* All but the big one fit into the kernel's buffers. */
    for (size_t i = 0; i + 1 < BORDER_SIZES; i++) {
        unsigned char *body = filled(border_sizes[i]);

        raw_write_frame(fd, i + 2 < BORDER_SIZES, body, border_sizes[i]);
        free(body);
    }
    for (size_t i = 0; i + 1 < BORDER_SIZES; i++)
        expect_body(pull, border_sizes[i], i + 2 < BORDER_SIZES);
    close(fd);
}

/* The frame itself, header and all. */
static void expect_frame(int fd, unsigned flags, size_t size)
{
    unsigned char *body = filled(size);
    unsigned char *got = malloc(size + 1);
    unsigned char head[9] = {(unsigned char)flags, (unsigned char)size};
    size_t head_size = 2;

    assert_non_null(got);
    if (size > 255) {
        head[0] |= ZMTP_LONG;
        for (size_t i = 0; i < 8; i++)
            head[1 + i] = (unsigned char)((uint64_t)size >> (56 - 8 * i));
        head_size = 9;
    }
    zmtp_expect(fd, head, head_size);
    if (size > 0)
        raw_read(fd, got, size);
    assert_memory_equal(got, body, size);
    free(got);
    free(body);
}

static void send_body(void *socket, size_t size, int flags)
{
    unsigned char *body = filled(size);

    assert_int_equal(zmq_send(socket, body, size, flags), size);
    free(body);
}

static void frames_of_every_size_are_written(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    int fd = dial(env, push, "PULL");

    for (size_t i = 0; i < BORDER_SIZES; i++) {
        send_body(push, border_sizes[i], 0);
        expect_frame(fd, 0, border_sizes[i]);
    }
    close(fd);
}

static void parts_of_every_size_are_written(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    int fd = dial(env, push, "PULL");

    for (size_t i = 0; i < BORDER_SIZES; i++)
        send_body(push, border_sizes[i],
                  i + 1 < BORDER_SIZES ? ZMQ_SNDMORE : 0);
    for (size_t i = 0; i < BORDER_SIZES; i++)
        expect_frame(fd, i + 1 < BORDER_SIZES ? ZMTP_MORE : 0, border_sizes[i]);
    close(fd);
}

/* A message that was not complete when the socket closed is not sent. */
static void no_part_of_an_incomplete_message_is_written(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    int fd = dial(env, push, "PULL");

    send_body(push, 3, 0);
    send_body(push, 5, ZMQ_SNDMORE);
    send_body(push, 300, ZMQ_SNDMORE);
    expect_frame(fd, 0, 3);
    env_close_socket(env, push);
    zmtp_expect_hung_up(fd);
    close(fd);
}

static void long_form_is_accepted_for_any_size(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = dial(env, pull, "PUSH");

    for (size_t i = 0; border_sizes[i] <= 1000; i++) {
        struct zmtp_bytes frame = {.size = 0};
        unsigned char *body = filled(border_sizes[i]);

        zmtp_put_long_frame(&frame, 0, body, border_sizes[i]);
        zmtp_write(fd, &frame);
        expect_body(pull, border_sizes[i], false);
        free(body);
    }
    close(fd);
}

static void reserved_flags_are_ignored(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = dial(env, pull, "PUSH");

    for (unsigned bit = 8; bit <= 128; bit <<= 1) {
        struct zmtp_bytes message = {.size = 0};

        zmtp_put_frame(&message, bit | ZMTP_MORE, "a", 1);
        zmtp_put_long_frame(&message, bit, "b", 1);
        zmtp_write(fd, &message);
        expect_part(pull, "a", true);
        expect_part(pull, "b", false);
    }
    close(fd);
}

/* A stream of messages whose pieces end anywhere. */
static void stream_may_be_cut_anywhere(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 7, 64, 255, 256, 1000};
    static const size_t sizes[] = {0, 1, 255, 256, 40, 0, 300, 2};
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = dial(env, pull, "PUSH");
    struct zmtp_bytes stream = {.size = 0};

    for (size_t i = 0; i < 8; i++) {
        unsigned char *body = filled(sizes[i]);

        zmtp_put_frame(&stream, i % 3 == 0, body, sizes[i]);
        free(body);
    }
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        zmtp_write_pieces(fd, &stream, pieces[i]);
        for (size_t j = 0; j < 8; j++)
            expect_body(pull, sizes[j], j % 3 == 0);
    }
    close(fd);
}

static void many_small_messages_in_one_write_keep_their_order(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = dial(env, pull, "PUSH");
    struct zmtp_bytes stream = {.size = 0};

    for (uint32_t i = 0; i < 1000; i++)
        zmtp_put_frame(&stream, 0, &i, sizeof(i));
    zmtp_write(fd, &stream);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(receive_number(pull), i);
    close(fd);
}

/* Opens PULL with MAXMSGSIZE 10 and two connections to it. */
static void *open_limited(struct env *env, int *good, int *bad)
{
    void *pull = env_socket(env, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    int64_t limit = 10;

    assert_ok(zmq_setsockopt(pull, ZMQ_MAXMSGSIZE, &limit, sizeof(limit)));
    env_bind(env, pull, endpoint);
    /* The limit holds for READY too: PUSH's has 26 bytes. */
    *good = raw_connect(endpoint);
    *bad = raw_connect(endpoint);
    raw_write(*good, "\1\0", 2);
    raw_write(*bad, "\1\0", 2);
    return pull;
}

static void frame_over_the_limit_ends_its_connection_only(void **state)
{
    struct env *env = *state;
    int good;
    int bad;
    void *pull = open_limited(env, &good, &bad);

    raw_write(bad,
              "\13\0"
              "0123456789",
              12);
    expect_part(pull, "0123456789", false);
    raw_write(bad, "\14\0", 2);
    assert_true(raw_is_hung_up(bad, PATIENCE_MS));
    raw_write(good, "\3\0hi", 4);
    expect_part(pull, "hi", false);
    close(bad);
    close(good);
}

/* The limit is per frame, is met by a header alone, and what came before
 * the frame is delivered if it is complete. */
static void limit_is_checked_on_the_header(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(
        env, pull, ZMQ_EVENT_ALL & ~(ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED));
    int64_t limit = 30;
    int fd;

    assert_ok(zmq_setsockopt(pull, ZMQ_MAXMSGSIZE, &limit, sizeof(limit)));
    fd = dial(env, pull, "PUSH");
    monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    raw_write_frame(fd, ZMTP_MORE, "012345678901234567890123456789", 30);
    raw_write_frame(fd, ZMTP_MORE, "012345678901234567890123456789", 30);
    raw_write_frame(fd, 0, "end", 3);
    raw_write_frame(fd, ZMTP_MORE, "never", 5);
    raw_write(fd, "\2\0\0\0\0\0\0\0\x1f", 9);
    assert_true(raw_is_hung_up(fd, PATIENCE_MS));
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    expect_part(pull, "012345678901234567890123456789", true);
    expect_part(pull, "012345678901234567890123456789", true);
    expect_part(pull, "end", false);
    expect_nothing(pull);
    close(fd);
}

/* No length makes the process end or reserve what a peer only claims. */
static void absurd_lengths_end_the_connection(void **state)
{
    static const char *const headers[] = {
        "\2\xff\xff\xff\xff\xff\xff\xff\xff",
        "\2\x7f\xff\xff\xff\xff\xff\xff\xff",
        "\2\x80\0\0\0\0\0\0\0",
        "\6\xff\xff\xff\xff\xff\xff\xff\xf0",
    };
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int64_t limit = 1 << 20;
    char endpoint[ENDPOINT_MAX];
    int good;

    assert_ok(zmq_setsockopt(pull, ZMQ_MAXMSGSIZE, &limit, sizeof(limit)));
    env_bind(env, pull, endpoint);
    good = raw_connect(endpoint);
    raw_handshake(good, "PUSH");
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        int fd = raw_connect(endpoint);

        raw_handshake(fd, "PUSH");
        raw_write(fd, headers[i], 9);
        assert_true(raw_is_hung_up(fd, PATIENCE_MS));
        close(fd);
        raw_write_frame(good, 0, "hi", 2);
        expect_part(pull, "hi", false);
    }
    close(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(frames_of_every_size_are_read),
        ON_STREAMS(parts_of_every_size_are_read),
        ON_STREAMS(frames_of_every_size_are_written),
        ON_STREAMS(parts_of_every_size_are_written),
        ON_STREAMS(no_part_of_an_incomplete_message_is_written),
        ON_STREAMS(long_form_is_accepted_for_any_size),
        ON_STREAMS(reserved_flags_are_ignored),
        ON_STREAMS(stream_may_be_cut_anywhere),
        ON_STREAMS(many_small_messages_in_one_write_keep_their_order),
        ON_STREAMS(frame_over_the_limit_ends_its_connection_only),
        ON_STREAMS(limit_is_checked_on_the_header),
        ON_STREAMS(absurd_lengths_end_the_connection),
    };

    return cmocka_run_group_tests_name("raw_framing", tests, NULL, NULL);
}
