/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Alarms: readable for what they are over, and for the time.
 *
 * Thread: one. Owns: nothing.
 */
#include "os/alarm.h"

#include "os/clock.h"
#include "os/waker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>

struct scene {
    struct cz_waker waker;
    struct cz_alarm alarm;
};

static bool is_readable(const struct scene *scene, int timeout_ms)
{
    struct pollfd at = {.fd = scene->alarm.fd, .events = POLLIN};

    return poll(&at, 1, timeout_ms) == 1;
}

static void scene_open(struct scene *scene)
{
    assert_int_equal(cz_waker_init(&scene->waker), 0);
    assert_int_equal(cz_alarm_init(&scene->alarm, scene->waker.fd), 0);
    assert_false(is_readable(scene, 0));
}

static void scene_close(struct scene *scene)
{
    cz_alarm_fini(&scene->alarm);
    cz_waker_fini(&scene->waker);
}

static void it_is_readable_while_the_other_is(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene);
    cz_waker_signal(&scene.waker);
    assert_true(is_readable(&scene, 0));
    cz_waker_clear(&scene.waker);
    assert_false(is_readable(&scene, 0));
    scene_close(&scene);
}

static void it_is_readable_from_the_time_on(void **state)
{
    uint64_t due_us = cz_clock_us() + 20000;
    struct scene scene;

    (void)state;
    scene_open(&scene);
    cz_alarm_set(&scene.alarm, due_us);
    assert_true(is_readable(&scene, 30000));
    assert_true(cz_clock_us() >= due_us);
    assert_true(is_readable(&scene, 0));
    scene_close(&scene);
}

static void another_time_takes_the_place_of_the_first(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene);
    cz_alarm_set(&scene.alarm, 1);
    assert_true(is_readable(&scene, 30000));
    cz_alarm_set(&scene.alarm, cz_clock_us() + 60000000);
    assert_false(is_readable(&scene, 0));
    cz_alarm_set(&scene.alarm, 1);
    cz_alarm_set(&scene.alarm, CZ_CLOCK_NEVER);
    assert_false(is_readable(&scene, 20));
    scene_close(&scene);
}

static void without_descriptors_there_is_none(void **state)
{
    struct rlimit before, now;
    struct cz_alarm alarm;
    struct cz_waker waker;

    (void)state;
    assert_int_equal(cz_waker_init(&waker), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (int room = 1; room <= 2; room++) {
        now = before;
        now.rlim_cur = (rlim_t)(waker.fd + room);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
        assert_int_equal(cz_alarm_init(&alarm, waker.fd), -EMFILE);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(cz_alarm_init(&alarm, waker.fd), 0);
    cz_alarm_fini(&alarm);
    cz_waker_fini(&waker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_readable_while_the_other_is),
        cmocka_unit_test(it_is_readable_from_the_time_on),
        cmocka_unit_test(another_time_takes_the_place_of_the_first),
        cmocka_unit_test(without_descriptors_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
