/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The simulated network: bytes in order whatever happens, and each fault
 * as a real kernel would show it.
 *
 * CTest: TIMEOUT 120
 * Thread: simulated ones. Owns: nothing.
 */
#include "os/clock.h"
#include "os/file.h"
#include "os/socket.h"
#include "os/thread.h"
#include "sim/os_self.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

enum { STREAM_SIZE = 3000 };

static const char *const paths[] = {NULL, "/tmp/sim", "@sim"};

struct pair {
    const char *path;
    int listener;
    uint16_t port;
    int dialled, accepted;
};

static void pair_dial(void *arg)
{
    struct pair *pair = arg;

    pair->dialled = sim_dial(pair->path, pair->port);
    SIM_CHECK(pair->dialled >= 0);
}

static void pair_open(struct pair *pair, const char *path)
{
    struct cz_thread dialler;

    *pair = (struct pair){.path = path};
    pair->listener = sim_listen(path, &pair->port);
    SIM_CHECK(cz_thread_start(&dialler, NULL, pair_dial, pair) == 0);
    pair->accepted = sim_accept(pair->listener);
    cz_thread_join(&dialler);
}

static void pair_close(struct pair *pair)
{
    sim_close(pair->dialled);
    sim_close(pair->accepted);
    sim_close(pair->listener);
    if (pair->path && pair->path[0] == '/')
        SIM_CHECK(cz_file_unlink(pair->path) == 0);
}

/* ---- Bytes ---- */

static void stream_fill(uint8_t bytes[STREAM_SIZE], unsigned key)
{
    unsigned i;

    for (i = 0; i < STREAM_SIZE; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 256 + key);
}

struct talker {
    int fd;
    unsigned says, hears;
};

static void talker_write(void *arg)
{
    const struct talker *talker = arg;
    uint8_t bytes[STREAM_SIZE];

    stream_fill(bytes, talker->says);
    SIM_CHECK(sim_send(talker->fd, bytes, sizeof bytes) == 0);
    sim_half_close(talker->fd);
}

static void talker_run(void *arg)
{
    const struct talker *talker = arg;
    uint8_t expected[STREAM_SIZE], got[STREAM_SIZE + 1];
    struct cz_thread writer;

    SIM_CHECK(cz_thread_start(&writer, NULL, talker_write, arg) == 0);
    stream_fill(expected, talker->hears);
    SIM_CHECK(sim_recv(talker->fd, got, sizeof got) == STREAM_SIZE);
    SIM_CHECK(memcmp(got, expected, STREAM_SIZE) == 0);
    cz_thread_join(&writer);
}

static void talk_run(void *arg)
{
    struct pair pair;
    struct talker a, b;
    struct cz_thread other;

    pair_open(&pair, arg);
    a = (struct talker){.fd = pair.dialled, .says = 1, .hears = 2};
    b = (struct talker){.fd = pair.accepted, .says = 2, .hears = 1};
    SIM_CHECK(cz_thread_start(&other, NULL, talker_run, &a) == 0);
    talker_run(&b);
    cz_thread_join(&other);
    pair_close(&pair);
}

static void bytes_arrive_once_and_in_order_in_any_storm(void **state)
{
    struct sim_config config = sim_stormy();
    size_t i;

    (void)state;
    for (i = 0; i < CZ_COUNT_OF(paths); i++)
        sim_run_seeds(60, &config, talk_run, (void *)paths[i]);
}

static void split_run(void *arg)
{
    int *sizes = arg;
    struct pair pair;
    char bytes[20] = {0};
    ssize_t sent, got;

    pair_open(&pair, NULL);
    sent = cz_sock_write(pair.dialled, bytes, sizeof bytes);
    SIM_CHECK(sent >= 1 && sent <= 20);
    poll_until(pair.accepted, POLLIN);
    got = cz_sock_read(pair.accepted, bytes, sizeof bytes);
    SIM_CHECK(got >= 1 && got <= sent);
    sizes[got]++;
    pair_close(&pair);
}

static void a_split_leaves_any_count_from_one_on(void **state)
{
    struct sim_config config = {.split_write = 300, .split_read = 300};
    int sizes[21] = {0}, i;

    (void)state;
    run_exactly(1000, &config, split_run, sizes);
    for (i = 1; i <= 20; i++)
        assert_true(sizes[i] > 0);
}

static void bounded_run(void *arg)
{
    static const char block[4096];
    struct pair pair;
    ssize_t rc, sent = 0;

    pair_open(&pair, arg);
    while ((rc = cz_sock_write(pair.dialled, block, sizeof block)) > 0)
        sent += rc;
    SIM_CHECK(rc == -EAGAIN && sent == 1000);
    SIM_CHECK(poll_now(pair.dialled, POLLOUT) == 0);
    SIM_CHECK(sim_recv(pair.accepted, &(char){0}, 1) == 1);
    SIM_CHECK(poll_now(pair.dialled, POLLOUT) == POLLOUT);
    SIM_CHECK(cz_sock_write(pair.dialled, block, 5) == 1);
    pair_close(&pair);
}

static void a_kernel_buffer_is_bounded(void **state)
{
    struct sim_config config = {.buffer_bytes = 1000};

    (void)state;
    sim_run_seeds(5, &config, bounded_run, NULL);
}

static void delay_run(void *arg)
{
    uint64_t *latest_us = arg, start;
    struct pair pair;

    pair_open(&pair, NULL);
    start = cz_clock_us();
    SIM_CHECK(cz_sock_write(pair.dialled, "x", 1) == 1);
    poll_until(pair.accepted, POLLIN);
    if (cz_clock_us() - start > *latest_us)
        *latest_us = cz_clock_us() - start;
    pair_close(&pair);
}

static void bytes_are_as_late_as_configured(void **state)
{
    struct sim_config config = {.delay_us_max = 1000000};
    uint64_t latest_us = 0;

    (void)state;
    run_exactly(40, &config, delay_run, &latest_us);
    assert_in_range(latest_us, 500000, 1000100);
}

/* ---- Ends ---- */

static void hang_up_run(void *arg)
{
    struct pair pair;
    char text[4];

    pair_open(&pair, "/tmp/sim");
    SIM_CHECK(sim_send(pair.dialled, "last", 4) == 0);
    sim_close(pair.dialled);
    SIM_CHECK(poll_now(pair.accepted, POLLIN) & POLLHUP);
    SIM_CHECK(cz_sock_write(pair.accepted, "x", 1) == -EPIPE);
    SIM_CHECK(sim_recv(pair.accepted, text, 4) == 4);
    SIM_CHECK(memcmp(text, "last", 4) == 0);
    SIM_CHECK(cz_sock_read(pair.accepted, text, 1) == 0);
    sim_close(pair.accepted);
    sim_close(pair.listener);
    (void)arg;
}

static void ipc_announces_the_hang_up_while_bytes_are_unread(void **state)
{
    (void)state;
    sim_run_seeds(20, NULL, hang_up_run, NULL);
}

static void unread_run(void *arg)
{
    struct pair pair;
    char byte;

    pair_open(&pair, arg);
    SIM_CHECK(sim_send(pair.dialled, "x", 1) == 0);
    SIM_CHECK(sim_send(pair.accepted, "y", 1) == 0);
    sim_close(pair.accepted);
    SIM_CHECK(sim_recv(pair.dialled, &byte, 1) == 1);
    SIM_CHECK(sim_recv(pair.dialled, &byte, 1) == -ECONNRESET);
    SIM_CHECK(sim_recv(pair.dialled, &byte, 1) == 0);
    SIM_CHECK(cz_sock_write(pair.dialled, "x", 1) == -EPIPE);
    sim_close(pair.dialled);
    sim_close(pair.listener);
}

static void closing_with_bytes_unread_resets(void **state)
{
    struct sim_config config = sim_stormy();

    (void)state;
    sim_run_seeds(20, &config, unread_run, NULL);
    sim_run_seeds(20, &config, unread_run, (void *)"@sim");
}

static void to_nobody_run(void *arg)
{
    struct pair pair;

    (void)arg;
    pair_open(&pair, NULL);
    sim_close(pair.accepted);
    SIM_CHECK(cz_sock_write(pair.dialled, "x", 1) == 1);
    SIM_CHECK(poll_until(pair.dialled, 0) & POLLERR);
    SIM_CHECK(cz_sock_write(pair.dialled, "x", 1) == -ECONNRESET);
    SIM_CHECK(cz_sock_write(pair.dialled, "x", 1) == -EPIPE);
    sim_close(pair.dialled);
    sim_close(pair.listener);
}

static void writing_to_nobody_over_tcp_is_noticed_late(void **state)
{
    (void)state;
    sim_run_seeds(20, NULL, to_nobody_run, NULL);
}

struct cut {
    enum sim_direction direction;
    uint64_t bytes;
    const char *path;
};

static void cut_run(void *arg)
{
    const struct cut *cut = arg;
    bool from_dialler = cut->direction == SIM_FROM_DIALLER;
    uint8_t bytes[50] = {0}, got[50];
    struct pair pair;
    int from, to;
    ssize_t rc;

    sim_reset_after(cut->direction, cut->bytes);
    pair_open(&pair, cut->path);
    from = from_dialler ? pair.dialled : pair.accepted;
    to = from_dialler ? pair.accepted : pair.dialled;
    SIM_CHECK(!sim_reset_has_happened());
    (void)!sim_send(from, bytes, sizeof bytes);
    rc = sim_recv(to, got, sizeof got);
    SIM_CHECK(rc == (ssize_t)cut->bytes);
    SIM_CHECK(sim_reset_has_happened());
    while ((rc = cz_sock_write(to, "x", 1)) >= 0)
        cz_thread_yield();
    SIM_CHECK(rc == -ECONNRESET || rc == -EPIPE);
    pair_close(&pair);
}

static void a_connection_breaks_at_exactly_the_byte_asked_for(void **state)
{
    struct sim_config config = sim_stormy();
    struct cut cut;
    size_t i;

    (void)state;
    for (i = 0; i < CZ_COUNT_OF(paths); i++)
        for (cut.bytes = 1; cut.bytes <= 50; cut.bytes++) {
            cut.path = paths[i];
            cut.direction =
                cut.bytes % 2 ? SIM_FROM_DIALLER : SIM_FROM_LISTENER;
            sim_run_seeds(3, &config, cut_run, &cut);
        }
}

static void chance_run(void *arg)
{
    char bytes[200] = {0};
    uint16_t port = 0;
    int *broken = arg, listener = sim_listen(NULL, &port);
    int dialled = sim_dial(NULL, port), accepted = sim_accept(listener);

    if (dialled >= 0) {
        (void)!sim_send(dialled, bytes, sizeof bytes);
        *broken += sim_recv(accepted, bytes, sizeof bytes) != sizeof bytes;
        sim_close(dialled);
    } else {
        SIM_CHECK(dialled == -ECONNRESET);
        ++*broken;
    }
    sim_close(accepted);
    sim_close(listener);
}

static void resets_come_by_chance(void **state)
{
    struct sim_config config = {.reset = 500, .reset_bytes_max = 200};
    int broken = 0;

    (void)state;
    config.buffer_bytes = 1000;
    run_exactly(100, &config, chance_run, &broken);
    assert_in_range(broken, 20, 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_once_and_in_order_in_any_storm),
        cmocka_unit_test(a_split_leaves_any_count_from_one_on),
        cmocka_unit_test(a_kernel_buffer_is_bounded),
        cmocka_unit_test(bytes_are_as_late_as_configured),
        cmocka_unit_test(ipc_announces_the_hang_up_while_bytes_are_unread),
        cmocka_unit_test(closing_with_bytes_unread_resets),
        cmocka_unit_test(writing_to_nobody_over_tcp_is_noticed_late),
        cmocka_unit_test(a_connection_breaks_at_exactly_the_byte_asked_for),
        cmocka_unit_test(resets_come_by_chance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
