/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The lock excludes, and trying it never blocks.
 *
 * Thread: one, and helpers that it joins. Owns: nothing.
 */
#include "os/mutex.h"

#include "os/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROUNDS = 20000, WORKERS = 3 };

struct shared {
    struct cz_mutex mutex;
    uint64_t count; /* guarded by the mutex, deliberately not atomic */
    bool was_taken;
};

static void worker_count(void *arg)
{
    struct shared *shared = arg;
    int i;

    for (i = 0; i < ROUNDS; i++) {
        cz_mutex_lock(&shared->mutex);
        shared->count++;
        cz_mutex_unlock(&shared->mutex);
    }
}

static void no_increment_is_lost(void **state)
{
    struct cz_thread workers[WORKERS];
    struct shared shared = {.count = 0};
    int i;

    (void)state;
    cz_mutex_init(&shared.mutex);
    for (i = 0; i < WORKERS; i++)
        assert_int_equal(
            cz_thread_start(&workers[i], NULL, worker_count, &shared), 0);
    for (i = 0; i < WORKERS; i++)
        cz_thread_join(&workers[i]);
    assert_int_equal(shared.count, ROUNDS * WORKERS);
    cz_mutex_fini(&shared.mutex);
}

static void worker_try(void *arg)
{
    struct shared *shared = arg;

    shared->was_taken = cz_mutex_try_lock(&shared->mutex);
    if (shared->was_taken)
        cz_mutex_unlock(&shared->mutex);
}

static bool another_thread_could_take(struct shared *shared)
{
    struct cz_thread worker;

    assert_int_equal(cz_thread_start(&worker, NULL, worker_try, shared), 0);
    cz_thread_join(&worker);
    return shared->was_taken;
}

static void try_lock_tells_whether_it_is_free(void **state)
{
    struct shared shared = {.count = 0};

    (void)state;
    cz_mutex_init(&shared.mutex);
    assert_true(cz_mutex_try_lock(&shared.mutex));
    assert_false(another_thread_could_take(&shared));
    cz_mutex_unlock(&shared.mutex);
    assert_true(another_thread_could_take(&shared));
    cz_mutex_fini(&shared.mutex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(try_lock_tells_whether_it_is_free),
        cmocka_unit_test(no_increment_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
