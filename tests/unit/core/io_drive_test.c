/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Driving: an application thread that takes the place of an I/O thread for a
 * while reads its descriptors, stops when it should, hinders nobody, and
 * leaves nothing undone. Each claim for each back-end of the reactor.
 *
 * CTest: TIMEOUT 120
 * Thread: the main thread is the application. Owns: nothing.
 */
#include "io_scene.h"
#include "pest.h"

/* ---- how a drive ends ----------------------------------------------- */

static void post_to_application(void *arg)
{
    struct watched *w = arg;

    CHECK(cz_mailbox_post(w->scene->mailbox, &w->reply.command));
}

static void a_drive_ends_with_a_command_from_elsewhere(void **state)
{
    struct scene *scene = *state;
    struct watched w = {.scene = scene, .reply = errand()};

    for (uint32_t i = 1; i <= 100; i++) {
        struct cz_thread thread = {0};

        assert_int_equal(
            cz_thread_start(&thread, NULL, post_to_application, &w), 0);
        assert_int_equal(drive(scene, patience(), 0), 0);
        assert_true(cz_mailbox_run(scene->mailbox));
        assert_int_equal(atomic_load(&w.reply.event.count), i);
        cz_thread_join(&thread);
    }
    assert_true(cz_mailbox_post(scene->mailbox, &w.reply.command));
    assert_int_equal(drive(scene, 0, 0), 0);
    cz_mailbox_run(scene->mailbox);
}

static void a_drive_ends_at_its_deadline(void **state)
{
    struct scene *scene = *state;
    uint64_t deadline_us = cz_clock_us() + 3000;

    assert_int_equal(drive(scene, deadline_us, 500), -ETIMEDOUT);
    assert_true(cz_clock_us() >= deadline_us);
}

static void a_drive_says_whether_one_look_was_enough(void **state)
{
    struct scene *scene = *state;
    struct errand reply = errand();
    bool at_once = true;

    assert_int_equal(cz_io_drive(scene->io, scene->mailbox,
                                 cz_clock_us() + 1000, 500, &at_once),
                     -ETIMEDOUT);
    assert_false(at_once);
    assert_true(cz_mailbox_post(scene->mailbox, &reply.command));
    assert_int_equal(
        cz_io_drive(scene->io, scene->mailbox, patience(), 500, &at_once), 0);
    assert_true(at_once);
    cz_mailbox_run(scene->mailbox);
}

static void a_signal_ends_a_drive(void **state)
{
    struct scene *scene = *state;
    struct pest pest;

    pest_begin(&pest);
    assert_int_equal(drive(scene, patience(), 0), -EINTR);
    pest_end(&pest);
}

struct rival {
    struct scene *scene;
    struct cz_mailbox *mailbox;
    struct errand greeting;
    struct cz_thread thread;
};

static void rival_main(void *arg)
{
    struct rival *rival = arg;

    for (int i = 0; i < 200 / SCALE; i++) {
        bool at_once;
        int rc = cz_io_drive(rival->scene->io, rival->mailbox, patience(), 0,
                             &at_once);

        CHECK(rc == 0);
        cz_mailbox_run(rival->mailbox);
        CHECK(cz_mailbox_post(rival->scene->mailbox, &rival->greeting.command));
    }
}

/* Each wakes the other; only one of them can drive. */
static void two_drivers_do_not_hinder_each_other(void **state)
{
    struct scene *scene = *state;
    struct rival rival = {.scene = scene, .greeting = errand()};
    struct errand greeting = errand();
    uint32_t answered = 0;

    rival.mailbox = cz_mailbox_create(NULL);
    assert_int_equal(cz_thread_start(&rival.thread, NULL, rival_main, &rival),
                     0);
    for (uint32_t i = 1; i <= 200 / SCALE; i++) {
        assert_true(cz_mailbox_post(rival.mailbox, &greeting.command));
        while (answered < i) {
            assert_int_equal(drive(scene, patience(), 0), 0);
            cz_mailbox_run(scene->mailbox);
            answered = atomic_load(&rival.greeting.event.count);
        }
        event_await(&greeting.event, i);
    }
    cz_thread_join(&rival.thread);
    cz_mailbox_unref(rival.mailbox);
}

/* ---- what a driver does, and what it leaves ------------------------- */

static void a_driver_does_its_own_reading(void **state)
{
    struct scene *scene = *state;
    struct watched w;

    watched_open(&w, scene);
    w.has_reply = true;
    for (uint32_t i = 1; i <= 300; i++) {
        /* Driven from here on, and nobody takes over so soon. */
        while (drive(scene, cz_clock_us(), 0) != -ETIMEDOUT)
            continue;
        watched_poke(&w);
        assert_int_equal(drive(scene, patience(), i % 3 ? 0 : 50), 0);
        assert_true(cz_mailbox_run(scene->mailbox));
        assert_int_equal(atomic_load(&w.reply.event.count), i);
    }
    watched_close(&w);
}

static void the_thread_takes_over_from_a_driver_that_stays_away(void **state)
{
    struct scene *scene = *state;
    struct watched w;

    watched_open(&w, scene);
    for (uint32_t i = 1; i <= 10; i++) {
        assert_int_equal(drive(scene, cz_clock_us(), 0), -ETIMEDOUT);
        if (i % 2)
            cz_io_resume(scene->io);
        watched_poke(&w);
        event_await(&w.event, i);
        assert_true(atomic_load(&w.event.thread) != cz_thread_self());
    }
    watched_close(&w);
}

static void a_look_finds_what_has_come(void **state)
{
    struct scene *scene = *state;
    struct watched w;

    watched_open(&w, scene);
    for (uint32_t i = 1; i <= 100; i++) {
        assert_int_equal(drive(scene, cz_clock_us(), 0), -ETIMEDOUT);
        watched_poke(&w);
        cz_io_look(scene->io);
        event_await(&w.event, i);
    }
    watched_close(&w);
}

/* The driver leaves and never comes back. */
static void commands_run_after_the_driver_has_left(void **state)
{
    struct scene *scene = *state;
    struct errand soon = errand();

    for (uint32_t i = 1; i <= 50; i++) {
        assert_int_equal(drive(scene, cz_clock_us(), 0), -ETIMEDOUT);
        cz_io_post(scene->io, &soon.command, CZ_IO_SOON);
        event_await(&soon.event, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH_DRIVABLE(a_drive_ends_with_a_command_from_elsewhere),
        ON_EACH_DRIVABLE(a_drive_ends_at_its_deadline),
        ON_EACH_DRIVABLE(a_drive_says_whether_one_look_was_enough),
        ON_EACH_DRIVABLE(a_signal_ends_a_drive),
        ON_EACH_DRIVABLE(two_drivers_do_not_hinder_each_other),
        ON_EACH_DRIVABLE(a_driver_does_its_own_reading),
        ON_EACH_DRIVABLE(the_thread_takes_over_from_a_driver_that_stays_away),
        ON_EACH_DRIVABLE(a_look_finds_what_has_come),
        ON_EACH_DRIVABLE(commands_run_after_the_driver_has_left),
    };

    return BACKENDS_RUN(tests);
}
