/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Bells: one thread waits for many mailboxes and misses nothing, however it
 * sleeps; a bell serves one thread at a time, and contexts keep it.
 *
 * CTest: TIMEOUT 120
 * Thread: the one that waits is the main thread; helpers post. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "core/bell.h"
#include "core/ctx.h"
#include "core/mailbox.h"
#include "fuzz/check.h"
#include "os/clock.h"
#include "os/thread.h"

#include <errno.h>
#include <poll.h>

enum { PATIENCE_US = 30000000 };

static uint64_t patience(void)
{
    return cz_clock_us() + PATIENCE_US;
}

static void do_nothing(struct cz_command *command)
{
    (void)command;
}

static bool is_readable(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};

    return poll(&item, 1, 0) == 1;
}

/* ---- ringing -------------------------------------------------------- */

static void a_bell_rings_for_the_first_command_in_a_mailbox(void **state)
{
    struct cz_mailbox *mailbox = cz_mailbox_create(NULL);
    struct cz_bell *bell = cz_bell_create();
    struct cz_command one = {NULL, do_nothing};
    struct cz_command two = {NULL, do_nothing};

    (void)state;
    cz_mailbox_hang_bell(mailbox, bell);
    assert_ptr_equal(cz_mailbox_bell(mailbox), bell);
    cz_bell_listen(bell, CZ_BELL_PARKED);
    assert_true(cz_mailbox_is_still_empty(mailbox));
    assert_true(cz_mailbox_post(mailbox, &one));
    assert_false(cz_mailbox_is_still_empty(mailbox));
    assert_int_equal(atomic_load(&bell->state), CZ_BELL_SILENT);
    assert_int_equal(cz_bell_park(bell, CZ_CLOCK_NEVER), 0);
    /* Who looks now sees that there is something. */
    cz_bell_listen(bell, CZ_BELL_PARKED);
    assert_true(cz_mailbox_post(mailbox, &two));
    assert_int_equal(atomic_load(&bell->state), CZ_BELL_PARKED);
    cz_bell_ignore(bell);
    cz_mailbox_close(mailbox);
    cz_mailbox_unref(mailbox);
    cz_bell_unref(bell);
}

static void a_bell_that_was_taken_down_does_not_ring(void **state)
{
    struct cz_mailbox *mailbox = cz_mailbox_create(NULL);
    struct cz_bell *bell = cz_bell_create();
    struct cz_command one = {NULL, do_nothing};

    (void)state;
    cz_mailbox_hang_bell(mailbox, bell);
    cz_mailbox_hang_bell(mailbox, NULL);
    cz_bell_listen(bell, CZ_BELL_PARKED);
    assert_true(cz_mailbox_post(mailbox, &one));
    assert_int_equal(cz_bell_park(bell, cz_clock_us()), -ETIMEDOUT);
    cz_bell_ignore(bell);
    cz_mailbox_close(mailbox);
    cz_mailbox_unref(mailbox);
    cz_bell_unref(bell);
}

static void a_deadline_ends_the_sleep(void **state)
{
    struct cz_bell *bell = cz_bell_create();
    uint64_t deadline_us = cz_clock_us() + 2000;

    (void)state;
    cz_bell_listen(bell, CZ_BELL_PARKED);
    assert_int_equal(cz_bell_park(bell, deadline_us), -ETIMEDOUT);
    assert_true(cz_clock_us() >= deadline_us);
    cz_bell_unref(bell);
}

static void the_descriptor_is_readable_once_it_rang(void **state)
{
    struct cz_bell *bell = cz_bell_create();
    int fd = cz_bell_fd(bell);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(cz_bell_fd(bell), fd);
    cz_bell_ring(bell);
    assert_false(is_readable(fd));
    for (int round = 0; round < 3; round++) {
        cz_bell_listen(bell, CZ_BELL_POLLING);
        assert_false(is_readable(fd));
        cz_bell_ring(bell);
        assert_true(is_readable(fd));
        cz_bell_ring(bell);
        cz_bell_clear(bell);
        assert_false(is_readable(fd));
    }
    cz_bell_unref(bell);
}

/* ---- nothing is missed ---------------------------------------------- */

enum { BOXES = 3, ROUNDS = 20000 };

struct parcel {
    struct cz_command command;
    struct cz_mailbox *mailbox;
    struct cz_thread thread;
    unsigned runs; /* the owner's */
    _Atomic bool is_under_way;
};

static struct parcel parcels[BOXES];

static void parcel_run(struct cz_command *command)
{
    struct parcel *parcel = cz_container_of(command, struct parcel, command);

    parcel->runs++;
    atomic_store(&parcel->is_under_way, false);
}

static void post_rounds(void *arg)
{
    struct parcel *parcel = arg;

    for (unsigned round = 0; round < ROUNDS; round++) {
        while (atomic_load(&parcel->is_under_way))
            cz_thread_yield();
        atomic_store(&parcel->is_under_way, true);
        CHECK(cz_mailbox_post(parcel->mailbox, &parcel->command));
        if (round % 64 == 0)
            cz_thread_yield();
    }
}

static void parcels_start(struct cz_bell *bell)
{
    memset(parcels, 0, sizeof parcels);
    for (int i = 0; i < BOXES; i++) {
        struct parcel *parcel = &parcels[i];

        parcel->mailbox = cz_mailbox_create(NULL);
        parcel->command.run = parcel_run;
        cz_mailbox_hang_bell(parcel->mailbox, bell);
        assert_int_equal(
            cz_thread_start(&parcel->thread, NULL, post_rounds, parcel), 0);
    }
}

static bool parcels_have_arrived(void)
{
    for (int i = 0; i < BOXES; i++) {
        if (parcels[i].runs < ROUNDS)
            return false;
    }
    return true;
}

static void parcels_run(void)
{
    for (int i = 0; i < BOXES; i++)
        cz_mailbox_run(parcels[i].mailbox);
}

static bool boxes_are_empty(void)
{
    for (int i = 0; i < BOXES; i++) {
        if (!cz_mailbox_is_still_empty(parcels[i].mailbox))
            return false;
    }
    return true;
}

static void parcels_end(void)
{
    for (int i = 0; i < BOXES; i++) {
        cz_thread_join(&parcels[i].thread);
        cz_mailbox_unref(parcels[i].mailbox);
    }
}

static void who_sleeps_misses_nothing(void **state)
{
    struct cz_bell *bell = cz_bell_create();

    (void)state;
    parcels_start(bell);
    while (!parcels_have_arrived()) {
        cz_bell_listen(bell, CZ_BELL_PARKED);
        if (boxes_are_empty())
            assert_int_equal(cz_bell_park(bell, patience()), 0);
        cz_bell_ignore(bell);
        parcels_run();
    }
    parcels_end();
    cz_bell_unref(bell);
}

/* Sleeps and polls by turns: a late signal of one is nothing to the other. */
static void who_polls_misses_nothing(void **state)
{
    struct cz_bell *bell = cz_bell_create();
    struct pollfd item = {.fd = cz_bell_fd(bell), .events = POLLIN};

    (void)state;
    parcels_start(bell);
    for (unsigned turn = 0; !parcels_have_arrived(); turn++) {
        cz_bell_listen(bell, turn % 2 ? CZ_BELL_PARKED : CZ_BELL_POLLING);
        if (boxes_are_empty() && turn % 2)
            assert_int_equal(cz_bell_park(bell, patience()), 0);
        else if (boxes_are_empty())
            assert_int_equal(poll(&item, 1, PATIENCE_US / 1000), 1);
        cz_bell_ignore(bell);
        if (turn % 2 == 0)
            cz_bell_clear(bell);
        parcels_run();
    }
    parcels_end();
    cz_bell_unref(bell);
}

/* ---- who has it, and for how long ----------------------------------- */

static const struct cz_transport *const no_transports[] = {NULL};

static void a_bell_serves_one_thread_at_a_time(void **state)
{
    struct cz_ctx *ctx = cz_ctx_create(no_transports);
    struct cz_bell *one = cz_ctx_take_bell(ctx);
    struct cz_bell *two = cz_ctx_take_bell(ctx);

    (void)state;
    assert_non_null(one);
    assert_non_null(two);
    assert_ptr_not_equal(one, two);
    assert_false(cz_bell_try_take(one));
    cz_bell_leave(two);
    assert_ptr_equal(cz_ctx_take_bell(ctx), two);
    cz_bell_leave(one);
    cz_bell_leave(two);
    assert_true(cz_bell_try_take(one));
    assert_int_equal(ctx->bell_count, 2);
    assert_int_equal(cz_ctx_terminate(ctx), 0);
}

static void a_bell_lives_as_long_as_any_context_that_keeps_it(void **state)
{
    struct cz_ctx *first = cz_ctx_create(no_transports);
    struct cz_ctx *second = cz_ctx_create(no_transports);
    struct cz_bell *bell = cz_ctx_take_bell(first);

    (void)state;
    assert_int_equal(cz_ctx_keep_bell(first, bell), 0);
    assert_int_equal(first->bell_count, 1);
    assert_int_equal(cz_ctx_keep_bell(second, bell), 0);
    assert_int_equal(cz_ctx_keep_bell(second, bell), 0);
    assert_int_equal(second->bell_count, 1);
    cz_bell_leave(bell);
    assert_int_equal(cz_ctx_terminate(first), 0);
    assert_ptr_equal(cz_ctx_take_bell(second), bell);
    cz_bell_ring(bell);
    assert_int_equal(cz_ctx_terminate(second), 0);
}

static void without_memory_there_is_none(void **state)
{
    struct cz_ctx *ctx = cz_ctx_create(no_transports);
    struct cz_bell *bell = cz_bell_create();

    (void)state;
    for (uint64_t nth = 1; nth <= 2; nth++) {
        cz_alloc_fail_at(nth);
        assert_null(cz_ctx_take_bell(ctx));
    }
    cz_alloc_fail_at(1);
    assert_int_equal(cz_ctx_keep_bell(ctx, bell), -ENOMEM);
    cz_alloc_fail_at(0);
    assert_int_equal(ctx->bell_count, 0);
    cz_bell_unref(bell);
    assert_int_equal(cz_ctx_terminate(ctx), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bell_rings_for_the_first_command_in_a_mailbox),
        cmocka_unit_test(a_bell_that_was_taken_down_does_not_ring),
        cmocka_unit_test(a_deadline_ends_the_sleep),
        cmocka_unit_test(the_descriptor_is_readable_once_it_rang),
        cmocka_unit_test(who_sleeps_misses_nothing),
        cmocka_unit_test(who_polls_misses_nothing),
        cmocka_unit_test(a_bell_serves_one_thread_at_a_time),
        cmocka_unit_test(a_bell_lives_as_long_as_any_context_that_keeps_it),
        cmocka_unit_test(without_memory_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
