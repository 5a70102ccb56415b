/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A model of how a pipe's writer wakes its sleeping reader (core/pipe.h),
 * explored exhaustively: no wake-up is ever lost, and each sleep is ended
 * by one wake at most, in fast mode (membarrier), in quiet mode (fences),
 * and across every change between the two. The same explorer must find the
 * counter-example as soon as one ordering is left out.
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

enum { PUBLISHED, CTL };
enum { ASLEEP = 1, QUIET = 2 };

/* Ghosts: what has been read, wakes under way, sleeps begun, wakes sent,
 * and wakes sent since the last sleep began. */
enum { CONSUMED, IN_FLIGHT, SLEEPS, WAKES, WAKES_THIS_SLEEP };

enum mistake {
    NONE,
    FAST_WITHOUT_BARRIER,       /* the reader does not order at all */
    FAST_WITH_OWN_FENCE_ONLY,   /* a fence where the membarrier should be */
    TO_QUIET_WITHOUT_BARRIER,   /* the change to quiet mode does not pay */
    QUIET_WITHOUT_READER_FENCE, /* a plain store marks the reader asleep */
    QUIET_WITHOUT_WRITER_FENCE, /* the slow path believes its first load */
    WAKE_WITHOUT_CLAIM,         /* the writer wakes whenever it saw ASLEEP */
    RECHECK_BEFORE_MARK         /* the reader looks, then marks, then sleeps */
};

/* The writer:  W_STORE  published = n      (release, plain on x86)
 *              W_LOOK   ctl == 0 ? done    (plain load after light barrier)
 *              W_FENCE  full fence
 *              W_RELOOK ASLEEP ?           (plain load)
 *              W_CLAIM  fetch_and (~ASLEEP): had the bit ? send one wake */
enum { W_STORE, W_LOOK, W_FENCE, W_RELOOK, W_CLAIM };

static bool writer_step(const struct tso_model *model, struct tso_state *s)
{
    uint8_t *done = &s->local[WRITER][0];
    uint8_t ctl;

    switch (s->pc[WRITER]) {
    case W_STORE:
        if (*done == model->rounds ||
            !tso_store(s, WRITER, PUBLISHED, (uint8_t)(*done + 1)))
            return false;
        ++*done;
        s->pc[WRITER] = W_LOOK;
        return true;
    case W_LOOK:
        ctl = tso_load(s, WRITER, CTL);
        s->pc[WRITER] = ctl == 0 ? W_STORE : W_FENCE;
        return true;
    case W_FENCE:
        if (model->mistake != QUIET_WITHOUT_WRITER_FENCE &&
            !tso_fence(s, WRITER))
            return false;
        s->pc[WRITER] = W_RELOOK;
        return true;
    case W_RELOOK:
        ctl = tso_load(s, WRITER, CTL);
        s->pc[WRITER] = ctl & ASLEEP ? W_CLAIM : W_STORE;
        return true;
    case W_CLAIM:
        if (!tso_fence(s, WRITER))
            return false;
        if (s->memory[CTL] & ASLEEP || model->mistake == WAKE_WITHOUT_CLAIM) {
            s->ghost[IN_FLIGHT]++;
            s->ghost[WAKES]++;
            s->ghost[WAKES_THIS_SLEEP]++;
        }
        s->memory[CTL] &= (uint8_t)~ASLEEP;
        s->pc[WRITER] = W_STORE;
        return true;
    default:
        return false;
    }
}

/* The reader:  R_READ    take what is published; nothing new ? go to sleep
 *              R_MARK_*  put the ASLEEP mark, in one of three ways
 *              R_BARRIER_* membarrier, call and return
 *              R_RECHECK new data ? R_UNMARK : R_ASLEEP
 *              R_UNMARK  fetch_and (~ASLEEP), whoever cleared it; read on
 *              R_ASLEEP  until a wake comes
 *              R_WOKEN   new data ? R_UNMARK; mark still there ? sleep on */
enum {
    R_READ,
    R_TO_FAST,
    R_MARK_FAST,
    R_MARK_TO_QUIET,
    R_MARK_QUIET,
    R_BARRIER,
    R_BARRIER_END,
    R_RECHECK,
    R_UNMARK,
    R_ASLEEP,
    R_WOKEN
};

static void reader_begins_sleep(struct tso_state *s, int next_pc)
{
    s->ghost[SLEEPS]++;
    s->ghost[WAKES_THIS_SLEEP] = 0;
    s->pc[READER] = (uint8_t)next_pc;
}

/* Nothing to read: pick one of the ways to sleep that the mode allows. */
static bool reader_chooses(struct tso_state *s, int choice)
{
    bool is_quiet = s->local[READER][0];

    if (is_quiet)
        s->pc[READER] = choice ? R_TO_FAST : R_MARK_QUIET;
    else
        s->pc[READER] = choice ? R_MARK_TO_QUIET : R_MARK_FAST;
    return true;
}

/* The marks of R_MARK_FAST and R_MARK_TO_QUIET: a plain store, for nobody
 * but the reader sets bits, and the writer clears only ASLEEP, which is
 * not set now. */
static bool reader_marks_plainly(const struct tso_model *model,
                                 struct tso_state *s, bool to_quiet)
{
    if (!tso_store(s, READER, CTL, to_quiet ? QUIET | ASLEEP : ASLEEP))
        return false;
    s->local[READER][0] = to_quiet;
    if (model->mistake == FAST_WITHOUT_BARRIER && !to_quiet)
        reader_begins_sleep(s, R_RECHECK);
    else
        reader_begins_sleep(s, R_BARRIER);
    return true;
}

static bool reader_marks_quiet(const struct tso_model *model,
                               struct tso_state *s)
{
    if (model->mistake == QUIET_WITHOUT_READER_FENCE) {
        if (!tso_store(s, READER, CTL, QUIET | ASLEEP))
            return false;
    } else {
        if (!tso_fence(s, READER))
            return false;
        s->memory[CTL] |= ASLEEP;
    }
    reader_begins_sleep(s, R_RECHECK);
    return true;
}

static bool reader_barrier(const struct tso_model *model, struct tso_state *s)
{
    bool is_quiet = s->local[READER][0];

    s->pc[READER] = R_RECHECK;
    if (model->mistake == FAST_WITH_OWN_FENCE_ONLY && !is_quiet)
        return tso_fence(s, READER);
    if (model->mistake == TO_QUIET_WITHOUT_BARRIER && is_quiet)
        return tso_fence(s, READER);
    s->pc[READER] = R_BARRIER_END;
    return tso_heavy_begin(model, s, READER);
}

static bool reader_reads(const struct tso_model *model, struct tso_state *s,
                         int choice)
{
    uint8_t published = tso_load(s, READER, PUBLISHED);

    if (published > s->ghost[CONSUMED]) {
        s->ghost[CONSUMED] = published;
        return choice == 0;
    }
    (void)model;
    return reader_chooses(s, choice);
}

static bool reader_step(const struct tso_model *model, struct tso_state *s,
                        int choice)
{
    bool has_new = tso_load(s, READER, PUBLISHED) > s->ghost[CONSUMED];

    if (s->pc[READER] == R_READ)
        return reader_reads(model, s, choice);
    if (choice)
        return false;
    switch (s->pc[READER]) {
    case R_TO_FAST:
        s->local[READER][0] = 0;
        s->pc[READER] = R_MARK_FAST;
        return tso_store(s, READER, CTL, 0);
    case R_MARK_FAST:
        return reader_marks_plainly(model, s, false);
    case R_MARK_TO_QUIET:
        return reader_marks_plainly(model, s, true);
    case R_MARK_QUIET:
        return reader_marks_quiet(model, s);
    case R_BARRIER:
        return reader_barrier(model, s);
    case R_BARRIER_END:
        s->pc[READER] = R_RECHECK;
        return tso_heavy_end(model, s);
    case R_RECHECK:
        s->pc[READER] = R_ASLEEP;
        if (has_new && model->mistake != RECHECK_BEFORE_MARK)
            s->pc[READER] = R_UNMARK;
        return true;
    case R_UNMARK:
        if (!tso_fence(s, READER))
            return false;
        s->memory[CTL] &= (uint8_t)~ASLEEP;
        s->pc[READER] = R_READ;
        return true;
    case R_ASLEEP:
        if (!s->ghost[IN_FLIGHT])
            return false;
        s->ghost[IN_FLIGHT]--;
        s->pc[READER] = R_WOKEN;
        return true;
    case R_WOKEN:
        /* A wake of an earlier sleep may come in this one. */
        if (has_new)
            s->pc[READER] = R_UNMARK;
        else if (tso_load(s, READER, CTL) & ASLEEP)
            s->pc[READER] = R_ASLEEP;
        else
            s->pc[READER] = R_READ;
        return true;
    default:
        return false;
    }
}

static bool wake_step(const struct tso_model *model, struct tso_state *s,
                      int thread, int choice)
{
    if (thread == READER)
        return reader_step(model, s, choice);
    return choice == 0 && writer_step(model, s);
}

static const char *wake_broken(const struct tso_model *model,
                               const struct tso_state *s)
{
    (void)model;
    if (s->ghost[WAKES] > s->ghost[SLEEPS])
        return "more wakes than sleeps";
    if (s->ghost[WAKES_THIS_SLEEP] > 1)
        return "two wakes for one sleep";
    return NULL;
}

/* Nothing moves any more: then the reader sleeps and has read everything. */
static const char *wake_stuck(const struct tso_model *model,
                              const struct tso_state *s)
{
    if (s->pc[READER] != R_ASLEEP)
        return "the reader hangs while awake";
    if (s->ghost[CONSUMED] != model->rounds)
        return "a wake-up is lost";
    if (s->memory[PUBLISHED] != model->rounds)
        return "the writer hangs";
    return NULL;
}

static void init_fast(const struct tso_model *model, struct tso_state *s)
{
    (void)model;
    (void)s;
}

static void init_quiet(const struct tso_model *model, struct tso_state *s)
{
    (void)model;
    s->memory[CTL] = QUIET;
    s->local[READER][0] = 1;
}

static struct tso_result explore(int rounds, int mistake,
                                 void (*init)(const struct tso_model *,
                                              struct tso_state *))
{
    const struct tso_model model = {
        .thread_count = 2,
        .mistake = mistake,
        .rounds = rounds,
        .init = init,
        .step = wake_step,
        .broken = wake_broken,
        .stuck = wake_stuck,
    };
    struct tso_result result = tso_explore(&model);

    print_message("%d messages: %zu states, %s\n", rounds, result.state_count,
                  result.broken ? result.broken : "all claims hold");
    return result;
}

static void no_wake_up_is_lost_from_fast_mode(void **state)
{
    (void)state;
    for (int rounds = 1; rounds <= 4; rounds++)
        assert_null(explore(rounds, NONE, init_fast).broken);
}

static void no_wake_up_is_lost_from_quiet_mode(void **state)
{
    (void)state;
    for (int rounds = 1; rounds <= 4; rounds++)
        assert_null(explore(rounds, NONE, init_quiet).broken);
}

static void assert_caught(int mistake, const char *as)
{
    struct tso_result result = explore(2, mistake, init_fast);

    assert_non_null(result.broken);
    assert_string_equal(result.broken, as);
}

static void fast_mode_needs_its_barrier(void **state)
{
    (void)state;
    assert_caught(FAST_WITHOUT_BARRIER, "a wake-up is lost");
}

static void fast_mode_needs_more_than_the_readers_own_fence(void **state)
{
    (void)state;
    assert_caught(FAST_WITH_OWN_FENCE_ONLY, "a wake-up is lost");
}

static void change_to_quiet_mode_needs_the_barrier(void **state)
{
    (void)state;
    assert_caught(TO_QUIET_WITHOUT_BARRIER, "a wake-up is lost");
}

static void quiet_mode_needs_the_readers_exchange(void **state)
{
    (void)state;
    assert_caught(QUIET_WITHOUT_READER_FENCE, "a wake-up is lost");
}

static void quiet_mode_needs_the_writers_fence(void **state)
{
    (void)state;
    assert_caught(QUIET_WITHOUT_WRITER_FENCE, "a wake-up is lost");
}

static void only_who_clears_the_mark_may_wake(void **state)
{
    (void)state;
    assert_caught(WAKE_WITHOUT_CLAIM, "two wakes for one sleep");
}

static void reader_must_look_again_after_the_mark(void **state)
{
    (void)state;
    assert_caught(RECHECK_BEFORE_MARK, "a wake-up is lost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_wake_up_is_lost_from_fast_mode),
        cmocka_unit_test(no_wake_up_is_lost_from_quiet_mode),
        cmocka_unit_test(fast_mode_needs_its_barrier),
        cmocka_unit_test(fast_mode_needs_more_than_the_readers_own_fence),
        cmocka_unit_test(change_to_quiet_mode_needs_the_barrier),
        cmocka_unit_test(quiet_mode_needs_the_readers_exchange),
        cmocka_unit_test(quiet_mode_needs_the_writers_fence),
        cmocka_unit_test(only_who_clears_the_mark_may_wake),
        cmocka_unit_test(reader_must_look_again_after_the_mark),
    };

    return cmocka_run_group_tests_name("wake_model", tests, NULL, NULL);
}
