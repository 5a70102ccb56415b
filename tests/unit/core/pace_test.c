/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How a socket sends: what goes out at once, soon, or after a rest.
 *
 * Thread: one. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/pace.h"

enum { PAUSE = 1000, GAP = 10 };

/* Wakes every GAP until `us` have passed. The last step. */
static enum cz_pace_step go_on_for(struct cz_pace *pace, uint64_t *now,
                                   uint64_t us)
{
    enum cz_pace_step step = CZ_PACE_NOW;

    for (uint64_t end = *now + us; *now < end; *now += GAP)
        step = cz_pace_next(pace, *now);
    return step;
}

static void a_message_after_a_pause_goes_at_once(void **state)
{
    struct cz_pace pace = {0};
    uint64_t now = PAUSE;

    (void)state;
    for (int i = 0; i < 3; i++, now += PAUSE)
        assert_int_equal(cz_pace_next(&pace, now), CZ_PACE_NOW);
    assert_false(pace.has_rest);
}

static void an_answer_goes_at_once(void **state)
{
    struct cz_pace pace = {0};
    uint64_t now = PAUSE;

    (void)state;
    for (int i = 0; i < 100; i++, now += GAP) {
        cz_pace_wait(&pace);
        assert_int_equal(cz_pace_next(&pace, now), CZ_PACE_NOW);
    }
}

static void a_short_burst_does_not_rest(void **state)
{
    struct cz_pace pace = {0};
    uint64_t now = PAUSE;

    (void)state;
    assert_int_equal(cz_pace_next(&pace, now), CZ_PACE_NOW);
    for (int i = 0; i < 10; i++)
        assert_int_equal(cz_pace_next(&pace, now += GAP), CZ_PACE_SOON);
}

static void a_burst_that_goes_on_rests(void **state)
{
    struct cz_pace pace = {0};
    uint64_t now = PAUSE;

    (void)state;
    assert_int_equal(go_on_for(&pace, &now, 1000), CZ_PACE_REST);
    assert_int_equal(cz_pace_rest_us(&pace), CZ_PACE_REST_US);
    assert_true(pace.has_rest);
    /* Until there is a pause. */
    assert_int_equal(cz_pace_next(&pace, now + PAUSE), CZ_PACE_NOW);
    assert_int_equal(cz_pace_next(&pace, now + PAUSE + GAP), CZ_PACE_SOON);
}

static void waiting_for_room_is_no_pause(void **state)
{
    struct cz_pace pace = {0};
    uint64_t now = PAUSE;

    (void)state;
    go_on_for(&pace, &now, 1000);
    now += PAUSE;
    cz_pace_go_on(&pace, now);
    assert_int_equal(cz_pace_next(&pace, now + GAP), CZ_PACE_REST);
}

/* One round of a server: `us` of answers, and then it waits. */
static void serve(struct cz_pace *pace, uint64_t *now, uint64_t us)
{
    go_on_for(pace, now, us);
    cz_pace_wait(pace);
}

static void who_answers_many_lets_them_rest(void **state)
{
    struct cz_pace pace = {0};
    uint64_t now = PAUSE;

    (void)state;
    cz_pace_wait(&pace);
    serve(&pace, &now, 100);
    assert_int_equal(cz_pace_next(&pace, now), CZ_PACE_REST);
    assert_int_equal(cz_pace_rest_us(&pace), CZ_PACE_SERVER_REST_US);
    /* A round with a single answer, and that is over. */
    cz_pace_wait(&pace);
    assert_int_equal(cz_pace_next(&pace, now += GAP), CZ_PACE_NOW);
}

static void who_answers_too_many_lets_no_more_rest(void **state)
{
    struct cz_pace pace = {0};
    uint64_t now = PAUSE;
    int rested = 0;

    (void)state;
    cz_pace_wait(&pace);
    serve(&pace, &now, 100);
    while (cz_pace_next(&pace, now++) == CZ_PACE_REST)
        rested++;
    assert_int_equal(rested, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_after_a_pause_goes_at_once),
        cmocka_unit_test(an_answer_goes_at_once),
        cmocka_unit_test(a_short_burst_does_not_rest),
        cmocka_unit_test(a_burst_that_goes_on_rests),
        cmocka_unit_test(waiting_for_room_is_no_pause),
        cmocka_unit_test(who_answers_many_lets_them_rest),
        cmocka_unit_test(who_answers_too_many_lets_no_more_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
