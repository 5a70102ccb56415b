/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A connection: what a peer sends after its greeting, in pieces, to real
 * sockets of the library. Nobody crashes, hangs or leaks; and of a PULL no
 * whole message is missing that came before something odd.
 *
 * Input: type of socket and options (one byte), version of the greeting (one
 * byte), then a byte for the size of each piece, and the piece.
 *
 * Thread: the target's, and the library's. Owns: a context, as long as the
 * process; of each run a socket and a descriptor.
 */
#include "fuzz/check.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

enum {
    /* Body: either only small ones, or large ones, too. Without any limit the
     * sanitizer would refuse what malloc does. */
    SMALL_MAX = 1000,
    LARGE_MAX = 1 << 20,
    TURN_MS = 1,
    TURNS_MAX = 5000, /* then it hangs */
    HIGH_BIT = 128,
};

struct type {
    int type;
    const char *peer;
};

static const struct type types[] = {
    {ZMQ_PULL, "PUSH"}, {ZMQ_ROUTER, "DEALER"}, {ZMQ_SUB, "PUB"},
    {ZMQ_XPUB, "SUB"},  {ZMQ_REP, "REQ"},       {ZMQ_PAIR, "PAIR"},
    {ZMQ_STREAM, NULL},
};

/* What the peer says first. */
struct hello {
    uint8_t bytes[128];
    size_t size;
};

static void say(struct hello *hello, const void *bytes, size_t size)
{
    memcpy(hello->bytes + hello->size, bytes, size);
    hello->size += size;
}

/* 0: ZMTP 1.0; 1: 2.0; 2: 3.1 with NULL; else the input's own business. */
static void say_hello(struct hello *hello, uint8_t version, const char *peer)
{
    static const uint8_t signature[] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f};
    static const uint8_t version_2[] = {1, 8 /* PUSH */, 0, 0};
    uint8_t rest[54] = {3, 1, 'N', 'U', 'L', 'L'};
    uint8_t ready[64] = "\4\0\5READY\13Socket-Type\0\0\0";
    size_t head = 2 + 6 + 12 + 3;

    if (!peer || version > 2)
        return;
    if (version == 0) {
        say(hello, "\1", 2);
        return;
    }
    say(hello, signature, sizeof signature);
    if (version == 1) {
        say(hello, version_2, sizeof version_2);
        return;
    }
    say(hello, rest, sizeof rest);
    ready[head] = (uint8_t)strlen(peer);
    memcpy(ready + head + 1, peer, strlen(peer));
    ready[1] = (uint8_t)(head + 1 + strlen(peer) - 2);
    say(hello, ready, 2U + ready[1]);
}

/* How many whole messages, in frames of ZMTP 2.0 or later, come before the end
 * or something odd: a reserved flag, a command, a body that is too long. */
static size_t count_whole(const uint8_t *bytes, size_t size, uint64_t largest)
{
    size_t count = 0;
    size_t at = 0;

    while (size - at >= 2 && (bytes[at] & ~3U) == 0) {
        bool is_long = bytes[at] & 2;
        bool is_last = !(bytes[at] & 1);
        uint64_t body = bytes[at + 1];
        size_t header = is_long ? 9 : 2;

        if (size - at < header)
            break;
        for (size_t i = 2; i < header; i++)
            body = body << 8 | bytes[at + i];
        if (body > largest || body > size - at - header)
            break;
        at += header + (size_t)body;
        count += is_last;
    }
    return count;
}

/* Takes everything that there is; how many whole messages. */
static size_t take(void *socket)
{
    size_t count = 0;
    zmq_msg_t msg;

    CHECK(zmq_msg_init(&msg) == 0);
    while (zmq_msg_recv(&msg, socket, ZMQ_DONTWAIT) != -1)
        count += !zmq_msg_more(&msg);
    CHECK(zmq_msg_close(&msg) == 0);
    return count;
}

static void discard(int fd)
{
    uint8_t bytes[4096];

    while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        continue;
}

/* Sends all of it, unless the other side has hung up. */
static size_t push(void *socket, int fd, const uint8_t *bytes, size_t size)
{
    size_t count = 0;

    while (size > 0) {
        ssize_t n = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n > 0) {
            bytes += n;
            size -= (size_t)n;
        } else if (errno != EAGAIN) {
            break;
        }
        discard(fd);
        count += take(socket);
    }
    return count;
}

/* Until the socket has seen the end, and ended its side. */
static size_t await_end(void *socket, int fd)
{
    size_t count = 0;
    uint8_t bytes[4096];

    shutdown(fd, SHUT_WR);
    for (int turn = 0; turn < TURNS_MAX; turn++) {
        struct pollfd item = {.fd = fd, .events = POLLIN};
        ssize_t n;

        count += take(socket);
        if (poll(&item, 1, TURN_MS) == 0)
            continue;
        n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return count + take(socket);
    }
    CHECK(!"the connection has ended");
    return count;
}

static void *context(void)
{
    static void *ctx;

    if (!ctx)
        ctx = zmq_ctx_new();
    CHECK(ctx != NULL);
    return ctx;
}

static void *open_socket(const struct type *type, int64_t largest,
                         struct sockaddr_un *name)
{
    static unsigned number;
    void *socket = zmq_socket(context(), type->type);
    int no = 0;

    CHECK(socket != NULL);
    CHECK(zmq_setsockopt(socket, ZMQ_LINGER, &no, sizeof no) == 0);
    CHECK(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &largest, sizeof largest) ==
          0);
    if (type->type == ZMQ_SUB)
        CHECK(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0) == 0);
    memset(name, 0, sizeof *name);
    name->sun_family = AF_UNIX;
    for (char endpoint[64];;) {
        snprintf(endpoint, sizeof endpoint, "ipc://@cero-fuzz-%d-%u",
                 (int)getpid(), ++number);
        if (zmq_bind(socket, endpoint) != 0)
            continue;
        memcpy(name->sun_path + 1, endpoint + strlen("ipc://@"),
               strlen(endpoint + strlen("ipc://@")));
        return socket;
    }
}

static int dial(const struct sockaddr_un *name)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    size_t size =
        offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name->sun_path + 1);

    CHECK(fd >= 0);
    CHECK(connect(fd, (const struct sockaddr *)name, (socklen_t)size) == 0);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct type *type;
    struct sockaddr_un name;
    struct hello hello = {.size = 0};
    uint8_t *sent;
    size_t sent_size = 0, count;
    int64_t largest;
    void *socket;
    int fd;

    if (size < 2)
        return 0;
    type = &types[(bytes[0] % HIGH_BIT) % (sizeof types / sizeof types[0])];
    largest = bytes[0] & HIGH_BIT ? SMALL_MAX : LARGE_MAX;
    socket = open_socket(type, largest, &name);
    fd = dial(&name);
    say_hello(&hello, bytes[1], type->peer);
    sent = fuzz_copy(bytes, size); /* overwritten from the front */
    count = push(socket, fd, hello.bytes, hello.size);
    for (size_t at = 2; at < size;) {
        size_t piece = bytes[at] + 1U;

        if (piece > size - at - 1)
            piece = size - at - 1;
        memcpy(sent + sent_size, bytes + at + 1, piece);
        count += push(socket, fd, sent + sent_size, piece);
        sent_size += piece;
        at += 1 + piece;
    }
    count += await_end(socket, fd);
    if (type->type == ZMQ_PULL && (bytes[1] == 1 || bytes[1] == 2))
        CHECK(count >= count_whole(sent, sent_size, (uint64_t)largest));
    free(sent);
    close(fd);
    CHECK(zmq_close(socket) == 0);
    return 0;
}
