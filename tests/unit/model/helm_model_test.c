/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A model of the helm: a lock that is only ever tried, beside a mailbox.
 * Who posts a command tries the helm; who gets it runs all commands; who
 * lets it go looks into the mailbox once more. Explored exhaustively: no
 * command is stranded with the helm free and nobody about to look, and no
 * two threads are ever at the helm.
 *
 * Threads 0 and 1 post and run; thread 2 takes the helm for work of its
 * own (an application call) and must serve the mailbox when it lets go.
 *
 * Thread: one. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "claims.h"

enum { MAILBOX, HELM };

/* Ghosts: commands posted, commands run, threads at the helm. */
enum { POSTED, RUN, AT_HELM };

enum { VISITOR = 2 };

enum mistake {
    NONE,
    NO_RECHECK,   /* lets go and leaves */
    PLAIN_UNLOCK, /* a release store lets go: the recheck may overtake it */
    LOCK_FIRST    /* tries the helm before the command is posted */
};

/* A poster:  H_POST    push a command       (locked instruction)
 *            H_TRY     exchange (helm, 1): was free ? run : leave
 *            H_RUN     take all commands    (locked instruction)
 *            H_LET_GO  exchange (helm, 0)   (sequentially consistent)
 *            H_RECHECK mailbox empty ? leave : try again
 * The visitor has H_WORK instead of H_RUN the first time round. */
enum { H_START, H_POST, H_TRY, H_WORK, H_RUN, H_LET_GO, H_RECHECK, H_LEAVE };

static bool helm_tries(const struct tso_model *model, struct tso_state *s,
                       int thread)
{
    bool was_free = s->memory[HELM] == 0;

    if (!tso_fence(s, thread))
        return false;
    if (was_free) {
        s->memory[HELM] = 1;
        s->ghost[AT_HELM]++;
        s->pc[thread] = thread == VISITOR ? H_WORK : H_RUN;
    } else if (model->mistake == LOCK_FIRST && thread != VISITOR &&
               !s->local[thread][1]) {
        s->pc[thread] = H_POST;
    } else {
        s->pc[thread] = H_LEAVE;
    }
    return true;
}

static bool helm_lets_go(const struct tso_model *model, struct tso_state *s,
                         int thread)
{
    if (model->mistake == PLAIN_UNLOCK) {
        if (!tso_store(s, thread, HELM, 0))
            return false;
    } else {
        if (!tso_fence(s, thread))
            return false;
        s->memory[HELM] = 0;
    }
    s->ghost[AT_HELM]--;
    s->pc[thread] = model->mistake == NO_RECHECK ? H_LEAVE : H_RECHECK;
    return true;
}

/* The next round, or the end of the thread. */
static bool helm_starts(const struct tso_model *model, struct tso_state *s,
                        int thread)
{
    if (s->local[thread][0] == model->rounds)
        return false;
    s->local[thread][0]++;
    s->local[thread][1] = 0;
    s->pc[thread] = thread == VISITOR ? H_TRY : H_POST;
    if (model->mistake == LOCK_FIRST)
        s->pc[thread] = H_TRY;
    return true;
}

static bool helm_posts(const struct tso_model *model, struct tso_state *s,
                       int thread)
{
    if (!tso_fence(s, thread))
        return false;
    s->memory[MAILBOX]++;
    s->ghost[POSTED]++;
    s->local[thread][1] = 1;
    s->pc[thread] = model->mistake == LOCK_FIRST ? H_LEAVE : H_TRY;
    return true;
}

static bool helm_runs(struct tso_state *s, int thread)
{
    if (!tso_fence(s, thread))
        return false;
    s->ghost[RUN] = (uint8_t)(s->ghost[RUN] + s->memory[MAILBOX]);
    s->memory[MAILBOX] = 0;
    s->pc[thread] = H_LET_GO;
    return true;
}

static bool helm_step(const struct tso_model *model, struct tso_state *s,
                      int thread, int choice)
{
    if (choice)
        return false;
    switch (s->pc[thread]) {
    case H_START:
        return helm_starts(model, s, thread);
    case H_POST:
        return helm_posts(model, s, thread);
    case H_TRY:
        return helm_tries(model, s, thread);
    case H_WORK:
        s->pc[thread] = H_LET_GO;
        return true;
    case H_RUN:
        return helm_runs(s, thread);
    case H_LET_GO:
        return helm_lets_go(model, s, thread);
    case H_RECHECK:
        if (!tso_load(s, thread, MAILBOX)) {
            s->pc[thread] = H_LEAVE;
            return true;
        }
        s->pc[thread] = H_TRY;
        return true;
    case H_LEAVE:
        s->pc[thread] = H_START;
        return true;
    default:
        return false;
    }
}

static const char *helm_broken(const struct tso_model *model,
                               const struct tso_state *s)
{
    (void)model;
    return s->ghost[AT_HELM] > 1 ? "two threads at the helm" : NULL;
}

static const char *helm_stuck(const struct tso_model *model,
                              const struct tso_state *s)
{
    (void)model;
    if (s->memory[HELM])
        return "the helm is never let go";
    return s->ghost[RUN] == s->ghost[POSTED] ? NULL : "a command is stranded";
}

static const struct tso_model helm_model = {
    .thread_count = 3,
    .rounds = 1,
    .step = helm_step,
    .broken = helm_broken,
    .stuck = helm_stuck,
};

static void no_command_is_stranded(void **state)
{
    (void)state;
    claims_hold(&helm_model, 3);
}

static void who_lets_go_must_look_again(void **state)
{
    (void)state;
    claims_catch(&helm_model, NO_RECHECK, "a command is stranded");
}

static void letting_go_must_be_ordered_before_the_look(void **state)
{
    (void)state;
    claims_catch(&helm_model, PLAIN_UNLOCK, "a command is stranded");
}

static void command_is_posted_before_the_helm_is_tried(void **state)
{
    (void)state;
    claims_catch(&helm_model, LOCK_FIRST, "a command is stranded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_command_is_stranded),
        cmocka_unit_test(who_lets_go_must_look_again),
        cmocka_unit_test(letting_go_must_be_ordered_before_the_look),
        cmocka_unit_test(command_is_posted_before_the_helm_is_tried),
    };

    return cmocka_run_group_tests_name("helm_model", tests, NULL, NULL);
}
