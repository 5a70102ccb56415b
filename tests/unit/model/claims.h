/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What is asked of each model: that its claims hold, however much work its
 * threads have, and that each deliberate mistake breaks the one that it should.
 *
 * Thread: one. Owns: nothing.
 */
#ifndef TESTS_UNIT_MODEL_CLAIMS_H
#define TESTS_UNIT_MODEL_CLAIMS_H

#include "tso.h"

static inline const char *claims_explore(struct tso_model model, int rounds,
                                         int mistake)
{
    struct tso_result result;

    model.rounds = rounds;
    model.mistake = mistake;
    result = tso_explore(&model);
    print_message("%d rounds: %zu states, %s\n", rounds, result.state_count,
                  result.broken ? result.broken : "all claims hold");
    return result.broken;
}

/* With 1 to `rounds_max` rounds. */
static inline void claims_hold(const struct tso_model *model, int rounds_max)
{
    for (int rounds = 1; rounds <= rounds_max; rounds++)
        assert_null(claims_explore(*model, rounds, 0));
}

/* With as many rounds as the model has. */
static inline void claims_catch(const struct tso_model *model, int mistake,
                                const char *as)
{
    const char *broken = claims_explore(*model, model->rounds, mistake);

    assert_non_null(broken);
    assert_string_equal(broken, as);
}

#endif
