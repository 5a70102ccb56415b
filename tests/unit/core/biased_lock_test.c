/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The biased lock excludes, whoever is favoured just now, and goes back to the
 * favourite when the others stay away.
 *
 * Thread: two, one of which is joined. Owns: nothing.
 */
#include "core/biased_lock.h"

#include "os/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROUNDS = 1000000, VISITS = 200 };

struct shared {
    struct cz_biased_lock lock;
    uint64_t count; /* guarded by the lock, deliberately not atomic */
    uint64_t others;
    atomic_bool is_over;
};

static void another(void *arg)
{
    struct shared *shared = arg;

    while (!atomic_load(&shared->is_over)) {
        cz_biased_lock_lock(&shared->lock);
        shared->count++;
        cz_biased_lock_unlock(&shared->lock);
        shared->others++;
        cz_thread_yield();
    }
}

static void no_increment_is_lost(void **state)
{
    struct shared shared = {.count = 0};
    struct cz_thread thread;

    (void)state;
    cz_biased_lock_init(&shared.lock);
    assert_int_equal(cz_thread_start(&thread, NULL, another, &shared), 0);
    for (int i = 0; i < ROUNDS; i++) {
        cz_biased_lock_favour(&shared.lock);
        shared.count++;
        cz_biased_lock_unfavour(&shared.lock);
    }
    atomic_store(&shared.is_over, true);
    cz_thread_join(&thread);
    assert_int_equal(shared.count, ROUNDS + shared.others);
    cz_biased_lock_fini(&shared.lock);
}

static void visit(struct cz_biased_lock *lock, int times)
{
    for (int i = 0; i < times; i++) {
        cz_biased_lock_favour(lock);
        cz_biased_lock_unfavour(lock);
    }
}

static void favourite_that_is_left_alone_needs_no_mutex(void **state)
{
    struct cz_biased_lock lock;

    (void)state;
    if (!cz_heavy_barrier_available())
        skip();
    cz_biased_lock_init(&lock);
    visit(&lock, VISITS);
    assert_false(cz_biased_lock_is_shared(&lock));
    cz_biased_lock_favour(&lock);
    assert_true(cz_mutex_try_lock(&lock.mutex));
    cz_mutex_unlock(&lock.mutex);
    cz_biased_lock_unfavour(&lock);
    cz_biased_lock_fini(&lock);
}

static void another_ends_the_favour_for_a_while(void **state)
{
    struct cz_biased_lock lock;

    (void)state;
    cz_biased_lock_init(&lock);
    visit(&lock, VISITS);
    cz_biased_lock_lock(&lock);
    cz_biased_lock_unlock(&lock);
    assert_true(cz_biased_lock_is_shared(&lock));
    visit(&lock, 1);
    assert_true(cz_biased_lock_is_shared(&lock));
    visit(&lock, VISITS);
    assert_int_equal(cz_biased_lock_is_shared(&lock),
                     !cz_heavy_barrier_available());
    cz_biased_lock_fini(&lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(favourite_that_is_left_alone_needs_no_mutex),
        cmocka_unit_test(another_ends_the_favour_for_a_while),
        cmocka_unit_test(no_increment_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
