/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The poller between threads, on every back-end: one waits, and others add,
 * watch and remove meanwhile, under the owner's lock.
 *
 * Thread: the main thread checks; a waiter only writes down what it saw.
 */
#include "unit/reactor/poller_fixture.h"

#include "os/mutex.h"
#include "os/poll.h"
#include "os/thread.h"

#include <signal.h>
#include <stdatomic.h>

enum { CHURN_ROUNDS = 3000, CHURN_PROBES = 8 };

/* A thread that goes through turns until someone clears `is_wanted` under
 * the lock, or a wait fails. */
struct waiter {
    struct fixture *fixture;
    struct cz_thread thread;
    struct cz_mutex lock;
    bool is_wanted;
    int64_t timeout_us;
    int rc;
    int turns_empty;
    struct cz_waker prepared; /* signalled before each wait */
    struct cz_waker ended;
    struct cz_waker bell; /* wakes the waiter */
    struct probe on_bell;
};

static void waiter_run(void *arg)
{
    struct waiter *waiter = arg;
    struct fixture *fixture = waiter->fixture;

    cz_mutex_lock(&waiter->lock);
    while (waiter->is_wanted && waiter->rc == 0) {
        int rc;

        cz_poller_prepare(fixture->poller);
        cz_waker_signal(&waiter->prepared);
        cz_mutex_unlock(&waiter->lock);
        rc = cz_poller_wait(fixture->poller, &fixture->batch,
                            waiter->timeout_us);
        cz_mutex_lock(&waiter->lock);
        waiter->rc = rc;
        waiter->turns_empty += rc == 0 && fixture->batch.count == 0;
        cz_poller_dispatch(fixture->poller, &fixture->batch);
    }
    cz_mutex_unlock(&waiter->lock);
    cz_waker_signal(&waiter->ended);
}

/* Signals are blocked in the library's threads; a program's own thread may
 * wait with them unblocked. */
static void waiter_run_interruptible(void *arg)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    waiter_run(arg);
}

static void clear_bell(struct probe *probe)
{
    struct waiter *waiter = cz_container_of(probe, struct waiter, on_bell);

    cz_waker_clear(&waiter->bell);
}

static void waiter_init(struct waiter *waiter, struct fixture *fixture)
{
    *waiter = (struct waiter){
        .fixture = fixture,
        .is_wanted = true,
        .timeout_us = PATIENCE_US,
    };
    cz_mutex_init(&waiter->lock);
    assert_int_equal(cz_waker_init(&waiter->prepared), 0);
    assert_int_equal(cz_waker_init(&waiter->ended), 0);
    assert_int_equal(cz_waker_init(&waiter->bell), 0);
    probe_add(&waiter->on_bell, fixture->poller, waiter->bell.fd);
    waiter->on_bell.then = clear_bell;
    cz_poller_watch(fixture->poller, waiter->on_bell.id, CZ_POLL_IN);
}

static bool is_signalled_within(const struct cz_waker *waker,
                                int64_t timeout_us)
{
    struct pollfd fd = {.fd = waker->fd, .events = POLLIN};

    return cz_os_poll(&fd, 1, timeout_us) == 1;
}

/* Starts the thread; returns when it waits, or is just about to. */
static void waiter_start(struct waiter *waiter, void (*run)(void *arg))
{
    assert_int_equal(cz_thread_start(&waiter->thread, NULL, run, waiter), 0);
    assert_true(is_signalled_within(&waiter->prepared, PATIENCE_US));
}

/* Waits for the thread to end, of itself. */
static void waiter_end(struct waiter *waiter)
{
    cz_thread_join(&waiter->thread);
    cz_poller_remove(waiter->fixture->poller, waiter->on_bell.id);
    cz_waker_fini(&waiter->bell);
    cz_waker_fini(&waiter->ended);
    cz_waker_fini(&waiter->prepared);
    cz_mutex_fini(&waiter->lock);
}

/* What an adder does after a change: wake the waiter if need be. */
static void ring_unless_live(struct waiter *waiter)
{
    if (!cz_poller_is_live(waiter->fixture->poller))
        cz_waker_signal(&waiter->bell);
}

/* A probe whose handler ends the waiter's loop. */
struct last_probe {
    struct probe probe;
    struct waiter *waiter;
};

static void end_loop(struct probe *probe)
{
    struct last_probe *last = cz_container_of(probe, struct last_probe, probe);

    last->waiter->is_wanted = false;
}

static void last_probe_open(struct last_probe *last, struct waiter *waiter,
                            unsigned interest)
{
    last->waiter = waiter;
    probe_open(&last->probe, waiter->fixture->poller, interest);
    last->probe.then = end_loop;
}

static void endless_wait_ends_when_a_waker_is_signalled(void **state)
{
    struct fixture *fixture = *state;
    struct waiter waiter;

    waiter_init(&waiter, fixture);
    waiter.timeout_us = -1;
    waiter_start(&waiter, waiter_run);
    cz_mutex_lock(&waiter.lock);
    waiter.is_wanted = false;
    cz_mutex_unlock(&waiter.lock);
    cz_waker_signal(&waiter.bell);
    cz_thread_join(&waiter.thread);
    assert_int_equal(waiter.rc, 0);
    assert_int_equal(waiter.on_bell.calls, 1);
    waiter_end(&waiter);
}

static void descriptor_added_during_a_wait_is_served(void **state)
{
    struct fixture *fixture = *state;
    struct last_probe last;
    struct waiter waiter;

    waiter_init(&waiter, fixture);
    waiter_start(&waiter, waiter_run);
    cz_mutex_lock(&waiter.lock);
    last_probe_open(&last, &waiter, CZ_POLL_IN);
    probe_feed(&last.probe);
    cz_mutex_unlock(&waiter.lock);
    ring_unless_live(&waiter);
    waiter_end(&waiter);
    assert_int_equal(last.probe.calls, 1);
    assert_int_equal(waiter.turns_empty, 0);
    probe_close(&last.probe);
}

static void interest_changed_during_a_wait_holds(void **state)
{
    struct fixture *fixture = *state;
    struct last_probe last;
    struct waiter waiter;

    waiter_init(&waiter, fixture);
    last_probe_open(&last, &waiter, CZ_POLL_IN);
    waiter_start(&waiter, waiter_run);
    cz_mutex_lock(&waiter.lock);
    cz_poller_watch(fixture->poller, last.probe.id, CZ_POLL_OUT);
    cz_mutex_unlock(&waiter.lock);
    ring_unless_live(&waiter);
    waiter_end(&waiter);
    assert_int_equal(last.probe.calls, 1);
    assert_int_equal(last.probe.events, CZ_POLL_OUT);
    probe_close(&last.probe);
}

static void
descriptor_reused_during_a_wait_reaches_its_new_handler(void **state)
{
    struct fixture *fixture = *state;
    struct last_probe last;
    struct waiter waiter;
    struct probe old;

    waiter_init(&waiter, fixture);
    probe_open(&old, fixture->poller, CZ_POLL_IN);
    waiter_start(&waiter, waiter_run);
    cz_mutex_lock(&waiter.lock);
    probe_close(&old);
    last_probe_open(&last, &waiter, CZ_POLL_IN);
    assert_int_equal(last.probe.fd, old.fd);
    probe_feed(&last.probe);
    cz_mutex_unlock(&waiter.lock);
    ring_unless_live(&waiter);
    waiter_end(&waiter);
    assert_int_equal(old.calls, 0);
    assert_int_equal(last.probe.calls, 1);
    probe_close(&last.probe);
}

static void descriptor_closed_during_a_wait_stops_nobody_else(void **state)
{
    struct fixture *fixture = *state;
    struct last_probe last;
    struct waiter waiter;
    struct probe closed;

    waiter_init(&waiter, fixture);
    probe_open(&closed, fixture->poller, CZ_POLL_IN);
    last_probe_open(&last, &waiter, CZ_POLL_IN);
    waiter_start(&waiter, waiter_run);
    cz_mutex_lock(&waiter.lock);
    probe_close(&closed);
    cz_mutex_unlock(&waiter.lock);
    probe_feed(&last.probe);
    waiter_end(&waiter);
    assert_int_equal(waiter.rc, 0);
    assert_int_equal(closed.calls, 0);
    assert_int_equal(last.probe.calls, 1);
    probe_close(&last.probe);
}

static void on_signal(int number)
{
    (void)number;
}

static void signal_interrupts_the_wait(void **state)
{
    struct sigaction action = {.sa_handler = on_signal}, before;
    struct fixture *fixture = *state;
    struct waiter waiter;

    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    waiter_init(&waiter, fixture);
    waiter.timeout_us = -1;
    waiter_start(&waiter, waiter_run_interruptible);
    /* A signal that comes just before the wait is lost: send more. */
    do {
        assert_int_equal(pthread_kill(waiter.thread.handle, SIGUSR1), 0);
    } while (!is_signalled_within(&waiter.ended, 1000));
    waiter_end(&waiter);
    assert_int_equal(waiter.rc, -EINTR);
    assert_int_equal(fixture->batch.count, 0);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

/* Probes that come and go while the waiter serves them. */
struct churned {
    struct probe probe;
    bool is_open;
    int calls_after_end;
};

static void note_late_call(struct probe *probe)
{
    struct churned *churned = cz_container_of(probe, struct churned, probe);

    churned->calls_after_end += !churned->is_open;
    probe_drain(probe);
}

static void churn(struct waiter *waiter, struct churned *churned, int round)
{
    struct cz_poller *poller = waiter->fixture->poller;

    if (!churned->is_open) {
        int late = churned->calls_after_end;

        probe_open(&churned->probe, poller, CZ_POLL_IN);
        churned->probe.then = note_late_call;
        churned->calls_after_end = late;
        churned->is_open = true;
    }
    probe_feed(&churned->probe);
    if (round % 3 == 0) {
        cz_poller_watch(poller, churned->probe.id, CZ_POLL_IN | CZ_POLL_OUT);
    } else if (round % 3 == 1) {
        cz_poller_watch(poller, churned->probe.id, 0);
    } else {
        probe_close(&churned->probe);
        churned->is_open = false;
    }
}

static void no_handler_is_called_after_its_removal(void **state)
{
    struct churned churned[CHURN_PROBES] = {0};
    struct fixture *fixture = *state;
    struct last_probe last;
    struct waiter waiter;

    waiter_init(&waiter, fixture);
    waiter_start(&waiter, waiter_run);
    for (int round = 0; round < CHURN_ROUNDS; round++) {
        cz_mutex_lock(&waiter.lock);
        churn(&waiter, &churned[round % CHURN_PROBES], round);
        cz_mutex_unlock(&waiter.lock);
        ring_unless_live(&waiter);
    }
    cz_mutex_lock(&waiter.lock);
    last_probe_open(&last, &waiter, CZ_POLL_IN);
    probe_feed(&last.probe);
    cz_mutex_unlock(&waiter.lock);
    ring_unless_live(&waiter);
    waiter_end(&waiter);
    assert_int_equal(waiter.rc, 0);
    assert_int_equal(last.probe.calls, 1);
    for (int i = 0; i < CHURN_PROBES; i++) {
        assert_int_equal(churned[i].calls_after_end, 0);
        if (churned[i].is_open)
            probe_close(&churned[i].probe);
    }
    probe_close(&last.probe);
    assert_int_equal(cz_poller_count(fixture->poller), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(endless_wait_ends_when_a_waker_is_signalled),
        ON_EACH(descriptor_added_during_a_wait_is_served),
        ON_EACH(interest_changed_during_a_wait_holds),
        ON_EACH(descriptor_reused_during_a_wait_reaches_its_new_handler),
        ON_EACH(descriptor_closed_during_a_wait_stops_nobody_else),
        ON_EACH(signal_interrupts_the_wait),
        ON_EACH(no_handler_is_called_after_its_removal),
    };

    return BACKENDS_RUN(tests);
}
