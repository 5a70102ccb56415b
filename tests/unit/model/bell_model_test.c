/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A model of the bell (core/bell.h): one thread waits for two mailboxes, and
 * who posts into an empty one rings if somebody waits. Explored exhaustively:
 * the thread never sleeps while a command lies there.
 *
 * Threads 0 and 1 post, each into its own mailbox; thread 2 runs commands and
 * waits. The bell hangs on the second mailbox from the start, and is hung on
 * the first one before the first wait.
 *
 * Thread: one. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "claims.h"

/* Commands in each mailbox; whether somebody waits by the bell; whether it
 * hangs on the first mailbox. */
enum { BOX, BELL = 2, HUNG };

/* Ghosts: commands posted and run. */
enum { POSTED, RUN };

enum { WAITER = 2 };

enum mistake {
    NONE,
    NO_LOOK,      /* sleeps without looking into the mailboxes */
    LOOK_FIRST,   /* looks, and then says that it waits */
    PLAIN_LISTEN, /* says so by a store that the look may overtake */
    HANG_LATE,    /* hangs the bell when it has looked already */
    RING_FIRST    /* looks at the bell, and then posts */
};

/* Who posts:  P_PUSH   push a command            (locked instruction)
 *             P_HUNG   was it empty? is there a bell?
 *             P_BELL   does somebody wait there?
 *             P_RING   exchange (bell, silent)   (locked instruction)
 * Who waits:  W_RUN    take all commands         (locked instructions)
 *             W_HANG   hang the bell             (sequentially consistent)
 *             W_LISTEN say that it waits         (sequentially consistent)
 *             W_LOOK   into each mailbox
 *             W_SLEEP  until the bell is silent
 *             W_WAKE   say that it does not wait */
enum { START, P_PUSH, P_HUNG, P_BELL, P_RING };
enum { W_RUN, W_HANG = 10, W_LISTEN, W_LOOK, W_SLEEP, W_WAKE };

/* ---- who posts ------------------------------------------------------ */

static void poster_is_done(const struct tso_model *model, struct tso_state *s,
                           int thread)
{
    bool must_post = model->mistake == RING_FIRST && !s->local[thread][1];

    s->pc[thread] = must_post ? P_PUSH : START;
}

static bool poster_starts(const struct tso_model *model, struct tso_state *s,
                          int thread)
{
    if (s->local[thread][0] == model->rounds)
        return false;
    s->local[thread][0]++;
    s->local[thread][1] = 0;
    s->pc[thread] = model->mistake == RING_FIRST ? P_HUNG : P_PUSH;
    return true;
}

static bool poster_pushes(const struct tso_model *model, struct tso_state *s,
                          int thread)
{
    bool was_empty = s->memory[BOX + thread] == 0;

    if (!tso_fence(s, thread))
        return false;
    s->memory[BOX + thread]++;
    s->ghost[POSTED]++;
    s->local[thread][1] = 1;
    if (was_empty && model->mistake != RING_FIRST)
        s->pc[thread] = P_HUNG;
    else
        s->pc[thread] = START;
    return true;
}

static bool poster_rings(const struct tso_model *model, struct tso_state *s,
                         int thread)
{
    if (!tso_fence(s, thread))
        return false;
    s->memory[BELL] = 0;
    poster_is_done(model, s, thread);
    return true;
}

static bool poster_step(const struct tso_model *model, struct tso_state *s,
                        int thread)
{
    switch (s->pc[thread]) {
    case START:
        return poster_starts(model, s, thread);
    case P_PUSH:
        return poster_pushes(model, s, thread);
    case P_HUNG:
        s->pc[thread] = P_BELL;
        if (thread == 0 && !tso_load(s, thread, HUNG))
            poster_is_done(model, s, thread);
        return true;
    case P_BELL:
        s->pc[thread] = P_RING;
        if (!tso_load(s, thread, BELL))
            poster_is_done(model, s, thread);
        return true;
    case P_RING:
        return poster_rings(model, s, thread);
    default:
        return false;
    }
}

/* ---- who waits ------------------------------------------------------ */

/* local[WAITER][0]: the mailbox to be run or looked into next. */

static bool waiter_runs(const struct tso_model *model, struct tso_state *s)
{
    int box = BOX + s->local[WAITER][0];

    if (!tso_fence(s, WAITER))
        return false;
    s->ghost[RUN] = (uint8_t)(s->ghost[RUN] + s->memory[box]);
    s->memory[box] = 0;
    s->local[WAITER][0] ^= 1;
    if (s->local[WAITER][0])
        return true;
    s->pc[WAITER] = W_HANG;
    if (model->mistake == LOOK_FIRST)
        s->pc[WAITER] = W_LOOK;
    else if (model->mistake == HANG_LATE)
        s->pc[WAITER] = W_LISTEN;
    return true;
}

static bool waiter_hangs(const struct tso_model *model, struct tso_state *s)
{
    if (!tso_fence(s, WAITER))
        return false;
    s->memory[HUNG] = 1;
    s->pc[WAITER] = model->mistake == HANG_LATE ? W_SLEEP : W_LISTEN;
    return true;
}

static bool waiter_listens(const struct tso_model *model, struct tso_state *s)
{
    if (model->mistake == PLAIN_LISTEN) {
        if (!tso_store(s, WAITER, BELL, 1))
            return false;
    } else {
        if (!tso_fence(s, WAITER))
            return false;
        s->memory[BELL] = 1;
    }
    s->pc[WAITER] = W_LOOK;
    if (model->mistake == NO_LOOK || model->mistake == LOOK_FIRST)
        s->pc[WAITER] = W_SLEEP;
    return true;
}

static bool waiter_looks(const struct tso_model *model, struct tso_state *s)
{
    if (tso_load(s, WAITER, BOX + s->local[WAITER][0])) {
        s->local[WAITER][0] = 0;
        s->pc[WAITER] = W_WAKE;
        return true;
    }
    s->local[WAITER][0] ^= 1;
    if (s->local[WAITER][0])
        return true;
    s->pc[WAITER] = W_SLEEP;
    if (model->mistake == LOOK_FIRST || model->mistake == HANG_LATE)
        s->pc[WAITER] = W_HANG;
    return true;
}

static bool waiter_step(const struct tso_model *model, struct tso_state *s)
{
    switch (s->pc[WAITER]) {
    case W_RUN:
        return waiter_runs(model, s);
    case W_HANG:
        return waiter_hangs(model, s);
    case W_LISTEN:
        return waiter_listens(model, s);
    case W_LOOK:
        return waiter_looks(model, s);
    case W_SLEEP:
        if (tso_load(s, WAITER, BELL))
            return false;
        s->pc[WAITER] = W_WAKE;
        return true;
    case W_WAKE:
        if (!tso_fence(s, WAITER))
            return false;
        s->memory[BELL] = 0;
        s->pc[WAITER] = W_RUN;
        return true;
    default:
        return false;
    }
}

/* ---- claims --------------------------------------------------------- */

static bool bell_step(const struct tso_model *model, struct tso_state *s,
                      int thread, int choice)
{
    if (choice)
        return false;
    return thread == WAITER ? waiter_step(model, s)
                            : poster_step(model, s, thread);
}

static const char *bell_broken(const struct tso_model *model,
                               const struct tso_state *s)
{
    (void)model;
    return s->ghost[RUN] > s->ghost[POSTED] ? "a command runs twice" : NULL;
}

static const char *bell_stuck(const struct tso_model *model,
                              const struct tso_state *s)
{
    (void)model;
    return s->ghost[RUN] == s->ghost[POSTED] ? NULL : "a command is slept over";
}

static const struct tso_model bell_model = {
    .thread_count = 3,
    .rounds = 2,
    .step = bell_step,
    .broken = bell_broken,
    .stuck = bell_stuck,
};

static void no_command_is_slept_over(void **state)
{
    (void)state;
    claims_hold(&bell_model, 4);
}

static void who_waits_must_look(void **state)
{
    (void)state;
    claims_catch(&bell_model, NO_LOOK, "a command is slept over");
}

static void saying_so_comes_before_looking(void **state)
{
    (void)state;
    claims_catch(&bell_model, LOOK_FIRST, "a command is slept over");
}

static void saying_so_must_be_ordered_before_looking(void **state)
{
    (void)state;
    claims_catch(&bell_model, PLAIN_LISTEN, "a command is slept over");
}

static void the_bell_is_hung_before_looking(void **state)
{
    (void)state;
    claims_catch(&bell_model, HANG_LATE, "a command is slept over");
}

static void a_command_is_posted_before_the_bell_is_rung(void **state)
{
    (void)state;
    claims_catch(&bell_model, RING_FIRST, "a command is slept over");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_command_is_slept_over),
        cmocka_unit_test(who_waits_must_look),
        cmocka_unit_test(saying_so_comes_before_looking),
        cmocka_unit_test(saying_so_must_be_ordered_before_looking),
        cmocka_unit_test(the_bell_is_hung_before_looking),
        cmocka_unit_test(a_command_is_posted_before_the_bell_is_rung),
    };

    return cmocka_run_group_tests_name("bell_model", tests, NULL, NULL);
}
