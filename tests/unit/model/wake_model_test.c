/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A model of how the two sides of a stream (msg/stream.h) wake each other:
 * the reader marks itself asleep, in fast mode with membarrier or in quiet
 * mode without; the writer takes the mark away, when it publishes or, to
 * begin again at the front of its chunk, before that (a claim), and owes
 * one wake-up for it. Explored exhaustively: no wake-up is lost, none is
 * sent to a reader that is awake, and what is claimed has been read. Each
 * ordering that is left out must be caught.
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

/* SLEPT_AT: what the reader had seen when it put its mark. */
enum { PUBLISHED, CTL, SLEPT_AT };
enum { ASLEEP = 1, QUIET = 2 };

/* Ghosts: wake-ups under way, and that a claim took unread messages. */
enum { IN_FLIGHT, CLAIMED_UNREAD };

enum { CLAIMS_MAX = 3 };

enum mistake {
    NONE,
    FAST_WITHOUT_BARRIER,       /* the reader does not order at all */
    TO_QUIET_WITHOUT_BARRIER,   /* the change to quiet mode does not pay */
    QUIET_WITHOUT_READER_FENCE, /* a plain store marks the reader asleep */
    QUIET_WITHOUT_WRITER_FENCE, /* the writer believes its first load */
    WAKE_WITHOUT_CLAIM,         /* the writer wakes whenever it saw ASLEEP */
    NO_SECOND_LOOK,             /* the reader looks, then marks, then sleeps */
    CLAIM_WITHOUT_LOOKING,      /* a mark is taken for "all is read" */
    AWAKE_AFTER_LOST_MARK       /* the reader reads on though it was claimed */
};

/* The writer, for each message:
 *   W_BEGIN    publish at once, or try to claim first
 *   W_CLAIM_*  ASLEEP, and asleep where we are ? take the mark
 *   W_CLAIMED  publish, or put the mark back (nothing was to be published)
 *   W_STORE    published = n         (release, plain on x86)
 *   W_LOOK     ctl == 0 ? done       (plain load after the light barrier)
 *   W_TAKE     fetch_and (~ASLEEP)   had the bit ? wake
 *   W_WAKE     one wake-up           (a locked instruction posts it) */
enum {
    W_BEGIN,
    W_CLAIM_CTL,
    W_CLAIM_POSITION,
    W_CLAIM,
    W_CLAIMED,
    W_STORE,
    W_LOOK,
    W_TAKE,
    W_WAKE
};

/* Local to the writer, and to the reader. */
enum { DONE, HAS_CLAIM, CLAIMS };
enum { IS_QUIET, SEEN };

static bool writer_begins(const struct tso_model *model, struct tso_state *s,
                          int choice)
{
    uint8_t *local = s->local[WRITER];

    if (choice == 0) {
        s->pc[WRITER] = W_STORE;
        return local[DONE] < model->rounds;
    }
    /* A claim may also come after the last message: chunks are given back. */
    s->pc[WRITER] = W_CLAIM_CTL;
    return local[CLAIMS]++ < CLAIMS_MAX;
}

static bool writer_claims(struct tso_state *s)
{
    uint8_t *local = s->local[WRITER];

    if (!tso_fence(s, WRITER))
        return false;
    s->pc[WRITER] = W_BEGIN;
    if (!(s->memory[CTL] & ASLEEP))
        return true;
    s->memory[CTL] &= (uint8_t)~ASLEEP;
    local[HAS_CLAIM] = 1;
    s->ghost[CLAIMED_UNREAD] = local[DONE] != s->local[READER][SEEN];
    s->pc[WRITER] = W_CLAIMED;
    return true;
}

/* After a claim: a message, or nothing after all. */
static bool writer_goes_on(const struct tso_model *model, struct tso_state *s,
                           int choice)
{
    uint8_t *local = s->local[WRITER];

    if (choice == 0) {
        s->pc[WRITER] = W_STORE;
        return local[DONE] < model->rounds;
    }
    s->memory[CTL] |= ASLEEP;
    local[HAS_CLAIM] = 0;
    s->pc[WRITER] = W_BEGIN;
    return tso_fence(s, WRITER);
}

static bool writer_takes(const struct tso_model *model, struct tso_state *s)
{
    bool had_mark = s->memory[CTL] & ASLEEP;

    if (model->mistake == QUIET_WITHOUT_WRITER_FENCE) {
        had_mark = tso_load(s, WRITER, CTL) & ASLEEP;
        if (!had_mark) {
            s->pc[WRITER] = W_BEGIN;
            return true;
        }
    }
    if (!tso_fence(s, WRITER))
        return false;
    s->memory[CTL] &= (uint8_t)~ASLEEP;
    if (model->mistake == WAKE_WITHOUT_CLAIM)
        had_mark = true;
    s->pc[WRITER] = had_mark ? W_WAKE : W_BEGIN;
    return true;
}

static bool writer_step(const struct tso_model *model, struct tso_state *s,
                        int choice)
{
    uint8_t *local = s->local[WRITER];

    if (s->pc[WRITER] == W_BEGIN)
        return writer_begins(model, s, choice);
    if (s->pc[WRITER] == W_CLAIMED)
        return writer_goes_on(model, s, choice);
    if (choice)
        return false;
    switch (s->pc[WRITER]) {
    case W_CLAIM_CTL:
        s->pc[WRITER] =
            tso_load(s, WRITER, CTL) & ASLEEP ? W_CLAIM_POSITION : W_BEGIN;
        return true;
    case W_CLAIM_POSITION:
        s->pc[WRITER] = W_CLAIM;
        if (model->mistake != CLAIM_WITHOUT_LOOKING &&
            tso_load(s, WRITER, SLEPT_AT) != local[DONE])
            s->pc[WRITER] = W_BEGIN;
        return true;
    case W_CLAIM:
        return writer_claims(s);
    case W_STORE:
        s->pc[WRITER] = W_LOOK;
        return tso_store(s, WRITER, PUBLISHED, ++local[DONE]);
    case W_LOOK:
        s->pc[WRITER] = tso_load(s, WRITER, CTL) ? W_TAKE : W_BEGIN;
        if (local[HAS_CLAIM])
            s->pc[WRITER] = W_WAKE;
        return true;
    case W_TAKE:
        return writer_takes(model, s);
    case W_WAKE:
        local[HAS_CLAIM] = 0;
        s->ghost[IN_FLIGHT]++;
        s->pc[WRITER] = W_BEGIN;
        return tso_fence(s, WRITER);
    default:
        return false;
    }
}

/* The reader:
 *   R_LOOK      take what is published; nothing new ? go to sleep
 *   R_TO_FAST   fetch_and (~QUIET), while awake
 *   R_POSITION  slept_at = seen       (plain)
 *   R_MARK      fetch_or (ASLEEP, perhaps QUIET)
 *   R_BARRIER   membarrier, the call and the return; not in quiet mode
 *   R_RELOOK    nothing new ? asleep
 *   R_TAKE_BACK fetch_and (~ASLEEP): had the bit ? awake : asleep
 *   R_ASLEEP    until the wake-up comes */
enum {
    R_LOOK,
    R_TO_FAST,
    R_POSITION,
    R_MARK,
    R_BARRIER,
    R_BARRIER_END,
    R_RELOOK,
    R_TAKE_BACK,
    R_ASLEEP
};

/* Looks; finds nothing and picks a way to sleep that the mode allows. */
static bool reader_looks(struct tso_state *s, int choice)
{
    uint8_t *local = s->local[READER];
    uint8_t published = tso_load(s, READER, PUBLISHED);

    if (published != local[SEEN]) {
        local[SEEN] = published;
        return choice == 0;
    }
    s->pc[READER] = choice && local[IS_QUIET] ? R_TO_FAST : R_POSITION;
    /* 2: quiet from this sleep on. */
    if (choice && !local[IS_QUIET])
        local[IS_QUIET] = 2;
    return true;
}

static bool reader_marks(const struct tso_model *model, struct tso_state *s)
{
    uint8_t is_quiet = s->local[READER][IS_QUIET];
    uint8_t bits = is_quiet ? QUIET | ASLEEP : ASLEEP;
    bool is_paying = is_quiet != 1;

    if (model->mistake == QUIET_WITHOUT_READER_FENCE && is_quiet == 1) {
        if (!tso_store(s, READER, CTL, bits))
            return false;
    } else {
        if (!tso_fence(s, READER))
            return false;
        s->memory[CTL] |= bits;
    }
    s->local[READER][IS_QUIET] = is_quiet != 0;
    if (model->mistake == FAST_WITHOUT_BARRIER && !is_quiet)
        is_paying = false;
    if (model->mistake == TO_QUIET_WITHOUT_BARRIER && is_quiet)
        is_paying = false;
    s->pc[READER] = is_paying ? R_BARRIER : R_RELOOK;
    return true;
}

static bool reader_takes_back(const struct tso_model *model,
                              struct tso_state *s)
{
    bool had_mark = s->memory[CTL] & ASLEEP;

    if (!tso_fence(s, READER))
        return false;
    s->memory[CTL] &= (uint8_t)~ASLEEP;
    s->pc[READER] = R_LOOK;
    if (!had_mark && model->mistake != AWAKE_AFTER_LOST_MARK)
        s->pc[READER] = R_ASLEEP;
    return true;
}

static bool reader_step(const struct tso_model *model, struct tso_state *s,
                        int choice)
{
    const uint8_t *local = s->local[READER];

    if (s->pc[READER] == R_LOOK)
        return reader_looks(s, choice);
    if (choice)
        return false;
    switch (s->pc[READER]) {
    case R_TO_FAST:
        s->memory[CTL] &= (uint8_t)~QUIET;
        s->local[READER][IS_QUIET] = 0;
        s->pc[READER] = R_POSITION;
        return tso_fence(s, READER);
    case R_POSITION:
        s->pc[READER] = R_MARK;
        return tso_store(s, READER, SLEPT_AT, local[SEEN]);
    case R_MARK:
        return reader_marks(model, s);
    case R_BARRIER:
        s->pc[READER] = R_BARRIER_END;
        return tso_heavy_begin(model, s, READER);
    case R_BARRIER_END:
        s->pc[READER] = R_RELOOK;
        return tso_heavy_end(model, s);
    case R_RELOOK:
        s->pc[READER] = R_ASLEEP;
        if (tso_load(s, READER, PUBLISHED) != local[SEEN] &&
            model->mistake != NO_SECOND_LOOK)
            s->pc[READER] = R_TAKE_BACK;
        return true;
    case R_TAKE_BACK:
        return reader_takes_back(model, s);
    case R_ASLEEP:
        s->pc[READER] = R_LOOK;
        return s->ghost[IN_FLIGHT]-- > 0;
    default:
        return false;
    }
}

static bool wake_step(const struct tso_model *model, struct tso_state *s,
                      int thread, int choice)
{
    return thread == READER ? reader_step(model, s, choice)
                            : writer_step(model, s, choice);
}

static const char *wake_broken(const struct tso_model *model,
                               const struct tso_state *s)
{
    (void)model;
    if (s->ghost[CLAIMED_UNREAD])
        return "messages are overwritten before they are read";
    if (s->ghost[IN_FLIGHT] > 1)
        return "two wake-ups under way";
    if (s->ghost[IN_FLIGHT] && s->pc[READER] < R_MARK)
        return "a reader that is awake is woken";
    if (s->local[WRITER][HAS_CLAIM] && s->pc[READER] < R_MARK)
        return "a reader that is awake is claimed";
    return NULL;
}

/* Nothing moves any more: then the reader sleeps and has read everything. */
static const char *wake_stuck(const struct tso_model *model,
                              const struct tso_state *s)
{
    if (s->pc[READER] != R_ASLEEP)
        return "the reader hangs while awake";
    if (s->local[READER][SEEN] != model->rounds)
        return "a wake-up is lost";
    return NULL;
}

/* How a stream begins. */
static void init_asleep(const struct tso_model *model, struct tso_state *s)
{
    (void)model;
    s->memory[CTL] = ASLEEP | QUIET;
    s->local[READER][IS_QUIET] = 1;
    s->pc[READER] = R_ASLEEP;
}

/* In fast mode, the reader awake. */
static const struct tso_model wake_model = {
    .thread_count = 2,
    .rounds = 2,
    .step = wake_step,
    .broken = wake_broken,
    .stuck = wake_stuck,
};

static void no_wake_up_is_lost_from_fast_mode(void **state)
{
    (void)state;
    claims_hold(&wake_model, 4);
}

static void no_wake_up_is_lost_from_the_beginning(void **state)
{
    struct tso_model model = wake_model;

    (void)state;
    model.init = init_asleep;
    claims_hold(&model, 4);
}

static void fast_mode_needs_its_barrier(void **state)
{
    (void)state;
    claims_catch(&wake_model, FAST_WITHOUT_BARRIER, "a wake-up is lost");
}

static void change_to_quiet_mode_needs_the_barrier(void **state)
{
    (void)state;
    claims_catch(&wake_model, TO_QUIET_WITHOUT_BARRIER, "a wake-up is lost");
}

static void quiet_mode_needs_the_readers_exchange(void **state)
{
    (void)state;
    claims_catch(&wake_model, QUIET_WITHOUT_READER_FENCE, "a wake-up is lost");
}

static void quiet_mode_needs_the_writers_fence(void **state)
{
    (void)state;
    claims_catch(&wake_model, QUIET_WITHOUT_WRITER_FENCE, "a wake-up is lost");
}

static void only_who_clears_the_mark_may_wake(void **state)
{
    (void)state;
    claims_catch(&wake_model, WAKE_WITHOUT_CLAIM,
                 "a reader that is awake is woken");
}

static void reader_must_look_again_after_the_mark(void **state)
{
    (void)state;
    claims_catch(&wake_model, NO_SECOND_LOOK, "a wake-up is lost");
}

/* A mark alone does not say that all is read: a message may have been
 * published between the reader's last look and its mark. */
static void claim_needs_the_place_where_the_reader_fell_asleep(void **state)
{
    (void)state;
    claims_catch(&wake_model, CLAIM_WITHOUT_LOOKING,
                 "messages are overwritten before they are read");
}

static void reader_that_lost_its_mark_must_wait_for_the_wake_up(void **state)
{
    (void)state;
    claims_catch(&wake_model, AWAKE_AFTER_LOST_MARK,
                 "a reader that is awake is woken");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_wake_up_is_lost_from_fast_mode),
        cmocka_unit_test(no_wake_up_is_lost_from_the_beginning),
        cmocka_unit_test(fast_mode_needs_its_barrier),
        cmocka_unit_test(change_to_quiet_mode_needs_the_barrier),
        cmocka_unit_test(quiet_mode_needs_the_readers_exchange),
        cmocka_unit_test(quiet_mode_needs_the_writers_fence),
        cmocka_unit_test(only_who_clears_the_mark_may_wake),
        cmocka_unit_test(reader_must_look_again_after_the_mark),
        cmocka_unit_test(claim_needs_the_place_where_the_reader_fell_asleep),
        cmocka_unit_test(reader_that_lost_its_mark_must_wait_for_the_wake_up),
    };

    return cmocka_run_group_tests_name("wake_model", tests, NULL, NULL);
}
