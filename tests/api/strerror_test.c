/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Every error number has a text.
 *
 * Thread: the main thread.
 */
#include "common/suite.h"

#include <errno.h>

#define HAUSNUMERO_RANGE 200
#define SYSTEM_RANGE 140

static void zeromqs_own_errors_have_their_texts(void **state)
{
    (void)state;
    assert_string_equal(zmq_strerror(EFSM), "Operation cannot be accomplished "
                                            "in current state");
    assert_string_equal(zmq_strerror(ENOCOMPATPROTO),
                        "The protocol is not compatible with the socket type");
    assert_string_equal(zmq_strerror(ETERM), "Context was terminated");
    assert_string_equal(zmq_strerror(EMTHREAD), "No thread available");
    assert_string_equal(zmq_strerror(EHOSTUNREACH), "Host unreachable");
}

static void the_systems_errors_have_the_systems_texts(void **state)
{
    (void)state;
    for (int error = 0; error < SYSTEM_RANGE; error++) {
        char expected[128];

        if (error == EHOSTUNREACH)
            continue;
        snprintf(expected, sizeof(expected), "%s", strerror(error));
        assert_string_equal(zmq_strerror(error), expected);
    }
}

static void numbers_that_are_no_errors_have_a_text(void **state)
{
    static const int numbers[] = {-1, INT32_MIN, INT32_MAX, 4000};

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        assert_true(strlen(zmq_strerror(numbers[i])) > 0);
    for (int i = 0; i < HAUSNUMERO_RANGE; i++)
        assert_true(strlen(zmq_strerror(ZMQ_HAUSNUMERO + i)) > 0);
}

static void asking_for_a_text_leaves_errno_alone(void **state)
{
    (void)state;
    errno = EDOM;
    assert_non_null(zmq_strerror(ETERM));
    assert_int_equal(zmq_errno(), EDOM);
    assert_non_null(zmq_strerror(EINVAL));
    assert_int_equal(zmq_errno(), EDOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeromqs_own_errors_have_their_texts),
        cmocka_unit_test(the_systems_errors_have_the_systems_texts),
        cmocka_unit_test(numbers_that_are_no_errors_have_a_text),
        cmocka_unit_test(asking_for_a_text_leaves_errno_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
