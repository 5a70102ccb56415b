/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The calls that wait for descriptors: results, errors, and timeouts that
 * are never cut short, on kernels old and new.
 *
 * Thread: one; what takes an old kernel runs in a child process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "common/forbid.h"
#include "os/clock.h"
#include "os/poll.h"
#include "os/waker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t timeouts_us[] = {1, 250, 999, 1000, 1001, 2500};

static int open_epoll(const struct cz_waker *waker)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 7};
    int fd = cz_os_epoll_create();

    assert_true(fd >= 0);
    assert_int_equal(cz_os_epoll_ctl(fd, EPOLL_CTL_ADD, waker->fd, &event), 0);
    return fd;
}

static void poll_tells_what_is_ready(void **state)
{
    struct cz_waker waker;
    struct pollfd fd = {.events = POLLIN};

    (void)state;
    assert_int_equal(cz_waker_init(&waker), 0);
    fd.fd = waker.fd;
    assert_int_equal(cz_os_poll(&fd, 1, 0), 0);
    cz_waker_signal(&waker);
    assert_int_equal(cz_os_poll(&fd, 1, -1), 1);
    assert_int_equal(fd.revents, POLLIN);
    cz_waker_fini(&waker);
}

static volatile sig_atomic_t signals_handled;

static void on_signal(int number)
{
    (void)number;
    signals_handled++;
}

static void a_mask_holds_while_it_waits(void **state)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t all, none, old;

    (void)state;
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    sigemptyset(&none);
    sigemptyset(&all);
    sigaddset(&all, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &all, &old), 0);
    assert_int_equal(pthread_kill(pthread_self(), SIGUSR1), 0);
    assert_int_equal(cz_os_ppoll(NULL, 0, 0, &all), 0);
    assert_int_equal(cz_os_ppoll(NULL, 0, 0, NULL), 0);
    assert_int_equal(signals_handled, 0);
    assert_int_equal(cz_os_ppoll(NULL, 0, -1, &none), -EINTR);
    assert_int_equal(signals_handled, 1);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
}

static void select_tells_what_is_ready(void **state)
{
    struct cz_waker waker;
    fd_set in;

    (void)state;
    assert_int_equal(cz_waker_init(&waker), 0);
    FD_ZERO(&in);
    FD_SET(waker.fd, &in);
    assert_int_equal(cz_os_select(waker.fd + 1, &in, NULL, NULL, 0), 0);
    assert_false(FD_ISSET(waker.fd, &in));
    cz_waker_signal(&waker);
    FD_SET(waker.fd, &in);
    assert_int_equal(cz_os_select(waker.fd + 1, &in, NULL, NULL, -1), 1);
    assert_true(FD_ISSET(waker.fd, &in));
    cz_waker_fini(&waker);
}

static void epoll_tells_what_is_ready(void **state)
{
    const int64_t waits_us[] = {-1, 0, 300, 1000, INT64_MAX};
    struct epoll_event events[2];
    struct cz_waker waker;
    int fd;

    (void)state;
    assert_int_equal(cz_waker_init(&waker), 0);
    fd = open_epoll(&waker);
    assert_int_equal(cz_os_epoll_wait(fd, events, 2, 0), 0);
    cz_waker_signal(&waker);
    for (size_t i = 0; i < CZ_COUNT_OF(waits_us); i++) {
        events[0].data.u64 = 0;
        assert_int_equal(cz_os_epoll_wait(fd, events, 2, waits_us[i]), 1);
        assert_true(events[0].data.u64 == 7);
    }
    cz_os_epoll_close(fd);
    cz_waker_fini(&waker);
}

static void errors_come_as_negative_numbers(void **state)
{
    struct epoll_event event = {0};
    struct cz_waker waker;
    fd_set in;
    int fd;

    (void)state;
    assert_int_equal(cz_waker_init(&waker), 0);
    fd = waker.fd;
    cz_waker_fini(&waker);
    FD_ZERO(&in);
    FD_SET(fd, &in);
    assert_int_equal(cz_os_select(fd + 1, &in, NULL, NULL, 0), -EBADF);
    assert_int_equal(cz_os_epoll_wait(-1, &event, 1, 0), -EBADF);
    assert_int_equal(cz_os_epoll_wait(-1, &event, 1, 1500), -EBADF);
    assert_int_equal(cz_os_epoll_ctl(-1, EPOLL_CTL_ADD, 0, &event), -EBADF);
}

/* True if the wait, with nothing ready, lasted as long as it should. */
static bool lasts(int (*wait)(int fd, int64_t timeout_us), int fd,
                  int64_t timeout_us)
{
    uint64_t begin_ns = cz_clock_ns();

    return wait(fd, timeout_us) == 0 &&
           cz_clock_ns() - begin_ns >= (uint64_t)timeout_us * 1000;
}

static int wait_poll(int fd, int64_t timeout_us)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};

    return cz_os_poll(&entry, 1, timeout_us);
}

static int wait_select(int fd, int64_t timeout_us)
{
    fd_set in;

    FD_ZERO(&in);
    FD_SET(fd, &in);
    return cz_os_select(fd + 1, &in, NULL, NULL, timeout_us);
}

static int wait_epoll(int fd, int64_t timeout_us)
{
    struct epoll_event event;

    return cz_os_epoll_wait(fd, &event, 1, timeout_us);
}

static void timeouts_are_never_cut_short(void **state)
{
    struct cz_waker waker;
    int fd;

    (void)state;
    assert_int_equal(cz_waker_init(&waker), 0);
    fd = open_epoll(&waker);
    for (size_t i = 0; i < CZ_COUNT_OF(timeouts_us); i++) {
        assert_true(lasts(wait_poll, waker.fd, timeouts_us[i]));
        assert_true(lasts(wait_select, waker.fd, timeouts_us[i]));
        assert_true(lasts(wait_epoll, fd, timeouts_us[i]));
    }
    cz_os_epoll_close(fd);
    cz_waker_fini(&waker);
}

/* The child's exit code; 0 if every timeout lasts. */
static int wait_without_pwait2(int fd, uint32_t error)
{
    if (!forbid(SYS_epoll_pwait2, error))
        return CHILD_CANNOT_FORBID;
    for (size_t i = 0; i < CZ_COUNT_OF(timeouts_us); i++) {
        if (!lasts(wait_epoll, fd, timeouts_us[i]))
            return 1;
    }
    return 0;
}

static void kernels_without_pwait2_wait_for_whole_milliseconds(void **state)
{
    const uint32_t errors[] = {ENOSYS, EPERM};
    struct cz_waker waker;
    int fd;

    (void)state;
    assert_int_equal(cz_waker_init(&waker), 0);
    fd = open_epoll(&waker);
    for (size_t i = 0; i < CZ_COUNT_OF(errors); i++) {
        pid_t child = fork();
        int status;

        if (child == 0)
            _exit(wait_without_pwait2(fd, errors[i]));
        assert_true(child > 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == CHILD_CANNOT_FORBID)
            skip();
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    cz_os_epoll_close(fd);
    cz_waker_fini(&waker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poll_tells_what_is_ready),
        cmocka_unit_test(a_mask_holds_while_it_waits),
        cmocka_unit_test(select_tells_what_is_ready),
        cmocka_unit_test(epoll_tells_what_is_ready),
        cmocka_unit_test(errors_come_as_negative_numbers),
        cmocka_unit_test(timeouts_are_never_cut_short),
        cmocka_unit_test(kernels_without_pwait2_wait_for_whole_milliseconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
