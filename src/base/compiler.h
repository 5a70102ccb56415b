/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The few compiler facilities that the code relies on, under one set of
 * names, so that no other header needs to know which compiler it is.
 */
#ifndef CZ_BASE_COMPILER_H
#define CZ_BASE_COMPILER_H

#include <stddef.h>

/* A result that must not be thrown away: every function that can fail. */
#define CZ_MUST_CHECK __attribute__((warn_unused_result))

#define CZ_LIKELY(x) __builtin_expect(!!(x), 1)
#define CZ_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* The unit in which cores trade memory. Fields that different threads
 * write live at least this far apart. */
#define CZ_CACHE_LINE 64
#define CZ_LINE_ALIGNED __attribute__((aligned(CZ_CACHE_LINE)))

#define CZ_ALWAYS_INLINE inline __attribute__((always_inline))
#define CZ_NOINLINE __attribute__((noinline))
#define CZ_EXPORT __attribute__((visibility("default")))
#define CZ_UNUSED __attribute__((unused))

/* What takes a lock and what gives it back, for clang's -Wthread-safety: see
 * docs/rationale.md. */
#if defined(__clang__)
#define CZ_CAPABILITY(what) __attribute__((capability(what)))
#define CZ_ACQUIRES(lock) __attribute__((acquire_capability(lock)))
#define CZ_RELEASES(lock) __attribute__((release_capability(lock)))
#define CZ_TRIES(lock) __attribute__((try_acquire_capability(true, lock)))
#define CZ_IS_A_LOCK __attribute__((no_thread_safety_analysis))
#else
#define CZ_CAPABILITY(what)
#define CZ_ACQUIRES(lock)
#define CZ_RELEASES(lock)
#define CZ_TRIES(lock)
#define CZ_IS_A_LOCK
#endif

/* From a member back to the struct that embeds it. */
#define cz_container_of(ptr, type, member)                                     \
    ((type *)((char *)(ptr)-offsetof(type, member)))

/* Has the cache line at an address come for writing. The compiler's builtin
 * takes it for reading unless it is promised more than x86-64; processors that
 * do not know the instruction pass over it. */
#if defined(__x86_64__)
#define CZ_PREFETCH_WRITE(address)                                             \
    __asm__ volatile("prefetchw %0" ::"m"(*(const char *)(address)))
#else
#define CZ_PREFETCH_WRITE(address) __builtin_prefetch((address), 1)
#endif
/* The same for reading. */
#define CZ_PREFETCH(address) __builtin_prefetch(address)

#define CZ_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#if defined(__SANITIZE_THREAD__)
#define CZ_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CZ_TSAN 1
#endif
#endif
#ifndef CZ_TSAN
#define CZ_TSAN 0
#endif

#endif
