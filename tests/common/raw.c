/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A peer that speaks bytes.
 *
 * Thread: the main thread of a test.
 */
#include "common/raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RAW_FRAME_LONG 2
#define RAW_COMMAND_MAX 512

union raw_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_un un;
};

static socklen_t raw_parse_ipc(const char *path, struct sockaddr_un *un)
{
    size_t size = strlen(path);

    assert_true(size < sizeof(un->sun_path));
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, size + 1);
    if (path[0] != '@')
        return sizeof(*un);
    un->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

static socklen_t raw_parse(const char *endpoint, union raw_address *address)
{
    char host[64] = "";
    unsigned port = 0;

    memset(address, 0, sizeof(*address));
    if (strncmp(endpoint, "ipc://", 6) == 0)
        return raw_parse_ipc(endpoint + 6, &address->un);
    assert_int_equal(sscanf(endpoint, "tcp://%63[0-9.]:%u", host, &port), 2);
    address->in.sin_family = AF_INET;
    address->in.sin_port = htons((uint16_t)port);
    assert_int_equal(inet_pton(AF_INET, host, &address->in.sin_addr), 1);
    return sizeof(address->in);
}

static void raw_prepare(int fd)
{
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    int on = 1;

    assert_int_equal(
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
        0);
    assert_int_equal(
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)),
        0);
    /* A Unix socket has no such option, and needs none. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int raw_socket(const char *endpoint)
{
    union raw_address address;
    int fd;

    raw_parse(endpoint, &address);
    fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    raw_prepare(fd);
    return fd;
}

void raw_dial(int fd, const char *endpoint)
{
    union raw_address address;
    socklen_t size = raw_parse(endpoint, &address);

    assert_int_equal(connect(fd, &address.any, size), 0);
}

int raw_connect(const char *endpoint)
{
    int fd = raw_socket(endpoint);

    raw_dial(fd, endpoint);
    return fd;
}

int raw_listen(const char *endpoint)
{
    union raw_address address;
    socklen_t size = raw_parse(endpoint, &address);
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)),
                     0);
    raw_prepare(fd);
    assert_int_equal(bind(fd, &address.any, size), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

int raw_accept(int listener)
{
    int fd = accept(listener, NULL, NULL);

    assert_true(fd >= 0);
    raw_prepare(fd);
    return fd;
}

bool raw_try_write(int fd, const void *bytes, size_t size)
{
    const char *from = bytes;

    while (size > 0) {
        ssize_t n = send(fd, from, size, MSG_NOSIGNAL);

        if (n < 0)
            return false;
        from += n;
        size -= (size_t)n;
    }
    return true;
}

void raw_write(int fd, const void *bytes, size_t size)
{
    assert_true(raw_try_write(fd, bytes, size));
}

void raw_read(int fd, void *bytes, size_t size)
{
    assert_int_equal(recv(fd, bytes, size, MSG_WAITALL), size);
}

bool raw_is_hung_up(int fd, int timeout_ms)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    char bytes[4096];

    while (poll(&item, 1, timeout_ms) == 1) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

        if (n == 0 || (n < 0 && (errno == ECONNRESET || errno == EPIPE)))
            return true;
    }
    return false;
}

void raw_greeting(unsigned char greeting[RAW_GREETING_SIZE])
{
    static const unsigned char head[] = {
        0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L',
    };

    memset(greeting, 0, RAW_GREETING_SIZE);
    memcpy(greeting, head, sizeof(head));
}

void raw_handshake(int fd, const char *socket_type)
{
    unsigned char greeting[RAW_GREETING_SIZE];
    char ready[RAW_COMMAND_MAX] = "\5READY\13Socket-Type\0\0\0";
    size_t head = 1 + 5 + 1 + 11 + 3;
    size_t type_size = strlen(socket_type);
    int flags;

    raw_greeting(greeting);
    raw_write(fd, greeting, sizeof(greeting));
    ready[head] = (char)type_size;
    memcpy(ready + head + 1, socket_type, type_size);
    raw_write_frame(fd, 4, ready, head + 1 + type_size);
    raw_read(fd, greeting, sizeof(greeting));
    raw_read_frame(fd, &flags, ready, sizeof(ready));
    assert_int_equal(flags & 4, 4);
}

void raw_write_frame(int fd, int flags, const void *body, size_t size)
{
    unsigned char head[9] = {(unsigned char)flags, (unsigned char)size};
    size_t head_size = 2;

    if (size > 255) {
        head[0] |= RAW_FRAME_LONG;
        for (size_t i = 0; i < 8; i++)
            head[1 + i] = (unsigned char)((uint64_t)size >> (56 - 8 * i));
        head_size = 9;
    }
    raw_write(fd, head, head_size);
    raw_write(fd, body, size);
}

size_t raw_read_frame(int fd, int *flags, void *body, size_t max)
{
    unsigned char head[9];
    uint64_t size = 0;

    raw_read(fd, head, 2);
    *flags = head[0];
    size = head[1];
    if (head[0] & RAW_FRAME_LONG) {
        raw_read(fd, head + 2, 7);
        for (size_t i = 2; i < sizeof(head); i++)
            size = size << 8 | head[i];
    }
    assert_true(size <= max);
    if (size > 0)
        raw_read(fd, body, (size_t)size);
    return (size_t)size;
}
