/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A model of the high-water mark: how a writer that is blocked at the mark
 * waits for credit, and how the reader gives it back. Explored
 * exhaustively: the writer never waits for ever, the pipe never holds more
 * than the mark allows, and each wait is ended by at most one wake.
 *
 * Thread: one. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tso.h"

enum { WRITER, READER };

enum { PUBLISHED, CONSUMED, WAITING };

/* Ghosts: wakes under way, waits begun, wakes sent, messages read. */
enum { IN_FLIGHT, WAITS, WAKES, READ };

enum { HIGH_WATER_MARK = 2 };

enum mistake {
    NONE,
    WRITER_PLAIN_STORE, /* waiting = 1 without ordering */
    WRITER_NO_RECHECK,  /* waits without another look at consumed */
    READER_PLAIN_STORE, /* consumed without ordering */
    READER_PLAIN_CLEAR  /* the mark is cleared by a store, which may linger */
};

/* The writer:  W_CHECK   room ? publish : wait
 *              W_MARK    waiting = 1        (sequentially consistent)
 *              W_RECHECK room ? take the mark back : sleep
 *              W_UNMARK  waiting = 0, whoever cleared it
 *              W_ASLEEP  until a wake comes */
enum { W_CHECK, W_MARK, W_RECHECK, W_UNMARK, W_ASLEEP };

static bool writer_has_room(const struct tso_state *s)
{
    return s->local[WRITER][0] - tso_load(s, WRITER, CONSUMED) <
           HIGH_WATER_MARK;
}

static bool writer_marks(const struct tso_model *model, struct tso_state *s)
{
    if (model->mistake == WRITER_PLAIN_STORE) {
        if (!tso_store(s, WRITER, WAITING, 1))
            return false;
    } else {
        if (!tso_fence(s, WRITER))
            return false;
        s->memory[WAITING] = 1;
    }
    s->ghost[WAITS]++;
    s->pc[WRITER] = model->mistake == WRITER_NO_RECHECK ? W_ASLEEP : W_RECHECK;
    return true;
}

static bool writer_step(const struct tso_model *model, struct tso_state *s)
{
    uint8_t *sent = &s->local[WRITER][0];

    switch (s->pc[WRITER]) {
    case W_CHECK:
        if (*sent == model->rounds)
            return false;
        if (!writer_has_room(s)) {
            s->pc[WRITER] = W_MARK;
            return true;
        }
        ++*sent;
        return tso_store(s, WRITER, PUBLISHED, *sent);
    case W_MARK:
        return writer_marks(model, s);
    case W_RECHECK:
        s->pc[WRITER] = writer_has_room(s) ? W_UNMARK : W_ASLEEP;
        return true;
    case W_UNMARK:
        if (!tso_fence(s, WRITER))
            return false;
        s->memory[WAITING] = 0;
        s->pc[WRITER] = W_CHECK;
        return true;
    case W_ASLEEP:
        if (!s->ghost[IN_FLIGHT])
            return false;
        s->ghost[IN_FLIGHT]--;
        s->pc[WRITER] = W_CHECK;
        return true;
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
    if (s->memory[WAITING]) {
        s->ghost[IN_FLIGHT]++;
        s->ghost[WAKES]++;
    }
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
    if (choice)
        return false;
    return thread == WRITER ? writer_step(model, s) : reader_step(model, s);
}

static const char *credit_broken(const struct tso_model *model,
                                 const struct tso_state *s)
{
    (void)model;
    if (s->local[WRITER][0] > s->ghost[READ] + HIGH_WATER_MARK)
        return "more messages than the high-water mark allows";
    if (s->ghost[WAKES] > s->ghost[WAITS])
        return "more wakes than waits";
    return NULL;
}

static const char *credit_stuck(const struct tso_model *model,
                                const struct tso_state *s)
{
    if (s->local[WRITER][0] != model->rounds)
        return "the writer waits for ever";
    return s->ghost[READ] == model->rounds ? NULL : "a message is lost";
}

static void credit_init(const struct tso_model *model, struct tso_state *s)
{
    (void)model;
    (void)s;
}

static struct tso_result explore(int rounds, int mistake)
{
    const struct tso_model model = {
        .thread_count = 2,
        .mistake = mistake,
        .rounds = rounds,
        .init = credit_init,
        .step = credit_step,
        .broken = credit_broken,
        .stuck = credit_stuck,
    };
    struct tso_result result = tso_explore(&model);

    print_message("%d messages: %zu states, %s\n", rounds, result.state_count,
                  result.broken ? result.broken : "all claims hold");
    return result;
}

static void assert_caught(int mistake, const char *as)
{
    struct tso_result result = explore(6, mistake);

    assert_non_null(result.broken);
    assert_string_equal(result.broken, as);
}

static void writer_at_the_mark_always_gets_credit(void **state)
{
    (void)state;
    for (int rounds = 1; rounds <= 7; rounds++)
        assert_null(explore(rounds, NONE).broken);
}

static void writer_must_order_its_mark(void **state)
{
    (void)state;
    assert_caught(WRITER_PLAIN_STORE, "the writer waits for ever");
}

static void writer_must_look_again(void **state)
{
    (void)state;
    assert_caught(WRITER_NO_RECHECK, "the writer waits for ever");
}

static void reader_must_order_its_credit(void **state)
{
    (void)state;
    assert_caught(READER_PLAIN_STORE, "the writer waits for ever");
}

static void reader_must_take_the_mark_by_exchange(void **state)
{
    (void)state;
    assert_caught(READER_PLAIN_CLEAR, "the writer waits for ever");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writer_at_the_mark_always_gets_credit),
        cmocka_unit_test(writer_must_order_its_mark),
        cmocka_unit_test(writer_must_look_again),
        cmocka_unit_test(reader_must_order_its_credit),
        cmocka_unit_test(reader_must_take_the_mark_by_exchange),
    };

    return cmocka_run_group_tests_name("credit_model", tests, NULL, NULL);
}
