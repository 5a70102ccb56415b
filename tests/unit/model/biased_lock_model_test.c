/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A model of core/biased_lock.h: a favourite that holds the lock by a plain
 * store, and two others that take a mutex and end that. Explored exhaustively:
 * never two of them inside, and nobody sleeps for ever.
 *
 * Thread 0 is the favourite. Whether it makes the lock its own again, when it
 * has the mutex, is left open.
 *
 * Thread: one. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "claims.h"

/* SLEEPERS is the kernel's. */
enum { HELD, SHARED, MUTEX, SLEEPERS };

enum { ROUND, HAS_MUTEX }; /* locals */

enum { INSIDE }; /* ghosts */

enum { FAVOURITE = 0 };

enum mistake {
    NONE,
    NO_SECOND_LOOK,   /* the favourite goes in with what it saw before */
    NO_BARRIER,       /* the other looks at once */
    NO_WAKE_ON_YIELD, /* the favourite lets go and does not say so */
    NO_LOOK_ON_LEAVE  /* the favourite leaves and does not look */
};

enum {
    START,
    /* The favourite. */
    F_LOOK,
    F_HOLD,
    F_SECOND_LOOK,
    F_YIELD,
    F_YIELD_WAKE,
    F_LOCK,
    F_BIAS,
    F_LEAVE,
    F_LAST_LOOK,
    F_WAKE,
    /* The others. */
    O_LOCK,
    O_LOOK,
    O_SHARE,
    O_BARRIER,
    O_BARRIER_END,
    O_WAIT,
    O_PARK,
    O_SLEEP,
    O_LEAVE,
};

static bool go(struct tso_state *s, int thread, int pc)
{
    s->pc[thread] = (uint8_t)pc;
    return true;
}

static bool starts(const struct tso_model *model, struct tso_state *s,
                   int thread)
{
    if (s->local[thread][ROUND] == model->rounds)
        return false;
    s->local[thread][ROUND]++;
    return go(s, thread, thread == FAVOURITE ? F_LOOK : O_LOCK);
}

static bool enters(struct tso_state *s, int thread, int pc)
{
    s->ghost[INSIDE]++;
    return go(s, thread, pc);
}

static bool locks(struct tso_state *s, int thread)
{
    if (!tso_fence(s, thread) || s->memory[MUTEX])
        return false;
    s->memory[MUTEX] = 1;
    return true;
}

static bool unlocks(struct tso_state *s, int thread)
{
    if (!tso_fence(s, thread))
        return false;
    s->ghost[INSIDE]--;
    s->memory[MUTEX] = 0;
    return go(s, thread, START);
}

/* A futex call is a fence. */
static bool wakes(struct tso_state *s, int thread, int pc)
{
    if (!tso_fence(s, thread))
        return false;
    s->memory[SLEEPERS] = 0;
    return go(s, thread, pc);
}

static bool favourite_leaves(const struct tso_model *model, struct tso_state *s)
{
    if (s->local[FAVOURITE][HAS_MUTEX]) {
        s->local[FAVOURITE][HAS_MUTEX] = 0;
        return unlocks(s, FAVOURITE);
    }
    if (!tso_store(s, FAVOURITE, HELD, 0))
        return false;
    s->ghost[INSIDE]--;
    return go(s, FAVOURITE,
              model->mistake == NO_LOOK_ON_LEAVE ? START : F_LAST_LOOK);
}

static bool favourite_step(const struct tso_model *model, struct tso_state *s,
                           int choice)
{
    bool is_shared = tso_load(s, FAVOURITE, SHARED);

    switch (s->pc[FAVOURITE]) {
    case F_LOOK:
        return go(s, FAVOURITE, is_shared ? F_LOCK : F_HOLD);
    case F_HOLD:
        if (!tso_store(s, FAVOURITE, HELD, 1))
            return false;
        return model->mistake == NO_SECOND_LOOK
                   ? enters(s, FAVOURITE, F_LEAVE)
                   : go(s, FAVOURITE, F_SECOND_LOOK);
    case F_SECOND_LOOK:
        return is_shared ? go(s, FAVOURITE, F_YIELD)
                         : enters(s, FAVOURITE, F_LEAVE);
    case F_YIELD:
        return tso_store(s, FAVOURITE, HELD, 0) &&
               go(s, FAVOURITE,
                  model->mistake == NO_WAKE_ON_YIELD ? F_LOCK : F_YIELD_WAKE);
    case F_YIELD_WAKE:
        return wakes(s, FAVOURITE, F_LOCK);
    case F_LOCK:
        s->local[FAVOURITE][HAS_MUTEX] = 1;
        return locks(s, FAVOURITE) && enters(s, FAVOURITE, F_BIAS);
    case F_BIAS:
        return (!choice || tso_store(s, FAVOURITE, SHARED, 0)) &&
               go(s, FAVOURITE, F_LEAVE);
    case F_LEAVE:
        return favourite_leaves(model, s);
    case F_LAST_LOOK:
        return go(s, FAVOURITE, is_shared ? F_WAKE : START);
    case F_WAKE:
        return wakes(s, FAVOURITE, START);
    default:
        return false;
    }
}

static bool other_parks(struct tso_state *s, int thread)
{
    if (!tso_fence(s, thread))
        return false;
    if (!s->memory[HELD])
        return go(s, thread, O_WAIT);
    s->memory[SLEEPERS] = 1;
    return go(s, thread, O_SLEEP);
}

static bool other_step(const struct tso_model *model, struct tso_state *s,
                       int thread)
{
    switch (s->pc[thread]) {
    case O_LOCK:
        return locks(s, thread) && go(s, thread, O_LOOK);
    case O_LOOK:
        return tso_load(s, thread, SHARED) ? enters(s, thread, O_LEAVE)
                                           : go(s, thread, O_SHARE);
    case O_SHARE:
        return tso_store(s, thread, SHARED, 1) &&
               go(s, thread, model->mistake == NO_BARRIER ? O_WAIT : O_BARRIER);
    case O_BARRIER:
        return tso_heavy_begin(model, s, thread) &&
               go(s, thread, O_BARRIER_END);
    case O_BARRIER_END:
        return tso_heavy_end(model, s) && go(s, thread, O_WAIT);
    case O_WAIT:
        return tso_load(s, thread, HELD) ? go(s, thread, O_PARK)
                                         : enters(s, thread, O_LEAVE);
    case O_PARK:
        return other_parks(s, thread);
    case O_SLEEP:
        return !s->memory[SLEEPERS] && go(s, thread, O_WAIT);
    case O_LEAVE:
        return unlocks(s, thread);
    default:
        return false;
    }
}

static bool lock_step(const struct tso_model *model, struct tso_state *s,
                      int thread, int choice)
{
    if (choice && !(thread == FAVOURITE && s->pc[thread] == F_BIAS))
        return false;
    if (s->pc[thread] == START)
        return starts(model, s, thread);
    return thread == FAVOURITE ? favourite_step(model, s, choice)
                               : other_step(model, s, thread);
}

static const char *lock_broken(const struct tso_model *model,
                               const struct tso_state *s)
{
    (void)model;
    return s->ghost[INSIDE] > 1 ? "two inside" : NULL;
}

static const char *lock_stuck(const struct tso_model *model,
                              const struct tso_state *s)
{
    for (int i = 0; i < model->thread_count; i++)
        if (s->pc[i] != START)
            return "somebody sleeps for ever";
    return NULL;
}

/* Favoured from the beginning, so that the first round meets it. */
static const struct tso_model lock_model = {
    .thread_count = 3,
    .rounds = 2,
    .step = lock_step,
    .broken = lock_broken,
    .stuck = lock_stuck,
};

static void lock_excludes_and_nobody_sleeps_for_ever(void **state)
{
    (void)state;
    claims_hold(&lock_model, 4);
}

static void favourite_must_look_when_it_has_said_that_it_is_inside(void **state)
{
    (void)state;
    claims_catch(&lock_model, NO_SECOND_LOOK, "two inside");
}

static void who_ends_the_favour_needs_the_barrier(void **state)
{
    (void)state;
    claims_catch(&lock_model, NO_BARRIER, "two inside");
}

static void favourite_that_steps_back_must_say_so(void **state)
{
    (void)state;
    claims_catch(&lock_model, NO_WAKE_ON_YIELD, "somebody sleeps for ever");
}

static void favourite_that_leaves_must_look(void **state)
{
    (void)state;
    claims_catch(&lock_model, NO_LOOK_ON_LEAVE, "somebody sleeps for ever");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lock_excludes_and_nobody_sleeps_for_ever),
        cmocka_unit_test(
            favourite_must_look_when_it_has_said_that_it_is_inside),
        cmocka_unit_test(who_ends_the_favour_needs_the_barrier),
        cmocka_unit_test(favourite_that_steps_back_must_say_so),
        cmocka_unit_test(favourite_that_leaves_must_look),
    };

    return cmocka_run_group_tests_name("biased_lock_model", tests, NULL, NULL);
}
