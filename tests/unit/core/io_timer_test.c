/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Timers and naps on I/O threads: none is early and none is forgotten, whoever
 * drives. Each claim for each back-end of the reactor.
 *
 * CTest: TIMEOUT 120
 * Thread: the main thread is the application. Owns: nothing.
 */
#include "io_scene.h"

struct alarm {
    struct cz_timer timer;
    struct cz_io_napper napper;
    struct event event;
};

static void alarm_on_expire(struct cz_timer *timer)
{
    event_happen(&cz_container_of(timer, struct alarm, timer)->event);
}

static void alarm_on_nap_end(struct cz_io_napper *napper)
{
    event_happen(&cz_container_of(napper, struct alarm, napper)->event);
}

static void alarm_init(struct alarm *alarm)
{
    memset(alarm, 0, sizeof *alarm);
    alarm->timer.on_expire = alarm_on_expire;
    alarm->napper.on_nap_end = alarm_on_nap_end;
    cz_list_init(&alarm->napper.link);
}

/* Sets it and returns when it is due at the earliest. */
static uint64_t alarm_set(struct alarm *alarm, struct cz_io_thread *io,
                          uint64_t delay_us)
{
    uint64_t due_us;

    cz_io_lock(io);
    due_us = io->now_us + delay_us;
    cz_io_set_timer(io, &alarm->timer, delay_us);
    cz_io_unlock(io);
    return due_us;
}

static void timers_fire_and_not_early(void **state)
{
    struct scene *scene = *state;
    struct alarm alarm;

    alarm_init(&alarm);
    for (uint32_t i = 1; i <= 20; i++) {
        uint64_t due_us = alarm_set(&alarm, scene->io, i * 100);

        event_await(&alarm.event, i);
        assert_true(atomic_load(&alarm.event.at_us) >= due_us);
    }
    alarm_set(&alarm, scene->io, PATIENCE_US);
    cz_io_lock(scene->io);
    cz_io_cancel_timer(scene->io, &alarm.timer);
    cz_io_unlock(scene->io);
}

static void timers_fire_while_an_application_drives(void **state)
{
    struct scene *scene = *state;
    struct alarm alarm;

    alarm_init(&alarm);
    for (uint32_t i = 1; i <= 20; i++) {
        uint64_t due_us = alarm_set(&alarm, scene->io, i * 100);

        while (atomic_load(&alarm.event.count) < i)
            assert_int_equal(drive(scene, due_us + 1000, i % 2 * 50),
                             -ETIMEDOUT);
        assert_true(atomic_load(&alarm.event.at_us) >= due_us);
    }
}

static void timers_fire_while_nobody_drives(void **state)
{
    struct scene *scene = *state;
    struct alarm alarm;

    alarm_init(&alarm);
    for (uint32_t i = 1; i <= 20; i++) {
        uint64_t due_us = 0;

        if (i % 2)
            due_us = alarm_set(&alarm, scene->io, 300);
        assert_int_equal(drive(scene, cz_clock_us(), 0), -ETIMEDOUT);
        if (i % 2 == 0)
            due_us = alarm_set(&alarm, scene->io, 300);
        event_await(&alarm.event, i);
        assert_true(atomic_load(&alarm.event.at_us) >= due_us);
    }
}

/* Set by a command that the I/O thread left alone for a while: from when it
 * runs, and not from when the thread last looked at the clock. */
struct late {
    struct cz_command command;
    struct alarm alarm;
    struct cz_io_thread *io;
    _Atomic uint64_t due_us;
};

static void late_run(struct cz_command *command)
{
    struct late *late = cz_container_of(command, struct late, command);

    atomic_store(&late->due_us, cz_clock_us() + 1500);
    cz_io_set_timer(late->io, &late->alarm.timer, 2000);
}

static void let_pass(uint64_t us)
{
    _Atomic uint32_t word = 0;
    uint64_t deadline_us = cz_clock_us() + us;

    while (cz_park(&word, 0, deadline_us) != -ETIMEDOUT)
        continue;
}

static void a_timer_set_by_a_command_is_not_early(void **state)
{
    struct scene *scene = *state;
    struct late late = {.command.run = late_run, .io = scene->io};

    alarm_init(&late.alarm);
    for (uint32_t i = 1; i <= 20; i++) {
        if (i % 3)
            assert_int_equal(drive(scene, cz_clock_us() + 5000, 0), -ETIMEDOUT);
        /* The thread naps, and its clock with it. */
        if (i % 3 == 2)
            let_pass(8000);
        cz_io_post(scene->io, &late.command, i % 2 ? CZ_IO_SOON : CZ_IO_NOW);
        event_await(&late.alarm.event, i);
        assert_true(atomic_load(&late.alarm.event.at_us) >=
                    atomic_load(&late.due_us));
    }
}

static void naps_end(void **state)
{
    struct scene *scene = *state;
    struct alarm alarm;

    alarm_init(&alarm);
    for (uint32_t i = 1; i <= 200; i++) {
        cz_io_lock(scene->io);
        cz_io_nap(scene->io, &alarm.napper);
        cz_io_nap(scene->io, &alarm.napper);
        cz_io_unlock(scene->io);
        if (i % 3 == 0)
            cz_io_help(scene->io);
        if (i % 4 == 0)
            assert_int_equal(drive(scene, cz_clock_us(), 0), -ETIMEDOUT);
        event_await(&alarm.event, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(timers_fire_and_not_early),
        ON_EACH_DRIVABLE(timers_fire_while_an_application_drives),
        ON_EACH_DRIVABLE(timers_fire_while_nobody_drives),
        ON_EACH_DRIVABLE(a_timer_set_by_a_command_is_not_early),
        ON_EACH_DRIVABLE(naps_end),
    };

    return BACKENDS_RUN(tests);
}
