/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Raw peers of ZMTP 1.0 that send many frames at once, of sizes at which the
 * library passes on the memory that they were read into.
 *
 * Thread: the main thread of a test, which receives while the I/O thread
 * still looks through what came with what it receives, and one that writes.
 */
#include "common/call.h"
#include "common/env.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <unistd.h>

enum { BODY = 8300, FRAMES = 14, HEADER = 10, ROUNDS = 1000 };

static void put_frame(unsigned char *to, int number)
{
    memset(to, 0, HEADER);
    to[0] = 0xff;
    to[7] = (BODY + 1) >> 8;
    to[8] = (BODY + 1) & 0xff;
    memset(to + HEADER, number, BODY);
}

/* Never asleep: so it is there the moment that a message is. */
static void receive_busily(void *socket, unsigned char body[BODY])
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    int size;

    while ((size = zmq_recv(socket, body, BODY, ZMQ_DONTWAIT)) == -1) {
        assert_int_equal(errno, EAGAIN);
        assert_true(now_ms() < deadline);
    }
    assert_int_equal(size, BODY);
}

struct writer {
    int fd;
    unsigned char burst[FRAMES * (HEADER + BODY)];
};

static int write_bursts(void *arg)
{
    struct writer *writer = arg;

    for (int i = 0; i < ROUNDS; i++)
        if (!raw_try_write(writer->fd, writer->burst, sizeof(writer->burst)))
            return -1;
    return 0;
}

static void what_comes_at_once_stays_whole(void **state)
{
    static struct writer writer;
    static unsigned char body[BODY];
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    struct call call;

    for (int k = 0; k < FRAMES; k++)
        put_frame(writer.burst + k * (HEADER + BODY), k);
    writer.fd = zmtp_dial(env, pull);
    raw_write(writer.fd, "\1", 2);
    call_start(&call, write_bursts, &writer);
    for (int i = 0; i < ROUNDS * FRAMES; i++) {
        receive_busily(pull, body);
        assert_memory_equal(
            body, writer.burst + i % FRAMES * (HEADER + BODY) + HEADER, BODY);
    }
    assert_ok(call_join(&call));
    close(writer.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(what_comes_at_once_stays_whole),
    };

    return cmocka_run_group_tests_name("raw_old_burst", tests, NULL, NULL);
}
