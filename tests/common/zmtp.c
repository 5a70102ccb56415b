/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A ZMTP peer that says every byte itself.
 *
 * Thread: the main thread of a test.
 */
#include "common/zmtp.h"

#include "common/raw.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

const unsigned char zmtp_signature[ZMTP_SIGNATURE_SIZE] = {
    0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f,
};

const struct zmtp_type zmtp_types[ZMTP_TYPES] = {
    {ZMQ_PUSH, "PUSH", ZMQ_PULL, "PULL", true, false},
    {ZMQ_PULL, "PULL", ZMQ_PUSH, "PUSH", false, true},
    {ZMQ_PAIR, "PAIR", ZMQ_PAIR, "PAIR", true, true},
    {ZMQ_DEALER, "DEALER", ZMQ_DEALER, "DEALER", true, true},
};

void zmtp_put(struct zmtp_bytes *to, const void *bytes, size_t size)
{
    assert_true(size <= sizeof(to->bytes) - to->size);
    if (size > 0)
        memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

void zmtp_put_byte(struct zmtp_bytes *to, unsigned byte)
{
    unsigned char octet = (unsigned char)byte;

    zmtp_put(to, &octet, 1);
}

/* A number in network order, `size` octets of it. */
static void zmtp_put_number(struct zmtp_bytes *to, uint64_t number,
                            unsigned size)
{
    while (size-- > 0)
        zmtp_put_byte(to, (unsigned)(number >> (8 * size)) & 255);
}

void zmtp_put_greeting(struct zmtp_bytes *to, unsigned major, unsigned minor,
                       const char *mechanism)
{
    static const unsigned char zeros[ZMTP_GREETING_SIZE] = {0};
    size_t size = strlen(mechanism);

    zmtp_put(to, zmtp_signature, sizeof(zmtp_signature));
    zmtp_put_byte(to, major);
    zmtp_put_byte(to, minor);
    zmtp_put(to, mechanism, size);
    zmtp_put(to, zeros, 20 - size + 32);
}

void zmtp_put_frame(struct zmtp_bytes *to, unsigned flags, const void *body,
                    size_t size)
{
    if (size > 255) {
        zmtp_put_long_frame(to, flags, body, size);
        return;
    }
    zmtp_put_byte(to, flags);
    zmtp_put_byte(to, (unsigned)size);
    zmtp_put(to, body, size);
}

void zmtp_put_long_frame(struct zmtp_bytes *to, unsigned flags,
                         const void *body, size_t size)
{
    zmtp_put_byte(to, flags | ZMTP_LONG);
    zmtp_put_number(to, size, 8);
    zmtp_put(to, body, size);
}

void zmtp_put_frame_1(struct zmtp_bytes *to, unsigned flags, const void *body,
                      size_t size)
{
    if (size + 1 < 255) {
        zmtp_put_byte(to, (unsigned)size + 1);
    } else {
        zmtp_put_byte(to, 0xff);
        zmtp_put_number(to, size + 1, 8);
    }
    zmtp_put_byte(to, flags);
    zmtp_put(to, body, size);
}

void zmtp_put_command(struct zmtp_bytes *to, const char *name, const void *data,
                      size_t size)
{
    struct zmtp_bytes body = {.size = 0};

    zmtp_put_byte(&body, (unsigned)strlen(name));
    zmtp_put(&body, name, strlen(name));
    zmtp_put(&body, data, size);
    zmtp_put_frame(to, ZMTP_COMMAND, body.bytes, body.size);
}

static void zmtp_put_property(struct zmtp_bytes *to, const char *name,
                              const char *value)
{
    zmtp_put_byte(to, (unsigned)strlen(name));
    zmtp_put(to, name, strlen(name));
    zmtp_put_number(to, strlen(value), 4);
    zmtp_put(to, value, strlen(value));
}

void zmtp_put_ready(struct zmtp_bytes *to, const char *socket_type,
                    const char *id)
{
    struct zmtp_bytes data = {.size = 0};

    zmtp_put_property(&data, "Socket-Type", socket_type);
    if (id)
        zmtp_put_property(&data, "Identity", id);
    zmtp_put_command(to, "READY", data.bytes, data.size);
}

void zmtp_put_opening(struct zmtp_bytes *to, const char *socket_type)
{
    bool has_id = strcmp(socket_type, "DEALER") == 0;

    zmtp_put_greeting(to, 3, 1, "NULL");
    zmtp_put_ready(to, socket_type, has_id ? "" : NULL);
}

int zmtp_dial(struct env *env, void *socket)
{
    char endpoint[ENDPOINT_MAX];

    env_bind(env, socket, endpoint);
    return raw_connect(endpoint);
}

int zmtp_answer(struct env *env, void *socket)
{
    char endpoint[ENDPOINT_MAX];
    int listener;
    int fd;

    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(socket, endpoint));
    fd = raw_accept(listener);
    close(listener);
    return fd;
}

int zmtp_attach(struct env *env, void *socket, bool is_dialling)
{
    return is_dialling ? zmtp_dial(env, socket) : zmtp_answer(env, socket);
}

void zmtp_write(int fd, const struct zmtp_bytes *bytes)
{
    raw_write(fd, bytes->bytes, bytes->size);
}

void zmtp_write_pieces(int fd, const struct zmtp_bytes *bytes, size_t piece)
{
    for (size_t at = 0; at < bytes->size; at += piece) {
        size_t left = bytes->size - at;

        raw_write(fd, bytes->bytes + at, left < piece ? left : piece);
    }
}

void zmtp_expect(int fd, const void *bytes, size_t size)
{
    unsigned char got[ZMTP_BYTES_MAX];

    assert_true(size <= sizeof(got));
    raw_read(fd, got, size);
    assert_memory_equal(got, bytes, size);
}

void zmtp_expect_bytes(int fd, const struct zmtp_bytes *bytes)
{
    zmtp_expect(fd, bytes->bytes, bytes->size);
}

void zmtp_expect_silence(int fd)
{
    char byte;

    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
}

void zmtp_expect_hung_up(int fd)
{
    char byte;
    ssize_t size = recv(fd, &byte, 1, 0);

    /* A peer that closes with our bytes unread resets the connection. */
    if (size == -1)
        assert_int_equal(errno, ECONNRESET);
    else
        assert_int_equal(size, 0);
}

void zmtp_expect_opening(int fd, const char *socket_type)
{
    struct zmtp_bytes opening = {.size = 0};

    zmtp_put_opening(&opening, socket_type);
    zmtp_expect_bytes(fd, &opening);
}

void zmtp_greet_as(int fd, const char *peer_type, const char *id)
{
    struct zmtp_bytes bytes = {.size = 0};
    unsigned char answer[256];
    int flags;

    zmtp_put_greeting(&bytes, 3, 1, "NULL");
    zmtp_put_ready(&bytes, peer_type, id);
    zmtp_write(fd, &bytes);
    raw_read(fd, answer, ZMTP_GREETING_SIZE);
    raw_read_frame(fd, &flags, answer, sizeof(answer));
    assert_int_equal(flags, ZMTP_COMMAND);
}

void zmtp_say(int fd, const char *const *parts)
{
    for (; *parts; parts++)
        raw_write_frame(fd, parts[1] ? ZMTP_MORE : 0, *parts, strlen(*parts));
}

void zmtp_reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}
