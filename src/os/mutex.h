/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A mutual-exclusion lock. Not recursive. To wait for a condition, use
 * os/park.h.
 */
#ifndef CZ_OS_MUTEX_H
#define CZ_OS_MUTEX_H

#include "base/compiler.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct CZ_CAPABILITY("mutex") cz_mutex {
    pthread_mutex_t handle;
};

void cz_mutex_init(struct cz_mutex *mutex);
void cz_mutex_fini(struct cz_mutex *mutex);
void cz_mutex_lock(struct cz_mutex *mutex) CZ_ACQUIRES(*mutex);
bool cz_mutex_try_lock(struct cz_mutex *mutex) CZ_TRIES(*mutex);
void cz_mutex_unlock(struct cz_mutex *mutex) CZ_RELEASES(*mutex);

#endif
