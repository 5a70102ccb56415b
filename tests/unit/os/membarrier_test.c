/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The asymmetric barrier: the frequent side pays nothing, and still one of
 * the two sides always sees the other's store.
 *
 * Thread: one, and helpers that it joins. Owns: nothing.
 */
#include "os/membarrier.h"

#include "base/compiler.h"
#include "os/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void the_answer_does_not_change(void **state)
{
    bool first = cz_heavy_barrier_available();

    (void)state;
    assert_int_equal(cz_heavy_barrier_available(), first);
    if (CZ_TSAN)
        assert_false(first);
}

/* Runs `claim` in a forked child and gives what it returned. */
static int in_child(bool (*claim)(void))
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0)
        _exit(claim() ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool refused_by_environment(void)
{
    setenv("CERO_NO_MEMBARRIER", "1", 1);
    return !cz_heavy_barrier_available();
}

static bool works_after_fork(void)
{
    if (!cz_heavy_barrier_available())
        return false;
    cz_heavy_barrier();
    return true;
}

static void a_child_asks_again(void **state)
{
    (void)state;
    if (!cz_heavy_barrier_available())
        skip();
    assert_int_equal(in_child(works_after_fork), 0);
    assert_int_equal(in_child(refused_by_environment), 0);
}

/* Two words: each side stores its own and loads the other's. Without a
 * barrier on both sides there are rounds in which both loads miss. The
 * heavy side begins a little later in every round, so that some of the
 * rounds meet whatever the machine's hand-over time is. */
enum { ROUNDS = 20000, DELAYS = 512 };

struct duel {
    CZ_LINE_ALIGNED _Atomic uint32_t light_round;
    CZ_LINE_ALIGNED _Atomic uint32_t heavy_round;
    CZ_LINE_ALIGNED _Atomic uint32_t light_saw;
    /* The last round that the light side may begin, and has ended. */
    CZ_LINE_ALIGNED _Atomic uint32_t begun;
    CZ_LINE_ALIGNED _Atomic uint32_t ended;
};

/* Spins, because a system call would order the stores by itself; yields
 * now and then for machines with one processor. */
static void await_round(_Atomic uint32_t *word, uint32_t round)
{
    unsigned spins = 0;

    while (atomic_load_explicit(word, memory_order_acquire) != round)
        if (++spins % 4096 == 0)
            cz_thread_yield();
}

static void light_side(void *arg)
{
    struct duel *duel = arg;
    uint32_t round, saw;

    for (round = 1; round <= ROUNDS; round++) {
        await_round(&duel->begun, round);
        atomic_store_explicit(&duel->light_round, round, memory_order_relaxed);
        cz_light_barrier();
        saw = atomic_load_explicit(&duel->heavy_round, memory_order_relaxed);
        atomic_store_explicit(&duel->light_saw, saw, memory_order_relaxed);
        atomic_store_explicit(&duel->ended, round, memory_order_release);
    }
}

/* Whether this side saw the other. */
static bool heavy_side(struct duel *duel, uint32_t round)
{
    volatile uint32_t delay = round % DELAYS;

    atomic_store_explicit(&duel->begun, round, memory_order_release);
    while (delay > 0)
        delay--;
    atomic_store_explicit(&duel->heavy_round, round, memory_order_relaxed);
    cz_heavy_barrier();
    return atomic_load_explicit(&duel->light_round, memory_order_relaxed) ==
           round;
}

static void one_of_both_sides_sees_the_other(void **state)
{
    struct duel duel = {.light_round = 0};
    struct cz_thread light;
    uint32_t round, missed = 0;

    (void)state;
    if (!cz_heavy_barrier_available())
        skip();
    assert_int_equal(cz_thread_start(&light, NULL, light_side, &duel), 0);
    for (round = 1; round <= ROUNDS; round++) {
        bool heavy_saw = heavy_side(&duel, round);

        await_round(&duel.ended, round);
        if (!heavy_saw && atomic_load_explicit(&duel.light_saw,
                                               memory_order_relaxed) != round)
            missed++;
    }
    cz_thread_join(&light);
    assert_int_equal(missed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_does_not_change),
        cmocka_unit_test(a_child_asks_again),
        cmocka_unit_test(one_of_both_sides_sees_the_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
