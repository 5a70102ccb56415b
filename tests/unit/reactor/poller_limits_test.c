/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The poller with many descriptors, with too few, without memory and on a
 * kernel that refuses: on every back-end where it makes sense.
 *
 * Thread: one; some tests run in a child process of their own.
 */
#include "unit/reactor/poller_fixture.h"

#include "common/forbid.h"
#include "os/poll.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
    CROWD = 1000,
    CROWD_TURNS = (CROWD + CZ_POLL_BATCH_MAX - 1) / CZ_POLL_BATCH_MAX
};

struct crowd {
    struct cz_waker wakers[CROWD];
    struct probe probes[CROWD];
};

static struct crowd *crowd_open(struct cz_poller *poller)
{
    struct rlimit limit;
    struct crowd *crowd = test_calloc(1, sizeof *crowd);

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < CROWD + 20) {
        limit.rlim_cur = CROWD + 20;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(cz_waker_init(&crowd->wakers[i]), 0);
        probe_add(&crowd->probes[i], poller, crowd->wakers[i].fd);
        cz_poller_watch(poller, crowd->probes[i].id, CZ_POLL_IN);
    }
    return crowd;
}

static void crowd_close(struct crowd *crowd)
{
    for (int i = 0; i < CROWD; i++) {
        cz_poller_remove(crowd->probes[i].poller, crowd->probes[i].id);
        cz_waker_fini(&crowd->wakers[i]);
    }
    test_free(crowd);
}

static void of_many_exactly_the_ready_ones_are_served(void **state)
{
    struct fixture *fixture = *state;
    struct crowd *crowd = crowd_open(fixture->poller);

    for (int i = 7; i < CROWD; i += 100)
        cz_waker_signal(&crowd->wakers[i]);
    assert_int_equal(fixture_turn(fixture, -1), 10);
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(crowd->probes[i].calls, i % 100 == 7);
    crowd_close(crowd);
}

static void what_does_not_fit_a_batch_comes_first_in_the_next(void **state)
{
    struct fixture *fixture = *state;
    struct crowd *crowd = crowd_open(fixture->poller);

    for (int i = 0; i < CROWD; i++)
        cz_waker_signal(&crowd->wakers[i]);
    /* All stay ready, and all are served before any is for a third time. */
    for (int round = 1; round <= 3; round++) {
        for (int turn = 0; turn < CROWD_TURNS; turn++)
            assert_int_equal(fixture_turn(fixture, -1), CZ_POLL_BATCH_MAX);
        for (int i = 0; i < CROWD; i++)
            assert_in_range(crowd->probes[i].calls, round, round + 1);
    }
    crowd_close(crowd);
}

static void nobody_starves_while_others_come_and_go(void **state)
{
    struct fixture *fixture = *state;
    struct crowd *crowd = crowd_open(fixture->poller);

    for (int i = 0; i < CROWD; i++)
        cz_waker_signal(&crowd->wakers[i]);
    for (int turn = 0; turn < 2 * CROWD_TURNS; turn++) {
        struct probe *probe = &crowd->probes[turn * 100];

        fixture_turn(fixture, -1);
        cz_poller_remove(fixture->poller, probe->id);
        probe_add(probe, fixture->poller, probe->fd);
        cz_poller_watch(fixture->poller, probe->id, CZ_POLL_IN);
    }
    for (int i = 0; i < CROWD; i++)
        assert_true(crowd->probes[i].calls > 0 || i % 100 == 0);
    crowd_close(crowd);
}

static void descriptor_beyond_fd_setsize_is_refused_by_select_only(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit before, limit;
    struct probe probe = {.handler.on_events = probe_on_events};
    struct cz_waker waker;
    cz_poll_id id;
    int fd, rc;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = before;
    limit.rlim_cur = FD_SETSIZE + 20;
    if (limit.rlim_max < limit.rlim_cur)
        skip();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(cz_waker_init(&waker), 0);
    cz_waker_signal(&waker);
    fd = fcntl(waker.fd, F_DUPFD, FD_SETSIZE);
    assert_true(fd >= FD_SETSIZE);
    rc = cz_poller_add(fixture->poller, fd, &probe.handler, 0, &id);
    if (fixture_is(fixture, "select")) {
        assert_int_equal(rc, -EMFILE);
        assert_int_equal(cz_poller_count(fixture->poller), 0);
    } else {
        assert_int_equal(rc, 0);
        cz_poller_watch(fixture->poller, id, CZ_POLL_IN);
        fixture_turn(fixture, -1);
        assert_int_equal(probe.calls, 1);
        cz_poller_remove(fixture->poller, id);
    }
    close(fd);
    cz_waker_fini(&waker);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void wait_that_the_kernel_refuses_is_a_nap(void **state)
{
    struct rlimit before, limit;
    struct fixture *fixture = *state;
    struct probe probes[3];
    uint64_t begin_ns;

    for (int i = 0; i < 3; i++)
        probe_open(&probes[i], fixture->poller, CZ_POLL_IN);
    probe_feed(&probes[2]);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = before;
    limit.rlim_cur = 2;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    begin_ns = cz_clock_ns();
    assert_int_equal(fixture_turn(fixture, -1), 0);
    assert_true(cz_clock_ns() - begin_ns >= 1000 * 1000);
    assert_int_equal(fixture_turn(fixture, 0), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(fixture_turn(fixture, -1), 1);
    assert_int_equal(probes[2].calls, 1);
    for (int i = 0; i < 3; i++)
        probe_close(&probes[i]);
}

static void creation_without_memory_fails_cleanly(void **state)
{
    const struct fixture *fixture = *state;
    struct cz_poller *poller = NULL;
    uint64_t nth = 0;
    int rc;

    do {
        cz_alloc_fail_at(++nth);
        rc = cz_poller_create(fixture->backend, &poller);
        assert_true(rc == 0 || (rc == -ENOMEM && !poller));
    } while (rc < 0);
    cz_alloc_fail_at(0);
    assert_true(nth > 2);
    cz_poller_destroy(poller);
}

enum { ADDED = 40 };

/* Adds probes that are readable, the nth allocation failing; how many were
 * refused. */
static int add_all(struct fixture *fixture, struct probe *probes, uint64_t nth)
{
    int refused = 0;

    cz_alloc_fail_at(nth);
    for (int i = 0; i < ADDED; i++) {
        int rc = cz_poller_add(fixture->poller, probes[i].fd,
                               &probes[i].handler, 0, &probes[i].id);

        if (rc < 0) {
            assert_int_equal(rc, -ENOMEM);
            assert_true(probes[i].id == 0);
            refused++;
        }
        /* Harmless for the refused one; and never in need of memory. */
        cz_poller_watch(fixture->poller, probes[i].id, CZ_POLL_IN);
    }
    return refused;
}

static void addition_without_memory_harms_nobody_else(void **state)
{
    struct fixture *fixture = *state;
    struct probe probes[ADDED];
    uint64_t nth = 0;
    int refused;

    for (int i = 0; i < ADDED; i++) {
        probe_open(&probes[i], fixture->poller, 0);
        probe_feed(&probes[i]);
        cz_poller_remove(fixture->poller, probes[i].id);
    }
    do {
        cz_poller_destroy(fixture->poller);
        assert_int_equal(cz_poller_create(fixture->backend, &fixture->poller),
                         0);
        for (int i = 0; i < ADDED; i++) {
            probe_forget(&probes[i]);
            probes[i].id = 0;
        }
        refused = add_all(fixture, probes, ++nth);
        assert_int_equal(cz_poller_count(fixture->poller), ADDED - refused);
        assert_int_equal(fixture_turn(fixture, -1), ADDED - refused);
        for (int i = 0; i < ADDED; i++)
            assert_int_equal(probes[i].calls, probes[i].id != 0);
    } while (refused > 0);
    cz_alloc_fail_at(0);
    assert_true(nth > 2);
    for (int i = 0; i < ADDED; i++) {
        probes[i].poller = fixture->poller;
        probe_close(&probes[i]);
    }
}

static void turns_without_memory_go_on(void **state)
{
    struct fixture *fixture = *state;
    struct crowd *crowd;
    struct probe probe;

    probe_open(&probe, fixture->poller, CZ_POLL_IN);
    probe_feed(&probe);
    crowd = crowd_open(fixture->poller);
    assert_int_equal(fixture_turn(fixture, -1), 1);
    crowd_close(crowd);
    /* Now the poller would like to give back its growth. */
    cz_alloc_fail_at(1);
    assert_int_equal(fixture_turn(fixture, -1), 1);
    assert_int_equal(cz_alloc_calls() > 0, !fixture_is(fixture, "epoll") &&
                                               !fixture_is(fixture, "kqueue"));
    cz_alloc_fail_at(0);
    assert_int_equal(fixture_turn(fixture, -1), 1);
    assert_int_equal(probe.calls, 3);
    probe_close(&probe);
}

static void unknown_name_is_refused(void **state)
{
    struct cz_poller *poller = NULL;

    (void)state;
    assert_int_equal(cz_poller_create("epol", &poller), -EINVAL);
    assert_int_equal(cz_poller_create("EPOLL", &poller), -EINVAL);
    assert_null(poller);
}

static void best_one_is_taken_without_a_name(void **state)
{
    const char *names[] = {NULL, ""};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct cz_poller *poller;

        assert_int_equal(cz_poller_create(names[i], &poller), 0);
        assert_string_equal(cz_poller_backend(poller), "epoll");
        assert_true(cz_poller_is_live(poller));
        cz_poller_destroy(poller);
    }
}

static void destroying_no_poller_is_harmless(void **state)
{
    (void)state;
    cz_poller_destroy(NULL);
}

/* 0 if `expected` is what one gets instead of the refused one. */
static int create_refused(const char *name, const char *refused,
                          const char *expected)
{
    struct cz_poller *poller;
    int rc = 0;

    if (cz_poller_create(name, &poller) != 0)
        return 1;
    if (strcmp(cz_poller_backend(poller), expected) != 0)
        rc = 2;
    else if (!cz_poller_refused(poller) ||
             strcmp(cz_poller_refused(poller), refused) != 0)
        rc = 3;
    cz_poller_destroy(poller);
    return rc;
}

static int create_without_epoll(uint32_t error)
{
    int rc;

    if (!forbid(SYS_epoll_create1, error))
        return CHILD_CANNOT_FORBID;
    rc = create_refused(NULL, "epoll", cz_poller_name(1));
    return rc ? rc : create_refused("epoll", "epoll", cz_poller_name(1));
}

static int create_where_epoll_is_unknown(void)
{
    return create_without_epoll(ENOSYS);
}

static int create_where_epoll_is_forbidden(void)
{
    return create_without_epoll(EPERM);
}

static int create_without_uring(uint32_t error)
{
    struct cz_poller *poller;
    int rc;

    if (!forbid(SYS_io_uring_setup, error))
        return CHILD_CANNOT_FORBID;
    rc = create_refused("io_uring", "io_uring", cz_poller_default(NULL));
    if (rc != 0 || cz_poller_create(NULL, &poller) != 0)
        return rc ? rc : 4;
    /* Who does not ask for it does not hear of it. */
    rc = cz_poller_refused(poller) ? 5 : 0;
    cz_poller_destroy(poller);
    return rc;
}

/* A kernel that is too old to know rings, and one too old to know ours. */
static int create_where_uring_is_unknown(void)
{
    return create_without_uring(ENOSYS);
}

static int create_where_uring_is_too_old(void)
{
    return create_without_uring(EINVAL);
}

static int create_where_uring_is_forbidden(void)
{
    return create_without_uring(EPERM);
}

static void refused_in_child(int (*run)(void))
{
    int rc = in_child(run);

    if (rc == CHILD_CANNOT_FORBID)
        skip();
    assert_int_equal(rc, 0);
}

static void back_end_that_the_kernel_refuses_falls_through(void **state)
{
    (void)state;
    refused_in_child(create_where_epoll_is_unknown);
    refused_in_child(create_where_epoll_is_forbidden);
}

static void refused_ring_falls_back_to_the_default(void **state)
{
    (void)state;
    if (!cz_poller_is_known("io_uring"))
        skip();
    refused_in_child(create_where_uring_is_unknown);
    refused_in_child(create_where_uring_is_too_old);
    refused_in_child(create_where_uring_is_forbidden);
}

static void back_ends_have_names(void **state)
{
    size_t count = 0;

    (void)state;
    while (cz_poller_name(count)) {
        assert_true(cz_poller_is_known(cz_poller_name(count)));
        count++;
    }
    assert_true(count >= 3);
    assert_null(cz_poller_name(count + 1));
    assert_string_equal(cz_poller_name(0), cz_poller_default(NULL));
}

static int create_without_descriptors(void)
{
    const struct rlimit limit = {0};
    struct cz_poller *poller;

    setrlimit(RLIMIT_NOFILE, &limit);
    if (cz_poller_create("epoll", &poller) != -EMFILE)
        return 1;
    if (cz_poller_create(NULL, &poller) != -EMFILE)
        return 2;
    /* The others need none. */
    if (cz_poller_create("poll", &poller) != 0)
        return 3;
    cz_poller_destroy(poller);
    return 0;
}

static void lack_of_descriptors_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(in_child(create_without_descriptors), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(of_many_exactly_the_ready_ones_are_served),
        ON_EACH(what_does_not_fit_a_batch_comes_first_in_the_next),
        ON_EACH(nobody_starves_while_others_come_and_go),
        ON_EACH(descriptor_beyond_fd_setsize_is_refused_by_select_only),
        ON(poll, wait_that_the_kernel_refuses_is_a_nap),
        ON_EACH(creation_without_memory_fails_cleanly),
        ON(poll, addition_without_memory_harms_nobody_else),
        ON(select, addition_without_memory_harms_nobody_else),
        ON(epoll, addition_without_memory_harms_nobody_else),
        ON(kqueue, addition_without_memory_harms_nobody_else),
        ON(devpoll, addition_without_memory_harms_nobody_else),
        ON(io_uring, addition_without_memory_harms_nobody_else),
        ON_EACH(turns_without_memory_go_on),
        cmocka_unit_test(unknown_name_is_refused),
        cmocka_unit_test(best_one_is_taken_without_a_name),
        cmocka_unit_test(destroying_no_poller_is_harmless),
        cmocka_unit_test(back_ends_have_names),
        cmocka_unit_test(back_end_that_the_kernel_refuses_falls_through),
        cmocka_unit_test(refused_ring_falls_back_to_the_default),
        cmocka_unit_test(lack_of_descriptors_is_an_error),
    };

    return BACKENDS_RUN(tests);
}
