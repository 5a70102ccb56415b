/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Subscribers that never stop talking do not keep a publisher from its work.
 *
 * Thread: the main thread of a test, and one for each peer that writes.
 */
#include "common/call.h"
#include "common/env.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <unistd.h>

enum { FLOODERS = 3, SENDS = 100 };

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(publishing_goes_on),
    };

    return cmocka_run_group_tests_name("raw_flood", tests, NULL, NULL);
}
