/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What every test of the public API begins with: include it first. It brings
 * cmocka with the headers that cmocka wants, zmq.h, and the checks that the
 * suites share.
 *
 * The suites use zmq.h alone, and the same binaries run on this library and
 * on the system's libzmq. Where libzmq does not do what the specification
 * says, a test may ask is_ceromq() and must say why.
 *
 * Thread: checks end a test by a jump, so only the main thread may check.
 */
#ifndef TESTS_COMMON_SUITE_H
#define TESTS_COMMON_SUITE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zmq.h>

/* How long to wait for what must happen, and for what must not. */
#define PATIENCE_MS 30000
#define GLANCE_MS 100

/* The call returns -1 and sets errno to `expected`. */
#define assert_fails(call, expected)                                           \
    suite_check_fails((call), (expected), #call, __FILE__, __LINE__)

/* The call does not return -1. */
#define assert_ok(call) suite_check_ok((call), #call, __FILE__, __LINE__)

/* The pointer is NULL and errno is `expected`. */
#define assert_null_fails(call, expected)                                      \
    suite_check_fails((call) == NULL ? -1 : 0, (expected), #call, __FILE__,    \
                      __LINE__)

/* True when the library under test is this one and not libzmq. */
bool is_ceromq(void);

/* A monotonic clock, for "at least so long". */
int64_t now_ms(void);

/* Not to be called by themselves: see the macros above. */
void suite_check_fails(int result, int expected, const char *call,
                       const char *file, int line);
void suite_check_ok(int result, const char *call, const char *file, int line);

#endif
