/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Random operations on streams, compared with a model. Environment:
 * CERO_SEED plays one seed instead of many.
 *
 * CTest: TIMEOUT 180
 * Thread: one. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/random.h"
#include "stream_model.h"

#if CZ_TSAN || defined(__SANITIZE_ADDRESS__)
enum { GAMES = 300 };
#else
enum { GAMES = 2000 };
#endif

enum { STEPS = 4000 };

/* A generator that ends the game after so many steps, but goes on answering
 * for the drain. */
struct generator {
    struct model_source base;
    uint64_t state;
    unsigned left;
};

static bool generator_next(struct model_source *source, uint32_t *value)
{
    struct generator *g = cz_container_of(source, struct generator, base);

    g->state = g->state * 6364136223846793005u + 1442695040888963407u;
    *value = (uint32_t)(g->state >> 33);
    if (g->left == 0)
        return false;
    g->left--;
    return true;
}

static void play(uint32_t seed)
{
    struct generator g = {{generator_next}, seed, STEPS};

    model_run(&g.base);
}

static void streams_behave_like_the_model(void **state)
{
    const char *text = getenv("CERO_SEED");
    uint32_t seed = text ? (uint32_t)strtoul(text, NULL, 0) : cz_random_u32();

    (void)state;
    for (int i = 0; i < (text ? 1 : GAMES); i++) {
        /* Before the game, for a failure ends the process. */
        fprintf(stderr, "CERO_SEED=%u\n", seed);
        play(seed++);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_behave_like_the_model),
    };

    return cmocka_run_group_tests_name("stream_model", tests, NULL, NULL);
}
