/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The helm of an I/O thread: commands run once and never two at a time, whoever
 * posts and whoever is at the helm. Each claim for each back-end of the
 * reactor.
 *
 * CTest: TIMEOUT 120
 * Thread: the main thread is the application. Owns: nothing.
 */
#include "io_scene.h"

/* ---- commands ------------------------------------------------------- */

static void commands_run_soon(void **state)
{
    struct scene *scene = *state;
    struct errand soon = errand();

    for (uint32_t i = 1; i <= 500 / SCALE; i++) {
        cz_io_post(scene->io, &soon.command, CZ_IO_SOON);
        event_await(&soon.event, i);
        assert_true(atomic_load(&soon.event.thread) != cz_thread_self());
    }
}

static void commands_run_now(void **state)
{
    struct scene *scene = *state;
    struct errand now = errand();
    uint32_t here = 0;

    for (uint32_t i = 1; i <= 500; i++) {
        cz_io_post(scene->io, &now.command, CZ_IO_NOW);
        event_await(&now.event, i);
        here += atomic_load(&now.event.thread) == cz_thread_self();
    }
    /* Nobody else is there to hold the helm, but for its thread's own turns. */
    assert_true(here > 0);
}

static void commands_left_for_later_run_when_they_are_flushed(void **state)
{
    struct scene *scene = *state;
    struct errand later[3] = {errand(), errand(), errand()};

    for (uint32_t i = 1; i <= 500; i++) {
        for (int n = 0; n < 3; n++)
            cz_io_post(scene->io, &later[n].command, CZ_IO_LATER);
        cz_io_flush(scene->io);
        for (int n = 0; n < 3; n++)
            event_await(&later[n].event, i);
    }
}

static void flush_io(void *arg)
{
    cz_io_flush(arg);
}

static void a_flush_that_finds_the_helm_taken_is_not_lost(void **state)
{
    struct scene *scene = *state;
    struct errand later = errand();

    for (uint32_t i = 1; i <= 50; i++) {
        struct cz_thread thread = {0};

        cz_io_lock(scene->io);
        cz_io_post(scene->io, &later.command, CZ_IO_LATER);
        assert_int_equal(cz_thread_start(&thread, NULL, flush_io, scene->io),
                         0);
        cz_thread_join(&thread);
        assert_int_equal(atomic_load(&later.event.count), i - 1);
        cz_io_unlock(scene->io);
        event_await(&later.event, i);
    }
}

static void a_lock_holds_commands_back(void **state)
{
    struct scene *scene = *state;
    struct errand now = errand();

    cz_io_lock(scene->io);
    cz_io_post(scene->io, &now.command, CZ_IO_NOW);
    assert_int_equal(atomic_load(&now.event.count), 0);
    cz_io_unlock(scene->io);
    event_await(&now.event, 1);
}

/* ---- many posters --------------------------------------------------- */

enum { POSTERS = 3, PARCELS = 8, ROUNDS = 20000 / SCALE };

struct parcel {
    struct cz_command command;
    struct crowd *crowd;
    _Atomic bool is_under_way;
};

struct crowd {
    struct cz_io_thread *io;
    unsigned at_helm; /* plain: only the helm protects it */
    unsigned run_count;
    struct cz_thread threads[POSTERS];
    struct parcel parcels[POSTERS][PARCELS];
    _Atomic unsigned next_poster;
};

static void parcel_run(struct cz_command *command)
{
    struct parcel *parcel = cz_container_of(command, struct parcel, command);
    struct crowd *crowd = parcel->crowd;

    CHECK(crowd->at_helm == 0);
    crowd->at_helm = 1;
    crowd->run_count++;
    crowd->at_helm = 0;
    atomic_store(&parcel->is_under_way, false);
}

/* Runs of one kind, so that they follow each other closely. */
static void crowd_post_one(struct crowd *crowd, struct cz_command *command,
                           unsigned number)
{
    static const enum cz_io_urgency kinds[] = {CZ_IO_NOW, CZ_IO_SOON,
                                               CZ_IO_LATER};
    enum cz_io_urgency kind = kinds[number / 16 % 3];

    cz_io_post(crowd->io, command, kind);
    if (kind == CZ_IO_LATER)
        cz_io_flush(crowd->io);
}

static void crowd_post(void *arg)
{
    struct crowd *crowd = arg;
    unsigned self = atomic_fetch_add(&crowd->next_poster, 1);

    for (unsigned i = 0; i < ROUNDS; i++) {
        struct parcel *parcel = &crowd->parcels[self][i % PARCELS];
        uint64_t deadline_us = patience();

        while (atomic_load(&parcel->is_under_way)) {
            CHECK(cz_clock_us() < deadline_us);
            cz_thread_yield();
        }
        parcel->command.run = parcel_run;
        parcel->crowd = crowd;
        atomic_store(&parcel->is_under_way, true);
        crowd_post_one(crowd, &parcel->command, i + self * 16);
        if (i % 100 == 99)
            cz_io_help(crowd->io);
    }
}

static void crowd_start(struct crowd *crowd, struct cz_io_thread *io)
{
    memset(crowd, 0, sizeof *crowd);
    crowd->io = io;
    for (int i = 0; i < POSTERS; i++)
        assert_int_equal(
            cz_thread_start(&crowd->threads[i], NULL, crowd_post, crowd), 0);
}

static bool crowd_has_finished(struct crowd *crowd)
{
    unsigned count;

    cz_io_lock(crowd->io);
    count = crowd->run_count;
    cz_io_unlock(crowd->io);
    return count == POSTERS * ROUNDS;
}

static void crowd_join(struct crowd *crowd)
{
    for (int i = 0; i < POSTERS; i++)
        cz_thread_join(&crowd->threads[i]);
}

/* Nobody helps: what is under way must be run by the thread itself. */
static void crowd_await_all(struct crowd *crowd)
{
    for (int i = 0; i < POSTERS * PARCELS; i++) {
        uint64_t deadline_us = patience();

        while (atomic_load(
            &crowd->parcels[i / PARCELS][i % PARCELS].is_under_way)) {
            CHECK(cz_clock_us() < deadline_us);
            cz_thread_yield();
        }
    }
}

static struct crowd crowd;

static void every_command_runs_once_and_alone(void **state)
{
    struct scene *scene = *state;

    crowd_start(&crowd, scene->io);
    crowd_join(&crowd);
    crowd_await_all(&crowd);
    assert_true(crowd_has_finished(&crowd));
}

/* An application thread drives meanwhile, for moments. */
static void commands_are_not_stranded_by_a_driver(void **state)
{
    struct scene *scene = *state;
    unsigned turn = 0;

    crowd_start(&crowd, scene->io);
    do {
        uint64_t until_us = cz_clock_us() + turn % 5 * 100;
        int rc = drive(scene, until_us, turn % 3 * 20);

        assert_int_equal(rc, -ETIMEDOUT);
        if (turn % 4 == 0)
            cz_io_look(scene->io);
        if (turn % 7 == 0)
            cz_io_resume(scene->io);
        turn++;
    } while (!crowd_has_finished(&crowd));
    crowd_join(&crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(commands_run_soon),
        ON_EACH(commands_run_now),
        ON_EACH(commands_left_for_later_run_when_they_are_flushed),
        ON_EACH(a_flush_that_finds_the_helm_taken_is_not_lost),
        ON_EACH(a_lock_holds_commands_back),
        ON_EACH(every_command_runs_once_and_alone),
        ON_EACH_DRIVABLE(commands_are_not_stranded_by_a_driver),
    };

    return BACKENDS_RUN(tests);
}
