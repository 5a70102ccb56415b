/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A model of a stream whose reader comes late (inproc, connect before
 * bind): the writer takes the mark of a reader that nobody owns yet and
 * finds no home to send the wake-up to. Who adopts the reader must make up
 * for exactly that wake-up, and for none that is under way. Explored
 * exhaustively.
 *
 * Thread: one. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "claims.h"

enum { WRITER, READER };

enum { PUBLISHED, IS_ASLEEP, HOME, MISSED };

/* Ghost: wake-ups under way. */
enum { IN_FLIGHT };

/* Local to the writer, and to the reader. */
enum { DONE };
enum { SEEN };

enum mistake {
    NONE,
    ADOPT_BY_THE_MARK,   /* no mark: then somebody wanted to wake us */
    MISS_WITHOUT_LOOKING /* the writer leaves the note and goes */
};

/* The writer:  W_STORE   published = n
 *              W_TAKE    exchange (asleep, 0): had it ? wake
 *              W_HOME    somebody home ? post the wake-up
 *              W_MISS    missed = 1              (sequentially consistent)
 *              W_AGAIN   home after all ?
 *              W_CLAIM   exchange (missed, 0): had it ? post */
enum { W_STORE, W_TAKE, W_HOME, W_MISS, W_AGAIN, W_CLAIM };

static bool writer_misses(const struct tso_model *model, struct tso_state *s)
{
    s->pc[WRITER] = W_AGAIN;
    if (model->mistake == ADOPT_BY_THE_MARK) {
        s->pc[WRITER] = W_STORE;
        return true;
    }
    if (model->mistake == MISS_WITHOUT_LOOKING)
        s->pc[WRITER] = W_STORE;
    s->memory[MISSED] = 1;
    return tso_fence(s, WRITER);
}

static bool writer_step(const struct tso_model *model, struct tso_state *s)
{
    uint8_t *done = &s->local[WRITER][DONE];

    switch (s->pc[WRITER]) {
    case W_STORE:
        s->pc[WRITER] = W_TAKE;
        return *done < model->rounds &&
               tso_store(s, WRITER, PUBLISHED, ++*done);
    case W_TAKE:
        s->pc[WRITER] = s->memory[IS_ASLEEP] ? W_HOME : W_STORE;
        s->memory[IS_ASLEEP] = 0;
        return tso_fence(s, WRITER);
    case W_HOME:
        if (!tso_load(s, WRITER, HOME)) {
            s->pc[WRITER] = W_MISS;
            return true;
        }
        s->ghost[IN_FLIGHT]++;
        s->pc[WRITER] = W_STORE;
        return true;
    case W_MISS:
        return writer_misses(model, s);
    case W_AGAIN:
        s->pc[WRITER] = tso_load(s, WRITER, HOME) ? W_CLAIM : W_STORE;
        return true;
    case W_CLAIM:
        s->ghost[IN_FLIGHT] =
            (uint8_t)(s->ghost[IN_FLIGHT] + s->memory[MISSED]);
        s->memory[MISSED] = 0;
        s->pc[WRITER] = W_STORE;
        return tso_fence(s, WRITER);
    default:
        return false;
    }
}

/* The reader:  R_OWN     home = 1                (sequentially consistent)
 *              R_ADOPT   exchange (missed, 0): had it ? awake : asleep
 *              R_LOOK .. R_ASLEEP as in wake_model_test.c, quiet mode */
enum { R_OWN, R_ADOPT, R_LOOK, R_MARK, R_RELOOK, R_TAKE_BACK, R_ASLEEP };

static bool reader_adopts(const struct tso_model *model, struct tso_state *s)
{
    bool is_wanted = s->memory[MISSED];

    if (model->mistake == ADOPT_BY_THE_MARK)
        is_wanted = !s->memory[IS_ASLEEP];
    s->memory[MISSED] = 0;
    s->pc[READER] = is_wanted ? R_LOOK : R_ASLEEP;
    return tso_fence(s, READER);
}

static bool reader_step(const struct tso_model *model, struct tso_state *s)
{
    uint8_t *seen = &s->local[READER][SEEN];
    bool is_new = tso_load(s, READER, PUBLISHED) != *seen;

    switch (s->pc[READER]) {
    case R_OWN:
        s->memory[HOME] = 1;
        s->pc[READER] = R_ADOPT;
        return tso_fence(s, READER);
    case R_ADOPT:
        return reader_adopts(model, s);
    case R_LOOK:
        *seen = tso_load(s, READER, PUBLISHED);
        s->pc[READER] = is_new ? R_LOOK : R_MARK;
        return true;
    case R_MARK:
        s->memory[IS_ASLEEP] = 1;
        s->pc[READER] = R_RELOOK;
        return tso_fence(s, READER);
    case R_RELOOK:
        s->pc[READER] = is_new ? R_TAKE_BACK : R_ASLEEP;
        return true;
    case R_TAKE_BACK:
        s->pc[READER] = s->memory[IS_ASLEEP] ? R_LOOK : R_ASLEEP;
        s->memory[IS_ASLEEP] = 0;
        return tso_fence(s, READER);
    case R_ASLEEP:
        s->pc[READER] = R_LOOK;
        return s->ghost[IN_FLIGHT]-- > 0;
    default:
        return false;
    }
}

static bool adopt_step(const struct tso_model *model, struct tso_state *s,
                       int thread, int choice)
{
    if (choice)
        return false;
    return thread == WRITER ? writer_step(model, s) : reader_step(model, s);
}

static const char *adopt_broken(const struct tso_model *model,
                                const struct tso_state *s)
{
    (void)model;
    if (s->ghost[IN_FLIGHT] > 1)
        return "two wake-ups under way";
    if (s->ghost[IN_FLIGHT] &&
        (s->pc[READER] == R_LOOK || s->pc[READER] == R_MARK))
        return "a reader that is awake is woken";
    return NULL;
}

static const char *adopt_stuck(const struct tso_model *model,
                               const struct tso_state *s)
{
    if (s->pc[READER] != R_ASLEEP)
        return "the reader hangs while awake";
    if (s->local[READER][SEEN] != model->rounds)
        return "a wake-up is lost";
    return NULL;
}

static void adopt_init(const struct tso_model *model, struct tso_state *s)
{
    (void)model;
    s->memory[IS_ASLEEP] = 1;
}

static const struct tso_model adopt_model = {
    .thread_count = 2,
    .rounds = 2,
    .init = adopt_init,
    .step = adopt_step,
    .broken = adopt_broken,
    .stuck = adopt_stuck,
};

static void late_reader_is_woken_once_for_what_it_missed(void **state)
{
    (void)state;
    claims_hold(&adopt_model, 4);
}

/* A mark that is gone does not say whether its wake-up was missed or is
 * under way. */
static void missing_mark_does_not_say_who_wakes(void **state)
{
    (void)state;
    claims_catch(&adopt_model, ADOPT_BY_THE_MARK,
                 "a reader that is awake is woken");
}

static void who_missed_the_reader_must_look_again(void **state)
{
    (void)state;
    claims_catch(&adopt_model, MISS_WITHOUT_LOOKING, "a wake-up is lost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_reader_is_woken_once_for_what_it_missed),
        cmocka_unit_test(missing_mark_does_not_say_who_wakes),
        cmocka_unit_test(who_missed_the_reader_must_look_again),
    };

    return cmocka_run_group_tests_name("adopt_model", tests, NULL, NULL);
}
