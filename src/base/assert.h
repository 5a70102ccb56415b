/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Assertions state this library's own invariants and nothing else: no
 * peer, kernel answer or failed allocation may ever reach one. They are
 * compiled in unless NDEBUG is set.
 */
#ifndef CZ_BASE_ASSERT_H
#define CZ_BASE_ASSERT_H

#include <assert.h>

#define CZ_ASSERT(condition) assert(condition)
#define CZ_STATIC_ASSERT(condition, text) _Static_assert(condition, text)

#endif
