/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The checks that the suites share.
 *
 * Thread: the main thread of a test.
 */
#include "common/suite.h"

#include <dlfcn.h>
#include <errno.h>
#include <time.h>

/* Under a sanitizer too, malloc() shall refuse what is too large. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

bool is_ceromq(void)
{
    return dlsym(RTLD_DEFAULT, "cero_version") != NULL;
}

int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *suite_error_text(int error)
{
    return error == 0 ? "none" : zmq_strerror(error);
}

void suite_check_fails(int result, int expected, const char *call,
                       const char *file, int line)
{
    int error = errno;

    if (result == -1 && error == expected)
        return;
    if (result != -1)
        print_error("%s returned %d, not -1 (%s)\n", call, result,
                    suite_error_text(expected));
    else
        print_error("%s failed with %s, not with %s\n", call,
                    suite_error_text(error), suite_error_text(expected));
    _fail(file, line);
}

void suite_check_ok(int result, const char *call, const char *file, int line)
{
    int error = errno;

    if (result != -1)
        return;
    print_error("%s failed with %s\n", call, suite_error_text(error));
    _fail(file, line);
}
