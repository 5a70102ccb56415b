/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The conformance suite of the poller: every test runs on every back-end.
 * What takes several threads is in poller_threads_test.c, what concerns
 * many descriptors or little memory in poller_limits_test.c.
 *
 * Thread: one.
 */
#include "unit/reactor/poller_fixture.h"

static void nothing_registered_means_nothing_ready(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(cz_poller_count(fixture->poller), 0);
    assert_int_equal(fixture_turn(fixture, 0), 0);
}

static void readable_when_bytes_wait(void **state)
{
    struct fixture *fixture = *state;
    struct probe probe;

    probe_open(&probe, fixture->poller, CZ_POLL_IN);
    assert_int_equal(fixture_turn(fixture, 0), 0);
    assert_int_equal(probe.calls, 0);
    probe_feed(&probe);
    assert_int_equal(fixture_turn(fixture, -1), 1);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(probe.events, CZ_POLL_IN);
    probe_close(&probe);
}

static void unread_bytes_are_reported_again(void **state)
{
    struct fixture *fixture = *state;
    struct probe probe;

    probe_open(&probe, fixture->poller, CZ_POLL_IN);
    probe_feed(&probe);
    for (int turn = 1; turn <= 3; turn++) {
        fixture_turn(fixture, -1);
        assert_int_equal(probe.calls, turn);
    }
    probe_drain(&probe);
    assert_int_equal(fixture_turn(fixture, 0), 0);
    assert_int_equal(probe.calls, 3);
    probe_close(&probe);
}

static void writable_while_the_far_end_keeps_up(void **state)
{
    static const char bytes[65536];
    struct fixture *fixture = *state;
    char sink[65536];
    struct probe probe;

    probe_open(&probe, fixture->poller, CZ_POLL_OUT);
    fixture_turn(fixture, -1);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(probe.events, CZ_POLL_OUT);
    while (write(probe.fd, bytes, sizeof bytes) > 0)
        continue;
    assert_int_equal(fixture_turn(fixture, 0), 0);
    assert_int_equal(probe.calls, 1);
    while (read(probe.peer, sink, sizeof sink) > 0)
        continue;
    fixture_turn(fixture, -1);
    assert_int_equal(probe.calls, 2);
    assert_int_equal(probe.events, CZ_POLL_OUT);
    probe_close(&probe);
}

static void both_directions_come_in_one_call(void **state)
{
    struct fixture *fixture = *state;
    struct probe probe;

    probe_open(&probe, fixture->poller, CZ_POLL_IN | CZ_POLL_OUT);
    probe_feed(&probe);
    assert_int_equal(fixture_turn(fixture, -1), 1);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(probe.events, CZ_POLL_IN | CZ_POLL_OUT);
    probe_close(&probe);
}

static void hang_up_is_readable(void **state)
{
    struct fixture *fixture = *state;
    struct probe closed, half_closed;

    probe_open(&closed, fixture->poller, CZ_POLL_IN);
    probe_open(&half_closed, fixture->poller, CZ_POLL_IN);
    close(closed.peer);
    closed.peer = -1;
    assert_int_equal(shutdown(half_closed.peer, SHUT_WR), 0);
    assert_int_equal(fixture_turn(fixture, -1), 2);
    assert_int_equal(closed.calls, 1);
    assert_int_equal(closed.events & CZ_POLL_IN, CZ_POLL_IN);
    assert_int_equal(half_closed.calls, 1);
    assert_int_equal(half_closed.events, CZ_POLL_IN);
    probe_close(&closed);
    probe_close(&half_closed);
}

static void pipe_without_writers_is_readable(void **state)
{
    struct fixture *fixture = *state;
    struct probe probe;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    close(fds[1]);
    probe_add(&probe, fixture->poller, fds[0]);
    cz_poller_watch(fixture->poller, probe.id, CZ_POLL_IN);
    fixture_turn(fixture, -1);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(probe.events, CZ_POLL_IN);
    probe_close(&probe);
}

static void hang_up_ends_a_wait_for_writing(void **state)
{
    static const char bytes[65536];
    struct fixture *fixture = *state;
    struct probe probe;

    probe_open(&probe, fixture->poller, CZ_POLL_OUT);
    while (write(probe.fd, bytes, sizeof bytes) > 0)
        continue;
    close(probe.peer);
    probe.peer = -1;
    fixture_turn(fixture, -1);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(probe.events & CZ_POLL_OUT, CZ_POLL_OUT);
    assert_int_equal(probe.events & CZ_POLL_IN, 0);
    probe_close(&probe);
}

static void pipe_without_readers_is_writable(void **state)
{
    struct fixture *fixture = *state;
    struct probe probe;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    probe_add(&probe, fixture->poller, fds[1]);
    cz_poller_watch(fixture->poller, probe.id, CZ_POLL_OUT);
    fixture_turn(fixture, -1);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(probe.events & CZ_POLL_OUT, CZ_POLL_OUT);
    probe_close(&probe);
}

/* Nobody wants to hear that there is no more to read: it must neither keep
 * the loop awake nor hide that there is room again. */
static void
half_closed_far_end_does_not_disturb_a_wait_for_writing(void **state)
{
    static const char bytes[65536];
    struct fixture *fixture = *state;
    char sink[65536];
    struct probe probe;

    probe_open(&probe, fixture->poller, CZ_POLL_OUT);
    while (write(probe.fd, bytes, sizeof bytes) > 0)
        continue;
    assert_int_equal(shutdown(probe.peer, SHUT_WR), 0);
    fixture_turn(fixture, 1000);
    fixture_turn(fixture, 1000);
    for (int turn = 0; turn < 3; turn++)
        assert_int_equal(fixture_turn(fixture, 1000), 0);
    assert_int_equal(probe.calls, 0);
    while (read(probe.peer, sink, sizeof sink) > 0)
        continue;
    for (int turn = 1; turn <= 3; turn++) {
        fixture_turn_until_called(fixture, &probe, turn);
        assert_int_equal(probe.events, CZ_POLL_OUT);
    }
    while (write(probe.fd, bytes, sizeof bytes) > 0)
        continue;
    probe_forget(&probe);
    fixture_turn(fixture, 1000);
    assert_int_equal(fixture_turn(fixture, 1000), 0);
    cz_poller_watch(fixture->poller, probe.id, CZ_POLL_IN);
    for (int turn = 1; turn <= 3; turn++) {
        fixture_turn_until_called(fixture, &probe, turn);
        assert_int_equal(probe.events, CZ_POLL_IN);
    }
    probe_close(&probe);
}

enum { CLOSED = 100 };

/* What was closed goes, and its far end hears of it. */
static void closed_descriptors_are_closed_after_the_next_look(void **state)
{
    struct fixture *fixture = *state;
    struct pollfd far[CLOSED];
    struct probe probes[CLOSED];

    for (int i = 0; i < CLOSED; i++)
        probe_open(&probes[i], fixture->poller, CZ_POLL_IN);
    assert_int_equal(fixture_turn(fixture, 0), 0);
    for (int i = 0; i < CLOSED; i++) {
        far[i] = (struct pollfd){.fd = probes[i].peer, .events = POLLIN};
        probes[i].peer = -1;
        probe_close(&probes[i]);
    }
    assert_int_equal(fixture_turn(fixture, 0), 0);
    assert_int_equal(poll(far, CLOSED, 0), CLOSED);
    for (int i = 0; i < CLOSED; i++) {
        assert_true(far[i].revents & POLLHUP);
        close(far[i].fd);
    }
}

static void failed_descriptor_is_ready_for_what_it_watches(void **state)
{
    struct fixture *fixture = *state;
    struct probe probe;

    probe_add(&probe, fixture->poller, reset_connection());
    cz_poller_watch(fixture->poller, probe.id, CZ_POLL_OUT);
    fixture_turn(fixture, -1);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(probe.events, fixture_is(fixture, "select")
                                       ? CZ_POLL_OUT
                                       : CZ_POLL_OUT | CZ_POLL_ERR);
    probe_close(&probe);
}

static void without_interest_nothing_is_reported(void **state)
{
    struct fixture *fixture = *state;
    struct probe fed, hung_up, failed;

    probe_open(&fed, fixture->poller, 0);
    probe_feed(&fed);
    probe_open(&hung_up, fixture->poller, 0);
    close(hung_up.peer);
    hung_up.peer = -1;
    probe_add(&failed, fixture->poller, reset_connection());
    fixture_turn(fixture, 0);
    /* Nor does it keep the loop awake. */
    assert_int_equal(fixture_turn(fixture, 0), 0);
    assert_int_equal(fed.calls, 0);
    assert_int_equal(hung_up.calls, 0);
    assert_int_equal(failed.calls, 0);
    /* But nothing is lost by that. */
    cz_poller_watch(fixture->poller, fed.id, CZ_POLL_IN);
    cz_poller_watch(fixture->poller, hung_up.id, CZ_POLL_IN);
    cz_poller_watch(fixture->poller, failed.id, CZ_POLL_OUT);
    assert_int_equal(fixture_turn(fixture, -1), 3);
    assert_int_equal(fed.calls, 1);
    assert_int_equal(hung_up.calls, 1);
    assert_int_equal(failed.calls, 1);
    probe_close(&fed);
    probe_close(&hung_up);
    probe_close(&failed);
}

static void interest_can_be_switched_off_and_on(void **state)
{
    struct fixture *fixture = *state;
    struct probe probe;

    probe_open(&probe, fixture->poller, CZ_POLL_IN);
    probe_feed(&probe);
    for (int round = 1; round <= 3; round++) {
        fixture_turn(fixture, -1);
        assert_int_equal(probe.calls, round);
        cz_poller_watch(fixture->poller, probe.id, 0);
        assert_int_equal(fixture_turn(fixture, 0), 0);
        assert_int_equal(probe.calls, round);
        cz_poller_watch(fixture->poller, probe.id, CZ_POLL_IN);
    }
    cz_poller_watch(fixture->poller, probe.id, CZ_POLL_OUT);
    fixture_turn(fixture, -1);
    assert_int_equal(probe.events, CZ_POLL_OUT);
    probe_close(&probe);
}

static void change_of_interest_holds_for_the_batch_in_hand(void **state)
{
    struct fixture *fixture = *state;
    struct probe narrowed, silenced;

    probe_open(&narrowed, fixture->poller, CZ_POLL_IN | CZ_POLL_OUT);
    probe_open(&silenced, fixture->poller, CZ_POLL_IN | CZ_POLL_OUT);
    probe_feed(&narrowed);
    probe_feed(&silenced);
    fixture_look(fixture, -1);
    assert_int_equal(fixture->batch.count, 2);
    cz_poller_watch(fixture->poller, narrowed.id, CZ_POLL_OUT);
    cz_poller_watch(fixture->poller, silenced.id, 0);
    cz_poller_dispatch(fixture->poller, &fixture->batch);
    assert_int_equal(narrowed.events, CZ_POLL_OUT);
    assert_int_equal(silenced.calls, 0);
    probe_close(&narrowed);
    probe_close(&silenced);
}

static void close_self(struct probe *probe)
{
    probe_close(probe);
}

static void handler_may_remove_itself(void **state)
{
    struct fixture *fixture = *state;
    struct probe probes[3];

    for (int i = 0; i < 3; i++) {
        probe_open(&probes[i], fixture->poller, CZ_POLL_IN);
        probes[i].then = close_self;
        probe_feed(&probes[i]);
    }
    assert_int_equal(fixture_turn(fixture, -1), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(probes[i].calls, 1);
    assert_int_equal(cz_poller_count(fixture->poller), 0);
    assert_int_equal(fixture_turn(fixture, 0), 0);
}

static void close_other(struct probe *probe)
{
    if (probe->other->peer >= 0)
        probe_close(probe->other);
}

static void handler_may_remove_another_of_the_same_batch(void **state)
{
    struct fixture *fixture = *state;
    struct probe a, b;

    probe_open(&a, fixture->poller, CZ_POLL_IN);
    probe_open(&b, fixture->poller, CZ_POLL_IN);
    a.then = b.then = close_other;
    a.other = &b;
    b.other = &a;
    probe_feed(&a);
    probe_feed(&b);
    assert_int_equal(fixture_turn(fixture, -1), 2);
    /* Whichever came first has ended the other. */
    assert_int_equal(a.calls + b.calls, 1);
    assert_int_equal(cz_poller_count(fixture->poller), 1);
    probe_close(a.calls ? &a : &b);
}

/* Closes the other, and opens it again in the same slot. */
static void replace_other(struct probe *probe)
{
    struct probe *other = probe->other;

    if (other->calls)
        return;
    probe_close(other);
    probe_open(other, probe->poller, CZ_POLL_IN);
}

static void
replaced_registration_does_not_get_its_predecessors_event(void **state)
{
    struct fixture *fixture = *state;
    struct probe a, b;

    probe_open(&a, fixture->poller, CZ_POLL_IN);
    probe_open(&b, fixture->poller, CZ_POLL_IN);
    a.then = b.then = replace_other;
    a.other = &b;
    b.other = &a;
    probe_feed(&a);
    probe_feed(&b);
    assert_int_equal(fixture_turn(fixture, -1), 2);
    assert_int_equal(a.calls + b.calls, 1);
    probe_close(&a);
    probe_close(&b);
}

static void reused_descriptor_does_not_get_its_predecessors_event(void **state)
{
    struct fixture *fixture = *state;
    struct probe old, fresh;
    cz_poll_id id;
    int fd;

    probe_open(&old, fixture->poller, CZ_POLL_IN);
    probe_feed(&old);
    fixture_look(fixture, -1);
    assert_int_equal(fixture->batch.count, 1);
    id = old.id;
    fd = old.fd;
    probe_close(&old);
    probe_open(&fresh, fixture->poller, CZ_POLL_IN);
    assert_int_equal(fresh.fd, fd);
    assert_true(fresh.id != id);
    cz_poller_dispatch(fixture->poller, &fixture->batch);
    assert_int_equal(old.calls, 0);
    assert_int_equal(fresh.calls, 0);
    probe_feed(&fresh);
    fixture_turn(fixture, -1);
    assert_int_equal(fresh.calls, 1);
    probe_close(&fresh);
}

enum { CHILDREN = 40 };

struct parent {
    struct probe probe;
    struct probe children[CHILDREN];
};

static void open_children(struct probe *probe)
{
    struct parent *parent = cz_container_of(probe, struct parent, probe);

    probe_drain(probe);
    for (int i = 0; i < CHILDREN; i++) {
        probe_open(&parent->children[i], probe->poller, CZ_POLL_IN);
        probe_feed(&parent->children[i]);
    }
}

static void handler_may_add_many(void **state)
{
    struct fixture *fixture = *state;
    struct parent parent;

    probe_open(&parent.probe, fixture->poller, CZ_POLL_IN);
    parent.probe.then = open_children;
    probe_feed(&parent.probe);
    assert_int_equal(fixture_turn(fixture, -1), 1);
    assert_int_equal(cz_poller_count(fixture->poller), 1 + CHILDREN);
    assert_int_equal(fixture_turn(fixture, -1), CHILDREN);
    for (int i = 0; i < CHILDREN; i++) {
        assert_int_equal(parent.children[i].calls, 1);
        probe_close(&parent.children[i]);
    }
    probe_close(&parent.probe);
}

static void calls_for_an_ended_registration_are_harmless(void **state)
{
    struct fixture *fixture = *state;
    struct probe ended, fresh;

    probe_open(&ended, fixture->poller, CZ_POLL_IN);
    probe_close(&ended);
    cz_poller_remove(fixture->poller, ended.id);
    probe_open(&fresh, fixture->poller, 0);
    cz_poller_remove(fixture->poller, ended.id);
    cz_poller_remove(fixture->poller, 0);
    cz_poller_watch(fixture->poller, ended.id, CZ_POLL_OUT);
    cz_poller_watch(fixture->poller, 0, CZ_POLL_OUT);
    assert_int_equal(cz_poller_count(fixture->poller), 1);
    assert_int_equal(fixture_turn(fixture, 0), 0);
    assert_int_equal(fresh.calls, 0);
    probe_close(&fresh);
}

static void closed_number_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct cz_poll_handler handler = {.on_events = probe_on_events};
    cz_poll_id id;

    assert_int_equal(cz_poller_add(fixture->poller, -1, &handler, 0, &id),
                     -EBADF);
    assert_int_equal(cz_poller_count(fixture->poller), 0);
}

static void descriptor_closed_too_early_stops_nobody_else(void **state)
{
    struct fixture *fixture = *state;
    struct probe closed, healthy;

    probe_open(&closed, fixture->poller, CZ_POLL_IN);
    probe_open(&healthy, fixture->poller, CZ_POLL_IN);
    probe_feed(&healthy);
    close(closed.fd);
    cz_poller_watch(fixture->poller, closed.id, CZ_POLL_OUT);
    cz_poller_remove(fixture->poller, closed.id);
    close(closed.peer);
    assert_int_equal(fixture_turn(fixture, -1), 1);
    assert_int_equal(healthy.calls, 1);
    probe_close(&healthy);
}

static void
descriptor_closed_between_prepare_and_wait_does_no_harm(void **state)
{
    struct fixture *fixture = *state;
    struct probe closed, healthy;

    probe_open(&closed, fixture->poller, CZ_POLL_IN);
    probe_open(&healthy, fixture->poller, CZ_POLL_IN);
    cz_poller_prepare(fixture->poller);
    probe_close(&closed);
    assert_int_equal(cz_poller_wait(fixture->poller, &fixture->batch, 0), 0);
    cz_poller_dispatch(fixture->poller, &fixture->batch);
    assert_int_equal(closed.calls, 0);
    probe_feed(&healthy);
    assert_int_equal(fixture_turn(fixture, -1), 1);
    assert_int_equal(healthy.calls, 1);
    probe_close(&healthy);
}

static void wait_ends_when_its_time_is_over_and_not_before(void **state)
{
    const int64_t timeouts_us[] = {1, 300, 1000, 1500, 2000};
    struct fixture *fixture = *state;
    struct probe probe;

    probe_open(&probe, fixture->poller, CZ_POLL_IN);
    for (size_t i = 0; i < CZ_COUNT_OF(timeouts_us); i++) {
        uint64_t begin_ns = cz_clock_ns();

        assert_int_equal(fixture_turn(fixture, timeouts_us[i]), 0);
        assert_true(cz_clock_ns() - begin_ns >=
                    (uint64_t)timeouts_us[i] * 1000);
    }
    probe_close(&probe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(nothing_registered_means_nothing_ready),
        ON_EACH(readable_when_bytes_wait),
        ON_EACH(unread_bytes_are_reported_again),
        ON_EACH(writable_while_the_far_end_keeps_up),
        ON_EACH(both_directions_come_in_one_call),
        ON_EACH(hang_up_is_readable),
        ON_EACH(pipe_without_writers_is_readable),
        ON_EACH(hang_up_ends_a_wait_for_writing),
        /* A kqueue does not take it, see poller_kqueue.c. */
        ON(epoll, pipe_without_readers_is_writable),
        ON(poll, pipe_without_readers_is_writable),
        ON(select, pipe_without_readers_is_writable),
        ON(devpoll, pipe_without_readers_is_writable),
        ON(io_uring, pipe_without_readers_is_writable),
        ON_EACH(half_closed_far_end_does_not_disturb_a_wait_for_writing),
        ON_EACH(closed_descriptors_are_closed_after_the_next_look),
        ON_EACH(failed_descriptor_is_ready_for_what_it_watches),
        ON_EACH(without_interest_nothing_is_reported),
        ON_EACH(interest_can_be_switched_off_and_on),
        ON_EACH(change_of_interest_holds_for_the_batch_in_hand),
        ON_EACH(handler_may_remove_itself),
        ON_EACH(handler_may_remove_another_of_the_same_batch),
        ON_EACH(replaced_registration_does_not_get_its_predecessors_event),
        ON_EACH(reused_descriptor_does_not_get_its_predecessors_event),
        ON_EACH(handler_may_add_many),
        ON_EACH(calls_for_an_ended_registration_are_harmless),
        ON_EACH(closed_number_is_refused),
        ON_EACH(descriptor_closed_too_early_stops_nobody_else),
        ON_EACH(descriptor_closed_between_prepare_and_wait_does_no_harm),
        ON_EACH(wait_ends_when_its_time_is_over_and_not_before),
    };

    return BACKENDS_RUN(tests);
}
