/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pattern/dist: who gets a message, and that it is a whole one.
 *
 * Thread: the test's, which owns both ends of all pipes. Owns: the pipes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "pattern/dist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PIPES = 5, HWM = 4, LARGE = CZ_REF_MIN + 7 };

struct scene {
    struct cz_dist dist;
    struct cz_mailbox *near;
    struct cz_mailbox *far;
    struct cz_pipe_end *ends[PIPES]; /* far ones: ends[i]->peer is ours */
    uint32_t wakes;
};

static struct scene *scene_of(void *owner)
{
    return owner;
}

static void on_writable(void *owner, struct cz_pipe_end *end)
{
    cz_dist_writable(&scene_of(owner)->dist, end);
}

static void on_readable(void *owner, struct cz_pipe_end *end)
{
    (void)end;
    scene_of(owner)->wakes++;
}

static void on_peer_closed(void *owner, struct cz_pipe_end *end)
{
    (void)owner;
    (void)end;
}

static const struct cz_pipe_events events = {
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_peer_closed = on_peer_closed,
};

static void scene_add(struct scene *s, int i)
{
    const uint32_t hwm[2] = {HWM, HWM};
    struct cz_pipe *pipe = cz_pipe_create(hwm, NULL);

    assert_non_null(pipe);
    cz_pipe_own(&pipe->ends[0], s->near, &events, s);
    cz_pipe_own(&pipe->ends[1], s->far, &events, s);
    s->ends[i] = &pipe->ends[1];
    assert_int_equal(cz_dist_add(&s->dist, &pipe->ends[0]), 0);
}

static void scene_drop(struct scene *s, int i)
{
    struct cz_pipe_end *near = s->ends[i]->peer;

    cz_dist_remove(&s->dist, near);
    cz_pipe_close(near, 0);
    cz_pipe_close(s->ends[i], 0);
    s->ends[i] = NULL;
}

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);

    if (!s)
        return -1;
    *state = s;
    s->near = cz_mailbox_create(NULL);
    s->far = cz_mailbox_create(NULL);
    if (!s->near || !s->far)
        return -1;
    cz_dist_init(&s->dist);
    for (int i = 0; i < PIPES; i++)
        scene_add(s, i);
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    cz_alloc_fail_at(0);
    for (int i = 0; i < PIPES; i++)
        if (s->ends[i])
            scene_drop(s, i);
    cz_mailbox_close(s->near);
    cz_mailbox_close(s->far);
    cz_mailbox_unref(s->near);
    cz_mailbox_unref(s->far);
    cz_dist_fini(&s->dist);
    free(s);
    return 0;
}

/* ---- sending and expecting ------------------------------------------- */

static struct cz_frame frame_of(const char *text, bool has_more)
{
    return (struct cz_frame){
        .data = (const uint8_t *)text,
        .size = strlen(text),
        .flags = has_more ? CZ_FRAME_MORE : 0,
    };
}

static uint32_t number_of(struct scene *s, int i)
{
    return cz_dist_number(s->ends[i]->peer);
}

static void deliver(struct scene *s, const char *text, const char *to)
{
    struct cz_frame frame = frame_of(text, false);
    bool is_crowd;

    cz_dist_begin(&s->dist);
    is_crowd = cz_dist_expect_crowd(&s->dist, (uint32_t)strlen(to), &frame);
    for (; *to; to++)
        cz_dist_deliver(&s->dist, number_of(s, *to - '0'), &frame, is_crowd);
    cz_dist_end(&s->dist, &frame, false);
}

static void begin(struct scene *s, const char *text, const char *to)
{
    struct cz_frame frame = frame_of(text, true);

    cz_dist_begin(&s->dist);
    for (; *to; to++)
        cz_dist_choose(&s->dist, number_of(s, *to - '0'));
    cz_dist_send(&s->dist, &frame);
}

static void go_on(struct scene *s, const char *text, bool has_more)
{
    struct cz_frame frame = frame_of(text, has_more);

    cz_dist_send(&s->dist, &frame);
}

static void expect(struct scene *s, int i, const char *text, bool has_more)
{
    struct cz_frame frame;

    cz_mailbox_run(s->far);
    assert_true(cz_pipe_read(s->ends[i], &frame));
    assert_int_equal(frame.size, strlen(text));
    assert_memory_equal(frame.data, text, frame.size);
    assert_int_equal(frame.flags, has_more ? CZ_FRAME_MORE : 0);
}

static void expect_nothing(struct scene *s, int i)
{
    struct cz_frame frame;

    cz_mailbox_run(s->far);
    assert_false(cz_pipe_read(s->ends[i], &frame));
}

/* ---- tests ------------------------------------------------------------- */

static void only_those_named_get_a_message(void **state)
{
    struct scene *s = *state;

    deliver(s, "a", "024");
    for (int i = 0; i < PIPES; i++) {
        if (i % 2 == 0)
            expect(s, i, "a", false);
        expect_nothing(s, i);
    }
}

static void who_is_named_twice_gets_it_once(void **state)
{
    struct scene *s = *state;

    deliver(s, "a", "00110");
    expect(s, 0, "a", false);
    expect(s, 1, "a", false);
    expect_nothing(s, 0);
    expect_nothing(s, 1);
    begin(s, "b", "0010");
    go_on(s, "c", false);
    expect(s, 0, "b", true);
    expect(s, 0, "c", false);
    expect_nothing(s, 0);
}

static void all_but_those_that_are_spared(void **state)
{
    struct scene *s = *state;
    struct cz_frame frame = frame_of("a", false);

    cz_dist_begin(&s->dist);
    cz_dist_spare(&s->dist, number_of(s, 1));
    cz_dist_spare(&s->dist, number_of(s, 3));
    cz_dist_choose_others(&s->dist);
    cz_dist_send(&s->dist, &frame);
    for (int i = 0; i < PIPES; i++) {
        if (i % 2 == 0)
            expect(s, i, "a", false);
        expect_nothing(s, i);
    }
}

static void frames_follow_the_first_one(void **state)
{
    struct scene *s = *state;

    begin(s, "a", "13");
    expect_nothing(s, 1);
    go_on(s, "b", true);
    expect_nothing(s, 3);
    go_on(s, "c", false);
    for (int i = 1; i <= 3; i += 2) {
        expect(s, i, "a", true);
        expect(s, i, "b", true);
        expect(s, i, "c", false);
        expect_nothing(s, i);
    }
    expect_nothing(s, 0);
}

static void a_full_pipe_misses_whole_messages(void **state)
{
    struct scene *s = *state;

    for (int i = 0; i < HWM; i++)
        deliver(s, "fill", "0");
    begin(s, "a", "01");
    /* Room that comes too late for the first frame. */
    expect(s, 0, "fill", false);
    expect(s, 0, "fill", false);
    expect(s, 0, "fill", false);
    cz_mailbox_run(s->near);
    go_on(s, "b", false);
    deliver(s, "c", "01");
    expect(s, 0, "fill", false);
    expect(s, 0, "c", false);
    expect_nothing(s, 0);
    expect(s, 1, "a", true);
    expect(s, 1, "b", false);
    expect(s, 1, "c", false);
}

static void that_one_of_the_chosen_is_full_is_known(void **state)
{
    struct scene *s = *state;

    for (int i = 0; i < HWM; i++)
        deliver(s, "fill", "0");
    cz_dist_begin(&s->dist);
    cz_dist_choose(&s->dist, number_of(s, 1));
    assert_false(s->dist.has_full);
    cz_dist_choose(&s->dist, number_of(s, 0));
    assert_true(s->dist.has_full);
    /* And again, until there is room. */
    cz_dist_begin(&s->dist);
    cz_dist_choose(&s->dist, number_of(s, 0));
    assert_true(s->dist.has_full);
    for (int i = 0; i < HWM; i++)
        expect(s, 0, "fill", false);
    cz_mailbox_run(s->near);
    cz_dist_begin(&s->dist);
    cz_dist_choose(&s->dist, number_of(s, 0));
    assert_false(s->dist.has_full);
    go_on(s, "a", false);
    expect(s, 0, "a", false);
}

static void who_comes_in_the_middle_gets_the_next_message(void **state)
{
    struct scene *s = *state;

    scene_drop(s, 0);
    begin(s, "a", "1234");
    scene_add(s, 0);
    go_on(s, "b", false);
    expect_nothing(s, 0);
    deliver(s, "c", "0");
    expect(s, 0, "c", false);
}

static void who_goes_in_the_middle_is_no_trouble(void **state)
{
    struct scene *s = *state;

    begin(s, "a", "012");
    scene_drop(s, 1);
    go_on(s, "b", true);
    scene_drop(s, 0);
    scene_drop(s, 2);
    scene_drop(s, 3);
    scene_drop(s, 4);
    go_on(s, "c", false);
    assert_int_equal(s->dist.count, 0);
    for (int i = 0; i < PIPES; i++)
        scene_add(s, i);
    deliver(s, "d", "01234");
    for (int i = 0; i < PIPES; i++)
        expect(s, i, "d", false);
}

static void large_bodies_are_shared(void **state)
{
    struct scene *s = *state;
    struct cz_buffer *buffer = cz_buffer_create(NULL, LARGE);
    struct cz_frame frame = {.size = LARGE, .buffer = buffer};
    struct cz_frame got;

    assert_non_null(buffer);
    memset(buffer->data, 7, LARGE);
    frame.data = buffer->data;
    cz_dist_begin(&s->dist);
    for (int i = 0; i < PIPES; i++)
        cz_dist_deliver(&s->dist, number_of(s, i), &frame, true);
    cz_dist_end(&s->dist, &frame, false);
    cz_mailbox_run(s->far);
    for (int i = 0; i < PIPES; i++) {
        assert_true(cz_pipe_read(s->ends[i], &got));
        assert_ptr_equal(got.data, buffer->data);
        cz_buffer_unref(got.buffer);
    }
    assert_int_equal(buffer->refs, 1);
    cz_buffer_unref(buffer);
}

/* After one in a chunk of its own, see msg/sheet.h. */
static void what_goes_to_a_crowd_is_laid_once(void **state)
{
    struct scene *s = *state;
    char body[CZ_CHUNK_MIN];
    struct cz_frame got;
    const uint8_t *first = NULL;

    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    deliver(s, body, "01234");
    deliver(s, body, "01234");
    begin(s, body, "01234");
    go_on(s, "b", false);
    deliver(s, body, "0");
    for (int i = 0; i < PIPES; i++) {
        expect(s, i, body, false);
        assert_true(cz_pipe_read(s->ends[i], &got));
        if (i == 0)
            first = got.data;
        assert_ptr_equal(got.data, first);
        expect(s, i, body, true);
        expect(s, i, "b", false);
    }
    expect(s, 0, body, false);
    for (int i = 0; i < PIPES; i++)
        expect_nothing(s, i);
}

static void each_sleeper_is_woken_once(void **state)
{
    struct scene *s = *state;

    deliver(s, "a", "012");
    deliver(s, "b", "012");
    deliver(s, "c", "0");
    cz_mailbox_run(s->far);
    assert_int_equal(s->wakes, 3);
}

/* Whatever fails, nobody sees half a message, and the others get all. */
static void without_memory_messages_are_missed_whole(void **state)
{
    struct scene *s = *state;
    char body[600];
    uint32_t missed = 0;

    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    for (uint32_t round = 0; round < 2000; round++) {
        struct cz_frame frame;

        cz_alloc_fail_range(1 + round % 7, 1 + round % 3);
        begin(s, body, "01234");
        go_on(s, body, true);
        go_on(s, body, false);
        cz_alloc_fail_at(0);
        cz_mailbox_run(s->far);
        for (int i = 0; i < PIPES; i++) {
            uint32_t frames = 0;

            while (cz_pipe_read(s->ends[i], &frame)) {
                frames++;
                assert_int_equal(frame.size, sizeof body - 1);
                assert_int_equal(frame.flags, frames < 3 ? CZ_FRAME_MORE : 0);
            }
            assert_true(frames == 0 || frames == 3);
            missed += frames == 0;
        }
        cz_mailbox_run(s->near);
    }
    assert_in_range(missed, 1, 2000 * PIPES - 1);
}

static void without_memory_there_is_no_new_pipe(void **state)
{
    struct scene *s = *state;
    struct cz_pipe_end *near = s->ends[4]->peer;

    for (int i = 0; i < PIPES; i++)
        cz_dist_remove(&s->dist, s->ends[i]->peer);
    for (uint64_t nth = 1; nth <= 2; nth++) {
        cz_alloc_fail_at(nth);
        assert_int_equal(cz_dist_add(&s->dist, near), -ENOMEM);
        cz_alloc_fail_at(0);
        assert_false(cz_dist_has(near));
        cz_dist_remove(&s->dist, near);
    }
    assert_int_equal(cz_dist_add(&s->dist, near), 0);
    deliver(s, "a", "4");
    expect(s, 4, "a", false);
}

static void what_is_prepared_needs_no_memory(void **state)
{
    struct scene *s = *state;
    struct cz_pipe_end *near = s->ends[4]->peer;

    for (int i = 0; i < PIPES; i++)
        cz_dist_remove(&s->dist, s->ends[i]->peer);
    cz_alloc_fail_at(1);
    assert_int_equal(cz_dist_prepare(&s->dist), -ENOMEM);
    assert_int_equal(cz_dist_prepare(&s->dist), 0);
    cz_alloc_fail_range(1, 100);
    assert_int_equal(cz_dist_add(&s->dist, near), 0);
    cz_alloc_fail_at(0);
    deliver(s, "a", "4");
    expect(s, 4, "a", false);
}

/* Being told that there is room is under way, or will not come any more. */
static void who_is_found_to_have_room_gets_the_message(void **state)
{
    struct scene *s = *state;

    for (int i = 0; i <= HWM; i++)
        deliver(s, "a", "0");
    assert_false(cz_dist_has_room(&s->dist, number_of(s, 0)));
    for (int i = 0; i < HWM; i++)
        expect(s, 0, "a", false);
    assert_true(cz_dist_has_room(&s->dist, number_of(s, 0)));
    deliver(s, "b", "0");
    expect(s, 0, "b", false);
    begin(s, "c", "0");
    go_on(s, "d", false);
    expect(s, 0, "c", true);
    expect(s, 0, "d", false);
}

#define ON_SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SCENE(only_those_named_get_a_message),
        ON_SCENE(who_is_named_twice_gets_it_once),
        ON_SCENE(all_but_those_that_are_spared),
        ON_SCENE(frames_follow_the_first_one),
        ON_SCENE(a_full_pipe_misses_whole_messages),
        ON_SCENE(that_one_of_the_chosen_is_full_is_known),
        ON_SCENE(who_comes_in_the_middle_gets_the_next_message),
        ON_SCENE(who_goes_in_the_middle_is_no_trouble),
        ON_SCENE(large_bodies_are_shared),
        ON_SCENE(what_goes_to_a_crowd_is_laid_once),
        ON_SCENE(each_sleeper_is_woken_once),
        ON_SCENE(without_memory_messages_are_missed_whole),
        ON_SCENE(without_memory_there_is_no_new_pipe),
        ON_SCENE(what_is_prepared_needs_no_memory),
        ON_SCENE(who_is_found_to_have_room_gets_the_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
