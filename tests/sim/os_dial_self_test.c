/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The simulated network: dialling, listening, names, descriptors and polls
 * fail and succeed as with a real kernel.
 *
 * CTest: TIMEOUT 120
 * Thread: simulated ones. Owns: nothing.
 */
#include "os/clock.h"
#include "os/file.h"
#include "os/poll.h"
#include "os/socket.h"
#include "os/thread.h"
#include "os/waker.h"
#include "sim/os_self.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

/* ---- Dialling and accepting ---- */

static void refused_run(void *arg)
{
    uint16_t port = 9;
    int listener;

    (void)arg;
    SIM_CHECK(sim_dial(NULL, port) == -ECONNREFUSED);
    SIM_CHECK(sim_dial("@nobody", 0) == -ECONNREFUSED);
    SIM_CHECK(sim_dial("/tmp/nobody", 0) == -ENOENT);
    listener = sim_listen("/tmp/left", NULL);
    sim_close(listener);
    SIM_CHECK(sim_dial("/tmp/left", 0) == -ECONNREFUSED);
    SIM_CHECK(cz_file_unlink("/tmp/left") == 0);
    SIM_CHECK(sim_dial("/tmp/left", 0) == -ENOENT);
    listener = sim_listen(NULL, &port);
    sim_set_faults(&(struct sim_config){.refuse_connect = 1000});
    SIM_CHECK(sim_dial(NULL, port) == -ECONNREFUSED);
    sim_close(listener);
}

static void diallers_are_refused_as_by_linux(void **state)
{
    (void)state;
    sim_run_seeds(20, NULL, refused_run, NULL);
}

static void hang_run(void *arg)
{
    int fd = cz_sock_open(AF_INET, SOCK_STREAM);
    struct cz_addr addr;
    struct pollfd at = {.fd = fd, .events = POLLOUT};

    (void)arg;
    SIM_CHECK(cz_addr_numeric(&addr, "203.0.113.1", 80, CZ_ADDR_IPV4) == 0);
    SIM_CHECK(cz_sock_connect(fd, &addr) == -EINPROGRESS);
    SIM_CHECK(cz_os_poll(&at, 1, 1000000) == 0);
    sim_close(fd);
}

static void a_foreign_address_never_answers(void **state)
{
    (void)state;
    sim_run_seeds(5, NULL, hang_run, NULL);
}

static void names_run(void *arg)
{
    struct cz_addr addr, again;
    int first = cz_sock_open(AF_INET, SOCK_STREAM);
    int second = cz_sock_open(AF_INET6, SOCK_STREAM);

    (void)arg;
    cz_addr_any(&addr, CZ_ADDR_IPV4, 0);
    SIM_CHECK(cz_sock_bind(first, &addr) == 0);
    SIM_CHECK(cz_sock_local(first, &addr) == 0);
    SIM_CHECK(cz_addr_port(&addr) != 0);
    cz_addr_any(&again, CZ_ADDR_IPV6_DUAL, cz_addr_port(&addr));
    SIM_CHECK(cz_sock_bind(second, &again) == -EADDRINUSE);
    SIM_CHECK(cz_addr_resolve(&again, "host.sim", 0, CZ_ADDR_IPV6_DUAL) == 0);
    SIM_CHECK(cz_sock_bind(second, &again) == 0);
    SIM_CHECK(cz_addr_resolve(&again, "nowhere", 0, CZ_ADDR_IPV4) == -ENODEV);
    sim_close(first);
    sim_close(second);
}

static void slow_names_run(void *arg)
{
    struct cz_addr addr;
    uint64_t start_us = cz_clock_us();

    (void)arg;
    sim_slow_names(7000000, 2);
    for (int i = 0; i < 2; i++)
        SIM_CHECK(cz_addr_resolve(&addr, "host.sim", 1, CZ_ADDR_IPV4) ==
                  -ENODEV);
    SIM_CHECK(cz_addr_resolve(&addr, "host.sim", 1, CZ_ADDR_IPV4) == 0);
    SIM_CHECK(cz_clock_us() - start_us >= 21000000);
    SIM_CHECK(sim_names_begun() == 3 && sim_names_pending() == 0);
    sim_slow_names(0, 0);
    start_us = cz_clock_us();
    SIM_CHECK(cz_addr_resolve(&addr, "host.sim", 1, CZ_ADDR_IPV4) == 0);
    SIM_CHECK(cz_clock_us() - start_us < 60000);
}

static void look_ups_are_slow_and_fail_as_asked(void **state)
{
    (void)state;
    sim_run_seeds(5, NULL, slow_names_run, NULL);
}

static void ports_are_given_and_defended(void **state)
{
    (void)state;
    sim_run_seeds(10, NULL, names_run, NULL);
}

static void accept_run(void *arg)
{
    struct sim_config faults = {.accept_no_fd = 1000};
    uint16_t port = 0;
    int listener = sim_listen(NULL, &port), fd = sim_dial(NULL, port), fd2;
    char byte;

    (void)arg;
    SIM_CHECK(fd >= 0);
    poll_until(listener, POLLIN);
    sim_set_faults(&faults);
    SIM_CHECK(cz_sock_accept(listener, NULL) == -EMFILE);
    SIM_CHECK(poll_now(listener, POLLIN) == POLLIN);
    faults = (struct sim_config){.accept_aborted = 1000};
    sim_set_faults(&faults);
    SIM_CHECK(cz_sock_accept(listener, NULL) == -ECONNABORTED);
    SIM_CHECK(sim_recv(fd, &byte, 1) == -ECONNRESET);
    sim_set_faults(&(struct sim_config){.accept_aborted = 0});
    SIM_CHECK(cz_sock_accept(listener, NULL) == -EAGAIN);
    fd2 = sim_dial(NULL, port);
    sim_close(listener);
    SIM_CHECK(sim_recv(fd2, &byte, 1) == -ECONNRESET);
    sim_close(fd);
    sim_close(fd2);
}

static void accepting_fails_as_asked(void **state)
{
    (void)state;
    sim_run_seeds(20, NULL, accept_run, NULL);
}

static void limit_run(void *arg)
{
    struct cz_waker wakers[4];
    int fd;

    (void)arg;
    SIM_CHECK(cz_waker_init(&wakers[0]) == 0);
    SIM_CHECK(cz_waker_init(&wakers[1]) == 0);
    SIM_CHECK(cz_waker_init(&wakers[2]) == 0);
    SIM_CHECK(cz_waker_init(&wakers[3]) == -EMFILE);
    SIM_CHECK(wakers[3].fd == -1);
    SIM_CHECK(cz_sock_open(AF_INET, SOCK_STREAM) == -EMFILE);
    cz_waker_fini(&wakers[1]);
    fd = cz_sock_open(AF_INET, SOCK_STREAM);
    SIM_CHECK(fd == wakers[0].fd + 1);
    sim_close(fd);
    cz_waker_fini(&wakers[0]);
    cz_waker_fini(&wakers[2]);
}

static void descriptors_run_out_and_the_lowest_is_reused(void **state)
{
    struct sim_config config = {.fds_max = 3};

    (void)state;
    sim_run_seeds(5, &config, limit_run, NULL);
}

static void part_run(void *arg)
{
    uint16_t port = 0;
    int listener = sim_listen(NULL, &port), dialled = sim_dial(NULL, port);
    int accepted = sim_accept(listener);
    struct pollfd at = {.fd = accepted, .events = POLLIN};
    uint64_t start;

    (void)arg;
    sim_part_network(true);
    SIM_CHECK(sim_send(dialled, "xy", 2) == 0);
    start = cz_clock_us();
    SIM_CHECK(cz_os_poll(&at, 1, 5000000) == 0);
    SIM_CHECK(cz_clock_us() - start >= 5000000);
    sim_part_network(false);
    SIM_CHECK(sim_recv(accepted, (char[2]){0}, 2) == 2);
    sim_close(dialled);
    sim_close(accepted);
    sim_close(listener);
}

static void nothing_arrives_while_the_network_is_parted(void **state)
{
    (void)state;
    sim_run_seeds(10, NULL, part_run, NULL);
}

/* ---- Polling ---- */

static void waker_signal_run(void *arg)
{
    cz_waker_signal(arg);
}

static void waker_run(void *arg)
{
    struct cz_waker waker;
    struct cz_thread other;

    (void)arg;
    SIM_CHECK(cz_waker_init(&waker) == 0);
    SIM_CHECK(cz_thread_start(&other, NULL, waker_signal_run, &waker) == 0);
    SIM_CHECK(poll_until(waker.fd, POLLIN) == POLLIN);
    cz_waker_clear(&waker);
    SIM_CHECK(poll_now(waker.fd, POLLIN) == 0);
    cz_thread_join(&other);
    cz_waker_fini(&waker);
}

static void a_waker_ends_a_poll(void **state)
{
    (void)state;
    sim_run_seeds(50, NULL, waker_run, NULL);
}

static void spurious_run(void *arg)
{
    uint16_t port = 0;
    int *lies = arg, listener = sim_listen(NULL, &port);
    int dialled = sim_dial(NULL, port), accepted = sim_accept(listener);
    struct pollfd at = {.fd = accepted, .events = POLLIN};

    if (cz_os_poll(&at, 1, 1000) == 1) {
        SIM_CHECK(cz_sock_read(accepted, (char[1]){0}, 1) == -EAGAIN);
        ++*lies;
    }
    sim_close(dialled);
    sim_close(accepted);
    sim_close(listener);
}

static void poll_lies_by_chance(void **state)
{
    struct sim_config config = {.spurious_poll = 500};
    int lies = 0;

    (void)state;
    run_exactly(50, &config, spurious_run, &lies);
    assert_in_range(lies, 10, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(diallers_are_refused_as_by_linux),
        cmocka_unit_test(a_foreign_address_never_answers),
        cmocka_unit_test(ports_are_given_and_defended),
        cmocka_unit_test(look_ups_are_slow_and_fail_as_asked),
        cmocka_unit_test(accepting_fails_as_asked),
        cmocka_unit_test(descriptors_run_out_and_the_lowest_is_reused),
        cmocka_unit_test(nothing_arrives_while_the_network_is_parted),
        cmocka_unit_test(a_waker_ends_a_poll),
        cmocka_unit_test(poll_lies_by_chance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
