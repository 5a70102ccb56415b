/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A model of the high-water mark (msg/stream.h): how a writer that is
 * blocked at the mark waits for credit, and how the reader gives it back.
 * Explored exhaustively: the writer never waits for ever, the stream never
 * holds more than the mark allows, and never are two wake-ups under way,
 * for the command that carries them is one object.
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

enum { PUBLISHED, CONSUMED, WAITING };

/* Ghosts: wake-ups under way, messages read. */
enum { IN_FLIGHT, READ };

/* Local to the writer: messages sent, and that it has asked for a wake-up
 * which has not come yet. */
enum { SENT, IS_ARMED };

enum { HIGH_WATER_MARK = 2 };

enum mistake {
    NONE,
    WRITER_PLAIN_STORE, /* waiting = 1 without ordering */
    WRITER_NO_RECHECK,  /* waits without another look at consumed */
    READER_PLAIN_STORE, /* consumed without ordering */
    READER_PLAIN_CLEAR, /* the mark is cleared by a store, which may linger */
    DISARM_TOO_EARLY    /* the writer forgets a wake-up that is under way */
};

/* The writer:  W_CHECK   room ? publish : ask, unless it has asked already
 *              W_MARK    waiting = 1             (sequentially consistent)
 *              W_RECHECK room ? take the mark back : wait
 *              W_UNMARK  exchange (waiting, 0): had it ? no longer armed
 *              W_ASLEEP  until the wake-up comes, which disarms */
enum { W_CHECK, W_MARK, W_RECHECK, W_UNMARK, W_ASLEEP };

static bool writer_has_room(const struct tso_state *s)
{
    return s->local[WRITER][SENT] - tso_load(s, WRITER, CONSUMED) <
           HIGH_WATER_MARK;
}

static bool writer_checks(const struct tso_model *model, struct tso_state *s)
{
    uint8_t *local = s->local[WRITER];

    if (local[SENT] == model->rounds)
        return false;
    if (!writer_has_room(s)) {
        s->pc[WRITER] = local[IS_ARMED] ? W_ASLEEP : W_MARK;
        return true;
    }
    if (local[IS_ARMED]) {
        s->pc[WRITER] = W_UNMARK;
        return true;
    }
    return tso_store(s, WRITER, PUBLISHED, ++local[SENT]);
}

static bool writer_marks(const struct tso_model *model, struct tso_state *s)
{
    s->local[WRITER][IS_ARMED] = 1;
    s->pc[WRITER] = model->mistake == WRITER_NO_RECHECK ? W_ASLEEP : W_RECHECK;
    if (model->mistake == WRITER_PLAIN_STORE)
        return tso_store(s, WRITER, WAITING, 1);
    s->memory[WAITING] = 1;
    return tso_fence(s, WRITER);
}

/* With room again: if the reader has the mark, the wake-up is under way and
 * the writer stays armed until it comes, but need not wait for it. */
static bool writer_unmarks(const struct tso_model *model, struct tso_state *s)
{
    bool had_mark = s->memory[WAITING];
    uint8_t *local = s->local[WRITER];

    if (!tso_fence(s, WRITER))
        return false;
    s->memory[WAITING] = 0;
    if (had_mark || model->mistake == DISARM_TOO_EARLY)
        local[IS_ARMED] = 0;
    s->pc[WRITER] = W_CHECK;
    return tso_store(s, WRITER, PUBLISHED, ++local[SENT]);
}

/* The wake-up may come while the writer waits, and at any other time. */
static bool writer_is_woken(struct tso_state *s)
{
    if (!s->ghost[IN_FLIGHT])
        return false;
    s->ghost[IN_FLIGHT]--;
    s->local[WRITER][IS_ARMED] = 0;
    s->pc[WRITER] = W_CHECK;
    return true;
}

static bool writer_step(const struct tso_model *model, struct tso_state *s,
                        int choice)
{
    if (choice)
        return s->pc[WRITER] == W_CHECK && writer_is_woken(s);
    switch (s->pc[WRITER]) {
    case W_CHECK:
        return writer_checks(model, s);
    case W_MARK:
        return writer_marks(model, s);
    case W_RECHECK:
        s->pc[WRITER] = writer_has_room(s) ? W_UNMARK : W_ASLEEP;
        return true;
    case W_UNMARK:
        return writer_unmarks(model, s);
    case W_ASLEEP:
        return writer_is_woken(s);
    default:
        return false;
    }
}

/* The reader:  R_READ   take one message, if there is one
 *              R_GIVE   consumed += 1       (sequentially consistent)
 *              R_LOOK   waiting ?           (plain load)
 *              R_CLAIM  exchange (waiting, 0) == 1 ? send one wake */
enum { R_READ, R_GIVE, R_LOOK, R_CLAIM };

static bool reader_claims(const struct tso_model *model, struct tso_state *s)
{
    bool is_plain = model->mistake == READER_PLAIN_CLEAR;

    if (!tso_fence(s, READER))
        return false;
    if (s->memory[WAITING])
        s->ghost[IN_FLIGHT]++;
    s->pc[READER] = R_READ;
    if (is_plain)
        return tso_store(s, READER, WAITING, 0);
    s->memory[WAITING] = 0;
    return true;
}

static bool reader_step(const struct tso_model *model, struct tso_state *s)
{
    uint8_t taken = s->ghost[READ];

    switch (s->pc[READER]) {
    case R_READ:
        /* The reader's own sleep is the other model: here it polls. */
        if (tso_load(s, READER, PUBLISHED) == taken)
            return false;
        s->ghost[READ]++;
        s->pc[READER] = R_GIVE;
        return true;
    case R_GIVE:
        s->pc[READER] = R_LOOK;
        if (model->mistake == READER_PLAIN_STORE)
            return tso_store(s, READER, CONSUMED, taken);
        s->memory[CONSUMED] = taken;
        return tso_fence(s, READER);
    case R_LOOK:
        s->pc[READER] = tso_load(s, READER, WAITING) ? R_CLAIM : R_READ;
        return true;
    case R_CLAIM:
        return reader_claims(model, s);
    default:
        return false;
    }
}

static bool credit_step(const struct tso_model *model, struct tso_state *s,
                        int thread, int choice)
{
    if (thread == WRITER)
        return writer_step(model, s, choice);
    return choice == 0 && reader_step(model, s);
}

static const char *credit_broken(const struct tso_model *model,
                                 const struct tso_state *s)
{
    (void)model;
    if (s->local[WRITER][SENT] > s->ghost[READ] + HIGH_WATER_MARK)
        return "more messages than the high-water mark allows";
    if (s->ghost[IN_FLIGHT] > 1)
        return "two wake-ups under way";
    return NULL;
}

static const char *credit_stuck(const struct tso_model *model,
                                const struct tso_state *s)
{
    if (s->local[WRITER][SENT] != model->rounds)
        return "the writer waits for ever";
    return s->ghost[READ] == model->rounds ? NULL : "a message is lost";
}

static const struct tso_model credit_model = {
    .thread_count = 2,
    .rounds = 6,
    .step = credit_step,
    .broken = credit_broken,
    .stuck = credit_stuck,
};

static void writer_at_the_mark_always_gets_credit(void **state)
{
    (void)state;
    claims_hold(&credit_model, 7);
}

static void writer_must_order_its_mark(void **state)
{
    (void)state;
    claims_catch(&credit_model, WRITER_PLAIN_STORE,
                 "the writer waits for ever");
}

static void writer_must_look_again(void **state)
{
    (void)state;
    claims_catch(&credit_model, WRITER_NO_RECHECK, "the writer waits for ever");
}

static void reader_must_order_its_credit(void **state)
{
    (void)state;
    claims_catch(&credit_model, READER_PLAIN_STORE,
                 "the writer waits for ever");
}

static void reader_must_take_the_mark_by_exchange(void **state)
{
    (void)state;
    claims_catch(&credit_model, READER_PLAIN_CLEAR, "two wake-ups under way");
}

static void writer_stays_armed_until_the_wake_up_comes(void **state)
{
    (void)state;
    claims_catch(&credit_model, DISARM_TOO_EARLY, "two wake-ups under way");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writer_at_the_mark_always_gets_credit),
        cmocka_unit_test(writer_must_order_its_mark),
        cmocka_unit_test(writer_must_look_again),
        cmocka_unit_test(reader_must_order_its_credit),
        cmocka_unit_test(reader_must_take_the_mark_by_exchange),
        cmocka_unit_test(writer_stays_armed_until_the_wake_up_comes),
    };

    return cmocka_run_group_tests_name("credit_model", tests, NULL, NULL);
}
