/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Subscribers that never stop talking do not keep a publisher from its work.
 *
 * Thread: the main thread of a test, and one for each peer that writes.
 */
#include "common/call.h"
#include "common/env.h"
#include "common/pubsub.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <poll.h>
#include <unistd.h>

/* Who writes and who reads are all slower with it, and the processors few. */
#ifdef __SANITIZE_THREAD__
enum { SENDS = 20 };
#else
enum { SENDS = 100 };
#endif

enum { FLOODERS = 3 };

struct flooder {
    int fd;
    struct zmtp_bytes bytes;
    struct call call;
};

/* Subscribes and cancels until it is hung up on. */
static int flood(void *arg)
{
    struct flooder *flooder = arg;

    while (
        raw_try_write(flooder->fd, flooder->bytes.bytes, flooder->bytes.size))
        continue;
    return 0;
}

static void put_changes(struct zmtp_bytes *to)
{
    to->size = 0;
    for (unsigned topic = 0; to->size < ZMTP_BYTES_MAX - 64; topic++) {
        char byte = (char)topic;

        zmtp_put_command(to, "SUBSCRIBE", &byte, 1);
        zmtp_put_command(to, "CANCEL", &byte, 1);
    }
}

static void publishing_goes_on(void **state)
{
    static struct flooder flooders[FLOODERS];
    struct env *env = *state;
    void *pub = env_socket(env, ZMQ_PUB);
    char endpoint[ENDPOINT_MAX];
    int64_t end_ms;

    env_bind(env, pub, endpoint);
    for (int i = 0; i < FLOODERS; i++) {
        struct flooder *flooder = &flooders[i];

        put_changes(&flooder->bytes);
        flooder->fd = raw_connect(endpoint);
        raw_handshake(flooder->fd, "SUB");
        call_start(&flooder->call, flood, flooder);
    }
    end_ms = now_ms() + PATIENCE_MS;
    for (int i = 0; i < SENDS; i++) {
        send_text(pub, "a", 0);
        assert_true(now_ms() < end_ms);
    }
    env_end(env);
    for (int i = 0; i < FLOODERS; i++) {
        assert_int_equal(call_join(&flooders[i].call), 0);
        close(flooders[i].fd);
    }
}

enum { TOPIC = 15000, CHANGES = 12000, TOLD_MAX = 64 << 20 };

struct changer {
    int fd;
    /* A command each: header, name and topic. */
    char bytes[(9 + 10 + TOPIC) + (9 + 7 + TOPIC)];
};

static char *put_change(char *to, const char *name, size_t name_size)
{
    size_t size = name_size + TOPIC;

    memset(to, 0, 9);
    to[0] = 4 | 2;
    to[7] = (char)(size >> 8);
    to[8] = (char)size;
    memcpy(to + 9, name, name_size);
    memset(to + 9 + name_size, 'x', TOPIC);
    return to + 9 + size;
}

/* The same topic, again and again. */
static int change_mind(void *arg)
{
    struct changer *changer = arg;
    char *end = put_change(changer->bytes, "\011SUBSCRIBE", 10);

    put_change(end, "\006CANCEL", 7);
    for (int i = 0; i < CHANGES; i += 2)
        if (!raw_try_write(changer->fd, changer->bytes, sizeof(changer->bytes)))
            return -1;
    return 0;
}

/* How many it hears of in the end. */
static int count_events(void *xpub)
{
    static char body[TOPIC + 1];
    int count = 0;

    while (zmq_recv(xpub, body, sizeof(body), ZMQ_DONTWAIT) >= 0)
        count++;
    return count;
}

/* Publishes the text until the peer hears it. */
static void wait_publishing_fd(void *publisher, const char *text, int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    int64_t end_ms = now_ms() + PATIENCE_MS;

    do {
        assert_true(now_ms() < end_ms);
        send_text(publisher, text, 0);
    } while (poll(&item, 1, 1) == 0);
}

static void who_only_sends_need_not_hear_everything(void **state)
{
    struct env *env = *state;
    void *xpub = env_socket(env, ZMQ_XPUB);
    char endpoint[ENDPOINT_MAX];
    static struct changer changer;
    struct call call;
    int fd, count;

    env_bind(env, xpub, endpoint);
    fd = changer.fd = raw_connect(endpoint);
    raw_handshake(fd, "SUB");
    call_start(&call, change_mind, &changer);
    while (!call_returns_within(&call, 1))
        send_text(xpub, "", 0);
    assert_int_equal(call_join(&call), 0);
    raw_write_frame(fd, 4, "\011SUBSCRIBEend", 13);
    wait_publishing_fd(xpub, "end", fd);
    count = count_events(xpub);
    assert_in_range(count, TOLD_MAX / TOPIC - 100, TOLD_MAX / TOPIC + 100);
    /* It listens, so it is told again. */
    raw_write_frame(fd, 4, "\011SUBSCRIBEmore", 14);
    expect_subscribed(xpub, "more");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(publishing_goes_on),
        ON_STREAMS(who_only_sends_need_not_hear_everything),
    };

    return cmocka_run_group_tests_name("raw_flood", tests, NULL, NULL);
}
