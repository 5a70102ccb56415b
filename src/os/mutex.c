/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The lock is pthread's. None of these calls can fail on a lock that is
 * initialised and not taken twice by one thread, hence the assertions.
 *
 * Thread: any. Owns: the pthread handle.
 */
#include "os/mutex.h"

#include "base/assert.h"
#include "base/compiler.h"

#include <errno.h>

void cz_mutex_init(struct cz_mutex *mutex)
{
    int rc CZ_UNUSED = pthread_mutex_init(&mutex->handle, NULL);

    CZ_ASSERT(rc == 0);
}

void cz_mutex_fini(struct cz_mutex *mutex)
{
    int rc CZ_UNUSED = pthread_mutex_destroy(&mutex->handle);

    CZ_ASSERT(rc == 0);
}

CZ_IS_A_LOCK void cz_mutex_lock(struct cz_mutex *mutex)
{
    int rc CZ_UNUSED = pthread_mutex_lock(&mutex->handle);

    CZ_ASSERT(rc == 0);
}

CZ_IS_A_LOCK bool cz_mutex_try_lock(struct cz_mutex *mutex)
{
    int rc = pthread_mutex_trylock(&mutex->handle);

    CZ_ASSERT(rc == 0 || rc == EBUSY);
    return rc == 0;
}

CZ_IS_A_LOCK void cz_mutex_unlock(struct cz_mutex *mutex)
{
    int rc CZ_UNUSED = pthread_mutex_unlock(&mutex->handle);

    CZ_ASSERT(rc == 0);
}
