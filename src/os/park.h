/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sleeping on a 32-bit word (a futex): the cheapest way for one thread to
 * wait for another.
 */
#ifndef CZ_OS_PARK_H
#define CZ_OS_PARK_H

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdint.h>

/* Sleeps while *word == expected, at most until `deadline_us` on
 * cz_clock_us's clock (CZ_CLOCK_NEVER = no limit).
 * 0: woken, or the word differed (spurious wake-ups happen: check again).
 * -ETIMEDOUT: the deadline passed. -EINTR: a signal handler ran, be it one with
 * SA_RESTART. */
CZ_MUST_CHECK int cz_park(_Atomic uint32_t *word, uint32_t expected,
                          uint64_t deadline_us);

/* Wakes at most `count` sleepers. Change the word first. */
void cz_unpark(_Atomic uint32_t *word, int count);

#endif
