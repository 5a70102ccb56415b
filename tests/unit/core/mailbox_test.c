/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Mailboxes: every command runs once and in order, whoever waits is woken
 * however it waits, and the descriptor is readable exactly while something
 * is there.
 *
 * CTest: TIMEOUT 120
 * Thread: the owner is the main thread; helpers post. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "core/mailbox.h"
#include "fuzz/check.h"
#include "os/clock.h"
#include "os/thread.h"
#include "pest.h"

#include <errno.h>
#include <poll.h>

enum { PATIENCE_US = 30000000 };

struct errand {
    struct cz_command command;
    unsigned *log;
    unsigned number;
};

static uint64_t patience(void)
{
    return cz_clock_us() + PATIENCE_US;
}

static void errand_run(struct cz_command *command)
{
    struct errand *errand = cz_container_of(command, struct errand, command);

    *errand->log = *errand->log * 10 + errand->number;
}

static struct errand errand(unsigned *log, unsigned number)
{
    return (struct errand){{NULL, errand_run}, log, number};
}

static bool is_readable(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};

    return poll(&item, 1, 0) == 1;
}

static void commands_run_in_order(void **state)
{
    struct cz_mailbox *mailbox = cz_mailbox_create(NULL);
    unsigned log = 0;
    struct errand one = errand(&log, 1);
    struct errand two = errand(&log, 2);
    struct errand three = errand(&log, 3);

    (void)state;
    assert_true(cz_mailbox_is_empty(mailbox));
    assert_false(cz_mailbox_run(mailbox));
    assert_true(cz_mailbox_post(mailbox, &one.command));
    assert_true(cz_mailbox_post(mailbox, &two.command));
    assert_true(cz_mailbox_post(mailbox, &three.command));
    assert_false(cz_mailbox_is_empty(mailbox));
    assert_true(cz_mailbox_run(mailbox));
    assert_int_equal(log, 123);
    assert_false(cz_mailbox_run(mailbox));
    cz_mailbox_unref(mailbox);
}

struct echo {
    struct cz_command command;
    struct cz_mailbox *mailbox;
    unsigned runs;
};

static void echo_run(struct cz_command *command)
{
    struct echo *echo = cz_container_of(command, struct echo, command);

    echo->runs++;
    assert_true(cz_mailbox_post(echo->mailbox, command));
}

static void a_command_may_be_posted_again_by_itself(void **state)
{
    struct cz_mailbox *mailbox = cz_mailbox_create(NULL);
    struct echo echo = {{NULL, echo_run}, mailbox, 0};

    (void)state;
    assert_true(cz_mailbox_post(mailbox, &echo.command));
    for (unsigned i = 1; i < 10; i++) {
        assert_true(cz_mailbox_run(mailbox));
        assert_int_equal(echo.runs, i);
    }
    cz_mailbox_unref(mailbox);
}

static void a_closed_mailbox_runs_what_it_has_and_refuses_the_rest(void **state)
{
    struct cz_mailbox *mailbox = cz_mailbox_create(NULL);
    unsigned log = 0;
    struct errand one = errand(&log, 1);
    struct errand two = errand(&log, 2);
    struct errand three = errand(&log, 3);

    (void)state;
    assert_true(cz_mailbox_post(mailbox, &one.command));
    assert_true(cz_mailbox_post(mailbox, &two.command));
    cz_mailbox_ref(mailbox);
    cz_mailbox_close(mailbox);
    assert_int_equal(log, 12);
    assert_false(cz_mailbox_post(mailbox, &three.command));
    cz_mailbox_unref(mailbox);
    assert_false(cz_mailbox_post(mailbox, &three.command));
    cz_mailbox_unref(mailbox);
    assert_int_equal(log, 12);
}

static void a_mailbox_without_memory_is_none(void **state)
{
    (void)state;
    cz_alloc_fail_at(1);
    assert_null(cz_mailbox_create(NULL));
    cz_alloc_fail_at(0);
}

/* ---- waiting -------------------------------------------------------- */

static void nobody_waits_with_something_there(void **state)
{
    struct cz_mailbox *mailbox = cz_mailbox_create(NULL);
    struct cz_waker waker;
    unsigned log = 0;
    struct errand one = errand(&log, 1);

    (void)state;
    assert_int_equal(cz_waker_init(&waker), 0);
    assert_true(cz_mailbox_post(mailbox, &one.command));
    assert_false(cz_mailbox_arm(mailbox, CZ_MAILBOX_PARKED, NULL));
    assert_false(cz_mailbox_arm(mailbox, CZ_MAILBOX_IN_LOOP, &waker));
    assert_int_equal(cz_mailbox_park(mailbox, CZ_CLOCK_NEVER), 0);
    assert_int_equal(cz_mailbox_park(mailbox, 0), 0);
    assert_true(cz_mailbox_run(mailbox));
    assert_true(cz_mailbox_arm(mailbox, CZ_MAILBOX_IN_LOOP, &waker));
    assert_false(is_readable(waker.fd));
    assert_true(cz_mailbox_post(mailbox, &one.command));
    assert_true(is_readable(waker.fd));
    cz_mailbox_awake(mailbox);
    cz_mailbox_close(mailbox);
    cz_mailbox_unref(mailbox);
    cz_waker_fini(&waker);
}

/* It took the state of a wait in a loop, and signals only when the owner is
 * parked already. */
static void a_late_writer_still_finds_a_waker(void **state)
{
    struct cz_mailbox *mailbox = cz_mailbox_create(NULL);
    struct cz_waker waker = {.fd = -1};

    (void)state;
    assert_true(cz_mailbox_arm(mailbox, CZ_MAILBOX_IN_LOOP, &waker));
    cz_mailbox_awake(mailbox);
    assert_true(cz_mailbox_arm(mailbox, CZ_MAILBOX_PARKED, NULL));
    assert_ptr_equal(atomic_load(&mailbox->loop_waker), &waker);
    cz_mailbox_awake(mailbox);
    cz_mailbox_unref(mailbox);
}

static void a_deadline_ends_the_park(void **state)
{
    struct cz_mailbox *mailbox = cz_mailbox_create(NULL);
    uint64_t deadline_us = cz_clock_us() + 2000;

    (void)state;
    assert_int_equal(cz_mailbox_park(mailbox, deadline_us), -ETIMEDOUT);
    assert_true(cz_clock_us() >= deadline_us);
    cz_mailbox_unref(mailbox);
}

static void a_signal_ends_the_park(void **state)
{
    struct cz_mailbox *mailbox = cz_mailbox_create(NULL);
    struct pest pest;

    (void)state;
    pest_begin(&pest);
    assert_int_equal(cz_mailbox_park(mailbox, patience()), -EINTR);
    pest_end(&pest);
    cz_mailbox_unref(mailbox);
}

/* ---- many writers --------------------------------------------------- */

enum { POSTERS = 3, BURST_MAX = 8, ROUNDS = 20000 };

struct parcel {
    struct cz_command command;
    struct poster *poster;
    unsigned number;
    _Atomic bool is_under_way;
};

struct poster {
    struct cz_mailbox *mailbox;
    struct cz_thread thread;
    struct parcel parcels[BURST_MAX];
    unsigned run_count; /* the owner's */
};

static void parcel_run(struct cz_command *command)
{
    struct parcel *parcel = cz_container_of(command, struct parcel, command);

    CHECK(parcel->number == parcel->poster->run_count);
    parcel->poster->run_count++;
    atomic_store(&parcel->is_under_way, false);
}

static void post_rounds(void *arg)
{
    struct poster *poster = arg;

    for (unsigned number = 0; number < ROUNDS; number++) {
        struct parcel *parcel = &poster->parcels[number % BURST_MAX];

        while (atomic_load(&parcel->is_under_way))
            cz_thread_yield();
        atomic_store(&parcel->is_under_way, true);
        parcel->command.run = parcel_run;
        parcel->poster = poster;
        parcel->number = number;
        CHECK(cz_mailbox_post(poster->mailbox, &parcel->command));
        if (number % 64 == 0)
            cz_thread_yield();
    }
}

static struct poster posters[POSTERS];

static void posters_start(struct cz_mailbox *mailbox)
{
    memset(posters, 0, sizeof posters);
    for (int i = 0; i < POSTERS; i++) {
        posters[i].mailbox = mailbox;
        assert_int_equal(
            cz_thread_start(&posters[i].thread, NULL, post_rounds, &posters[i]),
            0);
    }
}

static void posters_join(void)
{
    for (int i = 0; i < POSTERS; i++)
        cz_thread_join(&posters[i].thread);
}

static bool posters_have_finished(void)
{
    for (int i = 0; i < POSTERS; i++) {
        if (posters[i].run_count < ROUNDS)
            return false;
    }
    return true;
}

static void a_parked_owner_misses_nothing(void **state)
{
    struct cz_mailbox *mailbox = cz_mailbox_create(NULL);

    (void)state;
    posters_start(mailbox);
    while (!posters_have_finished()) {
        assert_int_equal(cz_mailbox_park(mailbox, patience()), 0);
        cz_mailbox_run(mailbox);
    }
    posters_join();
    assert_false(cz_mailbox_run(mailbox));
    cz_mailbox_unref(mailbox);
}

/* Parks and waits in a loop by turns: a writer that saw one finds the
 * other. */
static void an_owner_that_waits_in_a_loop_misses_nothing(void **state)
{
    struct cz_mailbox *mailbox = cz_mailbox_create(NULL);
    struct cz_waker waker;

    (void)state;
    assert_int_equal(cz_waker_init(&waker), 0);
    posters_start(mailbox);
    for (unsigned turn = 0; !posters_have_finished(); turn++) {
        if (turn % 2) {
            assert_int_equal(cz_mailbox_park(mailbox, patience()), 0);
        } else if (cz_mailbox_arm(mailbox, CZ_MAILBOX_IN_LOOP, &waker)) {
            struct pollfd item = {.fd = waker.fd, .events = POLLIN};

            assert_int_equal(poll(&item, 1, PATIENCE_US / 1000), 1);
            cz_waker_clear(&waker);
            cz_mailbox_awake(mailbox);
        }
        cz_mailbox_run(mailbox);
    }
    posters_join();
    cz_mailbox_unref(mailbox);
    cz_waker_fini(&waker);
}

/* ---- the descriptor ------------------------------------------------- */

static void the_descriptor_is_readable_while_something_is_there(void **state)
{
    struct cz_mailbox *mailbox = cz_mailbox_create(NULL);
    unsigned log = 0;
    struct errand one = errand(&log, 1);
    struct errand two = errand(&log, 2);
    int fd;

    (void)state;
    assert_true(cz_mailbox_post(mailbox, &one.command));
    fd = cz_mailbox_fd(mailbox);
    assert_true(fd >= 0);
    assert_int_equal(cz_mailbox_fd(mailbox), fd);
    for (int round = 0; round < 3; round++) {
        assert_true(is_readable(fd));
        assert_true(cz_mailbox_post(mailbox, &two.command));
        assert_true(is_readable(fd));
        assert_true(cz_mailbox_run(mailbox));
        assert_false(is_readable(fd));
        assert_false(cz_mailbox_run(mailbox));
        assert_false(is_readable(fd));
        assert_true(cz_mailbox_post(mailbox, &one.command));
    }
    cz_mailbox_close(mailbox);
    cz_mailbox_unref(mailbox);
}

static void whoever_polls_the_descriptor_misses_nothing(void **state)
{
    struct cz_mailbox *mailbox = cz_mailbox_create(NULL);
    struct pollfd item = {.fd = cz_mailbox_fd(mailbox), .events = POLLIN};

    (void)state;
    posters_start(mailbox);
    while (!posters_have_finished()) {
        assert_int_equal(poll(&item, 1, PATIENCE_US / 1000), 1);
        cz_mailbox_run(mailbox);
    }
    posters_join();
    /* A last signal may have come after its command had run, and one more
     * look ends it. */
    assert_false(cz_mailbox_run(mailbox));
    assert_false(is_readable(item.fd));
    cz_mailbox_unref(mailbox);
}

/* One command a round, run as soon as it is there: often between the two
 * halves of its signal. */
struct game {
    struct cz_mailbox *mailbox;
    struct errand errand;
    unsigned log;
    _Atomic unsigned wanted;
    _Atomic unsigned posted;
};

static void play_rounds(void *arg)
{
    struct game *game = arg;

    for (unsigned round = 1; round <= ROUNDS; round++) {
        while (atomic_load(&game->wanted) < round)
            cz_thread_yield();
        CHECK(cz_mailbox_post(game->mailbox, &game->errand.command));
        atomic_store(&game->posted, round);
    }
}

static void the_descriptor_is_never_left_readable(void **state)
{
    struct game game = {.mailbox = cz_mailbox_create(NULL)};
    int fd = cz_mailbox_fd(game.mailbox);
    struct cz_thread thread = {0};

    (void)state;
    game.errand = errand(&game.log, 0);
    assert_int_equal(cz_thread_start(&thread, NULL, play_rounds, &game), 0);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        atomic_store(&game.wanted, round);
        while (!cz_mailbox_run(game.mailbox))
            cz_thread_yield();
        while (atomic_load(&game.posted) < round)
            cz_thread_yield();
        assert_false(cz_mailbox_run(game.mailbox));
        assert_false(is_readable(fd));
    }
    cz_thread_join(&thread);
    cz_mailbox_unref(game.mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_run_in_order),
        cmocka_unit_test(a_command_may_be_posted_again_by_itself),
        cmocka_unit_test(
            a_closed_mailbox_runs_what_it_has_and_refuses_the_rest),
        cmocka_unit_test(a_mailbox_without_memory_is_none),
        cmocka_unit_test(nobody_waits_with_something_there),
        cmocka_unit_test(a_late_writer_still_finds_a_waker),
        cmocka_unit_test(a_deadline_ends_the_park),
        cmocka_unit_test(a_signal_ends_the_park),
        cmocka_unit_test(a_parked_owner_misses_nothing),
        cmocka_unit_test(an_owner_that_waits_in_a_loop_misses_nothing),
        cmocka_unit_test(the_descriptor_is_readable_while_something_is_there),
        cmocka_unit_test(whoever_polls_the_descriptor_misses_nothing),
        cmocka_unit_test(the_descriptor_is_never_left_readable),
    };

    return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
