/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Connections whose frames are encoded on their way out: what the library
 * says by itself goes between two frames, as anywhere.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <unistd.h>

/* More than the kernel takes at once, so that the frame is under way when the
 * PING comes; and so much that malloc gives it back when it is freed. */
enum { LARGE = 40 << 20 };

static void send_large(void *socket)
{
    char *bytes = malloc(LARGE);

    assert_non_null(bytes);
    memset(bytes, 'x', LARGE);
    assert_int_equal(zmq_send(socket, bytes, LARGE, 0), LARGE);
    free(bytes);
}

static void expect_large(int fd)
{
    static const unsigned char header[] = {2, 0, 0, 0, 0, 2, 0x80, 0, 0};
    static char bytes[4096];
    static char wanted[sizeof(bytes)];

    memset(wanted, 'x', sizeof(wanted));
    zmtp_expect(fd, header, sizeof(header));
    for (size_t i = 0; i < LARGE; i += sizeof(bytes)) {
        raw_read(fd, bytes, sizeof(bytes));
        assert_memory_equal(bytes, wanted, sizeof(bytes));
    }
}

static void a_pong_waits_for_the_end_of_an_encoded_frame(void **state)
{
    struct env *env = *state;
    void *dealer = env_socket(env, ZMQ_DEALER);
    int fd;

    set_int(dealer, ZMQ_CONFLATE, 1);
    fd = zmtp_dial(env, dealer);
    raw_handshake(fd, "DEALER");
    send_large(dealer);
    raw_write(fd, "\4\10\4PING\0\0z", 10);
    /* What came behind it is here, so it has been read. */
    ZMTP_SAY(fd, "a");
    expect_text(dealer, "a");
    expect_large(fd);
    zmtp_expect(fd, "\4\6\4PONGz", 8);
    send_text(dealer, "b", 0);
    zmtp_expect(fd, "\0\1b", 3);
    close(fd);
}

/* In pages. */
static long resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long all, pages;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &all, &pages), 2);
    fclose(file);
    return pages;
}

/* A memory checker keeps what is freed. */
static bool memory_goes_back(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#else
    return true;
#endif
}

static void what_was_encoded_is_not_kept(void **state)
{
    struct env *env = *state;
    void *dealer = env_socket(env, ZMQ_DEALER);
    int64_t end_ms = now_ms() + PATIENCE_MS;
    long before;
    int fd;

    set_int(dealer, ZMQ_CONFLATE, 1);
    fd = zmtp_dial(env, dealer);
    raw_handshake(fd, "DEALER");
    before = resident();
    send_large(dealer);
    expect_large(fd);
    while (memory_goes_back() &&
           resident() > before + LARGE / 2 / sysconf(_SC_PAGESIZE)) {
        assert_true(now_ms() < end_ms);
        expect_nothing_for_a_while(dealer);
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(a_pong_waits_for_the_end_of_an_encoded_frame),
        ON(tcp, what_was_encoded_is_not_kept),
    };

    return cmocka_run_group_tests_name("raw_encoded", tests, NULL, NULL);
}
