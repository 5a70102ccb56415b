/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Raw peers of ZMTP 1.0 and 2.0: how each is recognised, the exchange of
 * identities, and 1.0 framing at its borders, in both directions.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <unistd.h>

static const size_t border_sizes[] = {0, 1, 252, 253, 254, 255, 256, 1000};

#define BORDER_SIZES (sizeof(border_sizes) / sizeof(border_sizes[0]))

static void fill(unsigned char *body, size_t size)
{
    for (size_t i = 0; i < size; i++)
        body[i] = (unsigned char)(i * 7 + size);
}

/* Ten octets of signature and the revision. */
static void write_versioned(int fd, unsigned revision)
{
    struct zmtp_bytes bytes = {.size = 0};

    zmtp_put(&bytes, zmtp_signature, sizeof(zmtp_signature));
    zmtp_put_byte(&bytes, revision);
    zmtp_write(fd, &bytes);
}

/* Both ways, as far as the type goes. */
static void exchange_2_0(void *socket, const struct zmtp_type *type, int fd)
{
    struct zmtp_bytes frame = {.size = 0};

    zmtp_put_frame(&frame, ZMTP_MORE, "a", 1);
    zmtp_put_frame(&frame, 0, "bc", 2);
    if (type->can_receive) {
        zmtp_write(fd, &frame);
        expect_part(socket, "a", true);
        expect_part(socket, "bc", false);
    }
    if (type->can_send) {
        send_text(socket, "a", ZMQ_SNDMORE);
        send_text(socket, "bc", 0);
        zmtp_expect_bytes(fd, &frame);
    }
}

static void exchange_1_0(void *socket, const struct zmtp_type *type, int fd)
{
    struct zmtp_bytes frame = {.size = 0};

    zmtp_put_frame_1(&frame, ZMTP_MORE, "a", 1);
    zmtp_put_frame_1(&frame, 0, "bc", 2);
    if (type->can_receive) {
        zmtp_write(fd, &frame);
        expect_part(socket, "a", true);
        expect_part(socket, "bc", false);
    }
    if (type->can_send) {
        send_text(socket, "a", ZMQ_SNDMORE);
        send_text(socket, "bc", 0);
        zmtp_expect_bytes(fd, &frame);
    }
}

/* Our 12 octets and the empty identity, then messages. */
static void greet_2_0(int fd, const struct zmtp_type *type)
{
    unsigned char wire_type = (unsigned char)type->type;

    zmtp_expect(fd, zmtp_signature, sizeof(zmtp_signature));
    zmtp_expect_silence(fd);
    write_versioned(fd, 1);
    zmtp_expect(fd, "\3", 1);
    zmtp_expect(fd, &wire_type, 1);
    wire_type = (unsigned char)type->peer_type;
    raw_write(fd, &wire_type, 1);
    zmtp_expect(fd, "\0\0", 2);
}

static void peer_of_2_0_exchanges_identities_and_messages(void **state)
{
    struct env *env = *state;

    for (size_t i = 0; i < ZMTP_TYPES * 2; i++) {
        const struct zmtp_type *type = &zmtp_types[i / 2];
        void *socket = env_socket(env, type->type);
        int fd = zmtp_attach(env, socket, i % 2 == 0);

        greet_2_0(fd, type);
        raw_write(fd, "\0\0", 2);
        exchange_2_0(socket, type, fd);
        close(fd);
    }
}

/* The identity of the peer is neither a message nor a part of one. */
static void identity_of_a_2_0_peer_is_not_delivered(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = zmtp_dial(env, pull);

    greet_2_0(fd, &zmtp_types[1]);
    raw_write(fd, "\0\4name", 6);
    raw_write(fd, "\0\2hi", 4);
    expect_part(pull, "hi", false);
    close(fd);
}

static void routing_id_is_sent_to_a_2_0_peer_as_a_frame(void **state)
{
    struct env *env = *state;
    void *dealer = env_socket(env, ZMQ_DEALER);
    int fd;

    assert_ok(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "abc", 3));
    fd = zmtp_answer(env, dealer);
    zmtp_expect(fd, "\xff\0\0\0\0\0\0\0\4\x7f", 10);
    write_versioned(fd, 1);
    zmtp_expect(fd, "\3\5", 2);
    raw_write(fd, "\6\0\0", 3);
    zmtp_expect(fd, "\0\3abc", 5);
    exchange_2_0(dealer, &zmtp_types[3], fd);
    close(fd);
}

static void peer_of_2_0_may_send_single_bytes(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = zmtp_dial(env, pull);
    struct zmtp_bytes bytes = {.size = 0};

    zmtp_put(&bytes, zmtp_signature, sizeof(zmtp_signature));
    zmtp_put(&bytes, "\1\10\0\0\0\2hi", 8);
    zmtp_write_pieces(fd, &bytes, 1);
    expect_part(pull, "hi", false);
    close(fd);
}

/* Revision 0: greeting and identity as in 2.0, frames as in 1.0. */
static void peer_of_revision_0_speaks_1_0_after_a_2_0_greeting(void **state)
{
    struct env *env = *state;

    for (size_t i = 0; i < ZMTP_TYPES * 2; i++) {
        const struct zmtp_type *type = &zmtp_types[i / 2];
        unsigned char wire_type = (unsigned char)type->type;
        void *socket = env_socket(env, type->type);
        int fd = zmtp_attach(env, socket, i % 2 == 0);

        zmtp_expect(fd, zmtp_signature, sizeof(zmtp_signature));
        write_versioned(fd, 0);
        zmtp_expect(fd, "\3", 1);
        zmtp_expect(fd, &wire_type, 1);
        wire_type = (unsigned char)type->peer_type;
        raw_write(fd, &wire_type, 1);
        zmtp_expect(fd, "\1\0", 2);
        raw_write(fd, "\1\0", 2);
        exchange_1_0(socket, type, fd);
        close(fd);
    }
}

/* To such a peer our signature is the header of the identity frame. */
static void peer_of_1_0_exchanges_identities_and_messages(void **state)
{
    struct env *env = *state;

    for (size_t i = 0; i < ZMTP_TYPES * 2; i++) {
        const struct zmtp_type *type = &zmtp_types[i / 2];
        void *socket = env_socket(env, type->type);
        int fd = zmtp_attach(env, socket, i % 2 == 0);

        zmtp_expect(fd, zmtp_signature, sizeof(zmtp_signature));
        raw_write(fd, "\1\0", 2);
        exchange_1_0(socket, type, fd);
        close(fd);
    }
}

/* The decision falls on the first byte: nothing else is waited for before
 * the rest of our identity frame goes out. */
static void peer_of_1_0_is_known_by_its_first_byte(void **state)
{
    struct env *env = *state;
    void *dealer = env_socket(env, ZMQ_DEALER);
    int fd;

    assert_ok(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "abc", 3));
    fd = zmtp_dial(env, dealer);
    zmtp_expect(fd, "\xff\0\0\0\0\0\0\0\4\x7f", 10);
    raw_write(fd, "\4", 1);
    zmtp_expect(fd, "abc", 3);
    raw_write(fd, "\0xyz", 4);
    exchange_1_0(dealer, &zmtp_types[3], fd);
    close(fd);
}

/* A long identity frame begins with FF too; bit 0 of byte 9 tells. */
static void peer_of_1_0_may_send_its_identity_in_a_long_frame(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = zmtp_dial(env, pull);
    struct zmtp_bytes bytes = {.size = 0};

    zmtp_put(&bytes, "\xff\0\0\0\0\0\0\0\5\0name", 14);
    zmtp_put_frame_1(&bytes, 0, "hi", 2);
    zmtp_write_pieces(fd, &bytes, 1);
    expect_part(pull, "hi", false);
    close(fd);
}

static void routing_id_follows_the_signature_to_a_1_0_peer(void **state)
{
    struct env *env = *state;
    void *dealer = env_socket(env, ZMQ_DEALER);
    int fd;

    assert_ok(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "abc", 3));
    fd = zmtp_answer(env, dealer);
    zmtp_expect(fd, "\xff\0\0\0\0\0\0\0\4\x7f", 10);
    zmtp_expect_silence(fd);
    raw_write(fd, "\1\0", 2);
    zmtp_expect(fd, "abc", 3);
    exchange_1_0(dealer, &zmtp_types[3], fd);
    close(fd);
}

static void frames_of_1_0_are_read_at_their_borders(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = zmtp_dial(env, pull);
    unsigned char body[1000];
    unsigned char got[1001];

    raw_write(fd, "\1\0", 2);
    for (size_t i = 0; i < BORDER_SIZES; i++) {
        struct zmtp_bytes frame = {.size = 0};
        size_t size = border_sizes[i];

        fill(body, size);
        zmtp_put_frame_1(&frame, i % 2 ? 0 : ZMTP_MORE, body, size);
        zmtp_write_pieces(fd, &frame, 100);
    }
    for (size_t i = 0; i < BORDER_SIZES; i++) {
        size_t size = border_sizes[i];

        fill(body, size);
        assert_int_equal(zmq_recv(pull, got, sizeof(got), 0), size);
        assert_memory_equal(got, body, size);
        assert_int_equal(get_int(pull, ZMQ_RCVMORE), i % 2 == 0);
    }
    close(fd);
}

/* The long form may be used for any size, and other flags mean nothing. */
static void long_frames_and_unknown_flags_of_1_0_are_accepted(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = zmtp_dial(env, pull);

    raw_write(fd, "\1\0", 2);
    raw_write(fd, "\xff\0\0\0\0\0\0\0\3\0hi", 12);
    raw_write(fd, "\xff\0\0\0\0\0\0\0\1\xfe", 10);
    raw_write(fd, "\2\xff*", 3);
    raw_write(fd, "\1\0", 2);
    expect_part(pull, "hi", false);
    expect_part(pull, "", false);
    expect_part(pull, "*", true);
    expect_part(pull, "", false);
    close(fd);
}

static void frames_of_1_0_are_written_at_their_borders(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    int fd = zmtp_dial(env, push);
    unsigned char body[1000];

    zmtp_expect(fd, zmtp_signature, sizeof(zmtp_signature));
    raw_write(fd, "\1\0", 2);
    for (size_t i = 0; i < BORDER_SIZES; i++) {
        struct zmtp_bytes frame = {.size = 0};
        size_t size = border_sizes[i];
        bool has_more = i % 2 == 0;

        fill(body, size);
        assert_int_equal(zmq_send(push, body, size, has_more ? ZMQ_SNDMORE : 0),
                         size);
        zmtp_put_frame_1(&frame, has_more, body, size);
        if (!has_more) {
            struct zmtp_bytes first = {.size = 0};

            fill(body, border_sizes[i - 1]);
            zmtp_put_frame_1(&first, ZMTP_MORE, body, border_sizes[i - 1]);
            zmtp_expect_bytes(fd, &first);
            zmtp_expect_bytes(fd, &frame);
        }
    }
    close(fd);
}

/* Length 0 leaves no room for the flags that it counts. */
static void frame_of_1_0_with_length_0_ends_the_connection(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    int good;
    int fd;

    env_bind(env, pull, endpoint);
    good = raw_connect(endpoint);
    fd = raw_connect(endpoint);
    raw_write(good, "\1\0", 2);
    raw_write(fd, "\1\0\3\0hi\0", 7);
    expect_part(pull, "hi", false);
    assert_true(raw_is_hung_up(fd, PATIENCE_MS));
    raw_write(good, "\3\0ho", 4);
    expect_part(pull, "ho", false);
    close(fd);
    close(good);
}

/* A peer without a mechanism cannot be asked for a name and password, so
 * a socket with a ZAP domain has nothing to do with it. */
static void old_peers_are_refused_where_zap_is_in_use(void **state)
{
    struct env *env = *state;
    static const char *const openings[] = {
        "\1", "\xff\1\1\1\1\1\1\1\1\x7f\1\10", "\xff\1\1\1\1\1\1\1\1\2"};

    if (is_ceromq()) {
        /* No ZAP yet (docs/compat.md): it must not be taken for there. */
        void *pull = env_socket(env, ZMQ_PULL);
        char endpoint[ENDPOINT_MAX];

        env_free_endpoint(env, endpoint);
        assert_ok(zmq_setsockopt(pull, ZMQ_ZAP_DOMAIN, "global", 6));
        assert_fails(zmq_bind(pull, endpoint), ENOTSUP);
        return;
    }
    for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
        void *pull = env_socket(env, ZMQ_PULL);
        void *monitor;
        int fd;

        assert_ok(zmq_setsockopt(pull, ZMQ_ZAP_DOMAIN, "global", 6));
        monitor = monitor_open(env, pull, ZMQ_EVENT_DISCONNECTED);
        fd = zmtp_dial(env, pull);
        raw_write(fd, openings[i], strlen(openings[i]));
        assert_true(raw_is_hung_up(fd, PATIENCE_MS));
        monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(peer_of_2_0_exchanges_identities_and_messages),
        ON_STREAMS(identity_of_a_2_0_peer_is_not_delivered),
        ON_STREAMS(routing_id_is_sent_to_a_2_0_peer_as_a_frame),
        ON_STREAMS(peer_of_2_0_may_send_single_bytes),
        ON_STREAMS(peer_of_revision_0_speaks_1_0_after_a_2_0_greeting),
        ON_STREAMS(peer_of_1_0_exchanges_identities_and_messages),
        ON_STREAMS(peer_of_1_0_is_known_by_its_first_byte),
        ON_STREAMS(peer_of_1_0_may_send_its_identity_in_a_long_frame),
        ON_STREAMS(routing_id_follows_the_signature_to_a_1_0_peer),
        ON_STREAMS(frames_of_1_0_are_read_at_their_borders),
        ON_STREAMS(long_frames_and_unknown_flags_of_1_0_are_accepted),
        ON_STREAMS(frames_of_1_0_are_written_at_their_borders),
        ON_STREAMS(frame_of_1_0_with_length_0_ends_the_connection),
        ON_STREAMS(old_peers_are_refused_where_zap_is_in_use),
    };

    return cmocka_run_group_tests_name("raw_old", tests, NULL, NULL);
}
